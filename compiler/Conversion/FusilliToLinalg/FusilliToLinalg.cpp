// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-convert-to-linalg: kernels of fusilli ops on logical tensors in,
// linalg.generic on the same tensors out, layouts kept as encodings of the
// arguments and results. One walk in program
// order; the single ops are lowered in the files named after them.

#include "compiler/Conversion/FusilliToLinalg/FusilliToLinalg.h"
#include "compiler/Conversion/FusilliToLinalg/KernelLowering.h"
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

#include "llvm/ADT/StringSet.h"

namespace fusilli::compiler {
#define GEN_PASS_DEF_CONVERTFUSILLITOLINALG
#include "compiler/Conversion/FusilliToLinalg/FusilliToLinalgPasses.h.inc"
} // namespace fusilli::compiler

using namespace mlir;

namespace fusilli::compiler {

SmallVector<AffineExpr> loopExprs(MLIRContext *ctx, unsigned n) {
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < n; ++i)
    exprs.push_back(getAffineDimExpr(i, ctx));
  return exprs;
}

Type getStorageElement(Type element) {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8)
                              : element;
}

/// The type of a kernel's argument or result: as in the graph, with its layout.
static RankedTensorType storedType(Type t) {
  auto type = cast<RankedTensorType>(t);
  return RankedTensorType::get(type.getShape(),
                               getStorageElement(type.getElementType()),
                               type.getEncoding());
}

KernelLowering::KernelLowering(func::FuncOp source)
    : src(source), b(source.getLoc(), source) {
  SmallVector<Type> inputs, results;
  for (Type t : src.getFunctionType().getInputs())
    inputs.push_back(storedType(t));
  for (Type t : src.getFunctionType().getResults())
    results.push_back(storedType(t));
  dst = func::FuncOp::create(b, src.getName(),
                             b.getFunctionType(inputs, results));
  dst.setPrivate();
  for (NamedAttribute a : src->getDiscardableAttrs())
    dst->setAttr(a.getName(), a.getValue());
  for (unsigned i = 0; i < src.getNumArguments(); ++i)
    if (DictionaryAttr attrs = src.getArgAttrDict(i))
      dst.setArgAttrs(i, attrs);
  Block *entry = dst.addEntryBlock();
  for (auto [from, to] : llvm::zip(src.getArguments(), entry->getArguments())) {
    values[from] = to;
    if (cast<RankedTensorType>(from.getType()).getElementType().isInteger(1))
      booleanArguments.insert(to);
  }
  b.setInsertionPointToStart(entry);
}

AffineMap KernelLowering::operandMap(Value v, ArrayRef<AffineExpr> exprs,
                                     unsigned numLoops) {
  auto type = cast<RankedTensorType>(v.getType());
  SmallVector<AffineExpr> results;
  for (int64_t j = 0; j < type.getRank(); ++j)
    results.push_back(type.getDimSize(j) == 1 ? b.getAffineConstantExpr(0)
                                              : exprs[j]);
  return AffineMap::get(numLoops, 0, results, b.getContext());
}

AffineMap KernelLowering::broadcastMap(Value v, unsigned numLoops) {
  unsigned rank = cast<RankedTensorType>(v.getType()).getRank();
  SmallVector<AffineExpr> exprs = loopExprs(b.getContext(), numLoops);
  return operandMap(v, ArrayRef<AffineExpr>(exprs).take_back(rank), numLoops);
}

/// Calls `payload` with the block arguments, Boolean ones as i1, and yields.
static FailureOr<Value>
buildGeneric(ImplicitLocOpBuilder &b, Value init, ValueRange inputs,
             ArrayRef<AffineMap> maps, ArrayRef<utils::IteratorType> iterators,
             const DenseSet<Value> &booleans, bool passInit,
             KernelLowering::Payload payload) {
  bool bad = false;
  auto op = linalg::GenericOp::create(
      b, TypeRange{init.getType()}, inputs, ValueRange{init}, maps, iterators,
      [&](OpBuilder &nested, Location, ValueRange args) {
        OpBuilder::InsertionGuard guard(b); // payloads build with b
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        SmallVector<Value> scalars;
        for (auto [i, input] : llvm::enumerate(inputs)) {
          Value s = args[i];
          if (booleans.contains(input))
            s = convertElement(b, s, b.getI1Type());
          scalars.push_back(s);
        }
        if (passInit)
          scalars.push_back(args.back());
        FailureOr<Value> v = payload(scalars);
        bad = failed(v);
        linalg::YieldOp::create(b, bad ? args.back() : *v);
      });
  if (bad)
    return failure();
  return op.getResult(0);
}

FailureOr<Value> KernelLowering::elementwise(ArrayRef<int64_t> shape,
                                             Type element, ValueRange inputs,
                                             ArrayRef<AffineMap> maps,
                                             Payload payload) {
  return elementwise(RankedTensorType::get(shape, element), inputs, maps,
                     payload);
}

FailureOr<Value> KernelLowering::elementwise(RankedTensorType type,
                                             ValueRange inputs,
                                             ArrayRef<AffineMap> maps,
                                             Payload payload) {
  Value init = tensor::EmptyOp::create(
      b, type.getShape(), type.getElementType(), type.getEncoding());
  SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return buildGeneric(b, init, inputs, all, iterators, booleanArguments,
                      /*passInit=*/false, payload);
}

