// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of a kernel's DAG of linalg ops at one position of a schedule's
// loops: which memory it touches (collect) and the values themselves
// (evaluate). Every producer is computed where it is used, so that a chain of
// element-wise ops never touches memory in between.

#include "compiler/Codegen/CPU/KernelEmitter.h"
#include "compiler/Codegen/CPU/MathExpansion.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// A kernel argument behind views that only split its dims.
struct ArgumentView {
  BlockArgument argument;
  SmallVector<int64_t, 6> strides; ///< per dim of the viewed tensor
};

SmallVector<int64_t, 6> rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 6> strides(shape.size());
  int64_t running = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = running;
    running *= shape[i];
  }
  return strides;
}

/// `tensor` as an argument view; none if it is computed.
std::optional<ArgumentView> asArgument(Value tensor) {
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    return ArgumentView{
        arg, rowMajorStrides(cast<RankedTensorType>(arg.getType()).getShape())};
  if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>())
    if (auto arg = dyn_cast<BlockArgument>(expand.getSrc()))
      // Splitting dims of a row-major tensor leaves it row-major.
      return ArgumentView{arg,
                          rowMajorStrides(expand.getResultType().getShape())};
  return std::nullopt;
}

/// The root dims of the loops of `op`, given those of its result's dims.
SmallVector<int> loopDims(linalg::GenericOp op, const DimMap &resultMap) {
  SmallVector<int> dims(op.getNumLoops(), -1);
  AffineMap out = op.getIndexingMapsArray().back();
  for (auto [j, expr] : llvm::enumerate(out.getResults()))
    if (auto d = dyn_cast<AffineDimExpr>(expr))
      dims[d.getPosition()] = resultMap[j];
  return dims;
}

} // namespace

DimMap composeMap(AffineMap map, ArrayRef<int> dims) {
  DimMap result;
  for (AffineExpr e : map.getResults()) {
    auto d = dyn_cast<AffineDimExpr>(e);
    result.push_back(d ? dims[d.getPosition()] : -1);
  }
  return result;
}

SmallVector<int> identityDims(unsigned n) {
  SmallVector<int> dims;
  for (unsigned i = 0; i < n; ++i)
    dims.push_back(i);
  return dims;
}

int64_t payloadCost(Block *body) {
  int64_t cost = 0;
  for (Operation &op : body->without_terminator()) {
    if (isa<arith::ConstantOp>(op))
      continue;
    // Transcendental functions are expanded to some twenty operations.
    bool expanded = isa_and_present<math::MathDialect>(op.getDialect()) &&
                    !isa<math::AbsFOp, math::FmaOp, math::FloorOp, math::CeilOp,
                         math::SqrtOp, math::AbsIOp>(op);
    cost += expanded ? 20 : 1;
  }
  return cost;
}

SmallVector<int64_t, 6> KernelEmitter::coefficients(RankedTensorType type,
                                                    const DimMap &map) const {
  SmallVector<int64_t, 6> strides = rowMajorStrides(type.getShape());
  SmallVector<int64_t, 6> coefs(rootRank, 0);
  for (auto [j, d] : llvm::enumerate(map))
    if (d >= 0 && type.getDimSize(j) != 1)
      coefs[d] += strides[j];
  return coefs;
}

void KernelEmitter::collect(Value tensor, const DimMap &map,
                            SmallVectorImpl<Access> &out) {
  if (std::optional<ArgumentView> view = asArgument(tensor)) {
    Access access{view->argument.getArgNumber(),
                  coefficients(cast<RankedTensorType>(tensor.getType()), map)};
    if (!llvm::is_contained(out, access))
      out.push_back(access);
    return;
  }
  if (auto op = tensor.getDefiningOp<linalg::GenericOp>())
    collect(op, loopDims(op, map), /*withStore=*/false, out);
}

void KernelEmitter::collect(linalg::GenericOp root, ArrayRef<int> dims,
                            bool withStore, SmallVectorImpl<Access> &out) {
  SmallVector<AffineMap> maps = root.getIndexingMapsArray();
  for (auto [i, input] : llvm::enumerate(root.getInputs()))
    collect(input, composeMap(maps[i], dims), out);
  if (!withStore)
    return;
  auto type = cast<RankedTensorType>(root.getResult(0).getType());
  for (unsigned r = 0; r < numResults(); ++r)
    if (resultOp(r) == root)
      out.push_back(Access{resultBinding(r),
                           coefficients(type, composeMap(maps.back(), dims)),
                           true});
}

