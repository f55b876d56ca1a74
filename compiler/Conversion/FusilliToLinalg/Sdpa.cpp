// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli.sdpa to linalg, the plain meaning: scores = Q K^T; scaled and masked;
// their largest of each row; weights = exp(score - largest); their sum; weights
// times V; divided by the sum. Weights are rounded to bf16 for their product
// with a V of bf16, which is what the dot instructions take.

#include "compiler/Conversion/FusilliToLinalg/KernelLowering.h"
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace fusilli::compiler {

namespace {

class AttentionLowering {
public:
  AttentionLowering(KernelLowering &k, ir::SdpaOp op)
      : k(k), op(op), b(k.builder()), qType(op.getQ().getType()),
        kType(op.getK().getType()), vType(op.getV().getType()),
        oType(op.getOutput().getType()),
        acc(getProductAccumulator(getComputeType(oType.getElementType()))),
        rowShape(qType.getShape().drop_back()) {
    scoreShape.assign(rowShape.begin(), rowShape.end());
    scoreShape.push_back(kType.getDimSize(2));
  }

  LogicalResult run() {
    FailureOr<Value> s = scores();
    if (failed(s) || failed(s = masked(*s)))
      return failure();
    FailureOr<Value> largest = overKeys<arith::MaximumFOp>(*s, kMinusInfinity);
    if (failed(largest))
      return failure();
    FailureOr<Value> p = weights(*s, *largest);
    if (failed(p))
      return failure();
    FailureOr<Value> sum = overKeys<arith::AddFOp>(*p, 0.0);
    if (failed(sum))
      return failure();
    if (vType.getElementType().isBF16() &&
        failed(p = k.convert(*p, b.getBF16Type())))
      return failure();
    FailureOr<Value> o = output(*p, *sum);
    if (failed(o))
      return failure();
    k.setLowered(op.getOutput(), *o);
    return success();
  }

private:
  static constexpr double kMinusInfinity =
      -std::numeric_limits<double>::infinity();

  TypedAttr number(double v) { return b.getFloatAttr(acc, v); }
  Value constant(double v) { return arith::ConstantOp::create(b, number(v)); }
  Value isNumber(Value v, double n) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, v, constant(n));
  }
  AffineMap map(unsigned loops, ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops, 0, exprs, b.getContext());
  }
  /// Map from the 5 loops of a product to its operand, every dim by its
  /// expression: each loop needs an operand that names it.
  AffineMap operandMap(ArrayRef<AffineExpr> exprs) { return map(5, exprs); }
  /// The head of K or V that goes with query head `head`.
  AffineExpr headOf(AffineExpr head, RankedTensorType type) {
    return head.floorDiv(qType.getDimSize(1) / type.getDimSize(1));
  }

  /// Loops: batch, head, row, key, depth.
  FailureOr<Value> scores() {
    SmallVector<AffineExpr> d = loopExprs(b.getContext(), 5);
    SmallVector<utils::IteratorType> iterators(5,
                                               utils::IteratorType::parallel);
    iterators.back() = utils::IteratorType::reduction;
    return k.accumulate(RankedTensorType::get(scoreShape, acc), number(0),
                        {k.lowered(op.getQ()), k.lowered(op.getK())},
                        {operandMap({d[0], d[1], d[2], d[4]}),
                         operandMap({d[0], headOf(d[1], kType), d[3], d[4]}),
                         map(5, ArrayRef(d).take_front(4))},
                        iterators, [&](ValueRange args) {
                          return buildProductPayload(b, args);
                        });
  }

  FailureOr<Value> masked(Value s) {
    SmallVector<Value> inputs = {s};
    SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(4)};
    if (Value mask = op.getMask()) {
      inputs.push_back(k.lowered(mask));
      maps.push_back(k.broadcastMap(mask, 4));
    }
    return k.elementwise(
        scoreShape, acc, inputs, maps,
        [&](ValueRange args) -> FailureOr<Value> {
          Value scaled = arith::MulFOp::create(
              b, args[0], constant(op.getScale().convertToDouble()));
          Value hidden;
          if (op.getCausal()) {
            Value row = linalg::IndexOp::create(b, 2);
            Value key = linalg::IndexOp::create(b, 3);
            hidden =
                arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, key, row);
            return Value(arith::SelectOp::create(
                b, hidden, constant(kMinusInfinity), scaled));
          }
          if (args.size() == 1)
            return scaled;
          if (args[1].getType().isInteger(1))
            return Value(arith::SelectOp::create(b, args[1], scaled,
                                                 constant(kMinusInfinity)));
          return Value(arith::AddFOp::create(b, scaled,
                                             convertElement(b, args[1], acc)));
        });
  }

  /// Combines each row of `scores`.
  template <typename Combine>
  FailureOr<Value> overKeys(Value scoresOfRow, double init) {
    SmallVector<AffineExpr> d = loopExprs(b.getContext(), 4);
    SmallVector<utils::IteratorType> iterators(4,
                                               utils::IteratorType::parallel);
    iterators.back() = utils::IteratorType::reduction;
    return k.accumulate(RankedTensorType::get(rowShape, acc), number(init),
                        scoresOfRow,
                        {map(4, d), map(4, ArrayRef(d).take_front(3))},
                        iterators, [&](ValueRange args) -> FailureOr<Value> {
                          return Value(Combine::create(b, args[1], args[0]));
                        });
  }

  FailureOr<Value> weights(Value s, Value largest) {
    SmallVector<AffineExpr> d = loopExprs(b.getContext(), 4);
    return k.elementwise(
        scoreShape, acc, {s, largest},
        {map(4, d), map(4, ArrayRef(d).take_front(3))},
        [&](ValueRange args) -> FailureOr<Value> {
          // A row that sees nothing has weights of 0.
          Value from = arith::SelectOp::create(
              b, isNumber(args[1], kMinusInfinity), constant(0), args[1]);
          return Value(
              math::ExpOp::create(b, arith::SubFOp::create(b, args[0], from)));
        });
  }

  /// Loops of the product: batch, head, row, column, key.
  FailureOr<Value> output(Value p, Value sum) {
    SmallVector<AffineExpr> d = loopExprs(b.getContext(), 5);
    SmallVector<utils::IteratorType> iterators(5,
                                               utils::IteratorType::parallel);
    iterators.back() = utils::IteratorType::reduction;
    FailureOr<Value> product =
        k.accumulate(RankedTensorType::get(oType.getShape(), acc), number(0),
                     {p, k.lowered(op.getV())},
                     {map(5, {d[0], d[1], d[2], d[4]}),
                      operandMap({d[0], headOf(d[1], vType), d[4], d[3]}),
                      map(5, ArrayRef(d).take_front(4))},
                     iterators, [&](ValueRange args) {
                       return buildProductPayload(b, args);
                     });
    if (failed(product))
      return failure();
    return k.elementwise(
        oType.getShape(), acc, {*product, sum},
        {b.getMultiDimIdentityMap(4), map(4, ArrayRef(d).take_front(3))},
        [&](ValueRange args) -> FailureOr<Value> {
          Value quotient = arith::DivFOp::create(b, args[0], args[1]);
          return Value(arith::SelectOp::create(b, isNumber(args[1], 0),
                                               constant(0), quotient));
        });
  }

  KernelLowering &k;
  ir::SdpaOp op;
  ImplicitLocOpBuilder &b;
  RankedTensorType qType, kType, vType, oType;
  Type acc;
  ArrayRef<int64_t> rowShape;
  SmallVector<int64_t> scoreShape;
};

} // namespace

LogicalResult lower(KernelLowering &k, ir::SdpaOp op) {
  return AttentionLowering(k, op).run();
}

} // namespace fusilli::compiler
