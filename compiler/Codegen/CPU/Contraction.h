// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One contraction of a kernel by the roles of its loops: C[batch, m, n] = sum
// over k of A[batch, m, k] * B[batch, k, n], where m and n are one loop or
// several that are walked as one (of a convolution, m: the output positions). A
// is the operand whose rows follow the result's outer direction, whichever the
// op names first. A convolution whose windows do not overlap is a matmul.
// Analysis only.
#ifndef COMPILER_CODEGEN_CPU_CONTRACTION_H
#define COMPILER_CODEGEN_CPU_CONTRACTION_H

#include "compiler/Codegen/Common/KernelModel.h"

#include <string>

namespace fusilli::compiler {

/// One spatial dim of a convolution: input position = o * stride +
/// r * dilation - pad.
struct SpatialDim {
  int outputLoop, filterLoop;
  int64_t stride, dilation, pad;
  int64_t padHigh;     ///< zeros behind the input that outputs read
  int64_t inputExtent; ///< without padding
  int64_t inputStride; ///< elements between neighbours in the input buffer
  int64_t outputs, taps;
  bool isFlipped; ///< the filter is walked backwards

  bool isPadded() const { return pad != 0 || padHigh != 0; }
  int64_t paddedExtent() const { return pad + inputExtent + padHigh; }
};

/// One operand of the product as its buffer holds it.
struct ContractionOperand {
  unsigned input = 0;            ///< number of the op's input
  unsigned binding = 0;          ///< the kernel argument
  Type element;                  ///< stored
  Value inBody;                  ///< in the body: what is multiplied
  SmallVector<int64_t, 8> coefs; ///< per loop; padded positions not included
  int64_t offset = 0;            ///< of the first element

  /// Whether the stored element is multiplied as it is.
  bool isPlain() const { return mlir::isa<mlir::BlockArgument>(inBody); }
  /// Whether it is multiplied as an f32 that a bf16 was widened to.
  bool isWidenedBf16() const;
};

/// One loop over a part of the reduction, as an operand is walked.
struct ReductionRun {
  int64_t extent, stride; ///< elements
};

struct Contraction {
  /// Reads the only contraction of the model; `defect` says why it is none that
  /// is understood.
  explicit Contraction(const KernelModel &model);

  const KernelModel &model;
  std::string defect;
  const Stage *stage = nullptr;
  Value result;                    ///< the tensor that the epilogue reads
  SmallVector<int64_t, 8> extents; ///< per loop; of a symbol the representative
  ContractionOperand a, b;
  SmallVector<SpatialDim, 3> spatial; ///< empty: matmul
  /// Kernel dim of each loop, or -1 where its extent is 1.
  SmallVector<int, 8> dim;
  int groupLoop = -1; ///< convolution groups
  SmallVector<int, 4> batchLoops, kLoops;
  int nLoop = -1;
  /// Loops that make up m and n, outermost first; more than one: walked as one.
  /// `nLoop` is the innermost of the latter.
  SmallVector<int, 4> mLoops, nLoops;
  int64_t m = 1, n = 1, k = 1; ///< of symbolic rows the representative
  Extent rows = 1;             ///< m
  /// Whether A's rows are a constant stride apart.
  bool rowsAreLinear = true;
  /// Of a matmul, the reduction as A and B walk it, outermost first, merged
  /// where an operand walks linearly: both in the same order of steps.
  SmallVector<ReductionRun, 4> aRuns, bRuns;
  /// B is constant and read by nothing else.
  bool isPrepackable = false;
  Type acc; ///< accumulator element
  /// Depthwise convolution: channels are the columns, of A as well; every
  /// lane multiplies its own channel, or, with several results for each (then
  /// nLoops are channels and those), that of its neighbours too.
  bool channelwise = false;

  mlir::linalg::GenericOp getOp() const { return stage->op; }
  /// The extent of a loop, symbolic only for a batch loop and the rows of a
  /// matmul.
  const Extent &getExtent(int loop) const { return stage->extents[loop]; }
  bool isSymbolic(int loop) const { return !getExtent(loop).isStatic(); }
  /// The loop over the input channels that a window holds.
  int channelLoop() const {
    return channelwise ? nLoops.front() : kLoops.front();
  }
  /// Results for each channel of a depthwise convolution.
  int64_t multiplier() const {
    return channelwise && nLoops.size() > 1 ? extents[nLoops.back()] : 1;
  }
  int64_t channels() const { return extents[channelLoop()]; }
  bool isConv() const { return !spatial.empty(); }
  /// Whether m is all output positions of an image, walked as one.
  bool mergesAllPositions() const {
    int64_t positions = 1;
    for (const SpatialDim &s : spatial)
      positions *= s.outputs;
    return positions == m;
  }
  /// Whether `granule` neighbours along the reduction are so in both operands.
  bool allowsGranule(int64_t granule) const;
  double flops() const;

private:
  void analyse();
  bool analyseOperand(ContractionOperand &o, bool isA);
  bool analyseLoops();
  bool collectAccesses();
  bool findPatches();
  bool findMultiplier();
  void mergeConvRows();
  void mergeRows();
  void swapOperands();
  void findRuns();
  int64_t coefOf(const Access &access, int loop) const {
    return dim[loop] < 0 ? 0 : access.coefs[dim[loop]].get();
  }

  SmallVector<Access> accesses; ///< of the epilogue, stores first
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_CONTRACTION_H
