// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The scalar and tensor constants of a graph.
#ifndef FUSILLI_OPS_CONSTANT
#define FUSILLI_OPS_CONSTANT

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ConstantOp : Fusilli_Op<"constant", [ConstantLike,
    AllTypesMatch<["value", "output"]>]> {
  let summary = "a constant tensor";
  let description = [{
    Graph scalars are constants of shape `[1]`; they broadcast as any operand does.

    ```mlir
    %alpha = fusilli.constant dense<0.5> : tensor<1xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value, OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

#endif // FUSILLI_OPS_CONSTANT
