// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Custom ops: the symbol names a function of the same logical tensors.
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult CustomOp::verify() {
  if (getOutputs().empty())
    return emitOpError("has no results");
  for (auto [i, type] : llvm::enumerate(getResultTypes()))
    if (hasBroadcastDims(cast<RankedTensorType>(type)))
      return emitOpError("result ")
             << i << " has broadcast strides ["
             << getLogicalStrides(cast<RankedTensorType>(type)) << "]";
  return success();
}

/// `type` without its layout.
static Type getLogicalType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), tensor.getElementType());
}

LogicalResult CustomOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto function = symbolTable.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getFunctionAttr());
  if (!function)
    return emitOpError("names no function: ") << getFunctionAttr();
  if (function->hasAttr(FusilliDialect::kKernelAttr))
    return emitOpError("names a kernel: ") << getFunctionAttr();
  auto check = [&](StringRef what, TypeRange given,
                   ArrayRef<Type> declared) -> LogicalResult {
    if (given.size() != declared.size())
      return emitOpError("has ")
             << given.size() << " " << what << "s, but " << getFunctionAttr()
             << " has " << declared.size();
    for (auto [i, types] : llvm::enumerate(llvm::zip_equal(given, declared)))
      if (Type expected = getLogicalType(std::get<0>(types));
          std::get<1>(types) != expected)
        return emitOpError(what)
               << " " << i << " of " << getFunctionAttr() << " has type "
               << std::get<1>(types) << ", expected " << expected;
    return success();
  };
  if (failed(
          check("input", getInputs().getTypes(), function.getArgumentTypes())))
    return failure();
  return check("result", getResultTypes(), function.getResultTypes());
}

} // namespace fusilli::ir
