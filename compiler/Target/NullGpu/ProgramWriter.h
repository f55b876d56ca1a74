// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of linalg on f32 tensors to programs of artifact/null_gpu_abi.h: the
// value of each result at one position, producers evaluated in place.
#ifndef COMPILER_TARGET_NULLGPU_PROGRAMWRITER_H
#define COMPILER_TARGET_NULLGPU_PROGRAMWRITER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace fusilli::compiler {

/// One kernel as the null-gpu driver takes it.
struct NullGpuKernel {
  std::vector<uint8_t> bytes;
  uint64_t workgroups = 0;
  uint64_t flops = 0; ///< arithmetic instructions over all elements
};

/// An error that says what the kernel does that this target cannot: anything
/// but element-wise f32 arithmetic on results of one static shape.
llvm::Expected<NullGpuKernel> writeNullGpuKernel(mlir::func::FuncOp kernel);

} // namespace fusilli::compiler

#endif // COMPILER_TARGET_NULLGPU_PROGRAMWRITER_H
