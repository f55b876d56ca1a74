// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of a kernel's DAG of linalg ops at one position of an emitter's
// loops. Every producer is computed where it is used, so that a chain of
// element-wise ops never touches memory in between.

#include "compiler/Codegen/CPU/Emit/Evaluator.h"

#include "compiler/Codegen/CPU/MathExpansion.h"
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

Value Evaluator::offset(const Access &access, const Space &space) {
  Value sum = k.index(access.offset), back;
  for (const LoopGroup &g : space.groups) {
    Extent coef = coefficientOf(access, g);
    if (coef.is(0) || !g.iv)
      continue;
    if (!coef.isStatic() || coef.get() > 0) {
      sum = k.addIndex(sum, k.mulIndex(g.iv, coef));
      continue;
    }
    Value step = k.mulIndex(g.iv, -coef.get());
    back = back ? k.addIndex(back, step) : step;
  }
  return back ? k.subIndex(sum, back) : sum;
}

Extent Evaluator::laneStride(const Access &access, const Space &space) {
  if (!space.isVector())
    return 0;
  return coefficientOf(access, space.groups[space.vectorGroup]);
}

Value Evaluator::asVector(Value v, const Space &space) {
  if (!space.isVector() || isa<VectorType>(v.getType()))
    return v;
  return k.splat(v, space.lanes);
}

FailureOr<Value> Evaluator::evaluate(Value tensor, AffineMap position,
                                     Space &space) {
  if (Value v = space.known.lookup(tensor))
    return v;
  std::pair<void *, const void *> key(tensor.getAsOpaquePointer(),
                                      position.getAsOpaquePointer());
  auto it = space.memo.find(key);
  if (it != space.memo.end())
    return it->second;

  FailureOr<Value> result = failure();
  Operation *def = tensor.getDefiningOp();
  if (auto arg = dyn_cast<BlockArgument>(tensor)) {
    result = evaluateArgument(arg, position, space);
  } else if (auto op = dyn_cast<linalg::GenericOp>(def)) {
    if (op.getNumReductionLoops())
      return op.emitOpError("reduction is read where it is not complete");
    if (AffineMap loops = model.getLoopsAt(op, position))
      result = evaluateBody(op, loops, space);
    else
      return op.emitOpError("is not addressed by its result's position");
  } else if (auto constant = dyn_cast<arith::ConstantOp>(def)) {
    result = evaluateConstant(constant, position, space);
  } else if (auto pad = dyn_cast<tensor::PadOp>(def)) {
    result = evaluatePad(pad, position, space);
  } else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                 tensor::ExtractSliceOp>(def)) {
    result =
        evaluate(def->getOperand(0), getSourcePosition(def, position), space);
  } else {
    return def->emitOpError("cannot be evaluated in a kernel");
  }
  if (succeeded(result))
    space.memo[key] = *result;
  return result;
}

FailureOr<Value> Evaluator::evaluateArgument(BlockArgument arg,
                                             AffineMap position, Space &space) {
  std::optional<Access> access = model.getAccess(arg.getArgNumber(), position);
  Value mem = k.binding(arg.getArgNumber());
  if (access) {
    Extent stride = laneStride(*access, space);
    Value at = offset(*access, space);
    if (stride.is(0))
      return k.loadScalar(mem, at);
    return k.load(mem, at, space.lanes, space.activeLanes, stride);
  }
  // Not linear: one index per dim, no vectors along what they depend on.
  const Binding &binding = model.getBindings()[arg.getArgNumber()];
  Value at = k.index(0);
  for (auto [expr, stride] :
       llvm::zip_equal(position.getResults(), binding.strides)) {
    FailureOr<Value> i = evaluateIndex(expr, space);
    if (failed(i) || isa<VectorType>(i->getType()))
      return emitError(arg.getLoc())
             << "an operand is not addressed linearly along a vector";
    at = k.addIndex(at, k.mulIndex(*i, stride));
  }
  return k.loadScalar(mem, at);
}

FailureOr<Value> Evaluator::evaluateConstant(arith::ConstantOp op, AffineMap,
                                             Space &) {
  auto splat = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!splat || !splat.isSplat())
    return op.emitOpError("only constants of one value can be in a kernel");
  return k.constant(splat.getSplatValue<TypedAttr>());
}

