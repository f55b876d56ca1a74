// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The partition of a graph's ops into kernels. Every op but constants starts as
// a group of its own; groups merge as long as one kernel can hold the stages
// that result, the target's policy agrees, and no cycle between groups appears.
// Greedy and deterministic: only program order decides among equals.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGROUPS_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGROUPS_H

#include "compiler/Dialect/Fusilli/Transforms/FusionGraph.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
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

/// The ops of one kernel: stages over one iteration space.
struct KernelGroup {
  KernelKind kind = KernelKind::Pointwise;
  /// Shape of the results; with reductions that of their results.
  FusionShape shape;
  /// Shape and dimensions that reductions run over.
  FusionShape fullShape;
  llvm::SmallVector<int64_t> reducedDims;
  /// The matmul or convolution.
  mlir::Operation *contraction = nullptr;
  /// Of constant parameters alone and no result of the graph: computed once,
  /// so no kernel of what is computed in every call takes it in.
  bool isPrepared = false;
  llvm::SmallVector<mlir::Operation *> ops; ///< program order, once finished
};

/// Builds the partition. It may clone ops of the function (recomputation) and
/// erases those that nothing uses any more. Time is near linear in the number
/// of ops: each step looks at an op's neighbours when the op joins a group, and
/// searches for cycles are bounded (FusionGraph).
///
/// Thread safety: externally synchronised with all users of the function.
class FusionGroups {
public:
  FusionGroups(mlir::func::FuncOp main, const FusionPolicy &policy);

  void run();

  /// After run(): the groups, each after those that it depends on.
  llvm::SmallVector<const KernelGroup *> getSchedule();

  unsigned getNumRecomputed() const { return numRecomputed; }

private:
  using GroupId = FusionGraph::GroupId;

  void addGroup(mlir::Operation *op);
  bool isPreparable(mlir::Operation *op);
  GroupId groupOf(mlir::Operation *op) const { return graph.groupOf(op); }
  KernelGroup &get(GroupId id) { return infos[id]; }
  const KernelGroup &get(GroupId id) const { return infos[id]; }
  bool isKind(GroupId id, KernelKind kind) const {
    return !graph.getOps(id).empty() && infos[id].kind == kind;
  }
  bool canMerge(GroupId a, GroupId b) const;
  mlir::Operation *cloneOp(mlir::Operation *op, GroupId into);

  /// Merges groups of neighbours of the group's ops into it, and of the ops
  /// that join, as long as `accept` holds for the neighbour.
  using Accept = llvm::function_ref<bool(mlir::Operation *)>;
  /// Gives the ops that joined; starts from the users of `fresh`.
  llvm::SmallVector<mlir::Operation *>
  absorbUsers(GroupId id, llvm::SmallVector<mlir::Operation *> fresh,
              Accept accept);
  void absorbDefs(GroupId id, Accept accept);
  using Joined = llvm::SmallVector<mlir::Operation *>;
  /// Calls `absorb` for the definitions of operands of the group, the last one
  /// in program order first, also for those of ops that join; it gives the ops
  /// that it made join.
  void forEachDef(GroupId id,
                  llvm::function_ref<Joined(mlir::Operation *)> absorb);

  void growContraction(GroupId id);
  /// Takes in pointwise users of the group's shape.
  void absorbEpilogue(GroupId id);
  void absorbPrologues(GroupId id);
  void growReduction(GroupId id);
  void bundleReductions(GroupId id);
  void absorbProducers(GroupId id);
  bool canBeRows(GroupId id) const;
  void growRows(GroupId id);
  /// Whether the result of `op` should be computed again rather than stored:
  /// it is larger than all that it is computed from.
  bool isBetterRepeated(GroupId id, mlir::Operation *op) const;
  void mergePointwise(GroupId id);
  void mergeSiblings();
  void absorbSmall(GroupId id);
  void absorbSameShape(GroupId id);
  void eraseDead();

  bool isPrepared(mlir::Operation *op) const {
    return get(groupOf(op)).isPrepared;
  }

  mlir::func::FuncOp main;
  const FusionPolicy &policy;
  FusionGraph graph;
  std::vector<KernelGroup> infos; ///< by group
  /// Work of an element from values smaller than the result alone; absent where
  /// a value of the result's size is read.
  llvm::DenseMap<mlir::Operation *, int64_t> expansionWeights;
  /// Values of the full shape to reductions that are computed from them.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Operation *, 2>>
      reductionsOf;
  unsigned numRecomputed = 0;
};

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONGROUPS_H
