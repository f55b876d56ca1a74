// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalization: verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult BatchnormOp::verify() {
  NormTensors tensors = {getX(), getOutput(), getEpsilon()};
  if (failed(verifyNorm(*this, tensors)))
    return failure();
  int64_t channels[] = {getX().getType().getDimSize(1)};
  if (failed(verifyShape(*this, "mean", getMean(), channels)) ||
      failed(verifyShape(*this, "variance", getVariance(), channels)) ||
      failed(verifyShape(*this, "scale", getScale(), channels)) ||
      failed(verifyShape(*this, "bias", getBias(), channels)))
    return failure();
  if (bool(getMean()) != bool(getVariance()))
    return emitOpError("has one of mean and variance, expected both or none");
  if (bool(getMean()) != getStatistics().empty())
    return emitOpError("has ")
           << getStatistics().size() << " statistics as results, expected "
           << (getMean() ? "none with mean and variance given"
                         : "2 without mean and variance");
  return verifyStatistics(*this, getStatistics(), channels);
}

SmallVector<EqualDims> BatchnormOp::getSymbolicDims() {
  SmallVector<EqualDims> dims = getElementwiseDims({getX(), getOutput()});
  dims.erase(dims.begin() + 1); // the channels are known
  return dims;
}

} // namespace fusilli::ir
