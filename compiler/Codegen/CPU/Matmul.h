// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What strategy `matmul` decides for a contraction without windows.
#ifndef COMPILER_CODEGEN_CPU_MATMUL_H
#define COMPILER_CODEGEN_CPU_MATMUL_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/InnerProduct.h"
#include "compiler/Codegen/CPU/Strategy.h"

namespace fusilli::compiler {

struct MatmulTiling {
  const InnerProduct *inner = nullptr;
  int64_t lanes = 16;             ///< of the accumulator
  int64_t mr = 6, nv = 4;         ///< register tile: rows, vectors of columns
  int64_t rows = 1, columns = 64; ///< of one workgroup
  int64_t kBlock = 1;             ///< of k that one sweep over the panels takes
  int64_t unroll = 1;             ///< steps of k in the inner loop
  bool packA = false;
  ir::OperandPacking packingB = ir::OperandPacking::InKernel;

  int64_t nr() const { return nv * lanes; }
  bool directB() const { return packingB == ir::OperandPacking::None; }
  /// Whether A, or B, can be read in place.
  bool canReadA(const Contraction &c) const;
  bool canReadB(const Contraction &c) const {
    return inner->getGranule() == 1 && c.b.isPlain() &&
           c.b.coefs[c.nLoop] == 1 && c.bRuns.size() == 1 && c.n >= nr();
  }

  MatmulTiling(const Contraction &c, const TargetInfo &target);
  /// From a schedule; `defect` says what is wrong with one edited by hand.
  MatmulTiling(const Contraction &c, ir::ScheduleAttr schedule);
  std::string defect;

  ScheduleFields getFields() const;

private:
  void chooseBlocks(const Contraction &c, const TargetInfo &target);
};

/// Emits the kernel.
LogicalResult emitMatmul(const Contraction &c, const MatmulTiling &tiling,
                         KernelBuilder &k);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_MATMUL_H
