// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-decompose: normalizations as pointwise ops and reductions.
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_DECOMPOSE
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Builds the primitive ops of one composite op, in front of it. `kept` is the
/// dimension along which the statistics differ.
class Decomposer {
public:
  Decomposer(Operation *op, int64_t kept)
      : op(op), builder(op), kept(kept), shape(typeOf(op->getOperand(0))),
        wide(isDouble(0) ? builder.getF64Type() : builder.getF32Type()) {}

  Value pointwise(PointwiseMode mode, Type type, ValueRange inputs) {
    auto result =
        PointwiseOp::create(builder, op->getLoc(), type, mode, inputs);
    setNode(result);
    return result.getOutput();
  }
  Value full(PointwiseMode mode, ValueRange inputs) {
    return pointwise(mode, fullType(), inputs);
  }
  Value small(PointwiseMode mode, ValueRange inputs) {
    return pointwise(mode, smallType(), inputs);
  }
  Value average(Value x) {
    if (shape.getNumElements() == shape.getDimSize(kept))
      return small(PointwiseMode::IDENTITY, x);
    auto result = ReductionOp::create(builder, op->getLoc(), smallType(),
                                      ReductionMode::AVG, x,
                                      op->getAttrOfType<StringAttr>("node"));
    return result.getOutput();
  }
  Value inverseRoot(Value square, Value epsilon) {
    return small(PointwiseMode::RSQRT,
                 small(PointwiseMode::ADD, {square, epsilon}));
  }

  /// x times `inverse`, times `scale`, plus `bias`, as a value of the type of
  /// the composite op's result, which it replaces.
  void finish(Value x, Value inverse, Value scale, Value bias) {
    SmallVector<std::pair<PointwiseMode, Value>, 3> steps = {
        {PointwiseMode::MUL, inverse}};
    if (scale)
      steps.emplace_back(PointwiseMode::MUL, scale);
    if (bias)
      steps.emplace_back(PointwiseMode::ADD, bias);
    for (auto [mode, operand] : ArrayRef(steps).drop_back())
      x = full(mode, {x, operand});
    op->getResult(0).replaceAllUsesWith(pointwise(steps.back().first,
                                                  op->getResult(0).getType(),
                                                  {x, steps.back().second}));
  }

  struct Centred {
    Value mean, differences, variance;
  };
  /// The mean of x, the differences to it and the mean of their squares.
  Centred centre(Value x) {
    Value first = average(x);
    Value d = full(PointwiseMode::SUB, {x, first});
    Value rest = average(d);
    Value squares = average(full(PointwiseMode::MUL, {d, d}));
    Value restSquare = small(PointwiseMode::MUL, {rest, rest});
    return {small(PointwiseMode::ADD, {first, rest}),
            full(PointwiseMode::SUB, {d, rest}),
            small(PointwiseMode::SUB, {squares, restSquare})};
  }

  /// Replaces the statistics among the results of the composite op.
  void finishStatistics(ResultRange results, Value mean, Value inverse) {
    const Value values[] = {mean, inverse};
    for (auto [result, value] : llvm::zip(results, values)) {
      if (result.use_empty())
        continue;
      RankedTensorType type = typeOf(result);
      Value copy = pointwise(PointwiseMode::IDENTITY,
                             smallType().clone(type.getElementType()), value);
      result.replaceAllUsesWith(toRank(copy, type));
    }
  }

  /// A tensor of one value for each channel as one of the rank of x.
  Value alongKept(Value value) {
    if (!value)
      return value;
    return toRank(value, RankedTensorType::get(smallType().getShape(),
                                               typeOf(value).getElementType()));
  }

private:
  bool isDouble(unsigned operand) const {
    return typeOf(op->getOperand(operand)).getElementType().isF64() ||
           typeOf(op->getResult(0)).getElementType().isF64();
  }
  void setNode(PointwiseOp result) {
    if (auto node = op->getAttrOfType<StringAttr>("node"))
      result.setNodeAttr(node);
  }
  Value toRank(Value value, RankedTensorType type) {
    if (value.getType() == type)
      return value;
    return ReshapeOp::create(builder, op->getLoc(), type, value);
  }
  RankedTensorType fullType() {
    return getTensorType(
        shape.getShape(),
        getDenseStrides(shape.getShape(), getLogicalStrides(shape)), wide,
        getDynamicDims(shape));
  }
  RankedTensorType smallType() {
    SmallVector<int64_t> dims(shape.getRank(), 1);
    dims[kept] = shape.getDimSize(kept);
    SmallVector<int64_t> dynamic;
    if (isDynamicDim(shape, kept))
      dynamic.push_back(kept);
    return getTensorType(dims, getContiguousStrides(dims), wide, dynamic);
  }

  Operation *op;
  OpBuilder builder;
  int64_t kept;
  RankedTensorType shape;
  Type wide;
};

void decompose(RmsnormOp op) {
  Decomposer d(op, 0);
  Value square = d.average(d.full(PointwiseMode::MUL, {op.getX(), op.getX()}));
  d.finish(op.getX(), d.inverseRoot(square, op.getEpsilon()), op.getScale(),
           Value());
}

void decompose(LayernormOp op) {
  Decomposer d(op, 0);
  Decomposer::Centred centred = d.centre(op.getX());
  Value inverse = d.inverseRoot(centred.variance, op.getEpsilon());
  d.finish(centred.differences, inverse, op.getScale(), op.getBias());
  d.finishStatistics(op.getStatistics(), centred.mean, inverse);
}

void decompose(BatchnormOp op) {
  Decomposer d(op, 1);
  Value scale = d.alongKept(op.getScale()), bias = d.alongKept(op.getBias());
  if (op.getMean()) {
    Value differences =
        d.full(PointwiseMode::SUB, {op.getX(), d.alongKept(op.getMean())});
    d.finish(differences,
             d.inverseRoot(d.alongKept(op.getVariance()), op.getEpsilon()),
             scale, bias);
    return;
  }
  Decomposer::Centred centred = d.centre(op.getX());
  Value inverse = d.inverseRoot(centred.variance, op.getEpsilon());
  d.finish(centred.differences, inverse, scale, bias);
  d.finishStatistics(op.getStatistics(), centred.mean, inverse);
}

struct DecomposePass : public impl::DecomposeBase<DecomposePass> {
  void runOnOperation() override {
    func::FuncOp main = getMain(getOperation());
    if (!main)
      return;
    for (Operation &op : llvm::make_early_inc_range(main.front())) {
      if (auto norm = dyn_cast<RmsnormOp>(op))
        decompose(norm);
      else if (auto norm = dyn_cast<LayernormOp>(op))
        decompose(norm);
      else if (auto norm = dyn_cast<BatchnormOp>(op))
        decompose(norm);
      else
        continue;
      op.erase();
    }
  }
};

} // namespace
} // namespace fusilli::ir
