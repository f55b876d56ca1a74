// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lowering of kernels to linalg.

#ifndef COMPILER_CONVERSION_FUSILLITOLINALG_PASSES
#define COMPILER_CONVERSION_FUSILLITOLINALG_PASSES

include "mlir/Pass/PassBase.td"

def ConvertFusilliToLinalg
    : Pass<"fusilli-convert-to-linalg", "mlir::ModuleOp"> {
  let summary = "Lower the fusilli ops of kernels to linalg on physical tensors";
  let description = [{
    Rewrites every function with the unit attribute `fusilli.kernel`. Arguments
    and results become tensors of the buffers' physical shape; a layout turns
    into the permutation of an indexing map, a broadcast into a constant 0 of
    it. Values inside have logical shape and the type that is computed in (f32
    for f16 and bf16, i1 for Boolean); they are converted once when stored.

    ```mlir
    func.func private @k(%x: tensor<4x8xf16, #fusilli.layout<strides = [1, 4]>>)
        -> tensor<4x8xf16>
    // becomes
    func.func private @k(%x: tensor<8x4xf16>) -> tensor<4x8xf16>
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::tensor::TensorDialect"
  ];
}

#endif // COMPILER_CONVERSION_FUSILLITOLINALG_PASSES
