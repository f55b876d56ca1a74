// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All element-wise ops; the mode says which.
#ifndef FUSILLI_OPS_POINTWISE
#define FUSILLI_OPS_POINTWISE

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_PointwiseOp : Fusilli_Op<"pointwise",
    [DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "element-wise function of one to three tensors";
  let description = [{
    Operands broadcast, right-aligned over logical dimensions, to the result's
    shape. Operands of another element type are converted to the result's, for
    comparisons and logical modes to a common type. In the backward modes operand
    0 is the gradient of the forward op's result and operand 1 its input.

    The attributes are parameters of ELU_FWD (`elu_alpha`), SOFTPLUS_FWD
    (`softplus_beta`, `softplus_threshold`) and SWISH_* (`swish_beta`).

    ```mlir
    %y = fusilli.pointwise ADD %a, %b {node = "bias"}
         : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Fusilli_PointwiseModeAttr:$mode,
    Variadic<Fusilli_Tensor>:$inputs,
    DefaultValuedAttr<F32Attr, "1.0f">:$elu_alpha,
    DefaultValuedAttr<F32Attr, "1.0f">:$softplus_beta,
    DefaultValuedAttr<F32Attr, "20.0f">:$softplus_threshold,
    DefaultValuedAttr<F32Attr, "1.0f">:$swish_beta,
    OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    `` $mode $inputs attr-dict `:` functional-type($inputs, $output)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$output, "PointwiseMode":$mode,
                                 "::mlir::ValueRange":$inputs)>];
}

#endif // FUSILLI_OPS_POINTWISE
