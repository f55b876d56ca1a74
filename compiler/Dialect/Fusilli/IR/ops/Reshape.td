// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Another rank for the same buffer.
#ifndef FUSILLI_OPS_RESHAPE
#define FUSILLI_OPS_RESHAPE

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ReshapeOp : Fusilli_Op<"reshape"> {
  let summary = "another view of the same elements in the same order";
  let description = [{
    Dimensions of extent 1 come or go, a dimension becomes two, or two become one
    where they are walked through as one: operand and result are one buffer. No kernel computes a reshape: the kernels at both sides see the
    buffer through types of their own.

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
