// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What fusion asks of the target that the kernels are for: which stages may
// share a kernel, and what computing something again costs. The questions are
// about shapes and memory order; no number of a machine is known here.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONPOLICY_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONPOLICY_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include <limits>

namespace fusilli::ir {

/// The iteration space of reductions, as the largest tensor that they read lies
/// in memory.
struct ReductionSpace {
  /// Extents in memory order, the innermost last; those of 1 left out.
  llvm::SmallVector<int64_t> extents;
  /// Which of them the reductions run over.
  llvm::SmallVector<bool> reduced;
  int64_t elementBytes = 1;
  /// Some extent is only a representative one.
  bool isSymbolic = false;

  /// Elements of one row: the product of the reduced extents.
  int64_t getRowLength() const;
  int64_t getNumRows() const;
  /// Whether neighbours in memory belong to one row.
  bool isRowInnermost() const { return !reduced.empty() && reduced.back(); }
};

/// The answers here are those of a target without limits, for tests of fusion
/// alone.
///
/// Thread safety: implementations are immutable.
class FusionPolicy {
public:
  virtual ~FusionPolicy();

  /// Most ops of one kernel.
  virtual size_t getMaxOps() const {
    return std::numeric_limits<size_t>::max();
  }

  /// Whether one kernel may hold reductions over `space` together with ops of
  /// the whole space that use their results, so that each row is swept several
  /// times.
  virtual bool allowsRows(const ReductionSpace &space) const;

  /// Into how many parts at most a reduction over `space`, by a kernel of its
  /// own, is cut, to be combined by a second one; 1: it stays whole.
  virtual int64_t getParts(const ReductionSpace &space) const { return 1; }

  /// The same for the sums of a product.
  virtual int64_t getParts(MatmulOp op) const { return 1; }

  /// Work of one element of a pointwise op, in units of an addition.
  virtual int64_t getWeight(PointwiseMode mode) const;

  /// Weight, for each element, that a kernel may compute again of what another
  /// kernel computes too, rather than have it stored and read.
  virtual int64_t getRecomputeWeight() const { return 24; }

  /// Whether repeating `op` for every element of `shape`, to which it
  /// broadcasts, costs less than a kernel of its own.
  virtual bool isCheapToRepeat(PointwiseOp op,
                               llvm::ArrayRef<int64_t> shape) const;

  /// Whether the kernel of `contraction` may compute `producer`, from which one
  /// of its operands comes by pointwise ops, while it reads that operand.
  virtual bool allowsPrologue(mlir::Operation *contraction,
                              PointwiseOp producer) const {
    return false;
  }
};

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONPOLICY_H
