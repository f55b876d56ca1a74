// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer normalization.
#ifndef FUSILLI_OPS_LAYERNORM
#define FUSILLI_OPS_LAYERNORM

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_LayernormOp : Fusilli_Op<"layernorm", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "normalization of each sample over all dimensions but the first";
  let description = [{
    `Y = (X - M) / sqrt(V + epsilon) * scale + bias` with the mean `M` and the
    biased variance `V` of each sample. Scale and bias have the shape of X, with 1
    as first extent; either may be missing. In training two more results: `M` and
    `1 / sqrt(V + epsilon)`, of shape `[N, 1, ...]`.

    ```mlir
    %y, %mean, %inverse = fusilli.layernorm %x scale(%s) bias(%b) epsilon(%e)
        : (tensor<8x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>, tensor<1xf32>)
          -> (tensor<8x64xf32>, tensor<8x1xf32>, tensor<8x1xf32>)
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$x, Optional<Fusilli_Tensor>:$scale,
    Optional<Fusilli_Tensor>:$bias, Fusilli_Tensor:$epsilon,
    OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output,
    Variadic<Fusilli_Tensor>:$statistics);
  let assemblyFormat = [{
    $x (`scale` `(` $scale^ `)`)? (`bias` `(` $bias^ `)`)? `epsilon` `(` $epsilon `)`
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // FUSILLI_OPS_LAYERNORM
