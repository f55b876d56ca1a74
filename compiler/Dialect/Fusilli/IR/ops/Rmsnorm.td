// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Root-mean-square normalization.
#ifndef FUSILLI_OPS_RMSNORM
#define FUSILLI_OPS_RMSNORM

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_RmsnormOp : Fusilli_Op<"rmsnorm",
    [DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "scaling of each sample by its root mean square";
  let description = [{
    `Y = X / sqrt(mean(X^2) + epsilon) * scale`, the mean over all dimensions but
    the first. Scale has the shape of X, with 1 as first extent, or is missing.

    ```mlir
    %y = fusilli.rmsnorm %x scale(%s) epsilon(%e)
        : (tensor<8x64xf32>, tensor<1x64xf32>, tensor<1xf32>) -> tensor<8x64xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$x, Optional<Fusilli_Tensor>:$scale,
    Fusilli_Tensor:$epsilon, OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    $x (`scale` `(` $scale^ `)`)? `epsilon` `(` $epsilon `)`
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // FUSILLI_OPS_RMSNORM
