// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's data.
#ifndef FUSILLI_OPS_CONVDGRAD
#define FUSILLI_OPS_CONVDGRAD

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ConvDGradOp : Fusilli_Op<"conv_dgrad"> {
  let summary = "gradient of a convolution with respect to its data";
  let description = [{
    `DX[n, g*Cg + c, i] = sum_{k,r,o} DY[n,k,o] * W[k,c,r]` over the filters `k` of
    group `g` and all `r`, `o` with `o*stride + r*dilation - padding = i`; 0 where
    there are none. Dimensions, lists and groups are those of `fusilli.conv_fprop`,
    whose `Y` has the shape of `DY` and whose `X` that of `DX`.

    With `phase`, the result is what `DX` has at `q*stride + phase`: one class of
    positions by their remainder, to whose elements the same taps lead. The
    result may go on beyond the end of `DX`.

    ```mlir
    %dx = fusilli.conv_dgrad %dy, %w padding = [1, 1] stride = [2, 2]
            dilation = [1, 1] {node = "grad"}
          : (tensor<1x64x28x28xf32>, tensor<64x32x3x3xf32>)
            -> tensor<1x32x56x56xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$dy, Fusilli_Tensor:$w,
    DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$stride,
    DenseI64ArrayAttr:$dilation, OptionalAttr<StrAttr>:$node,
    OptionalAttr<DenseI64ArrayAttr>:$phase);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    $dy `,` $w `padding` `=` $padding `stride` `=` $stride `dilation` `=` $dilation
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Channels of X over channels that one filter sees.
    int64_t getGroups();
    /// The taps of spatial dim `dim` that lead to the op's positions: `count` of
    /// them from `first` by `step`. Position q reads output q + shift, one
    /// earlier by `outputStep` for each tap.
    struct PhaseTaps {
      int64_t first = 0, step = 1, count = 0, shift = 0, outputStep = 1;
    };
    /// Of an op with `phase`; `count` is 0 where the result is 0.
    PhaseTaps getPhaseTaps(unsigned dim);
  }];
}

#endif // FUSILLI_OPS_CONVDGRAD
