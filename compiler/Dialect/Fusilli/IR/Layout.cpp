// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts of MLIR types by the algebra of support/tensor_layout.h, and the
// layout attribute's verifier.
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "support/tensor_layout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace fusilli::ir {

namespace {

layout::Numbers toNumbers(ArrayRef<int64_t> array) {
  return {array.data(), array.size()};
}

SmallVector<int64_t> toSmallVector(const std::vector<int64_t> &numbers) {
  return SmallVector<int64_t>(numbers.begin(), numbers.end());
}

} // namespace

SmallVector<int64_t> getContiguousStrides(ArrayRef<int64_t> dims) {
  return toSmallVector(layout::rowMajorStrides(toNumbers(dims)));
}

bool hasValidPhysicalRepresentation(ArrayRef<int64_t> dims,
                                    ArrayRef<int64_t> strides) {
  return layout::isDense(toNumbers(dims), toNumbers(strides));
}

SmallVector<int64_t> getLogicalToPhysicalOrder(ArrayRef<int64_t> dims,
                                               ArrayRef<int64_t> strides) {
  return toSmallVector(
      layout::physicalOrder(toNumbers(dims), toNumbers(strides)));
}

SmallVector<int64_t> getPhysicalShape(ArrayRef<int64_t> dims,
                                      ArrayRef<int64_t> strides) {
  return toSmallVector(
      layout::physicalShape(toNumbers(dims), toNumbers(strides)));
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
  return layout::hasBroadcast(toNumbers(type.getShape()),
                              toNumbers(getLogicalStrides(type)));
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

bool isSameBuffer(RankedTensorType a, RankedTensorType b) {
  auto getDims = [](RankedTensorType type) {
    SmallVector<std::pair<int64_t, int64_t>> dims, merged; // stride, extent
    for (auto [stride, extent] :
         llvm::zip_equal(getLogicalStrides(type), type.getShape()))
      if (extent != 1)
        dims.emplace_back(stride, extent);
    llvm::sort(dims);
    for (auto [stride, extent] : dims)
      if (!merged.empty() &&
          stride == merged.back().first * merged.back().second)
        merged.back().second *= extent;
      else
        merged.emplace_back(stride, extent);
    return merged;
  };
  return a.getElementType() == b.getElementType() && getDims(a) == getDims(b);
}

bool isViewOf(RankedTensorType view, RankedTensorType whole) {
  if (isSameBuffer(view, whole))
    return true;
  std::optional<int64_t> part = findBufferBytes(view);
  std::optional<int64_t> all = findBufferBytes(whole);
  return view.getElementType() == whole.getElementType() && part && all &&
         *part < *all && getDynamicDims(view).empty() &&
         getDynamicDims(whole).empty();
}

SmallVector<int64_t> getDenseStrides(ArrayRef<int64_t> dims,
                                     ArrayRef<int64_t> strides) {
  SmallVector<int64_t> dense(dims.size());
  int64_t product = 1;
  SmallVector<int64_t> order = getLogicalToPhysicalOrder(dims, strides);
  for (int64_t dim : llvm::reverse(order)) {
    dense[dim] = product;
    product *= dims[dim];
  }
  return dense;
}

int64_t getElementBytes(Type elementType) {
  return (elementType.getIntOrFloatBitWidth() + 7) / 8;
}

std::optional<int64_t> findBufferBytes(RankedTensorType type) {
  int64_t bytes = getElementBytes(type.getElementType());
  std::optional<int64_t> span = layout::findSpan(
      toNumbers(type.getShape()), toNumbers(getLogicalStrides(type)));
  if (!span || llvm::MulOverflow(*span, bytes, bytes))
    return std::nullopt;
  return bytes;
}

int64_t getBufferBytes(RankedTensorType type) { return *findBufferBytes(type); }

SmallVector<int64_t> getBufferShape(RankedTensorType type) {
  return toSmallVector(*layout::bufferShape(
      toNumbers(type.getShape()), toNumbers(getLogicalStrides(type))));
}

bool isView(RankedTensorType type) {
  return !hasValidPhysicalRepresentation(type.getShape(),
                                         getLogicalStrides(type));
}

bool isStoredOnce(RankedTensorType type) {
  return layout::isDistinct(toNumbers(type.getShape()),
                            toNumbers(getLogicalStrides(type)));
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
  if (!hasValidPhysicalRepresentation(shape, strides))
    return emitError() << "strides [" << strides
                       << "] do not store a tensor of shape [" << shape
                       << "] with dynamic dimensions densely";
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
  if (llvm::any_of(shape, [](int64_t extent) { return extent < 0; }))
    return emitError() << "a tensor with a layout has a static shape, not ["
                       << shape << "]";
  if (llvm::any_of(getStrides(), [](int64_t stride) { return stride < 0; }))
    return emitError() << "strides [" << getStrides() << "] are negative";
  if (!getDynamic().empty())
    return verifyDynamicDims(*this, shape, emitError);
  if (ArrayRef<int64_t>(getContiguousStrides(shape)) == getStrides())
    return emitError() << "a contiguous tensor carries no layout";
  return success();
}

} // namespace fusilli::ir
