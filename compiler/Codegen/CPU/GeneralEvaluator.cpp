// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A reduction applies the whole body in the order of the op's loops, so that
// nothing needs to be known of what the body does.

#include "compiler/Codegen/CPU/GeneralEvaluator.h"

#include "compiler/Codegen/CPU/MathExpansion.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

bool readsInit(linalg::GenericOp op, unsigned number) {
  return !op.getBody()->getArgument(op.getNumDpsInputs() + number).use_empty();
}

/// The loops of `op` at `position` of its result `number`; loops that it
/// reduces over are dims that come after those of `position`. Null if the
/// result's map is no projected permutation.
AffineMap getLoopsOf(linalg::GenericOp op, unsigned number,
                     AffineMap position) {
  AffineMap out = op.getIndexingMapsArray()[op.getNumDpsInputs() + number];
  SmallVector<AffineExpr> loops(op.getNumLoops());
  for (auto [expr, at] :
       llvm::zip_equal(out.getResults(), position.getResults())) {
    if (auto d = dyn_cast<AffineDimExpr>(expr))
      loops[d.getPosition()] = at;
    else if (!isa<AffineConstantExpr>(expr))
      return {};
  }
  unsigned next = position.getNumDims();
  auto iterators = op.getIteratorTypesArray();
  for (auto [l, expr] : llvm::enumerate(loops)) {
    if (expr)
      continue;
    if (iterators[l] != utils::IteratorType::reduction)
      return {};
    expr = getAffineDimExpr(next++, op.getContext());
  }
  return AffineMap::get(next, 0, loops, op.getContext());
}

} // namespace

FailureOr<Value> GeneralEvaluator::evaluate(Value tensor, AffineMap position,
                                            Space &space) {
  if (auto arg = dyn_cast<BlockArgument>(tensor);
      arg && space.isVector() && !model.getAccess(arg.getArgNumber(), position))
    return loadAlong(arg, position, space);
  auto op = tensor.getDefiningOp<linalg::GenericOp>();
  if (!op)
    return Evaluator::evaluate(tensor, position, space);
  auto keyOf = [&](Value v) {
    return std::pair<void *, const void *>(v.getAsOpaquePointer(),
                                           position.getAsOpaquePointer());
  };
  if (auto it = space.memo.find(keyOf(tensor)); it != space.memo.end())
    return it->second;
  unsigned number = cast<OpResult>(tensor).getResultNumber();
  AffineMap loops = getLoopsOf(op, number, position);
  if (!loops)
    return op.emitOpError(
        "does not write each result dim by a loop of its own");
  if (op.getNumReductionLoops()) {
    FailureOr<SmallVector<Value>> values =
        reduce(op, loops, position.getNumDims(), space);
    if (failed(values))
      return failure();
    // Others that lie at the same place need no second pass.
    auto maps = op.getIndexingMapsArray();
    for (auto [i, value] : llvm::enumerate(*values))
      if (maps[op.getNumDpsInputs() + i] == maps[op.getNumDpsInputs() + number])
        space.memo[keyOf(op.getResult(i))] = value;
    return (*values)[number];
  }
  FailureOr<SmallVector<Value>> args = evaluateInputs(op, loops, space);
  if (failed(args))
    return failure();
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    if (readsInit(op, i)) {
      FailureOr<Value> init = evaluateInit(op, i, loops, space);
      if (failed(init))
        return failure();
      (*args)[op.getNumDpsInputs() + i] = *init;
    }
  FailureOr<Value> value =
      payload(op, *args, op.getBody()->getTerminator()->getOperand(number),
              loops, &space);
  if (succeeded(value))
    space.memo[keyOf(tensor)] = *value;
  return value;
}

