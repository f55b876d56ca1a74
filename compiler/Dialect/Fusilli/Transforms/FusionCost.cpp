// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights come from cycles per vector of the emitted functions, relative to an
// addition, rounded to powers of two: only their order of size matters.
#include "compiler/Dialect/Fusilli/Transforms/FusionCost.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {

int64_t getWeight(PointwiseMode mode) {
  switch (mode) {
  case PointwiseMode::DIV:
  case PointwiseMode::RECIPROCAL:
  case PointwiseMode::RSQRT:
  case PointwiseMode::SQRT:
    return 4;
  case PointwiseMode::ELU_FWD:
  case PointwiseMode::EXP:
  case PointwiseMode::LOG:
  case PointwiseMode::SIGMOID_FWD:
  case PointwiseMode::SWISH_FWD:
  case PointwiseMode::TANH_FWD:
    return 8;
  case PointwiseMode::ERF:
  case PointwiseMode::GELU_APPROX_TANH_BWD:
  case PointwiseMode::GELU_APPROX_TANH_FWD:
  case PointwiseMode::GELU_BWD:
  case PointwiseMode::GELU_FWD:
  case PointwiseMode::SIN:
  case PointwiseMode::SOFTPLUS_FWD:
  case PointwiseMode::SWISH_BWD:
  case PointwiseMode::TAN:
  case PointwiseMode::TANH_BWD:
    return 16;
  default:
    return 1;
  }
}

bool isContraction(Operation *op) {
  return isa<MatmulOp, ConvFPropOp, ConvDGradOp, ConvWGradOp>(op);
}

ArrayRef<int64_t> getResultShape(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getShape();
}

int64_t getVolume(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getNumElements();
}

bool isConstantAlongRows(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  // Unit dimensions at the end of `to` are no loops.
  size_t i = 0;
  while (i < to.size() && to[to.size() - 1 - i] == 1)
    ++i;
  return i >= from.size() || i == to.size() || from[from.size() - 1 - i] == 1;
}

bool isCheapToRepeat(PointwiseOp op, ArrayRef<int64_t> shape) {
  int64_t weight = getWeight(op.getMode());
  if (weight <= 4 || isConstantAlongRows(getResultShape(op), shape))
    return true;
  int64_t volume = 1;
  for (int64_t extent : shape)
    volume *= extent;
  return volume <= 1024;
}

} // namespace fusilli::ir
