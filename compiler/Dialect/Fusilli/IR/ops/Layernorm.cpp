// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer normalization: verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult LayernormOp::verify() {
  NormTensors tensors = {getX(), getOutput(), getEpsilon()};
  if (failed(verifyNorm(*this, tensors)))
    return failure();
  SmallVector<int64_t> affine(getX().getType().getShape());
  SmallVector<int64_t> perSample(affine.size(), 1);
  std::swap(affine[0], perSample[0]);
  if (failed(verifyShape(*this, "scale", getScale(), affine)) ||
      failed(verifyShape(*this, "bias", getBias(), affine)))
    return failure();
  return verifyStatistics(*this, getStatistics(), perSample);
}

SmallVector<EqualDims> LayernormOp::getSymbolicDims() {
  // Scale, bias and statistics are 1 where they do not have the extent of x.
  SmallVector<Value> tensors = {getX(), getOutput()};
  for (Value affine : {getScale(), getBias()})
    if (affine)
      tensors.push_back(affine);
  llvm::append_range(tensors, getStatistics());
  return getElementwiseDims(tensors);
}

} // namespace fusilli::ir
