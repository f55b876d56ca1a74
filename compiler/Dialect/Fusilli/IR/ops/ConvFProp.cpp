// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution: shape inference and verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fusilli::ir {

int64_t ConvFPropOp::getGroups() {
  return getX().getType().getDimSize(1) / getW().getType().getDimSize(1);
}

SmallVector<int64_t> ConvFPropOp::inferOutputShape() {
  ArrayRef<int64_t> x = getX().getType().getShape();
  ArrayRef<int64_t> w = getW().getType().getShape();
  SmallVector<int64_t> shape = {x[0], w[0]};
  for (size_t i = 0; i + 2 < x.size(); ++i)
    shape.push_back(1 + (x[i + 2] + 2 * getPadding()[i] -
                         getDilation()[i] * (w[i + 2] - 1) - 1) /
                            getStride()[i]);
  return shape;
}

/// Whether a filter of `w` elements fits into `x` padded elements; false also
/// where the numbers are beyond 64 bits.
static bool filterFits(int64_t x, int64_t w, int64_t padding,
                       int64_t dilation) {
  int64_t padded = 0, reach = 0;
  return !llvm::MulOverflow(int64_t(2), padding, padded) &&
         !llvm::AddOverflow(padded, x, padded) &&
         !llvm::MulOverflow(dilation, w - 1, reach) && padded > reach;
}

LogicalResult ConvFPropOp::verify() {
  ArrayRef<int64_t> x = getX().getType().getShape();
  ArrayRef<int64_t> w = getW().getType().getShape();
  if (x.size() < 3 || x.size() > 5)
    return emitOpError("x has rank ") << x.size() << ", expected 3, 4 or 5";
  if (w.size() != x.size())
    return emitOpError("w has rank ")
           << w.size() << ", expected " << x.size() << " as x";
  size_t spatial = x.size() - 2;
  auto checkList = [&](StringRef name, ArrayRef<int64_t> values,
                       int64_t least) -> LogicalResult {
    if (values.size() != spatial)
      return emitOpError(name)
             << " has " << values.size() << " values, expected " << spatial;
    for (int64_t value : values)
      if (value < least)
        return emitOpError(name)
               << " has value " << value << ", expected at least " << least;
    return success();
  };
  if (failed(checkList("padding", getPadding(), 0)) ||
      failed(checkList("stride", getStride(), 1)) ||
      failed(checkList("dilation", getDilation(), 1)))
    return failure();
  for (ArrayRef<int64_t> shape : {x, w})
    for (int64_t extent : shape)
      if (extent < 1)
        return emitOpError("operand has extent ")
               << extent << ", expected at least 1";
  if (x[1] % w[1] != 0)
    return emitOpError("x has ") << x[1] << " channels, not a multiple of the "
                                 << w[1] << " channels of a filter";
  if (w[0] % getGroups() != 0)
    return emitOpError("w has ") << w[0] << " filters, not a multiple of the "
                                 << getGroups() << " groups";
  for (size_t i = 0; i < spatial; ++i)
    if (!filterFits(x[i + 2], w[i + 2], getPadding()[i], getDilation()[i]))
      return emitOpError("the filter is larger than the padded x in spatial "
                         "dimension ")
             << i;
  SmallVector<int64_t> expected = inferOutputShape();
  if (getOutput().getType().getShape() != ArrayRef<int64_t>(expected))
    return emitOpError("result has shape [")
           << getOutput().getType().getShape() << "], expected [" << expected
           << "]";
  if (getOutput().getType().getElementType().isInteger(1))
    return emitOpError("is not defined for i1 results");
  return verifyStoredInFull(*this);
}

SmallVector<EqualDims> ConvFPropOp::getSymbolicDims() {
  return {{{getX(), 0}, {getOutput(), 0}}};
}

} // namespace fusilli::ir
