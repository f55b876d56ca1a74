// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli.matmul and fusilli.conv_fprop to linalg: one generic that multiplies
// and adds up in the accumulator's type. Padding is a tensor.pad of the input,
// a channel of a group is group * channels per group + its number there.

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

/// `map` with `expr` instead of 0 for dim `dim`.
static AffineMap nameUnitDim(AffineMap map, int64_t dim, AffineExpr expr) {
  SmallVector<AffineExpr> results(map.getResults());
  results[dim] = expr;
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
    mapA = nameUnitDim(mapA, rank - 1, d[rank]);
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

LogicalResult lower(KernelLowering &k, ir::ConvFPropOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto xType = cast<RankedTensorType>(op.getX().getType());
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
  int64_t groupIn = xType.getDimSize(1) / groups;
  int64_t groupOut = yType.getDimSize(1) / groups;
  SmallVector<AffineExpr> x{n}, w, y{n};
  x.push_back(grouped ? g * groupIn + c : c);
  w.append({grouped ? g * groupOut + kk : kk, c});
  if (grouped)
    y.push_back(g);
  y.push_back(kk);
  for (int64_t i = 0; i < spatial; ++i) {
    x.push_back(o[i] * op.getStride()[i] + r[i] * op.getDilation()[i]);
    w.push_back(r[i]);
    y.push_back(o[i]);
  }
  Value input = k.lowered(op.getX()), filter = k.lowered(op.getW());

  if (llvm::any_of(op.getPadding(), [](int64_t p) { return p != 0; })) {
    SmallVector<OpFoldResult> low(2, b.getIndexAttr(0));
    SmallVector<int64_t> shape(xType.getShape());
    for (auto [i, p] : llvm::enumerate(op.getPadding())) {
      low.push_back(b.getIndexAttr(p));
      shape[2 + i] += 2 * p;
    }
    Type element = cast<RankedTensorType>(input.getType()).getElementType();
    Value zero = arith::ConstantOp::create(b, zeroOf(b, element));
    input = tensor::PadOp::create(b, RankedTensorType::get(shape, element),
                                  input, low, low, zero);
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
      RankedTensorType::get(shape, acc), zeroOf(b, acc), {input, filter},
      {AffineMap::get(loops, 0, x, b.getContext()),
       AffineMap::get(loops, 0, w, b.getContext()),
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
