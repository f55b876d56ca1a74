// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pointwise ops: verifier by mode.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace fusilli::ir {

void PointwiseOp::build(OpBuilder &builder, OperationState &state, Type output,
                        PointwiseMode mode, ValueRange inputs) {
  state.addTypes(output);
  state.addOperands(inputs);
  state.addAttribute("mode",
                     PointwiseModeAttr::get(builder.getContext(), mode));
}

LogicalResult PointwiseOp::verify() {
  PointwiseMode mode = getMode();
  StringRef name = stringifyPointwiseMode(mode);
  if (getInputs().size() != getNumInputs(mode))
    return emitOpError() << name << " has " << getInputs().size()
                         << " operands, expected " << getNumInputs(mode);
  RankedTensorType output = getOutput().getType();
  for (auto [i, input] : llvm::enumerate(getInputs().getTypes())) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(input).getShape();
    if (!isBroadcastableTo(shape, output.getShape()))
      return emitOpError("operand ")
             << i << " of shape [" << shape
             << "] does not broadcast to the result's shape ["
             << output.getShape() << "]";
  }
  Type element = output.getElementType();
  if (isPredicate(mode) && !element.isInteger(1))
    return emitOpError() << name << " has a result of " << element
                         << ", expected i1";
  if (element.isInteger(1) && !allowsBooleanResult(mode))
    return emitOpError() << name << " is not defined for i1 results";
  if (isFloatOnly(mode) && !isa<FloatType>(element))
    return emitOpError() << name << " has a result of " << element
                         << ", expected a floating-point type";
  if (mode == PointwiseMode::BINARY_SELECT) {
    Type condition =
        cast<RankedTensorType>(getInputs()[0].getType()).getElementType();
    if (!condition.isInteger(1))
      return emitOpError() << name << " has a condition of " << condition
                           << ", expected i1";
  }
  return verifyStoredInFull(*this);
}

SmallVector<EqualDims> PointwiseOp::getSymbolicDims() {
  SmallVector<Value> tensors(getInputs());
  tensors.push_back(getOutput());
  return getElementwiseDims(tensors);
}

} // namespace fusilli::ir
