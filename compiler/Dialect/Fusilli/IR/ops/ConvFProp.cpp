// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution: groups and verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

int64_t ConvFPropOp::getGroups() {
  return getX().getType().getDimSize(1) / getW().getType().getDimSize(1);
}

LogicalResult ConvFPropOp::verify() {
  return verifyConv(*this, {"x", "w", "result", getX().getType().getShape(),
                            getW().getType().getShape(),
                            getOutput().getType().getShape(), getPadding(),
                            getStride(), getDilation()});
}

SmallVector<EqualDims> ConvFPropOp::getSymbolicDims() {
  return {{{getX(), 0}, {getOutput(), 0}}};
}

} // namespace fusilli::ir
