// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernel calls: the symbol names a kernel of this very signature.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto kernel = symbolTable.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getKernelAttr());
  if (!kernel)
    return emitOpError("names no function: ") << getKernelAttr();
  if (!kernel->hasAttr(FusilliDialect::kKernelAttr))
    return emitOpError("names a function that is no kernel: ")
           << getKernelAttr();
  if (kernel.getArgumentTypes() !=
          ArrayRef<Type>(llvm::to_vector(getOperandTypes())) ||
      kernel.getResultTypes() !=
          ArrayRef<Type>(llvm::to_vector(getResultTypes())))
    return emitOpError("has other types than kernel ")
           << getKernelAttr() << ": " << kernel.getFunctionType();
  return success();
}

} // namespace fusilli::ir