FailureOr<Value> GeneralEvaluator::evaluateInit(linalg::GenericOp op,
                                                unsigned number,
                                                AffineMap loops, Space &space) {
  Value init = op.getDpsInits()[number];
  if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
    auto constant = fill.getInputs()[0].getDefiningOp<arith::ConstantOp>();
    if (!constant)
      return op.emitOpError("starts from a value that is no constant");
    return k.constant(constant.getValue());
  }
  if (init.getDefiningOp<tensor::EmptyOp>())
    return op.emitOpError("reads an init that has no value");
  return evaluate(
      init,
      op.getIndexingMapsArray()[op.getNumDpsInputs() + number].compose(loops),
      space);
}

FailureOr<SmallVector<Value>> GeneralEvaluator::reduce(linalg::GenericOp op,
                                                       AffineMap loops,
                                                       unsigned firstReduced,
                                                       const Space &space) {
  Space outer = space;
  SmallVector<Value> inits;
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    FailureOr<Value> init = evaluateInit(op, i, loops, outer);
    if (failed(init))
      return failure();
    inits.push_back(asVector(*init, space));
  }
  SmallVector<std::pair<unsigned, Extent>> dims; // dim, extent
  ArrayRef<Extent> ranges = model.findStage(op)->extents;
  for (auto [l, expr] : llvm::enumerate(loops.getResults()))
    if (auto d = dyn_cast<AffineDimExpr>(expr);
        d && d.getPosition() >= firstReduced)
      dims.push_back({d.getPosition(), ranges[l]});
  bool anyFailed = false;
  std::function<SmallVector<Value>(unsigned, ValueRange, const Space &)> nest =
      [&](unsigned depth, ValueRange acc,
          const Space &at) -> SmallVector<Value> {
    SmallVector<Value> next(acc);
    if (depth == dims.size()) {
      Space here = at;
      FailureOr<SmallVector<Value>> args = evaluateInputs(op, loops, here);
      for (unsigned i = 0; succeeded(args) && i < acc.size(); ++i)
        (*args)[op.getNumDpsInputs() + i] = acc[i];
      for (unsigned i = 0; i < acc.size(); ++i) {
        FailureOr<Value> v = failure();
        if (succeeded(args))
          v = payload(op, *args, op.getBody()->getTerminator()->getOperand(i),
                      loops, &here);
        if (failed(v))
          anyFailed = true;
        else
          next[i] = asVector(*v, at);
      }
      return next;
    }
    return k.loop(k.index(0), k.index(dims[depth].second), 1, acc,
                  [&](Value iv, ValueRange carried) {
                    Space inner = at;
                    inner.memo.clear(); // values of outside stay there
                    LoopGroup group;
                    group.dims.push_back(dims[depth].first);
                    group.extent = dims[depth].second;
                    group.iv = iv;
                    inner.groups.push_back(group);
                    return nest(depth + 1, carried, inner);
                  });
  };
  SmallVector<Value> totals = nest(0, inits, outer);
  if (anyFailed)
    return failure();
  return totals;
}

/// What `expr` grows by with dim `dim`, if that is a constant.
static std::optional<int64_t> getStep(AffineExpr expr, unsigned dim,
                                      unsigned numDims) {
  if (!expr.isFunctionOfDim(dim))
    return 0;
  AffineExpr d = getAffineDimExpr(dim, expr.getContext());
  auto step = dyn_cast<AffineConstantExpr>(
      simplifyAffineExpr(expr.replace(d, d + 1) - expr, numDims, 0));
  return step ? std::optional<int64_t>(step.getValue()) : std::nullopt;
}

