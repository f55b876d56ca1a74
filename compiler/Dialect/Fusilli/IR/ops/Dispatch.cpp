// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernel calls: the symbol names a kernel whose signature has these buffers.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

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
  auto fits = [](TypeRange given, ArrayRef<Type> expected, auto check) {
    return given.size() == expected.size() &&
           llvm::all_of(llvm::zip_equal(expected, given), [&](auto pair) {
             auto type = dyn_cast<RankedTensorType>(std::get<0>(pair));
             return type &&
                    check(type, cast<RankedTensorType>(std::get<1>(pair)));
           });
  };
  if (!fits(getOperandTypes(), kernel.getArgumentTypes(), isViewOf) ||
      !fits(getResultTypes(), kernel.getResultTypes(), isSameBuffer))
    return emitOpError("has other types than kernel ")
           << getKernelAttr() << ": " << kernel.getFunctionType();
  return success();
}

} // namespace fusilli::ir
