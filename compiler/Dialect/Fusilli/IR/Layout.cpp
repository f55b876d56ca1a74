// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout arithmetic and the layout attribute's verifier.
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>
#include <utility>

using namespace mlir;

namespace fusilli::ir {

SmallVector<int64_t> getContiguousStrides(ArrayRef<int64_t> dims) {
  SmallVector<int64_t> strides(dims.size());
  // Types of program text may be of any size until fusilli-verify-graph: wrap.
  uint64_t product = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = int64_t(product);
    product *= uint64_t(dims[i]);
  }
  return strides;
}

bool hasValidPhysicalRepresentation(ArrayRef<int64_t> dims,
                                    ArrayRef<int64_t> strides) {
  if (dims.size() != strides.size())
    return false;
  if (llvm::any_of(strides, [](int64_t stride) { return stride < 0; }))
    return false;
  SmallVector<size_t> order(dims.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(strides[a], a) < std::pair(strides[b], b);
  });
  int64_t expected = 1;
  for (size_t i : order) {
    if (dims[i] == 1 || strides[i] == 0)
      continue;
    if (strides[i] != expected)
      return false;
    if (dims[i] < 0 || llvm::MulOverflow(expected, dims[i], expected))
      return false;
  }
  return true;
}

SmallVector<int64_t> getLogicalToPhysicalOrder(ArrayRef<int64_t> dims,
                                               ArrayRef<int64_t> strides) {
  SmallVector<int64_t> order(dims.size());
  std::iota(order.begin(), order.end(), 0);
  SmallVector<int64_t> moving;
  for (int64_t i : order)
    if (dims[i] != 1 && strides[i] != 0)
      moving.push_back(i);
  SmallVector<int64_t> sorted = moving;
  llvm::sort(sorted, [&](int64_t a, int64_t b) {
    return std::pair(-strides[a], a) < std::pair(-strides[b], b);
  });
  for (auto [position, dim] : llvm::zip_equal(moving, sorted))
    order[position] = dim;
  return order;
}

SmallVector<int64_t> getPhysicalShape(ArrayRef<int64_t> dims,
                                      ArrayRef<int64_t> strides) {
  SmallVector<int64_t> shape;
  for (int64_t dim : getLogicalToPhysicalOrder(dims, strides))
    shape.push_back(strides[dim] == 0 ? 1 : dims[dim]);
  return shape;
}

SmallVector<int64_t> getLogicalStrides(RankedTensorType type) {
  if (auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding()))
    return SmallVector<int64_t>(layout.getStrides());
  return getContiguousStrides(type.getShape());
}

SmallVector<int64_t> getLogicalToPhysicalOrder(RankedTensorType type) {
  return getLogicalToPhysicalOrder(type.getShape(), getLogicalStrides(type));
}

SmallVector<int64_t> getPhysicalShape(RankedTensorType type) {
  return getPhysicalShape(type.getShape(), getLogicalStrides(type));
}

ArrayRef<int64_t> getDynamicDims(RankedTensorType type) {
  if (auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding()))
    return layout.getDynamic();
  return {};
}

bool isDynamicDim(RankedTensorType type, int64_t dim) {
  return llvm::is_contained(getDynamicDims(type), dim);
}

bool hasBroadcastDims(RankedTensorType type) {
  for (auto [dim, stride] :
       llvm::zip_equal(type.getShape(), getLogicalStrides(type)))
    if (dim > 1 && stride == 0)
      return true;
  return false;
}

bool hasSameShape(RankedTensorType a, RankedTensorType b) {
  return a.getShape() == b.getShape() && getDynamicDims(a) == getDynamicDims(b);
}

bool isSamePhysicalLayout(RankedTensorType a, RankedTensorType b) {
  if (!hasSameShape(a, b))
    return false;
  for (auto [dim, sa, sb] : llvm::zip_equal(a.getShape(), getLogicalStrides(a),
                                            getLogicalStrides(b)))
    if (dim != 1 && sa != sb)
      return false;
  return true;
}

int64_t getElementBytes(Type elementType) {
  return (elementType.getIntOrFloatBitWidth() + 7) / 8;
}

int64_t getBufferBytes(RankedTensorType type) {
  int64_t bytes = getElementBytes(type.getElementType());
  for (int64_t extent : getPhysicalShape(type))
    bytes *= extent;
  return bytes;
}

RankedTensorType getTensorType(ArrayRef<int64_t> dims,
                               ArrayRef<int64_t> strides, Type elementType,
                               ArrayRef<int64_t> dynamic) {
  Attribute encoding;
  if (!dynamic.empty() ||
      ArrayRef<int64_t>(getContiguousStrides(dims)) != strides)
    encoding = LayoutAttr::get(elementType.getContext(), strides, dynamic);
  return RankedTensorType::get(dims, elementType, encoding);
}

static LogicalResult
verifyDynamicDims(LayoutAttr layout, ArrayRef<int64_t> shape,
                  function_ref<InFlightDiagnostic()> emitError) {
  ArrayRef<int64_t> strides = layout.getStrides();
  ArrayRef<int64_t> dims = layout.getDynamic();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (dim < 0 || dim >= int64_t(shape.size()))
      return emitError() << "dynamic dimension " << dim
                         << " of a tensor of rank " << shape.size();
    if (i > 0 && dims[i - 1] >= dim)
      return emitError() << "dynamic dimensions [" << dims
                         << "] are not ascending";
    if (shape[dim] == 1)
      return emitError() << "dynamic dimension " << dim
                         << " has the representative extent 1";
  }
  for (auto [extent, stride] : llvm::zip_equal(shape, strides))
    if (extent != 1 && stride == 0)
      return emitError() << "a tensor with dynamic dimensions has broadcast "
                            "strides ["
                         << strides << "]";
  return success();
}

LogicalResult
LayoutAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                           function_ref<InFlightDiagnostic()> emitError) const {
  if (getStrides().size() != shape.size())
    return emitError() << "layout has " << getStrides().size()
                       << " strides, the tensor has rank " << shape.size();
  if (!hasValidPhysicalRepresentation(shape, getStrides()))
    return emitError() << "strides [" << getStrides()
                       << "] do not store a tensor of shape [" << shape
                       << "] densely and without overlap";
  if (!getDynamic().empty())
    return verifyDynamicDims(*this, shape, emitError);
  if (ArrayRef<int64_t>(getContiguousStrides(shape)) == getStrides())
    return emitError() << "a contiguous tensor carries no layout";
  return success();
}

} // namespace fusilli::ir