FailureOr<Value> Evaluator::evaluateIndex(AffineExpr expr, Space &space) {
  // Linear in the vector group: a scalar part and steps of the lanes.
  unsigned numDims = model.getNumDims();
  for (const LoopGroup &g : space.groups)
    for (unsigned d : g.dims)
      numDims = std::max(numDims, d + 1);
  SmallVector<Value> values(numDims, k.index(0));
  int vectorDim = -1;
  for (auto [i, g] : llvm::enumerate(space.groups)) {
    if (!g.iv)
      continue;
    bool used = llvm::any_of(
        g.dims, [&](unsigned d) { return expr.isFunctionOfDim(d); });
    if (!used)
      continue;
    if (g.dims.size() != 1)
      return emitError(model.getFunction().getLoc())
             << "an index is read of loops that were merged";
    values[g.dims[0]] = g.iv;
    if (int(i) == space.vectorGroup)
      vectorDim = g.dims[0];
  }
  Value scalar = k.evaluate(expr, values);
  if (vectorDim < 0)
    return scalar;
  AffineExpr next =
      expr.replace(getAffineDimExpr(vectorDim, b.getContext()),
                   getAffineDimExpr(vectorDim, b.getContext()) + 1);
  auto step = dyn_cast<AffineConstantExpr>(
      simplifyAffineExpr(next - expr, numDims, model.getSymbols().size()));
  if (!step)
    return emitError(model.getFunction().getLoc())
           << "an index is not linear along a vector";
  SmallVector<Attribute> steps;
  for (int64_t i = 0; i < space.lanes; ++i)
    steps.push_back(b.getIndexAttr(i * step.getValue()));
  Value lanes = arith::ConstantOp::create(
      b, DenseElementsAttr::get(k.vectorType(b.getIndexType(), space.lanes),
                                steps));
  return Value(arith::AddIOp::create(b, k.splat(scalar, space.lanes), lanes));
}

FailureOr<Value> Evaluator::evaluatePad(tensor::PadOp pad, AffineMap position,
                                        Space &space) {
  auto source = cast<RankedTensorType>(pad.getSource().getType());
  Value padding = pad.getConstantPaddingValue();
  if (!padding || !pad.getLow().empty() || !pad.getHigh().empty())
    return pad.emitOpError("only constant padding can be in a kernel");
  // Outside, the element nearest by is read and not used.
  Value inside;
  SmallVector<AffineExpr> exprs;
  Space shifted = space;
  shifted.memo.clear();
  unsigned next = position.getNumDims();
  for (auto [j, expr] : llvm::enumerate(position.getResults())) {
    int64_t low = pad.getStaticLow()[j], extent = source.getDimSize(j);
    if (low == 0 && pad.getStaticHigh()[j] == 0) {
      exprs.push_back(expr);
      continue;
    }
    FailureOr<Value> at = evaluateIndex(expr, space);
    if (failed(at) || isa<VectorType>(at->getType()))
      return pad.emitOpError("is vectorised along a padded dim");
    // Before the first element the difference wraps to a huge number.
    Value i = arith::SubIOp::create(b, *at, k.index(low));
    Value ok = k.isLess(i, k.index(extent));
    inside = inside ? Value(arith::AndIOp::create(b, inside, ok)) : ok;
    LoopGroup group;
    group.dims.push_back(next);
    group.iv = arith::SelectOp::create(b, ok, i, k.index(0));
    shifted.groups.push_back(group);
    exprs.push_back(getAffineDimExpr(next++, b.getContext()));
  }
  FailureOr<Value> v = evaluate(
      pad.getSource(), AffineMap::get(next, 0, exprs, b.getContext()), shifted);
  if (failed(v) || !inside)
    return v;
  Value other = k.constant(
      cast<TypedAttr>(padding.getDefiningOp<arith::ConstantOp>().getValue()));
  if (auto type = dyn_cast<VectorType>(v->getType()))
    other = k.splat(other, type.getNumElements());
  return Value(arith::SelectOp::create(b, inside, *v, other));
}

FailureOr<SmallVector<Value>>
Evaluator::evaluateInputs(linalg::GenericOp op, AffineMap loops, Space &space) {
  SmallVector<Value> args;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    FailureOr<Value> v =
        evaluate(input, KernelModel::getOperandPosition(op, i, loops), space);
    if (failed(v))
      return failure();
    args.push_back(*v);
  }
  args.append(op.getNumDpsInits(), Value());
  return args;
}

FailureOr<Value> Evaluator::evaluateBody(linalg::GenericOp op, AffineMap loops,
                                         Space &space) {
  FailureOr<SmallVector<Value>> args = evaluateInputs(op, loops, space);
  if (failed(args))
    return failure();
  return payload(op, *args, {}, loops, &space);
}

