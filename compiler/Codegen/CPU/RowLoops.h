// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the strategy `rows` knows of a kernel with reductions over the same dims
// of one iteration space: the loops, the phases, and which values a row keeps
// from one phase to the next.
#ifndef COMPILER_CODEGEN_CPU_ROWLOOPS_H
#define COMPILER_CODEGEN_CPU_ROWLOOPS_H

#include "compiler/Codegen/CPU/Emit/Evaluator.h"

#include <string>

namespace fusilli::compiler {

/// A reduction, and the phase that computes it.
struct RowReduction {
  const Stage *stage = nullptr;
  unsigned phase = 0;
  const Combiner &combiner() const { return *stage->combiner; }
  Value result() const {
    auto op = stage->op;
    return op.getResult(0);
  }
};

/// A value of the whole space that phase `first` computes or reads and later
/// ones up to `last` take from a buffer of one row.
struct RowValue {
  Value tensor;
  AffineMap position; ///< kernel dims to those of the tensor
  unsigned first = 0, last = 0;
  unsigned slot = 0; ///< buffer; values that follow each other share one
};

/// The analysis; nothing here knows a target.
struct RowLoops {
  explicit RowLoops(const KernelModel &model) : model(model) { analyse(); }

  const KernelModel &model;
  std::string defect; ///< why it does not fit, or empty
  SmallVector<RowReduction, 4> reductions;
  SmallVector<bool, 6> reduced; ///< per kernel dim
  SmallVector<Access> accesses;
  SmallVector<LoopGroup, 4> keptGroups, reducedGroups;
  bool vectorReduced = false; ///< vectors run along a reduced dim
  unsigned numPhases = 1;
  SmallVector<RowValue, 2> kept; ///< between phases
  SmallVector<Type, 2> slots;    ///< element types of their buffers

  /// The phase from which on `tensor` can be read.
  unsigned phaseOf(Value tensor) const;
  /// Whether result `i` spans the reduced dims.
  bool isFullShape(unsigned i) const {
    return isFull(model.getResultPosition(i));
  }
  /// Reduced positions of one row.
  Extent getDepth() const;
  /// Bytes that the buffers of kept values have for each element of a row.
  int64_t getBytesPerElement() const;
  /// Whether the phase has sums of floats, whose length is to be bounded.
  bool hasSums(unsigned phase) const;
  /// Whether no cache holds what the kernel touches.
  bool isStreamed() const;
  /// Whether there are results that span the reduced dims, and whole vectors of
  /// them lie at multiples of `lanes`.
  bool areStoresAligned(int64_t lanes) const;

private:
  void analyse();
  void chooseLoops();
  bool isFull(AffineMap position) const;
  /// The tensors and positions that phase `number` starts from.
  SmallVector<std::pair<Value, AffineMap>> getRoots(unsigned number) const;
  void chooseKept();
  void assignSlots();
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_ROWLOOPS_H
