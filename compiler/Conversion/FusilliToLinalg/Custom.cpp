// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli.custom to linalg: the ops of its function, which
// fusilli-prepare-custom has brought into normal form, in place.

#include "compiler/Conversion/FusilliToLinalg/KernelLowering.h"
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace fusilli::compiler {

/// What parameter `argument` is in the kernel. Ops other than generics want a
/// tensor without a layout.
static FailureOr<Value> lowerInput(KernelLowering &k, Value input,
                                   BlockArgument argument) {
  Value value = k.lowered(input);
  auto type = cast<RankedTensorType>(argument.getType());
  bool isRead = llvm::all_of(argument.getUsers(), [](Operation *user) {
    return isa<linalg::GenericOp>(user);
  });
  auto given = cast<RankedTensorType>(value.getType());
  if (given.getElementType() == type.getElementType() &&
      (isRead || !given.getEncoding()))
    return value;
  ImplicitLocOpBuilder &b = k.builder();
  return k.elementwise(type.getShape(), type.getElementType(), value,
                       {b.getMultiDimIdentityMap(type.getRank())},
                       [&](ValueRange args) -> FailureOr<Value> {
                         return convertElement(b, args[0],
                                               type.getElementType());
                       });
}

LogicalResult lower(KernelLowering &k, ir::CustomOp op) {
  auto function = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getFunctionAttr());
  IRMapping mapping;
  for (auto [argument, input] :
       llvm::zip_equal(function.getArguments(), op.getInputs())) {
    FailureOr<Value> value = lowerInput(k, input, argument);
    if (failed(value))
      return failure();
    mapping.map(argument, *value);
  }
  Block &body = function.getBody().front();
  for (Operation &inner : body.without_terminator())
    k.builder().clone(inner, mapping);
  for (auto [result, value] :
       llvm::zip_equal(op.getOutputs(), body.getTerminator()->getOperands()))
    k.setLowered(result, mapping.lookup(value));
  return success();
}

} // namespace fusilli::compiler
