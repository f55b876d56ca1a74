// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A run-time extent as a number, for the bodies of linalg ops.
#ifndef FUSILLI_OPS_EXTENT
#define FUSILLI_OPS_EXTENT

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ExtentOp : Fusilli_Op<"extent"> {
  let summary = "the run-time extent of a symbol";
  let description = [{
    The extent at run time of the dynamic dims whose representative extent is
    `representative`, as it stands in the kernel's argument types. In kernels
    only: what an op computes from how many elements there are.

    ```mlir
    %n = fusilli.extent 16
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntPositive]>:$representative);
  let results = (outs Index:$extent);
  let assemblyFormat = "$representative attr-dict";
}

#endif // FUSILLI_OPS_EXTENT
