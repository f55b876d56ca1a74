// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An op that program text defines.
#ifndef FUSILLI_OPS_CUSTOMOP
#define FUSILLI_OPS_CUSTOMOP

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_CustomOp : Fusilli_Op<"custom",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "computes what a function of linalg on tensors says";
  let description = [{
    Names a private function beside `@main`, which takes and gives logical
    tensors: the types of the operands and results without their layouts. Its
    body is straight-line code of the dialects `linalg`, `tensor`, `arith` and
    `math`; `fusilli-prepare-custom` says which ops.

    ```mlir
    func.func private @scale(%x: tensor<8xf32>) -> tensor<8xf32> {
      %c = arith.constant dense<2.0> : tensor<8xf32>
      %0 = arith.mulf %x, %c : tensor<8xf32>
      return %0 : tensor<8xf32>
    }
    func.func @main(...) {
      %y = fusilli.custom @scale(%x) {node = "scale"}
           : (tensor<8xf32>) -> tensor<8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$function,
    Variadic<Fusilli_Tensor>:$inputs, OptionalAttr<StrAttr>:$node);
  let results = (outs Variadic<Fusilli_Tensor>:$outputs);
  let assemblyFormat = [{
    $function `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
}

#endif // FUSILLI_OPS_CUSTOMOP
