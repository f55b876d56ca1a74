// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli.conv_dgrad and fusilli.conv_wgrad to linalg: one generic that
// multiplies and adds up, as for the forward convolution.
//
// The data's gradient is a convolution of dy with the filter walked backwards:
// dx[i] sums dy[(i + padding - r dilation) / stride] w[r] over the r for which
// that is a whole number. With stride 1 it always is; otherwise dy is read as a
// tensor with stride - 1 zeros behind each element. The weights' gradient sums
// dy[o] x[o stride + r dilation - padding] over images and outputs.

#include "compiler/Conversion/FusilliToLinalg/KernelLowering.h"
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

constexpr unsigned kSpatial = 2; ///< first spatial dim

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

/// `v` with zeros around: `low` and `high` per spatial dim.
Value padSpatial(ImplicitLocOpBuilder &b, Value v, ArrayRef<int64_t> low,
                 ArrayRef<int64_t> high) {
  auto isZero = [](int64_t p) { return p == 0; };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero))
    return v;
  SmallVector<int64_t> shape(typeOf(v).getShape());
  SmallVector<OpFoldResult> lows(kSpatial, b.getIndexAttr(0)), highs(lows);
  for (auto [i, l, h] : llvm::enumerate(low, high)) {
    lows.push_back(b.getIndexAttr(l));
    highs.push_back(b.getIndexAttr(h));
    shape[kSpatial + i] += l + h;
  }
  Type element = typeOf(v).getElementType();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  return tensor::PadOp::create(b, RankedTensorType::get(shape, element), v,
                               lows, highs, zero);
}

/// `v` with stride - 1 zeros behind each element of a spatial dim.
FailureOr<Value> spread(KernelLowering &k, Value v, ArrayRef<int64_t> stride) {
  if (llvm::all_of(stride, [](int64_t s) { return s == 1; }))
    return v;
  ImplicitLocOpBuilder &b = k.builder();
  Type element = typeOf(v).getElementType();
  if (typeOf(v).getEncoding()) { // reshapes take tensors without a layout
    FailureOr<Value> plain = k.elementwise(
        typeOf(v).getShape(), element, v,
        {b.getMultiDimIdentityMap(typeOf(v).getRank())},
        [](ValueRange args) -> FailureOr<Value> { return args[0]; });
    if (failed(plain))
      return failure();
    v = *plain;
  }
  SmallVector<int64_t> split, padded, merged;
  SmallVector<OpFoldResult> low, high;
  SmallVector<ReassociationIndices> groups;
  for (auto [j, extent] : llvm::enumerate(typeOf(v).getShape())) {
    int64_t s = j < kSpatial ? 1 : stride[j - kSpatial];
    groups.push_back({int64_t(split.size())});
    split.push_back(extent);
    padded.push_back(extent);
    merged.push_back(extent * s);
    high.push_back(b.getIndexAttr(0));
    if (j < kSpatial)
      continue;
    groups.back().push_back(split.size());
    split.push_back(1);
    padded.push_back(s);
    high.push_back(b.getIndexAttr(s - 1));
  }
  low.assign(split.size(), b.getIndexAttr(0));
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  v = tensor::ExpandShapeOp::create(b, RankedTensorType::get(split, element), v,
                                    groups);
  v = tensor::PadOp::create(b, RankedTensorType::get(padded, element), v, low,
                            high, zero);
  return Value(tensor::CollapseShapeOp::create(
      b, RankedTensorType::get(merged, element), v, groups));
}

/// Loops of a gradient and the maps of its operands, put together dim by dim.
struct Loops {
  explicit Loops(MLIRContext *context) : context(context) {}

  AffineExpr add(utils::IteratorType type) {
    iterators.push_back(type);
    return getAffineDimExpr(iterators.size() - 1, context);
  }
  AffineExpr parallel() { return add(utils::IteratorType::parallel); }
  AffineExpr reduction() { return add(utils::IteratorType::reduction); }
  AffineMap map(ArrayRef<AffineExpr> exprs) const {
    return AffineMap::get(iterators.size(), 0, exprs, context);
  }