Value KernelEmitter::offset(ArrayRef<int64_t> coefs, const Space &space) {
  Value sum = index(0);
  for (const LoopGroup &g : space.groups) {
    int inner = g.dims.back();
    int64_t coef = inner < int(coefs.size()) ? coefs[inner] : 0;
    if (coef && g.iv)
      sum = addIndex(sum, mulIndex(g.iv, coef));
  }
  return sum;
}

static int64_t coefficientOf(ArrayRef<int64_t> coefs, const LoopGroup &g) {
  int inner = g.dims.back();
  return inner < int(coefs.size()) ? coefs[inner] : 0;
}

FailureOr<Value> KernelEmitter::evaluate(Value tensor, const DimMap &map,
                                         Space &space) {
  if (Value v = space.known.lookup(tensor))
    return v;
  std::pair<void *, std::vector<int>> key(
      tensor.getAsOpaquePointer(), std::vector<int>(map.begin(), map.end()));
  auto it = space.memo.find(key);
  if (it != space.memo.end())
    return it->second;

  Value result;
  if (std::optional<ArgumentView> view = asArgument(tensor)) {
    SmallVector<int64_t, 6> coefs =
        coefficients(cast<RankedTensorType>(tensor.getType()), map);
    Value mem = bindings[view->argument.getArgNumber()];
    Value pos = offset(coefs, space);
    int64_t stride = space.isVector()
                         ? coefficientOf(coefs, space.groups[space.vectorGroup])
                         : 0;
    if (stride == 0)
      result = memref::LoadOp::create(b, mem, ValueRange{pos});
    else
      result = load(mem, pos, space.lanes, space.activeLanes, stride);
  } else if (auto op = tensor.getDefiningOp<linalg::GenericOp>()) {
    if (op.getNumReductionLoops())
      return op.emitOpError("reduction is read where it is not complete");
    FailureOr<Value> v = evaluate(op, loopDims(op, map), space);
    if (failed(v))
      return failure();
    result = *v;
  } else if (auto constant = tensor.getDefiningOp<arith::ConstantOp>()) {
    auto splatAttr = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!splatAttr || !splatAttr.isSplat())
      return constant.emitOpError("only splat constants can be in a kernel");
    result = arith::ConstantOp::create(b, splatAttr.getSplatValue<TypedAttr>());
  } else {
    return emitError(tensor.getLoc())
           << "code generation cannot evaluate this value";
  }
  space.memo[key] = result;
  return result;
}

FailureOr<Value> KernelEmitter::evaluate(linalg::GenericOp op,
                                         ArrayRef<int> dims, Space &space) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<Value> args;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    FailureOr<Value> v = evaluate(input, composeMap(maps[i], dims), space);
    if (failed(v))
      return failure();
    args.push_back(*v);
  }
  args.push_back(Value()); // the init operand of an element-wise op is unused
  return payload(op, args);
}

