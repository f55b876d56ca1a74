// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution.
#ifndef FUSILLI_OPS_CONVFPROP
#define FUSILLI_OPS_CONVFPROP

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ConvFPropOp : Fusilli_Op<"conv_fprop",
    [DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "forward convolution (cross-correlation), any number of groups";
  let description = [{
    `Y[n,k,o] = sum_{c,r} X[n, g(k)*Cg + c, o*stride + r*dilation - padding] *
    W[k,c,r]`, zero outside of X, where `Cg` is `W`'s second extent and the number
    of groups is `X`'s channels over `Cg`. Logical dimensions are `N, C, spatial...`
    and `K, Cg, spatial...`; one, two or three spatial dimensions. Padding is the
    same on both sides of a dimension.

    ```mlir
    %y = fusilli.conv_fprop %x, %w padding = [1, 1] stride = [1, 1]
           dilation = [1, 1] {node = "conv"}
         : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>)
           -> tensor<1x64x56x56xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$x, Fusilli_Tensor:$w,
    DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$stride,
    DenseI64ArrayAttr:$dilation, OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    $x `,` $w `padding` `=` $padding `stride` `=` $stride `dilation` `=` $dilation
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Channels of X over channels that one filter sees.
    int64_t getGroups();
  }];
}

#endif // FUSILLI_OPS_CONVFPROP