  MLIRContext *context;
  SmallVector<utils::IteratorType> iterators;
};

/// Sums the products of `a` and `b`, merges dims `merge` and `merge` + 1 of the
/// result where it is grouped, and gives it as the op's.
LogicalResult accumulateProducts(KernelLowering &k, Value output, Value a,
                                 Value b, ArrayRef<AffineMap> maps,
                                 const Loops &loops, int64_t groups,
                                 int64_t merge) {
  ImplicitLocOpBuilder &builder = k.builder();
  auto type = typeOf(output);
  Type result = getComputeType(type.getElementType());
  Type acc = getProductAccumulator(result);
  SmallVector<int64_t> shape(type.getShape());
  if (groups > 1) {
    shape[merge] /= groups;
    shape.insert(shape.begin() + merge, groups);
  }
  FailureOr<Value> product = k.accumulate(
      RankedTensorType::get(shape, acc),
      cast<TypedAttr>(builder.getZeroAttr(acc)), {a, b}, maps, loops.iterators,
      [&](ValueRange args) { return buildProductPayload(builder, args); });
  if (failed(product))
    return failure();
  Value value = *product;
  if (groups > 1) {
    SmallVector<ReassociationIndices> dims;
    for (int64_t j = 0, at = 0; j < type.getRank(); ++j) {
      dims.push_back({at++});
      if (j == merge)
        dims.back().push_back(at++);
    }
    value = tensor::CollapseShapeOp::create(
        builder, RankedTensorType::get(type.getShape(), acc), value, dims);
  }
  FailureOr<Value> converted = k.convert(value, result);
  if (failed(converted))
    return failure();
  k.setLowered(output, *converted);
  return success();
}

/// The whole channel number of channel `c` of a group.
AffineExpr channelOf(AffineExpr group, int64_t perGroup, AffineExpr c) {
  return group ? group * perGroup + c : c;
}

} // namespace

/// How positions of one spatial dim of dx read outputs and taps: position i
/// reads output i + shift - t outputStep through tap first + t step, t < count.
using DimTaps = ir::ConvDGradOp::PhaseTaps;

/// `filter` with only the taps that are read.
static Value sliceTaps(ImplicitLocOpBuilder &b, Value filter,
                       ArrayRef<DimTaps> taps) {
  SmallVector<int64_t> shape(typeOf(filter).getShape());
  SmallVector<OpFoldResult> offsets(kSpatial, b.getIndexAttr(0)),
      strides(kSpatial, b.getIndexAttr(1)), sizes;
  bool all = true;
  for (auto [j, t] : llvm::enumerate(taps)) {
    offsets.push_back(b.getIndexAttr(t.first));
    strides.push_back(b.getIndexAttr(t.step));
    all &= t.count == shape[kSpatial + j];
    shape[kSpatial + j] = t.count;
  }
  if (all)
    return filter;
  for (int64_t extent : shape)
    sizes.push_back(b.getIndexAttr(extent));
  auto type = RankedTensorType::get(shape, typeOf(filter).getElementType());
  return tensor::ExtractSliceOp::create(b, type, filter, offsets, sizes,
                                        strides);
}

