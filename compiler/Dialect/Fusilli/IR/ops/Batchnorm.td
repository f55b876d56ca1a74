// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalization.
#ifndef FUSILLI_OPS_BATCHNORM
#define FUSILLI_OPS_BATCHNORM

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_BatchnormOp : Fusilli_Op<"batchnorm", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "normalization of each channel";
  let description = [{
    `Y = (X - M) / sqrt(V + epsilon) * scale + bias` for each channel, which is
    dimension 1. All but X, Y and epsilon are of shape `[C]`; scale and bias may be
    missing. In inference `M` and `V` are operands. In training they are missing: `M`
    is the channel's mean and `V` its biased variance, and there are two more
    results, `M` and `1 / sqrt(V + epsilon)`.

    ```mlir
    %y = fusilli.batchnorm %x mean(%m) variance(%v) scale(%s) bias(%b) epsilon(%e)
        : (tensor<8x64x7xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>,
           tensor<64xf32>, tensor<1xf32>) -> tensor<8x64x7xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$x, Optional<Fusilli_Tensor>:$mean,
    Optional<Fusilli_Tensor>:$variance, Optional<Fusilli_Tensor>:$scale,
    Optional<Fusilli_Tensor>:$bias, Fusilli_Tensor:$epsilon,
    OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output,
    Variadic<Fusilli_Tensor>:$statistics);
  let assemblyFormat = [{
    $x (`mean` `(` $mean^ `)`)? (`variance` `(` $variance^ `)`)?
    (`scale` `(` $scale^ `)`)? (`bias` `(` $bias^ `)`)? `epsilon` `(` $epsilon `)`
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // FUSILLI_OPS_BATCHNORM
