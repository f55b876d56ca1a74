// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's weights: groups and verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

int64_t ConvWGradOp::getGroups() {
  return getX().getType().getDimSize(1) / getOutput().getType().getDimSize(1);
}

LogicalResult ConvWGradOp::verify() {
  return verifyConv(*this, {"x", "result", "dy", getX().getType().getShape(),
                            getOutput().getType().getShape(),
                            getDy().getType().getShape(), getPadding(),
                            getStride(), getDilation()});
}

} // namespace fusilli::ir
