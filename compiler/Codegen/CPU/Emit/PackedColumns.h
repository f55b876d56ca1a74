// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second operand of a contraction as its inner loop reads it: panels of nr
// columns, line by line along the reduction, a granule of k in each word; then,
// where the inner product asks for it, what the sums of the columns start from.
// Panels lie in worker-local memory, packed when they are first used, or, of a
// constant operand, in a buffer that another kernel has packed once.
#ifndef COMPILER_CODEGEN_CPU_EMIT_PACKEDCOLUMNS_H
#define COMPILER_CODEGEN_CPU_EMIT_PACKEDCOLUMNS_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"
#include "compiler/Codegen/CPU/InnerProduct.h"

namespace fusilli::compiler {

/// What packing makes of a loaded vector of operand A or B of `c`: what the
/// body does to it, then what the inner product asks for; null if nothing is to
/// be done. `evaluator` outlives it.
InnerProduct::Convert getConvert(const Contraction &c, bool isA,
                                 const InnerProduct &inner,
                                 Evaluator &evaluator, KernelBuilder &k);

class PackedColumns {
public:
  /// One loop over a part of the reduction, in elements; the innermost one is
  /// padded to whole granules.
  struct Run {
    int64_t extent;
    int64_t stride; ///< in the operand's buffer; may be negative
  };
  using Counters = llvm::DenseMap<int, Value>; ///< of loops

  /// For panels of `nv` vectors of `lanes` columns; `runs`, outermost first, in
  /// the order in which the inner loop takes its steps.
  PackedColumns(const Contraction &c, const InnerProduct &inner, int64_t lanes,
                int64_t nv, ArrayRef<Run> runs);

  int64_t getNumPanels() const { return panels; }
  /// Words from line to line, from panel to panel.
  int64_t getWidth() const { return nv * lanes; }
  int64_t getPanelSize() const { return panelSize; }
  int64_t getNumLines() const { return numLines; }

  /// Room for `slots` panels in local memory.
  void allocate(KernelBuilder &k, int64_t slots);
  /// Reads a buffer that is packed once, and emits the kernel that does it.
  void prepare(KernelBuilder &k);
  bool isPrepared() const { return prepared; }
  Value getMemory() const { return memory; }

  /// First column of a panel: the last one is moved back to be a whole one.
  Value getFirstColumn(KernelBuilder &k, Value panel) const;
  /// Where a panel's lines begin: that in `slot`; if prepared, `panel` of the
  /// matrix that the counters of the other loops choose.
  Value getBase(KernelBuilder &k, Value slot, Value panel,
                const Counters &loops) const;
  /// Packs the panel that begins at column `n0` to word `to` of the memory.
  void pack(KernelBuilder &k, Value to, Value n0, const Counters &loops) const;
  /// What the sums of a panel's columns start from, nv vectors: 0, or what the
  /// inner product takes off.
  SmallVector<Value> getStart(KernelBuilder &k, Value base) const;

private:
  void pack(KernelBuilder &k, Value source, Value target, Value to, Value n0,
            const Counters &loops) const;
  void packCompensation(KernelBuilder &k, Value target, Value to) const;
  Type getWordType() const;

  const Contraction &c;
  const InnerProduct &inner;
  int64_t lanes, nv, granule;
  SmallVector<Run, 4> runs;
  SmallVector<int, 4> matrixLoops; ///< choose the matrix, outermost first
  int64_t panels = 1, numLines = 1, panelSize = 1;
  bool prepared = false;
  Value memory;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_EMIT_PACKEDCOLUMNS_H
