// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Answers of a target without limits. Weights are cycles of usual vector code
// relative to an addition, rounded to powers of two: only their order of size
// matters.
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"

#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {

int64_t ReductionSpace::getRowLength() const {
  int64_t length = 1;
  for (auto [extent, isReduced] : llvm::zip_equal(extents, reduced))
    if (isReduced)
      length *= extent;
  return length;
}

int64_t ReductionSpace::getNumRows() const {
  int64_t rows = 1;
  for (auto [extent, isReduced] : llvm::zip_equal(extents, reduced))
    if (!isReduced)
      rows *= extent;
  return rows;
}

FusionPolicy::~FusionPolicy() = default;

bool FusionPolicy::allowsRows(const ReductionSpace &space) const {
  return true;
}

int64_t FusionPolicy::getWeight(PointwiseMode mode) const {
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

bool FusionPolicy::isCheapToRepeat(PointwiseOp op,
                                   ArrayRef<int64_t> shape) const {
  if (getWeight(op.getMode()) <= 4 ||
      isConstantAlongRows(getResultShape(op), shape))
    return true;
  int64_t volume = 1;
  for (int64_t extent : shape)
    volume *= extent;
  return volume <= 1024;
}

} // namespace fusilli::ir
