// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Other dims for the same buffer.
#ifndef FUSILLI_OPS_RESHAPE
#define FUSILLI_OPS_RESHAPE

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ReshapeOp : Fusilli_Op<"reshape"> {
  let summary = "another view of the same elements";
  let description = [{
    Operand and result are one buffer; an element of the result is the element of
    the operand at its place there. Dimensions of extent 1 come or go, a dimension
    becomes two, two become one where they are walked through as one, dimensions
    change their order together with their strides, or the last elements of some
    are left out. No kernel computes a reshape:
    the kernels at both sides see the buffer through types of their own.

    ```mlir
    %c = fusilli.reshape %scale : tensor<64xf32> -> tensor<1x64x1x1xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$x);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($output)";
  let hasVerifier = 1;
}

#endif // FUSILLI_OPS_RESHAPE