FailureOr<Value> GeneralEvaluator::loadAlong(BlockArgument arg,
                                             AffineMap position, Space &space) {
  const Binding &binding = model.getBindings()[arg.getArgNumber()];
  unsigned dim = space.groups[space.vectorGroup].dims.front();
  Space first = space; // lane 0
  first.vectorGroup = -1;
  Value at = k.index(0);
  int64_t laneStride = 0;
  for (auto [expr, stride] :
       llvm::zip_equal(position.getResults(), binding.strides)) {
    FailureOr<Value> i = evaluateIndex(expr, first);
    std::optional<int64_t> step = getStep(expr, dim, position.getNumDims());
    if (failed(i) || !step)
      return emitError(arg.getLoc())
             << "an operand is not addressed linearly along a vector";
    at = k.addIndex(at, k.mulIndex(*i, stride));
    laneStride += *step * stride.get();
  }
  Value mem = k.binding(arg.getArgNumber());
  if (laneStride == 0)
    return k.loadScalar(mem, at);
  return k.load(mem, at, space.lanes, space.activeLanes, laneStride);
}

//===----------------------------------------------------------------------===//
// What vectors can do
//===----------------------------------------------------------------------===//

namespace {

/// Whether the body has a form on vectors. A division of integers by a masked
/// lane's zero would trap, by a constant it does not.
bool hasVectorForm(Block *body) {
  for (Operation &op : body->without_terminator()) {
    if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
            arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op)) {
      APInt divisor;
      if (!matchPattern(op.getOperand(1), m_ConstantInt(&divisor)) ||
          divisor.isZero())
        return false;
    }
    if (isa<linalg::IndexOp, arith::ConstantOp>(op))
      continue;
    if (!op.hasTrait<OpTrait::Vectorizable>())
      return false;
    for (Type type : op.getOperandTypes())
      if (!type.isIntOrIndexOrFloat())
        return false;
  }
  return true;
}

} // namespace

bool GeneralEvaluator::isVectorizable(const KernelModel &model, Value tensor,
                                      AffineMap position, unsigned dim) {
  if (!position.isFunctionOfDim(dim))
    return true;
  if (isa<BlockArgument>(tensor))
    return llvm::all_of(position.getResults(), [&](AffineExpr expr) {
      return getStep(expr, dim, position.getNumDims()).has_value();
    });
  Operation *def = tensor.getDefiningOp();
  if (isa<arith::ConstantOp, linalg::FillOp>(def))
    return true;
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::ExtractSliceOp>(def))
    return isVectorizable(model, def->getOperand(0),
                          getSourcePosition(def, position), dim);
  if (auto pad = dyn_cast<tensor::PadOp>(def)) {
    SmallVector<AffineExpr> exprs;
    unsigned next = position.getNumDims();
    for (auto [j, expr] : llvm::enumerate(position.getResults())) {
      if (pad.getStaticLow()[j] == 0 && pad.getStaticHigh()[j] == 0) {
        exprs.push_back(expr);
        continue;
      }
      if (expr.isFunctionOfDim(dim))
        return false;
      exprs.push_back(getAffineDimExpr(next++, pad.getContext()));
    }
    return isVectorizable(model, pad.getSource(),
                          AffineMap::get(next, 0, exprs, pad.getContext()),
                          dim);
  }
  auto op = dyn_cast<linalg::GenericOp>(def);
  if (!op || !hasVectorForm(op.getBody()))
    return false;
  AffineMap loops =
      getLoopsOf(op, cast<OpResult>(tensor).getResultNumber(), position);
  if (!loops)
    return false;
  bool fits = true;
  op.getBody()->walk([&](linalg::IndexOp index) {
    fits &= getStep(loops.getResult(index.getDim()), dim, loops.getNumDims())
                .has_value();
  });
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    fits = fits &&
           isVectorizable(model, input,
                          KernelModel::getOperandPosition(op, i, loops), dim);
  for (unsigned i = 0; fits && i < op->getNumResults(); ++i)
    if (readsInit(op, i) &&
        !op.getDpsInits()[i].getDefiningOp<tensor::EmptyOp>())
      fits = isVectorizable(
          model, op.getDpsInits()[i],
          op.getIndexingMapsArray()[op.getNumDpsInputs() + i].compose(loops),
          dim);
  return fits;
}

} // namespace fusilli::compiler
