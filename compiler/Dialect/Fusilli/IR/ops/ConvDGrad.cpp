// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's data: groups, phases and verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

#include <numeric>

using namespace mlir;

namespace fusilli::ir {

int64_t ConvDGradOp::getGroups() {
  return getOutput().getType().getDimSize(1) / getW().getType().getDimSize(1);
}

ConvDGradOp::PhaseTaps ConvDGradOp::getPhaseTaps(unsigned dim) {
  // Taps r and outputs o with o stride + r dilation = q stride + start.
  int64_t stride = getStride()[dim], dilation = getDilation()[dim];
  int64_t start = (*getPhase())[dim] + getPadding()[dim];
  int64_t taps = getW().getType().getDimSize(dim + 2);
  int64_t common = std::gcd(stride, dilation);
  PhaseTaps result;
  result.step = stride / common;
  result.outputStep = dilation / common;
  if (start % common != 0)
    return result;
  while (result.first < result.step &&
         (start - result.first * dilation) % stride != 0)
    ++result.first;
  if (result.first >= taps)
    return result;
  result.count = (taps - result.first + result.step - 1) / result.step;
  result.shift = (start - result.first * dilation) / stride;
  return result;
}

/// What can be said of an op whose result is one phase.
static LogicalResult verifyPhase(ConvDGradOp op) {
  ArrayRef<int64_t> dx = op.getOutput().getType().getShape();
  ArrayRef<int64_t> w = op.getW().getType().getShape();
  ArrayRef<int64_t> dy = op.getDy().getType().getShape();
  if (dx.size() < 3 || w.size() != dx.size() || dy.size() != dx.size())
    return op.emitOpError("has operands of other ranks than the result");
  size_t spatial = dx.size() - 2;
  if (op.getPadding().size() != spatial || op.getStride().size() != spatial ||
      op.getDilation().size() != spatial || op.getPhase()->size() != spatial)
    return op.emitOpError("has lists that are not of ")
           << spatial << " spatial dimensions";
  for (auto [phase, stride, dilation, padding] : llvm::zip_equal(
           *op.getPhase(), op.getStride(), op.getDilation(), op.getPadding()))
    if (stride < 1 || dilation < 1 || padding < 0 || phase < 0 ||
        phase >= stride)
      return op.emitOpError("has phase ") << phase << " of stride " << stride;
  if (dx[0] != dy[0] || w[0] != dy[1] || w[1] < 1 || dx[1] % w[1] != 0 ||
      w[0] % (dx[1] / w[1]) != 0)
    return op.emitOpError("has images or channels that do not fit");
  return verifyStoredInFull(op);
}

LogicalResult ConvDGradOp::verify() {
  if (getPhase())
    return verifyPhase(*this);
  return verifyConv(*this,
                    {"result", "w", "dy", getOutput().getType().getShape(),
                     getW().getType().getShape(), getDy().getType().getShape(),
                     getPadding(), getStride(), getDilation()});
}

} // namespace fusilli::ir
