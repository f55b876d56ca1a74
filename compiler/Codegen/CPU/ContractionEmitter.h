// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The emitter that the strategies of contractions share: it follows the roles
// that Contraction found and the tiles that a strategy chose.
#ifndef COMPILER_CODEGEN_CPU_CONTRACTIONEMITTER_H
#define COMPILER_CODEGEN_CPU_CONTRACTIONEMITTER_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/Emit/Packing.h"
#include "compiler/Codegen/CPU/Emit/TileEpilogue.h"
#include "compiler/Codegen/CPU/Strategy.h"

namespace fusilli::compiler {

/// What a strategy decided, as the emitter needs it.
struct ContractionTiling {
  bool dot = false;   ///< bf16 pairs through vdpbf16ps
  int64_t lanes = 16; ///< of the accumulator
  int64_t mr = 6, nv = 4;
  bool packA = false; ///< A goes through local memory
  bool directB = false;
  int64_t mBlock = 0; ///< rows (first outer output dim) per workgroup
  int64_t panels = 1, panelsPerGroup = 1;

  int64_t nr() const { return nv * lanes; }
  int64_t perStep() const { return dot ? 2 : 1; }

  ScheduleFields getFields() const;
  ContractionTiling(const Contraction &c, const TargetInfo &target);
  ContractionTiling(const Contraction &c, ir::ScheduleAttr schedule);

private:
  void chooseTile(const Contraction &c, const TargetInfo &target);
  void chooseBlocks(const Contraction &c, const TargetInfo &target);
};

/// One loop over a part of the reduction, outermost first.
struct KSegment {
  int64_t extent;
  int64_t aStride; ///< elements of the A source
};

class ContractionEmitter {
public:
  ContractionEmitter(const Contraction &c, const ContractionTiling &t,
                     KernelBuilder &k)
      : k(k), b(k.builder()), e(c.model, k), c(c), t(t),
        epilogue(c, k, t.mr, t.nv, t.lanes) {}

  LogicalResult run();

private:
  struct Row {       // where the rows of a tile are
    Value aBase;     // A source index of row 0, k 0
    int64_t aStride; // A source elements from row to row
  };

  void planSources();
  void packWindow(Value blockBase);
  void packWindowRow(Value inputBase, Value target);
  void panel(Value panelBase);
  void packB(Value n0);
  void tiles(Value n0);
  void convRows(unsigned depth, Value aBase, Value n0);
  void rowTiles(Value aBase, Value firstRow, Value n0);
  SmallVector<Value> product(Row row);
  void multiply(Value aIndex, int64_t aStride, Value bIndex,
                SmallVectorImpl<Value> &acc);
  Value broadcastA(Value index);
  /// The part of the body that reads an operand, on a loaded vector; null where
  /// the element is multiplied as it is (or goes to a dot product in pairs).
  Packer::Convert getConvert(const ContractionOperand &o) const;

  KernelBuilder &k;
  mlir::ImplicitLocOpBuilder &b;
  mutable Evaluator e;
  const Contraction &c;
  const ContractionTiling t;
  llvm::DenseMap<int, Value> loopIv; // current position of batch loops
  Value aMem, bMem;                  // sources of the inner loop
  SmallVector<KSegment, 4> segments;
  SmallVector<int64_t, 3> aSpatial; // A source stride per spatial dim
  int64_t aChannelPad = 0;          // channels in the window
  int64_t aRowStride = 1;           // A source stride from row to row
  int64_t kTotal = 0;               // lines of the panel, pairs counted twice
  int64_t bStride = 0;              // B source stride from line to line
  Value directBase;                 // index of the panel in B, if in place
  Value blockFirst;                 // first row (or output position) of block
  TileEpilogue epilogue;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_CONTRACTIONEMITTER_H
