// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the convolution and its gradients check alike.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fusilli::ir {

SmallVector<int64_t> inferConvShape(const ConvShapes &s) {
  SmallVector<int64_t> shape = {s.x[0], s.w[0]};
  for (size_t i = 0; i + 2 < s.x.size(); ++i)
    shape.push_back(1 + (s.x[i + 2] + 2 * s.padding[i] -
                         s.dilation[i] * (s.w[i + 2] - 1) - 1) /
                            s.stride[i]);
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

static LogicalResult verifyList(Operation *op, StringRef name,
                                ArrayRef<int64_t> values, size_t count,
                                int64_t least) {
  if (values.size() != count)
    return op->emitOpError(name)
           << " has " << values.size() << " values, expected " << count;
  for (int64_t value : values)
    if (value < least)
      return op->emitOpError(name)
             << " has value " << value << ", expected at least " << least;
  return success();
}

static LogicalResult verifyShapes(Operation *op, const ConvShapes &s) {
  size_t rank = s.x.size();
  if (rank < 3 || rank > 5)
    return op->emitOpError(s.xName)
           << " has rank " << rank << ", expected 3, 4 or 5";
  for (auto [name, shape] : {std::pair(s.wName, s.w), std::pair(s.yName, s.y)})
    if (shape.size() != rank)
      return op->emitOpError(name)
             << " has rank " << shape.size() << ", expected " << rank << " as "
             << s.xName;
  for (auto [name, shape] : {std::pair(s.xName, s.x), std::pair(s.wName, s.w)})
    for (int64_t extent : shape)
      if (extent < 1)
        return op->emitOpError(name)
               << " has extent " << extent << ", expected at least 1";
  return success();
}

LogicalResult verifyConv(Operation *op, const ConvShapes &s) {
  if (failed(verifyShapes(op, s)))
    return failure();
  size_t spatial = s.x.size() - 2;
  if (failed(verifyList(op, "padding", s.padding, spatial, 0)) ||
      failed(verifyList(op, "stride", s.stride, spatial, 1)) ||
      failed(verifyList(op, "dilation", s.dilation, spatial, 1)))
    return failure();
  if (s.x[1] % s.w[1] != 0)
    return op->emitOpError(s.xName)
           << " has " << s.x[1] << " channels, not a multiple of the " << s.w[1]
           << " channels of a filter";
  if (s.w[0] % (s.x[1] / s.w[1]) != 0)
    return op->emitOpError(s.wName)
           << " has " << s.w[0] << " filters, not a multiple of the "
           << s.x[1] / s.w[1] << " groups";
  for (size_t i = 0; i < spatial; ++i)
    if (!filterFits(s.x[i + 2], s.w[i + 2], s.padding[i], s.dilation[i]))
      return op->emitOpError("the filter is larger than the padded ")
             << s.xName << " in spatial dimension " << i;
  SmallVector<int64_t> expected = inferConvShape(s);
  if (s.y != ArrayRef<int64_t>(expected))
    return op->emitOpError(s.yName)
           << " has shape [" << s.y << "], expected [" << expected << "]";
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (result.getElementType().isInteger(1))
    return op->emitOpError("is not defined for i1 results");
  return verifyStoredInFull(op);
}

} // namespace fusilli::ir
