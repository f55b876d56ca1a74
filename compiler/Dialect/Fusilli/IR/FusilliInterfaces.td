// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What ops of the dialect say of themselves.
#ifndef FUSILLI_INTERFACES
#define FUSILLI_INTERFACES

include "mlir/IR/OpBase.td"

def Fusilli_SymbolicDimsInterface : OpInterface<"SymbolicDimsInterface"> {
  let cppNamespace = "::fusilli::ir";
  let description = [{
    An op that is defined for extents known at run time only. An op without this
    interface takes and gives tensors of static extents.
  }];
  let methods = [InterfaceMethod<
    [{The dims that may be dynamic, in sets of equal extent: of one set all are
      dynamic or none is. A static dim of extent 1 beside larger ones is
      broadcast and does not count.}],
    "::llvm::SmallVector<::fusilli::ir::EqualDims>", "getSymbolicDims">];
}

#endif // FUSILLI_INTERFACES
