// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The partition of a graph's ops into kernels. Every op but constants starts as
// a group of its own; groups merge as long as a kind of kernel can hold the
// result and no cycle between groups appears. Greedy and deterministic: only
// program order decides among equals.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGROUPS_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGROUPS_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <memory>
#include <vector>

namespace fusilli::ir {

enum class KernelKind {
  Pointwise,
  Contraction,
  Reduction,
  Rows,
  Attention,
  Custom
};

/// The ops of one kernel.
struct KernelGroup {
  KernelKind kind = KernelKind::Pointwise;
  /// Shape of the results; for kind Rows that of the reductions' results.
  llvm::SmallVector<int64_t> shape;
  /// Shape and dimensions that reductions run over.
  llvm::SmallVector<int64_t> fullShape;
  llvm::SmallVector<int64_t> reducedDims;
  /// The matmul or convolution.
  mlir::Operation *contraction = nullptr;
  llvm::SmallVector<mlir::Operation *> ops; ///< program order once finished
};

struct FusionLimits {
  bool rowGroups = false;
  int64_t maxRowBytes = 262144;
};

/// Builds the partition. It may clone ops of the function (recomputation) and
/// erases those that nothing uses any more.
///
/// Thread safety: externally synchronised with all users of the function.
class FusionGroups {
public:
  FusionGroups(mlir::func::FuncOp main, const FusionLimits &limits);

  void run();

  /// After run(): the groups, each after those that it depends on.
  llvm::SmallVector<const KernelGroup *> getSchedule() const;

  unsigned getNumRecomputed() const { return numRecomputed; }

private:
  using GroupId = unsigned;

  void addGroup(mlir::Operation *op);
  GroupId groupOf(mlir::Operation *op) const { return groupIds.lookup(op); }
  KernelGroup &get(GroupId id) { return *groups[id]; }
  const KernelGroup &get(GroupId id) const { return *groups[id]; }
  bool isGrouped(mlir::Operation *op) const { return groupIds.contains(op); }

  void sortOps(GroupId id);
  /// All ops that use results of the group from outside it, program order.
  llvm::SmallVector<mlir::Operation *> getOuterUsers(GroupId id) const;
  /// All grouped ops outside whose results the group uses, program order.
  llvm::SmallVector<mlir::Operation *> getOuterDefs(GroupId id) const;
  /// Whether a path leads from `from` through a third group to `to`.
  bool hasIndirectPath(GroupId from, GroupId to) const;
  bool hasAnyPath(GroupId from, GroupId to) const;
  /// Whether the two can be one group without a cycle.
  bool canMerge(GroupId a, GroupId b) const;
  /// Moves the ops of `from` into `into`.
  void merge(GroupId into, GroupId from);
  void moveOp(mlir::Operation *op, GroupId into);
  /// Clones `op` into the group and makes the group's ops use the clone.
  void cloneOp(mlir::Operation *op, GroupId into);

  /// Adds pointwise users for which `accept` holds, until there are none.
  void growForward(GroupId id,
                   llvm::function_ref<bool(mlir::Operation *)> accept);
  void growContraction(GroupId id);
  void growReduction(GroupId id);
  void bundleReductions(GroupId id);
  void absorbProducers(GroupId id);
  bool canBeRows(const KernelGroup &group) const;
  void growRows(GroupId id);
  void mergePointwise(GroupId id);
  void mergeSiblings(GroupId id);
  void absorbSmall(GroupId id);
  bool absorbOne(GroupId id, mlir::Operation *op);
  void absorbSameShape(GroupId id);
  void eraseDead();

  mlir::func::FuncOp main;
  FusionLimits limits;
  std::vector<std::unique_ptr<KernelGroup>> groups;
  llvm::DenseMap<mlir::Operation *, GroupId> groupIds;
  unsigned numRecomputed = 0;
};

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGROUPS_H