FailureOr<Value> Evaluator::cloneOp(linalg::GenericOp op, Operation *inner,
                                    SmallVector<Value> operands,
                                    AffineMap loops, Space *space) {
  if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
    if (!loops || !space)
      return index.emitOpError("is read where the loops are not known");
    return evaluateIndex(loops.getResult(index.getDim()), *space);
  }
  if (auto extent = dyn_cast<ir::ExtentOp>(inner)) {
    if (!llvm::is_contained(model.getSymbols(), extent.getRepresentative()))
      return extent.emitOpError("is no extent of the kernel's arguments");
    return k.index(model.getSymbol(extent.getRepresentative()));
  }
  int64_t lanes = 0;
  for (Value v : operands)
    if (auto vt = dyn_cast<VectorType>(v.getType()))
      lanes = vt.getNumElements();
  if (lanes)
    for (Value &v : operands)
      if (!isa<VectorType>(v.getType()))
        v = k.splat(v, lanes);
  if (getMathFn(inner)) {
    FailureOr<Value> v = expandMathOp(
        b, inner, operands, MathOptions{.avx512 = k.target().hasAvx512});
    if (failed(v))
      return inner->emitOpError("has no vector expansion");
    return *v;
  }
  if (auto trunc = dyn_cast<arith::TruncFOp>(inner))
    return narrow(operands[0], trunc.getResult().getType());
  if (auto ext = dyn_cast<arith::ExtFOp>(inner))
    return widen(operands[0], ext.getResult().getType());
  if (inner->getNumResults() != 1 || inner->getNumRegions())
    return inner->emitOpError("in a body");
  Type type = inner->getResult(0).getType();
  OperationState state(op.getLoc(), inner->getName().getStringRef(), operands,
                       {lanes ? Type(k.vectorType(type, lanes)) : type},
                       inner->getAttrs());
  Operation *clone = b.create(state);
  // A constant of a body is a scalar whatever it is used with.
  return clone->getResult(0);
}

FailureOr<Value> Evaluator::payload(linalg::GenericOp op, ArrayRef<Value> args,
                                    Value wanted, AffineMap loops,
                                    Space *space) {
  Block *body = op.getBody();
  if (!wanted)
    wanted = body->getTerminator()->getOperand(0);
  // What `wanted` is computed from.
  llvm::SmallPtrSet<Operation *, 16> needed;
  SmallVector<Value> pending = {wanted};
  while (!pending.empty()) {
    Operation *def = pending.pop_back_val().getDefiningOp();
    if (def && def->getBlock() == body && needed.insert(def).second)
      llvm::append_range(pending, def->getOperands());
  }
  llvm::DenseMap<Value, Value> values;
  for (auto [arg, value] : llvm::zip(body->getArguments(), args))
    if (value)
      values[arg] = value;
  auto lookup = [&](Value v) -> Value {
    if (Value mapped = values.lookup(v))
      return mapped;
    // A scalar from outside of the body: a constant of the kernel.
    auto constant = v.getDefiningOp<arith::ConstantOp>();
    if (!constant || constant->getBlock() == body)
      return {};
    return k.constant(constant.getValue());
  };
  for (Operation &inner : body->without_terminator()) {
    if (!needed.contains(&inner))
      continue;
    SmallVector<Value> operands;
    for (Value v : inner.getOperands()) {
      operands.push_back(lookup(v));
      if (!operands.back())
        return op.emitOpError("body uses a value that is not known here");
    }
    FailureOr<Value> v = cloneOp(op, &inner, std::move(operands), loops, space);
    if (failed(v))
      return failure();
    values[inner.getResult(0)] = *v;
  }
  if (Value v = lookup(wanted))
    return v;
  return op.emitOpError("body uses a value that is not known here");
}

Value Evaluator::combine(const Combiner &combiner, Value acc, Value element) {
  IRMapping mapping;
  Operation *op = combiner.op;
  for (Value operand : op->getOperands())
    mapping.map(operand, operand == combiner.element ? element : acc);
  Operation *clone = b.clone(*op, mapping);
  clone->getResult(0).setType(acc.getType());
  return clone->getResult(0);
}

FailureOr<Value> Evaluator::evaluateResult(unsigned i, Space &space) {
  AffineMap position = model.getResultPosition(i);
  if (!position)
    return emitError(model.getResultValue(i).getLoc())
           << "a result is not aligned with its kernel";
  return evaluate(model.getResultValue(i), position, space);
}

void Evaluator::storeResult(unsigned i, Value value, Space &space) {
  unsigned binding = model.getResultBinding(i);
  Access access = *model.getAccess(binding, model.getResultPosition(i));
  Extent stride = laneStride(access, space);
  Value mem = k.binding(binding);
  Value at = offset(access, space);
  if (stride.is(0) && isa<VectorType>(value.getType()))
    value = k.firstLane(value); // unit dim
  if (stride.is(0))
    memref::StoreOp::create(b, value, mem, ValueRange{at});
  else
    k.store(asVector(value, space), mem, at, space.activeLanes, stride);
}

