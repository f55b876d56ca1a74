// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared verifier checks.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

#include "compiler/Dialect/Fusilli/IR/Layout.h"

using namespace mlir;

namespace fusilli::ir {

unsigned getNumInputs(PointwiseMode mode) {
  switch (mode) {
  case PointwiseMode::BINARY_SELECT:
    return 3;
  case PointwiseMode::ADD:
  case PointwiseMode::ADD_SQUARE:
  case PointwiseMode::CMP_EQ:
  case PointwiseMode::CMP_GE:
  case PointwiseMode::CMP_GT:
  case PointwiseMode::CMP_LE:
  case PointwiseMode::CMP_LT:
  case PointwiseMode::CMP_NEQ:
  case PointwiseMode::DIV:
  case PointwiseMode::GELU_APPROX_TANH_BWD:
  case PointwiseMode::GELU_BWD:
  case PointwiseMode::LOGICAL_AND:
  case PointwiseMode::LOGICAL_OR:
  case PointwiseMode::MAX_OP:
  case PointwiseMode::MIN_OP:
  case PointwiseMode::MUL:
  case PointwiseMode::RELU_BWD:
  case PointwiseMode::SUB:
  case PointwiseMode::SWISH_BWD:
  case PointwiseMode::TANH_BWD:
    return 2;
  default:
    return 1;
  }
}

bool isPredicate(PointwiseMode mode) {
  switch (mode) {
  case PointwiseMode::CMP_EQ:
  case PointwiseMode::CMP_GE:
  case PointwiseMode::CMP_GT:
  case PointwiseMode::CMP_LE:
  case PointwiseMode::CMP_LT:
  case PointwiseMode::CMP_NEQ:
  case PointwiseMode::LOGICAL_AND:
  case PointwiseMode::LOGICAL_NOT:
  case PointwiseMode::LOGICAL_OR:
    return true;
  default:
    return false;
  }
}

bool isFloatOnly(PointwiseMode mode) {
  if (isPredicate(mode))
    return false;
  switch (mode) {
  case PointwiseMode::ABS:
  case PointwiseMode::ADD:
  case PointwiseMode::ADD_SQUARE:
  case PointwiseMode::BINARY_SELECT:
  case PointwiseMode::DIV:
  case PointwiseMode::IDENTITY:
  case PointwiseMode::MAX_OP:
  case PointwiseMode::MIN_OP:
  case PointwiseMode::MUL:
  case PointwiseMode::NEG:
  case PointwiseMode::RELU_FWD:
  case PointwiseMode::SUB:
    return false;
  default:
    return true;
  }
}

bool allowsBooleanResult(PointwiseMode mode) { return !isFloatOnly(mode); }

bool isBroadcastableTo(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  ArrayRef<int64_t> tail = to.take_back(from.size());
  for (auto [extent, target] : llvm::zip_equal(from, tail))
    if (extent != 1 && extent != target)
      return false;
  return true;
}

LogicalResult verifyStoredInFull(Operation *op) {
  for (Type result : op->getResultTypes()) {
    auto type = cast<RankedTensorType>(result);
    if (hasBroadcastDims(type))
      return op->emitOpError("result has broadcast strides [")
             << getLogicalStrides(type) << "]";
    if (type.getEncoding() && !isStoredOnce(type))
      return op->emitOpError("result has strides [")
             << getLogicalStrides(type) << "], with which elements overlap";
  }
  return success();
}

LogicalResult verifyShape(Operation *op, StringRef name, Value value,
                          ArrayRef<int64_t> shape) {
  if (!value)
    return success();
  ArrayRef<int64_t> given = cast<RankedTensorType>(value.getType()).getShape();
  if (given != shape)
    return op->emitOpError(name)
           << " has shape [" << given << "], expected [" << shape << "]";
  return success();
}

LogicalResult verifyNorm(Operation *op, const NormTensors &tensors) {
  auto isFloat = [](Type type) {
    return isa<FloatType>(cast<RankedTensorType>(type).getElementType());
  };
  if (!llvm::all_of(op->getOperandTypes(), isFloat) ||
      !llvm::all_of(op->getResultTypes(), isFloat))
    return op->emitOpError(
        "has a tensor of integers, expected floating-point types");
  RankedTensorType x = tensors.x.getType();
  if (x.getRank() < 2)
    return op->emitOpError("x has rank ")
           << x.getRank() << ", expected at least 2";
  if (int64_t count = tensors.epsilon.getType().getNumElements(); count != 1)
    return op->emitOpError("epsilon has ") << count << " elements, expected 1";
  if (failed(verifyShape(op, "the result", tensors.y, x.getShape())))
    return failure();
  return verifyStoredInFull(op);
}

LogicalResult verifyStatistics(Operation *op, ValueRange statistics,
                               ArrayRef<int64_t> shape) {
  if (!statistics.empty() && statistics.size() != 2)
    return op->emitOpError("has ")
           << statistics.size() << " statistics as results, expected none or 2";
  for (Value value : statistics)
    if (failed(verifyShape(op, "a statistic", value, shape)))
      return failure();
  return success();
}

} // namespace fusilli::ir
