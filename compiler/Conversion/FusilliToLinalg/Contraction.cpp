// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli.matmul and fusilli.conv_fprop to linalg: one generic that multiplies
// and adds up in the accumulator's type. Layouts are in the indexing maps;
// padding is a tensor.pad of the input, groups are split channel dims.

#include "compiler/Conversion/FusilliToLinalg/KernelLowering.h"
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace fusilli::compiler {

Type getProductAccumulator(Type result) {
  if (isa<FloatType>(result))
    return getComputeType(result);
  return IntegerType::get(result.getContext(), result.isInteger(64) ? 64 : 32);
}

FailureOr<Value> buildProductPayload(ImplicitLocOpBuilder &b, ValueRange args) {
  Value acc = args[2];
  Value x = convertElement(b, args[0], acc.getType());
  Value y = convertElement(b, args[1], acc.getType());
  if (isa<FloatType>(acc.getType()))
    return Value(arith::AddFOp::create(b, acc, arith::MulFOp::create(b, x, y)));
  return Value(arith::AddIOp::create(b, acc, arith::MulIOp::create(b, x, y)));
}

static TypedAttr zeroOf(ImplicitLocOpBuilder &b, Type t) {
  return cast<TypedAttr>(b.getZeroAttr(t));
}

/// `map` of operand `v` with `expr` instead of 0 for logical dim `dim`.
static AffineMap nameUnitDim(AffineMap map, Value v, bool isPhysical,
                             int64_t dim, AffineExpr expr) {
  int64_t position = dim;
  if (isPhysical) {
    SmallVector<int64_t> order =
        ir::getLogicalToPhysicalOrder(cast<RankedTensorType>(v.getType()));
    position = llvm::find(order, dim) - order.begin();
  }
  SmallVector<AffineExpr> results(map.getResults());
  results[position] = expr;
  return AffineMap::get(map.getNumDims(), 0, results, map.getContext());
}

LogicalResult lower(KernelLowering &k, ir::MatmulOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto cType = cast<RankedTensorType>(op.getOutput().getType());
  Type result = getComputeType(cType.getElementType());
  Type acc = getProductAccumulator(result);
  unsigned rank = cType.getRank(), loops = rank + 1;
  SmallVector<AffineExpr> d = loopExprs(b.getContext(), loops);
  SmallVector<AffineExpr> a(d.begin(), d.begin() + rank - 1), bb(a), c;
  a.push_back(d[rank]);      // ..., m, k
  bb.back() = d[rank];       // ..., k
  bb.push_back(d[rank - 1]); // n
  c.assign(d.begin(), d.begin() + rank);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  AffineMap mapA = k.operandMap(op.getA(), a, loops);
  AffineMap mapB = k.operandMap(op.getB(), bb, loops);
  // Extents of 1 are read at 0, but each loop needs an operand that names it.
  if (!mapA.isFunctionOfDim(rank) && !mapB.isFunctionOfDim(rank)) {
    if (cast<RankedTensorType>(op.getA().getType()).getDimSize(rank - 1) != 1)
      return op.emitOpError("broadcasts both operands along the summed dim");
    mapA = nameUnitDim(mapA, op.getA(), k.isArgument(op.getA()), rank - 1,
                       d[rank]);
  }
  FailureOr<Value> product = k.accumulate(
      RankedTensorType::get(cType.getShape(), acc), zeroOf(b, acc),
      {k.lowered(op.getA()), k.lowered(op.getB())},
      {mapA, mapB, AffineMap::get(loops, 0, c, b.getContext())}, iterators,
      [&](ValueRange args) { return buildProductPayload(b, args); });
  if (failed(product))
    return failure();
  FailureOr<Value> value = k.convert(*product, result);
  if (failed(value))
    return failure();
  k.setLowered(op.getOutput(), *value);
  return success();
}

/// `argument` (physical) with logical dim `dim` split into groups x rest, and
/// the loops of its dims in physical order. exprs: per logical dim, with the
/// group's expression inserted before that of `dim`.
static std::pair<Value, SmallVector<AffineExpr>>
physicalView(ImplicitLocOpBuilder &b, Value argument, RankedTensorType type,
             ArrayRef<AffineExpr> exprs, int64_t dim, int64_t groups) {
  SmallVector<int64_t> order = ir::getLogicalToPhysicalOrder(type);
  SmallVector<int64_t> shape = ir::getPhysicalShape(type);
  SmallVector<AffineExpr> results;
  SmallVector<int64_t> split;
  SmallVector<ReassociationIndices> reassociation;
  for (auto [i, j] : llvm::enumerate(order)) {
    reassociation.emplace_back();
    if (groups > 1 && j == dim) {
      reassociation.back() = {int64_t(split.size()), int64_t(split.size()) + 1};
      split.append({groups, shape[i] / groups});
      results.append({exprs[dim], exprs[dim + 1]});
      continue;
    }
    reassociation.back() = {int64_t(split.size())};
    split.push_back(shape[i]);
    results.push_back(exprs[groups > 1 && j > dim ? j + 1 : j]);
  }
  if (groups > 1)
    argument = tensor::ExpandShapeOp::create(
        b,
        RankedTensorType::get(split, getStorageElement(type.getElementType())),
        argument, reassociation);
  return {argument, results};
}

LogicalResult lower(KernelLowering &k, ir::ConvFPropOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto xType = cast<RankedTensorType>(op.getX().getType());
  auto wType = cast<RankedTensorType>(op.getW().getType());
  auto yType = cast<RankedTensorType>(op.getOutput().getType());
  Type result = getComputeType(yType.getElementType());
  Type acc = getProductAccumulator(result);
  int64_t spatial = xType.getRank() - 2, groups = op.getGroups();
  bool grouped = groups > 1;

  // Loops: n, [g], k, outputs..., c, taps...
  unsigned loops = 3 + grouped + 2 * spatial;
  SmallVector<AffineExpr> d = loopExprs(b.getContext(), loops);
  unsigned at = 0;
  AffineExpr n = d[at++], g = grouped ? d[at++] : AffineExpr(), kk = d[at++];
  ArrayRef<AffineExpr> o = ArrayRef(d).slice(at, spatial);
  AffineExpr c = d[at + spatial];
  ArrayRef<AffineExpr> r = ArrayRef(d).slice(at + spatial + 1, spatial);
  SmallVector<AffineExpr> x{n}, w, y{n};
  if (grouped) {
    x.push_back(g);
    w.push_back(g);
    y.push_back(g);
  }
  x.push_back(c);
  w.append({kk, c});
  y.push_back(kk);
  for (int64_t i = 0; i < spatial; ++i) {
    x.push_back(o[i] * op.getStride()[i] + r[i] * op.getDilation()[i]);
    w.push_back(r[i]);
    y.push_back(o[i]);
  }
  auto [xView, xMap] =
      physicalView(b, k.lowered(op.getX()), xType, x, 1, groups);
  auto [wView, wMap] =
      physicalView(b, k.lowered(op.getW()), wType, w, 0, groups);

  // Zero padding of the spatial dims, those with a compound expression.
  if (llvm::any_of(op.getPadding(), [](int64_t p) { return p != 0; })) {
    auto viewType = cast<RankedTensorType>(xView.getType());
    SmallVector<int64_t> pads(viewType.getRank(), 0),
        shape(viewType.getShape());
    for (auto [j, e] : llvm::enumerate(xMap))
      for (int64_t i = 0; i < spatial; ++i)
        if (e == x[2 + grouped + i]) {
          pads[j] = op.getPadding()[i];
          shape[j] += 2 * pads[j];
        }
    Value zero =
        arith::ConstantOp::create(b, zeroOf(b, viewType.getElementType()));
    SmallVector<OpFoldResult> padValues;
    for (int64_t p : pads)
      padValues.push_back(b.getIndexAttr(p));
    xView = tensor::PadOp::create(
        b, RankedTensorType::get(shape, viewType.getElementType()), xView,
        padValues, padValues, zero);
  }

  SmallVector<int64_t> shape(yType.getShape());
  if (grouped) {
    shape[1] /= groups;
    shape.insert(shape.begin() + 1, groups);
  }
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  for (unsigned i = at + spatial; i < loops; ++i)
    iterators[i] = utils::IteratorType::reduction;
  FailureOr<Value> product = k.accumulate(
      RankedTensorType::get(shape, acc), zeroOf(b, acc), {xView, wView},
      {AffineMap::get(loops, 0, xMap, b.getContext()),
       AffineMap::get(loops, 0, wMap, b.getContext()),
       AffineMap::get(loops, 0, y, b.getContext())},
      iterators, [&](ValueRange args) { return buildProductPayload(b, args); });
  if (failed(product))
    return failure();
  Value value = *product;
  if (grouped) {
    SmallVector<ReassociationIndices> merge;
    for (int64_t i = 0, p = 0; i < yType.getRank(); ++i) {
      merge.push_back({p++});
      if (i == 1)
        merge.back().push_back(p++);
    }
    value = tensor::CollapseShapeOp::create(
        b, RankedTensorType::get(yType.getShape(), acc), value, merge);
  }
  FailureOr<Value> converted = k.convert(value, result);
  if (failed(converted))
    return failure();
  k.setLowered(op.getOutput(), *converted);
  return success();
}

} // namespace fusilli::compiler
