// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The call of one kernel.
#ifndef FUSILLI_OPS_DISPATCH
#define FUSILLI_OPS_DISPATCH

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_DispatchOp : Fusilli_Op<"dispatch",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs one kernel";
  let description = [{
    Runs a function with the unit attribute `fusilli.kernel`. The bindings of the
    kernel are the operands, then the results, in order. The kernel may see a
    buffer through another type of the same elements than `@main` does, as
    `fusilli.reshape` gives.

    ```mlir
    %y = fusilli.dispatch @kernel_0(%x, %w) : (tensor<8xf32>, tensor<8xf32>)
         -> tensor<8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<Fusilli_Tensor>:$inputs);
  let results = (outs Variadic<Fusilli_Tensor>:$outputs);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)
  }];
}

#endif // FUSILLI_OPS_DISPATCH
