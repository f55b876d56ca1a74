// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's weights.
#ifndef FUSILLI_OPS_CONVWGRAD
#define FUSILLI_OPS_CONVWGRAD

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ConvWGradOp : Fusilli_Op<"conv_wgrad"> {
  let summary = "gradient of a convolution with respect to its weights";
  let description = [{
    `DW[k,c,r] = sum_{n,o} DY[n,k,o] * X[n, g(k)*Cg + c, o*stride + r*dilation -
    padding]`, zero outside of X. Dimensions, lists and groups are those of
    `fusilli.conv_fprop`, whose `Y` has the shape of `DY` and whose `W` that of
    `DW`.

    ```mlir
    %dw = fusilli.conv_wgrad %dy, %x padding = [1, 1] stride = [2, 2]
            dilation = [1, 1] {node = "grad"}
          : (tensor<1x64x28x28xf32>, tensor<1x32x56x56xf32>)
            -> tensor<64x32x3x3xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$dy, Fusilli_Tensor:$x,
    DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$stride,
    DenseI64ArrayAttr:$dilation, OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    $dy `,` $x `padding` `=` $padding `stride` `=` $stride `dilation` `=` $dilation
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Channels of X over channels that one filter sees.
    int64_t getGroups();
  }];
}

#endif // FUSILLI_OPS_CONVWGRAD
