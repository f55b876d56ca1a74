// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions over any set of dimensions.
#ifndef FUSILLI_OPS_REDUCTION
#define FUSILLI_OPS_REDUCTION

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_ReductionOp : Fusilli_Op<"reduction",
    [DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "reduction over the dimensions that the result has as 1";
  let description = [{
    The rank is kept; dimension `i` is reduced where the result's extent is 1 and
    the operand's is larger. SUM is a synonym of ADD. NORM2 of integers is rounded.

    ```mlir
    %s = fusilli.reduction ADD %x {node = "rowsum"}
         : (tensor<4x8xf32>) -> tensor<4x1xf32>
    ```
  }];
  let arguments = (ins Fusilli_ReductionModeAttr:$mode, Fusilli_Tensor:$x,
    OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    `` $mode $x attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The dimensions that are reduced, ascending.
    ::llvm::SmallVector<int64_t> getReducedDims();
  }];
}

#endif // FUSILLI_OPS_REDUCTION
