// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batched matrix product.
#ifndef FUSILLI_OPS_MATMUL
#define FUSILLI_OPS_MATMUL

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_MatmulOp : Fusilli_Op<"matmul",
    [DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "batched matrix product";
  let description = [{
    `C[..., m, n] = sum_k A[..., m, k] * B[..., k, n]`. Ranks are equal; batch
    extents are equal or 1 (broadcast). Transposed operands are a matter of
    layout.

    ```mlir
    %c = fusilli.matmul %a, %b {node = "mm"}
         : (tensor<64x32xf32>, tensor<32x16xf32>) -> tensor<64x16xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$a, Fusilli_Tensor:$b,
    OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    $a `,` $b attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // FUSILLI_OPS_MATMUL
