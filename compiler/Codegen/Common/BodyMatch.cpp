// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a linalg body computes, by matching its ops: combiners of reductions and
// products.

#include "compiler/Codegen/Common/KernelModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// The identity of a combining op on values of `type`, or null.
TypedAttr getIdentity(Operation *op, Type type) {
  Builder b(op->getContext());
  auto number = [&](double v) -> TypedAttr { return b.getFloatAttr(type, v); };
  auto infinity = [&](bool negative) -> TypedAttr {
    return b.getFloatAttr(
        type,
        APFloat::getInf(cast<FloatType>(type).getFloatSemantics(), negative));
  };
  if (isa<arith::AddFOp>(op))
    return number(0);
  if (isa<arith::MulFOp>(op))
    return number(1);
  if (isa<arith::MaximumFOp>(op))
    return infinity(true);
  if (isa<arith::MinimumFOp>(op))
    return infinity(false);
  auto integer = [&](const APInt &v) -> TypedAttr {
    return b.getIntegerAttr(type, v);
  };
  unsigned bits = type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 0;
  if (isa<arith::AddIOp, arith::OrIOp, arith::XOrIOp, arith::MaxUIOp>(op))
    return integer(APInt::getZero(bits));
  if (isa<arith::MulIOp>(op))
    return integer(APInt(bits, 1));
  if (isa<arith::AndIOp, arith::MinUIOp>(op))
    return integer(APInt::getAllOnes(bits));
  if (isa<arith::MaxSIOp>(op))
    return integer(APInt::getSignedMinValue(bits));
  if (isa<arith::MinSIOp>(op))
    return integer(APInt::getSignedMaxValue(bits));
  return {};
}

/// The only block argument that `value` is computed from; null if there are
/// several or none, or if it is not a pure function of it.
BlockArgument getOnlyArgument(Value value, Block *body) {
  BlockArgument found;
  SmallVector<Value> pending = {value};
  while (!pending.empty()) {
    Value v = pending.pop_back_val();
    if (auto arg = dyn_cast<BlockArgument>(v)) {
      if (arg.getOwner() != body || (found && found != arg))
        return {};
      found = arg;
      continue;
    }
    Operation *def = v.getDefiningOp();
    if (def->getBlock() != body) // a constant outside
      continue;
    if (isa<linalg::IndexOp>(def) || def->getNumRegions())
      return {};
    llvm::append_range(pending, def->getOperands());
  }
  return found;
}

} // namespace

int64_t getBodyCost(Block *body) {
  int64_t cost = 0;
  for (Operation &op : body->without_terminator()) {
    if (isa<arith::ConstantOp>(op))
      continue;
    bool expanded = isa_and_present<math::MathDialect>(op.getDialect()) &&
                    !isa<math::AbsFOp, math::FmaOp, math::FloorOp, math::CeilOp,
                         math::SqrtOp, math::AbsIOp>(op);
    cost += expanded ? 20 : 1;
  }
  return cost;
}

std::optional<Combiner> matchCombiner(linalg::GenericOp op) {
  if (op->getNumResults() != 1 || !op.getNumReductionLoops())
    return std::nullopt;
  Block *body = op.getBody();
  Value acc = body->getArguments().back();
  Operation *combine = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!combine || combine->getBlock() != body ||
      combine->getNumOperands() != 2 || !acc.hasOneUse() ||
      !combine->getResult(0).hasOneUse())
    return std::nullopt;
  Combiner result;
  result.op = combine;
  if (combine->getOperand(0) == acc)
    result.element = combine->getOperand(1);
  else if (combine->getOperand(1) == acc)
    result.element = combine->getOperand(0);
  else
    return std::nullopt;
  if (result.element == acc)
    return std::nullopt;
  result.identity = getIdentity(combine, acc.getType());
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  auto constant =
      fill ? fill.getInputs()[0].getDefiningOp<arith::ConstantOp>() : nullptr;
  if (!result.identity || !constant)
    return std::nullopt;
  result.init = constant.getValue();
  return result;
}

std::optional<ProductBody> matchProduct(linalg::GenericOp op,
                                        const Combiner &combiner) {
  if (!isa<arith::AddFOp, arith::AddIOp>(combiner.op))
    return std::nullopt;
  Operation *multiply = combiner.element.getDefiningOp();
  if (!multiply || !isa<arith::MulFOp, arith::MulIOp>(multiply))
    return std::nullopt;
  Block *body = op.getBody();
  BlockArgument x = getOnlyArgument(multiply->getOperand(0), body);
  BlockArgument y = getOnlyArgument(multiply->getOperand(1), body);
  unsigned inputs = op.getNumDpsInputs();
  if (!x || !y || x == y || x.getArgNumber() >= inputs ||
      y.getArgNumber() >= inputs || inputs != 2)
    return std::nullopt;
  return ProductBody{multiply, multiply->getOperand(0), multiply->getOperand(1),
                     x.getArgNumber(), y.getArgNumber()};
}

} // namespace fusilli::compiler