Value Evaluator::widen(Value v, Type element) {
  auto like = [&](Type t) -> Type {
    auto vt = dyn_cast<VectorType>(v.getType());
    return vt ? Type(vt.clone(t)) : t;
  };
  if (!getElementTypeOrSelf(v.getType()).isBF16())
    return arith::ExtFOp::create(b, like(element), v);
  // In integers, so that LLVM does not move operations to the narrow type,
  // which the target does not have.
  Type i32 = like(b.getI32Type());
  Value bits = arith::BitcastOp::create(b, like(b.getI16Type()), v);
  bits = arith::ExtUIOp::create(b, i32, bits);
  TypedAttr sixteen = b.getI32IntegerAttr(16);
  if (auto vt = dyn_cast<VectorType>(i32))
    sixteen = DenseElementsAttr::get(vt, Attribute(sixteen));
  bits = arith::ShLIOp::create(b, bits, arith::ConstantOp::create(b, sixteen));
  Value wide = arith::BitcastOp::create(b, like(b.getF32Type()), bits);
  return element.isF32() ? wide : arith::ExtFOp::create(b, like(element), wide);
}

Value Evaluator::narrow(Value v, Type element) {
  auto like = [&](Type t) -> Type {
    auto vt = dyn_cast<VectorType>(v.getType());
    return vt ? Type(vt.clone(t)) : t;
  };
  // From f64 through f32: the target has no direct conversion. The second
  // rounding adds at most 2^-24 relative to the bound of the first.
  if (getElementTypeOrSelf(v.getType()).isF64() && !element.isF32())
    v = arith::TruncFOp::create(b, like(b.getF32Type()), v);
  if (!element.isBF16() || nativeBf16)
    return arith::TruncFOp::create(b, like(element), v);
  // Round to nearest even in integers: the instruction would flush
  // subnormals, and below AVX-512 there is none.
  Type i32 = like(b.getI32Type());
  auto constant = [&](int64_t c) -> Value {
    auto attr = b.getI32IntegerAttr(c);
    if (auto vt = dyn_cast<VectorType>(i32))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(vt, attr));
    return arith::ConstantOp::create(b, attr);
  };
  Value bits = arith::BitcastOp::create(b, i32, v);
  Value high = arith::ShRUIOp::create(b, bits, constant(16));
  Value odd = arith::AndIOp::create(b, high, constant(1));
  Value bias = arith::AddIOp::create(b, odd, constant(0x7fff));
  Value rounded = arith::ShRUIOp::create(
      b, arith::AddIOp::create(b, bits, bias), constant(16));
  Value quiet = arith::OrIOp::create(b, high, constant(0x40));
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, v, v);
  Value chosen = arith::SelectOp::create(b, isNan, quiet, rounded);
  Value half = arith::TruncIOp::create(b, like(b.getI16Type()), chosen);
  return arith::BitcastOp::create(b, like(element), half);
}

LogicalResult Evaluator::storeAllResults(Space &space) {
  SmallVector<Value> values;
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    FailureOr<Value> v = evaluateResult(i, space);
    if (failed(v))
      return failure();
    values.push_back(*v);
  }
  for (unsigned i = 0; i < model.getNumResults(); ++i)
    storeResult(i, values[i], space);
  return success();
}

void delinearize(KernelBuilder &k, Value number,
                 MutableArrayRef<LoopGroup> groups) {
  SmallVector<Extent> extents;
  for (const LoopGroup &g : groups)
    extents.push_back(g.extent);
  for (auto [g, iv] : llvm::zip_equal(groups, k.delinearize(number, extents)))
    g.iv = iv;
}

SmallVector<LoopGroup, 4> formGroups(ArrayRef<unsigned> dims,
                                     ArrayRef<Extent> extents,
                                     const Access &primary,
                                     ArrayRef<Access> accesses) {
  SmallVector<unsigned> order;
  for (unsigned d : dims)
    if (!extents[d].is(1))
      order.push_back(d);
  llvm::sort(order, [&](unsigned x, unsigned y) {
    return std::pair(-primary.coefs[x].representative(), x) <
           std::pair(-primary.coefs[y].representative(), y);
  });
  SmallVector<LoopGroup, 4> groups;
  for (unsigned d : order) {
    bool merge = !groups.empty();
    if (merge) {
      unsigned outer = groups.back().dims.back();
      merge = llvm::all_of(accesses, [&](const Access &a) {
        return a.coefs[outer] == a.coefs[d] * extents[d];
      });
    }
    if (!merge)
      groups.emplace_back();
    groups.back().dims.push_back(d);
    groups.back().extent = groups.back().extent * extents[d];
  }
  return groups;
}

} // namespace fusilli::compiler
