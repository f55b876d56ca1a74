// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Root-mean-square normalization: verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult RmsnormOp::verify() {
  NormTensors tensors = {getX(), getOutput(), getEpsilon()};
  if (failed(verifyNorm(*this, tensors)))
    return failure();
  SmallVector<int64_t> affine(getX().getType().getShape());
  affine[0] = 1;
  return verifyShape(*this, "scale", getScale(), affine);
}

SmallVector<EqualDims> RmsnormOp::getSymbolicDims() {
  // Scale is 1 where it does not have the extent of x.
  SmallVector<Value> tensors = {getX(), getOutput()};
  if (Value scale = getScale())
    tensors.push_back(scale);
  return getElementwiseDims(tensors);
}

} // namespace fusilli::ir