FailureOr<Value> KernelEmitter::payload(linalg::GenericOp op,
                                        ArrayRef<Value> args, Value wanted) {
  Block *body = op.getBody();
  if (!wanted)
    wanted = body->getTerminator()->getOperand(0);
  IRMapping mapping;
  for (auto [arg, value] : llvm::zip(body->getArguments(), args))
    if (value)
      mapping.map(arg, value);

  for (Operation &inner : body->without_terminator()) {
    int64_t lanes = 0;
    SmallVector<Value> operands;
    for (Value v : inner.getOperands()) {
      Value mapped = mapping.lookupOrNull(v);
      if (!mapped) {
        operands.clear();
        break;
      }
      operands.push_back(mapped);
      if (auto vt = dyn_cast<VectorType>(mapped.getType()))
        lanes = vt.getNumElements();
    }
    if (operands.size() != inner.getNumOperands())
      continue; // needs an argument that was not given
    if (lanes)
      for (Value &v : operands)
        if (!isa<VectorType>(v.getType()))
          v = splat(v, lanes);
    if (getMathFn(&inner)) {
      FailureOr<Value> v = expandMathOp(
          b, &inner, operands, MathOptions{.avx512 = targetInfo.hasAvx512});
      if (failed(v))
        return inner.emitOpError("has no vector expansion");
      mapping.map(inner.getResult(0), *v);
      continue;
    }
    if (auto trunc = dyn_cast<arith::TruncFOp>(inner)) {
      mapping.map(trunc.getResult(),
                  narrow(operands[0], trunc.getResult().getType()));
      continue;
    }
    if (auto ext = dyn_cast<arith::ExtFOp>(inner)) {
      mapping.map(ext.getResult(),
                  widen(operands[0], ext.getResult().getType()));
      continue;
    }
    SmallVector<Type> types;
    for (Type t : inner.getResultTypes())
      types.push_back(lanes ? Type(vectorType(t, lanes)) : t);
    OperationState state(op.getLoc(), inner.getName().getStringRef(), operands,
                         types, inner.getAttrs());
    // Inherent attributes are properties; getAttrs() has them in attribute
    // form, which create() accepts.
    Operation *clone = b.create(state);
    for (auto [from, to] : llvm::zip(inner.getResults(), clone->getResults()))
      mapping.map(from, to);
  }
  if (Value v = mapping.lookupOrNull(wanted))
    return v;
  return op.emitOpError("body uses a value that is not known here");
}

FailureOr<Value> KernelEmitter::evaluateResult(unsigned i, ArrayRef<int> dims,
                                               Space &space) {
  return evaluate(resultOp(i), dims, space);
}

void KernelEmitter::storeResult(unsigned i, Value value, ArrayRef<int> dims,
                                Space &space) {
  linalg::GenericOp op = resultOp(i);
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  SmallVector<int64_t, 6> coefs =
      coefficients(type, composeMap(op.getIndexingMapsArray().back(), dims));
  int64_t stride = space.isVector()
                       ? coefficientOf(coefs, space.groups[space.vectorGroup])
                       : 0;
  Value mem = bindings[resultBinding(i)];
  Value pos = offset(coefs, space);
  if (stride == 0 && isa<VectorType>(value.getType()))
    value = firstLane(value); // unit dim
  if (stride == 0)
    memref::StoreOp::create(b, value, mem, ValueRange{pos});
  else
    store(asVector(value, space), mem, pos, space.activeLanes, stride);
}

Value KernelEmitter::widen(Value v, Type element) {
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

Value KernelEmitter::narrow(Value v, Type element) {
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

LogicalResult KernelEmitter::storeAllResults(ArrayRef<int> dims, Space &space) {
  SmallVector<Value> values;
  for (unsigned i = 0; i < numResults(); ++i) {
    FailureOr<Value> v = evaluateResult(i, dims, space);
    if (failed(v))
      return failure();
    values.push_back(*v);
  }
  for (unsigned i = 0; i < numResults(); ++i)
    storeResult(i, values[i], dims, space);
  return success();
}

int64_t computeLanes(KernelEmitter &e) {
  unsigned bits = 8;
  e.source().walk([&](linalg::GenericOp op) {
    auto note = [&](Type t) {
      if (t.isIntOrFloat() && !t.isInteger(1))
        bits = std::max(bits, t.getIntOrFloatBitWidth());
    };
    for (Operation &inner : *op.getBody())
      for (Type t : inner.getOperandTypes())
        note(t);
  });
  return e.target().lanes(bits);
}

void delinearize(KernelEmitter &e, Value row,
                 MutableArrayRef<LoopGroup> groups) {
  ImplicitLocOpBuilder &b = e.builder();
  Value rest = row;
  for (size_t i = groups.size(); i-- > 0;) {
    if (i == 0) {
      groups[i].iv = rest;
      return;
    }
    Value extent = e.index(groups[i].extent);
    groups[i].iv = arith::RemUIOp::create(b, rest, extent);
    rest = arith::DivUIOp::create(b, rest, extent);
  }
}

bool isInlineWork(double bytes, double scalarOps, const TargetInfo &target) {
  // One core moves some 16 bytes and starts some 3 vector operations a
  // nanosecond; waking a sleeping worker costs some microseconds.
  double ns = bytes / 16 + scalarOps / (3.0 * target.lanes(32));
  return ns < 6000;
}

} // namespace fusilli::compiler