FailureOr<Value>
KernelLowering::accumulate(RankedTensorType type, TypedAttr init,
                           ValueRange inputs, ArrayRef<AffineMap> maps,
                           ArrayRef<utils::IteratorType> iterators,
                           Payload payload) {
  Value empty =
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  Value start = arith::ConstantOp::create(b, init);
  Value filled = linalg::FillOp::create(b, start, empty).getResult(0);
  return buildGeneric(b, filled, inputs, maps, iterators, booleanArguments,
                      /*passInit=*/true, payload);
}

FailureOr<Value> KernelLowering::convert(Value tensor, Type element) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType() == element)
    return tensor;
  return elementwise(type.getShape(), element, tensor,
                     {b.getMultiDimIdentityMap(type.getRank())},
                     [&](ValueRange args) -> FailureOr<Value> {
                       return convertElement(b, args[0], element);
                     });
}

/// The tensor that is returned for `result`: stored type, with its layout.
FailureOr<Value> KernelLowering::store(Value result, RankedTensorType logical) {
  RankedTensorType stored = storedType(logical);
  unsigned rank = logical.getRank();
  return elementwise(
      stored, lowered(result),
      {operandMap(result, loopExprs(b.getContext(), rank), rank)},
      [&](ValueRange args) -> FailureOr<Value> {
        return convertElement(b, args[0], stored.getElementType());
      });
}

LogicalResult KernelLowering::run() {
  for (Operation &op : src.getBody().front()) {
    b.setLoc(op.getLoc());
    LogicalResult result = success();
    if (auto ret = dyn_cast<func::ReturnOp>(op)) {
      SmallVector<Value> stored;
      for (Value v : ret.getOperands()) {
        FailureOr<Value> s = store(v, cast<RankedTensorType>(v.getType()));
        if (failed(s))
          return failure();
        stored.push_back(*s);
      }
      func::ReturnOp::create(b, stored);
    } else if (auto p = dyn_cast<ir::PointwiseOp>(op)) {
      result = lower(*this, p);
    } else if (auto r = dyn_cast<ir::ReductionOp>(op)) {
      result = lower(*this, r);
    } else if (auto m = dyn_cast<ir::MatmulOp>(op)) {
      result = lower(*this, m);
    } else if (auto c = dyn_cast<ir::ConvFPropOp>(op)) {
      result = lower(*this, c);
    } else if (auto s = dyn_cast<ir::SdpaOp>(op)) {
      result = lower(*this, s);
    } else if (auto c = dyn_cast<ir::ConvDGradOp>(op)) {
      result = lower(*this, c);
    } else if (auto c = dyn_cast<ir::ConvWGradOp>(op)) {
      result = lower(*this, c);
    } else if (auto c = dyn_cast<ir::CustomOp>(op)) {
      result = lower(*this, c);
    } else if (auto c = dyn_cast<ir::ConstantOp>(op)) {
      result = lower(*this, c);
    } else {
      return op.emitOpError("has no lowering to linalg");
    }
    if (failed(result))
      return failure();
  }
  src.erase();
  return success();
}

LogicalResult lower(KernelLowering &k, ir::ConstantOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto type = cast<RankedTensorType>(op.getOutput().getType());
  auto value = cast<DenseElementsAttr>(op.getValue());
  auto plain = RankedTensorType::get(type.getShape(), type.getElementType());
  k.setLowered(op.getOutput(),
               arith::ConstantOp::create(
                   b, plain, cast<TypedAttr>(value.reshape(plain))));
  return success();
}

LogicalResult lower(KernelLowering &k, ir::PointwiseOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto type = cast<RankedTensorType>(op.getOutput().getType());
  Type element = getComputeType(type.getElementType());
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (Value v : op.getInputs()) {
    inputs.push_back(k.lowered(v));
    maps.push_back(k.broadcastMap(v, type.getRank()));
  }
  PointwiseParams params;
  params.eluAlpha = op.getEluAlpha().convertToFloat();
  params.softplusBeta = op.getSoftplusBeta().convertToFloat();
  params.softplusThreshold = op.getSoftplusThreshold().convertToFloat();
  params.swishBeta = op.getSwishBeta().convertToFloat();
  FailureOr<Value> result = k.elementwise(
      type.getShape(), element, inputs, maps, [&](ValueRange args) {
        return buildPointwisePayload(b, op.getMode(), params, args, element);
      });
  if (failed(result))
    return failure();
  k.setLowered(op.getOutput(), *result);
  return success();
}

namespace {
struct ConvertFusilliToLinalgPass
    : impl::ConvertFusilliToLinalgBase<ConvertFusilliToLinalgPass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels;
    llvm::StringSet<> custom;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (f->hasAttr("fusilli.kernel")) {
        kernels.push_back(f);
        f.walk([&](ir::CustomOp op) { custom.insert(op.getFunction()); });
      }
    for (func::FuncOp f : kernels) {
      KernelLowering lowering(f);
      if (failed(lowering.run()))
        return signalPassFailure();
    }
    // What they compute is now in the kernels.
    for (auto f :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (custom.contains(f.getName()))
        f.erase();
  }
};
} // namespace

void populateLinalgPipeline(OpPassManager &pm) {
  pm.addPass(std::make_unique<ConvertFusilliToLinalgPass>());
}

void registerFusilliToLinalgPass() {
  registerPass([] { return std::make_unique<ConvertFusilliToLinalgPass>(); });
}

} // namespace fusilli::compiler