LogicalResult lower(KernelLowering &k, ir::ConvDGradOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto dxType = op.getOutput().getType();
  auto wType = op.getW().getType();
  int64_t spatial = dxType.getRank() - kSpatial, groups = op.getGroups();
  int64_t filters = wType.getDimSize(0) / groups;

  // Without a phase, of a dy that is spread to stride 1.
  SmallVector<DimTaps> taps;
  for (int64_t j = 0; j < spatial; ++j)
    taps.push_back(op.getPhase()
                       ? op.getPhaseTaps(j)
                       : DimTaps{0, 1, wType.getDimSize(kSpatial + j),
                                 op.getPadding()[j], op.getDilation()[j]});
  FailureOr<Value> gradient = k.lowered(op.getDy());
  if (!op.getPhase())
    gradient = spread(k, *gradient, op.getStride());
  if (failed(gradient))
    return failure();

  Loops loops(b.getContext());
  AffineExpr n = loops.parallel();
  AffineExpr g = groups > 1 ? loops.parallel() : AffineExpr();
  AffineExpr c = loops.parallel();
  SmallVector<AffineExpr> i, r;
  for (int64_t j = 0; j < spatial; ++j)
    i.push_back(loops.parallel());
  AffineExpr f = loops.reduction();
  for (int64_t j = 0; j < spatial; ++j)
    r.push_back(loops.reduction());
  AffineExpr filter = channelOf(g, filters, f);
  SmallVector<AffineExpr> dy{n, filter}, w, dx{n};
  if (g) {
    dx.push_back(g);
    w.push_back(g);
  }
  w.append({f, c});
  dx.push_back(c);
  SmallVector<int64_t> low, high;
  for (auto [j, t] : llvm::enumerate(taps)) {
    int64_t outputs = typeOf(*gradient).getDimSize(kSpatial + j);
    int64_t reach = (t.count - 1) * t.outputStep;
    low.push_back(std::max<int64_t>(reach - t.shift, 0));
    high.push_back(std::max<int64_t>(
        dxType.getDimSize(kSpatial + j) + t.shift - outputs, 0));
    dy.push_back(i[j] - r[j] * t.outputStep + (t.shift + low.back()));
    w.push_back(r[j]);
    dx.push_back(i[j]);
  }
  // Each loop is some operand's dim: the filters of a group are one of W's.
  Value filterView = sliceTaps(b, k.lowered(op.getW()), taps);
  if (groups > 1) {
    SmallVector<int64_t> split(typeOf(filterView).getShape());
    split[0] = filters;
    split.insert(split.begin(), groups);
    SmallVector<ReassociationIndices> parts = {{0, 1}};
    for (int64_t dim = 2; dim < int64_t(split.size()); ++dim)
      parts.push_back({dim});
    filterView = tensor::ExpandShapeOp::create(
        b, RankedTensorType::get(split, typeOf(filterView).getElementType()),
        filterView, parts);
  }
  return accumulateProducts(
      k, op.getOutput(), padSpatial(b, *gradient, low, high), filterView,
      {loops.map(dy), loops.map(w), loops.map(dx)}, loops, groups, /*merge=*/1);
}

LogicalResult lower(KernelLowering &k, ir::ConvWGradOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto dwType = op.getOutput().getType();
  int64_t spatial = dwType.getRank() - kSpatial, groups = op.getGroups();
  int64_t filters = dwType.getDimSize(0) / groups;

  Loops loops(b.getContext());
  AffineExpr g = groups > 1 ? loops.parallel() : AffineExpr();
  AffineExpr f = loops.parallel(), c = loops.parallel();
  SmallVector<AffineExpr> r, o;
  for (int64_t j = 0; j < spatial; ++j)
    r.push_back(loops.parallel());
  AffineExpr n = loops.reduction();
  for (int64_t j = 0; j < spatial; ++j)
    o.push_back(loops.reduction());
  SmallVector<AffineExpr> dy{n, channelOf(g, filters, f)},
      x{n, channelOf(g, dwType.getDimSize(1), c)}, dw;
  if (g)
    dw.push_back(g);
  dw.append({f, c});
  for (int64_t j = 0; j < spatial; ++j) {
    dy.push_back(o[j]);
    x.push_back(o[j] * op.getStride()[j] + r[j] * op.getDilation()[j]);
    dw.push_back(r[j]);
  }
  Value data =
      padSpatial(b, k.lowered(op.getX()), op.getPadding(), op.getPadding());
  return accumulateProducts(k, op.getOutput(), k.lowered(op.getDy()), data,
                            {loops.map(dy), loops.map(x), loops.map(dw)}, loops,
                            groups, /*merge=*/0);
}

} // namespace fusilli::compiler
