// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the contraction schedule knows about one kernel before it emits
// anything: the loops of the linalg op by role, how the operands are addressed,
// and the choices of tile, packing and blocking that follow.
#ifndef COMPILER_CODEGEN_CPU_CONTRACTIONPLAN_H
#define COMPILER_CODEGEN_CPU_CONTRACTIONPLAN_H

#include "compiler/Codegen/CPU/KernelEmitter.h"

namespace fusilli::compiler {

/// One spatial dim of a convolution: input position = o * stride +
/// r * dilation - pad.
struct SpatialDim {
  int outputLoop, filterLoop;
  int64_t stride, dilation, pad;
  int64_t inputExtent; ///< without padding
  int64_t inputStride; ///< elements between neighbours in the input buffer
  int64_t outputs, taps;
};

/// One operand of the product as its buffer holds it.
struct ContractionOperand {
  unsigned binding = 0;
  Type element;
  SmallVector<int64_t, 8> coefs; ///< per loop; padded positions not included
};

/// One loop over a part of the reduction, outermost first.
struct KSegment {
  int64_t extent;
  int64_t aStride; ///< elements of the A source
};

/// C[batch, m, n] = sum over k of A[batch, m, k] * B[batch, k, n], where m is
/// one loop (of a convolution: the innermost output position).
struct ContractionPlan {
  mlir::linalg::GenericOp op;
  Value result;                    ///< the tensor that the epilogue reads
  SmallVector<int64_t, 8> extents; ///< per loop
  ContractionOperand a, b;
  SmallVector<SpatialDim, 3> spatial; ///< empty: matmul

  /// Root dimension (of the kernel's outputs) of each loop, or -1.
  SmallVector<int, 8> rootDim;
  SmallVector<int64_t, 6> rootExtents;
  int groupLoop = -1; ///< convolution groups
  SmallVector<int, 4> batchLoops, kLoops;
  int nLoop = -1;
  /// Loops that make up m, outermost first; more than one: walked as one.
  SmallVector<int, 4> mLoops;

  int64_t m = 1, n = 1, k = 1;
  Type acc;           ///< accumulator element
  bool dot = false;   ///< bf16 pairs through vdpbf16ps
  int64_t lanes = 16; ///< of acc
  int64_t mr = 6, nv = 4;
  /// Depthwise convolution: channels are the columns, of A as well; every
  /// lane multiplies its own channel.
  bool channelwise = false;
  bool packA = false; ///< A goes through local memory
  bool directB = false;
  int64_t mBlock = 0; ///< rows (first outer output dim) per workgroup
  int64_t panels = 1, panelsPerGroup = 1;

  int64_t nr() const { return nv * lanes; }
  int64_t perStep() const { return dot ? 2 : 1; }
  /// The loop over the input channels that a window holds.
  int channelLoop() const { return channelwise ? nLoop : kLoops.front(); }
  int64_t channels() const { return extents[channelLoop()]; }
  bool isConv() const { return !spatial.empty(); }
  /// The reduction loop of a matmul: one-tap filters have unit loops besides.
  int innerK() const;
  /// Whether the schedule of reductions fits better than tiles.
  bool prefersDotProducts() const;
  double flops() const;

  static FailureOr<ContractionPlan> create(KernelEmitter &e,
                                           mlir::linalg::GenericOp op);

private:
  LogicalResult analyse(KernelEmitter &e);
  LogicalResult analyseOperands(KernelEmitter &e);
  void mergeRows(KernelEmitter &e);
  void chooseTile(const TargetInfo &target);
  void chooseBlocks(const TargetInfo &target);
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_CONTRACTIONPLAN_H
