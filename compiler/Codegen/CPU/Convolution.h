// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What strategy `convolution` decides for a contraction with windows.
#ifndef COMPILER_CODEGEN_CPU_CONVOLUTION_H
#define COMPILER_CODEGEN_CPU_CONVOLUTION_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/InnerProduct.h"
#include "compiler/Codegen/CPU/Strategy.h"

namespace fusilli::compiler {

struct ConvolutionTiling {
  const InnerProduct *inner = nullptr;
  int64_t lanes = 16;     ///< of the accumulator
  int64_t mr = 6, nv = 4; ///< register tile: positions, vectors of channels
  /// Of one workgroup: where all output positions are walked as one, positions,
  /// whole tiles of them; else rows of the first output dim.
  int64_t block = 1;
  int64_t columns = 64; ///< output channels of one workgroup
  int64_t kBlock = 1;   ///< steps of k that one sweep over the tiles takes
  int64_t unroll = 1;   ///< steps of k in the inner loop
  bool packA = false;   ///< the window goes through local memory
  ir::OperandPacking packingB = ir::OperandPacking::InKernel;

  int64_t nr() const { return nv * lanes; }
  /// Rows of the first output dim that a workgroup's window is for.
  int64_t getWindowRows(const Contraction &c) const;

  ConvolutionTiling(const Contraction &c, const TargetInfo &target);
  /// From a schedule; `defect` says what is wrong with one edited by hand.
  ConvolutionTiling(const Contraction &c, ir::ScheduleAttr schedule);
  std::string defect;

  ScheduleFields getFields() const;

private:
  void chooseBlocks(const Contraction &c, const TargetInfo &target);
};

/// Emits the kernel.
LogicalResult emitConvolution(const Contraction &c,
                              const ConvolutionTiling &tiling,
                              KernelBuilder &k);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_CONVOLUTION_H
