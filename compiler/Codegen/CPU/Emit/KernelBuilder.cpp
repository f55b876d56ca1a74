// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Function, loops and small values of the kernel builder; loads and stores are
// in Memory.cpp.

#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/RegionUtils.h"

#include <algorithm>

using namespace mlir;

namespace fusilli::compiler {

namespace {

constexpr auto kNoWrap =
    arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw;

/// Elements from the first to the last one of a buffer; of one with symbols
/// more than any buffer has, because nothing may conclude from a smaller
/// number.
MemRefType flatMemRef(const Binding &binding) {
  constexpr int64_t kAny = int64_t(1) << 46;
  int64_t span = 1;
  if (llvm::any_of(binding.extents,
                   [](const Extent &extent) { return !extent.isStatic(); }))
    return MemRefType::get({kAny}, binding.element());
  for (auto [extent, stride] :
       llvm::zip_equal(binding.extents, binding.strides))
    span += (extent.representative() - 1) * stride.representative();
  return MemRefType::get({std::max<int64_t>(span, 1)}, binding.element());
}

} // namespace

KernelBuilder::KernelBuilder(const KernelModel &model, const TargetInfo &target)
    : KernelBuilder(model, target,
                    const_cast<KernelModel &>(model).getFunction().getName(),
                    llvm::map_to_vector(model.getBindings(),
                                        [](auto &binding) {
                                          return Type(flatMemRef(binding));
                                        }),
                    model.getSymbols().size()) {}

KernelBuilder::KernelBuilder(const KernelModel &model, const TargetInfo &target,
                             const llvm::Twine &name,
                             ArrayRef<Type> bindingTypes, unsigned numSymbols)
    : model(model), targetInfo(target),
      b(model.getFunction().getLoc(), model.getFunction()) {
  SmallVector<Type> inputs(bindingTypes);
  inputs.append(numSymbols, b.getIndexType());
  inputs.push_back(MemRefType::get({0}, b.getI8Type())); // sized by finish()
  inputs.append({b.getIndexType(), b.getIndexType()});
  dst = func::FuncOp::create(b, name.str(),
                             b.getFunctionType(inputs, {b.getI32Type()}));
  Block *entry = dst.addEntryBlock();
  llvm::append_range(bindings,
                     entry->getArguments().take_front(bindingTypes.size()));
  llvm::append_range(symbols,
                     entry->getArguments().slice(bindings.size(), numSymbols));
  unsigned next = bindings.size() + symbols.size();
  localArg = entry->getArgument(next);
  beginArg = entry->getArgument(next + 1);
  endArg = entry->getArgument(next + 2);
  b.setInsertionPointToStart(entry);
}

KernelBuilder &KernelBuilder::addPacking(unsigned binding, Type element,
                                         int64_t count) {
  Type packed = MemRefType::get({count}, element);
  int64_t bytes = count * element.getIntOrFloatBitWidth() / 8;
  std::unique_ptr<KernelBuilder> packing(new KernelBuilder(
      model, targetInfo, dst.getName() + ".pack" + llvm::Twine(binding),
      {bindings[binding].getType(), packed}, /*numSymbols=*/0));
  bindings[binding].setType(packed);
  packings.push_back({binding, bytes, std::move(packing)});
  return *packings.back().builder;
}

//===----------------------------------------------------------------------===//
// Loops and small values
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t v) {
  Value &slot = indexConstants[v];
  if (!slot) {
    OpBuilder::InsertionGuard guard(b);
    if (constantsEnd)
      b.setInsertionPointAfter(constantsEnd);
    else
      b.setInsertionPointToStart(&dst.getBody().front());
    slot = arith::ConstantIndexOp::create(b, v);
    constantsEnd = slot.getDefiningOp();
  }
  return slot;
}

Value KernelBuilder::index(const Extent &v) {
  return v.isStatic() ? index(v.get()) : evaluate(v.getExpr(), {});
}

Value KernelBuilder::evaluate(AffineExpr expr, ArrayRef<Value> dims) {
  if (auto c = dyn_cast<AffineConstantExpr>(expr))
    return index(c.getValue());
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return dims[d.getPosition()];
  if (auto s = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[s.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value l = evaluate(binary.getLHS(), dims),
        r = evaluate(binary.getRHS(), dims);
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    // The sum may have a negative part.
    if (l == index(0))
      return r;
    return r == index(0) ? l : Value(arith::AddIOp::create(b, l, r));
  case AffineExprKind::Mul:
    return arith::MulIOp::create(b, l, r);
  case AffineExprKind::FloorDiv:
    return arith::DivUIOp::create(b, l, r);
  case AffineExprKind::CeilDiv:
    l = arith::AddIOp::create(b, l, arith::SubIOp::create(b, r, index(1)));
    return arith::DivUIOp::create(b, l, r);
  default:
    return arith::RemUIOp::create(b, l, r);
  }
}

Value KernelBuilder::addIndex(Value a, Value c) {
  if (a == index(0))
    return c;
  if (c == index(0))
    return a;
  return arith::AddIOp::create(b, a, c, kNoWrap);
}

Value KernelBuilder::addIndex(Value a, int64_t c) {
  return c == 0 ? a : addIndex(a, index(c));
}

Value KernelBuilder::addIndex(Value a, const Extent &c) {
  return c.is(0) ? a : addIndex(a, index(c));
}

Value KernelBuilder::subIndex(Value a, Value c) {
  return c == index(0) ? a : Value(arith::SubIOp::create(b, a, c));
}

Value KernelBuilder::mulIndex(Value a, int64_t c) {
  if (c == 1 || a == index(0))
    return a;
  if (c == 0)
    return index(0);
  return arith::MulIOp::create(
      b, a, index(c), c > 0 ? kNoWrap : arith::IntegerOverflowFlags::none);
}

Value KernelBuilder::mulIndex(Value a, const Extent &c) {
  if (c.isStatic())
    return mulIndex(a, c.get());
  if (a == index(0))
    return a;
  return arith::MulIOp::create(b, a, index(c), kNoWrap);
}

Value KernelBuilder::divIndex(Value a, const Extent &c) {
  return c.is(1) ? a : Value(arith::DivUIOp::create(b, a, index(c)));
}

Value KernelBuilder::remIndex(Value a, const Extent &c) {
  return c.is(1) ? index(0) : Value(arith::RemUIOp::create(b, a, index(c)));
}

Value KernelBuilder::minIndex(Value a, Value c) {
  return arith::MinUIOp::create(b, a, c);
}

Value KernelBuilder::zero(Type type) {
  return arith::ConstantOp::create(b, type,
                                   cast<TypedAttr>(b.getZeroAttr(type)));
}

Value KernelBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, vectorType(scalar.getType(), lanes),
                                     scalar);
}

SmallVector<Value> KernelBuilder::loop(Value lo, Value hi, int64_t step,
                                       ValueRange inits, LoopBody body) {
  auto op = scf::ForOp::create(b, lo, hi, index(step), inits);
  OpBuilder::InsertionGuard guard(b);
  if (inits.empty()) {
    b.setInsertionPoint(op.getBody()->getTerminator());
    body(op.getInductionVar(), {});
  } else {
    b.setInsertionPointToEnd(op.getBody());
    SmallVector<Value> next =
        body(op.getInductionVar(), op.getRegionIterArgs());
    scf::YieldOp::create(b, next);
  }
  return SmallVector<Value>(op.getResults());
}

void KernelBuilder::loop(Value lo, Value hi, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  loop(lo, hi, step, ValueRange{}, [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>{};
  });
}

void KernelBuilder::outline(llvm::StringRef part,
                            llvm::function_ref<void()> body) {
  auto region = scf::ExecuteRegionOp::create(b, TypeRange{});
  region->setAttr("fusilli.part", b.getStringAttr(part));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&region.getRegion().emplaceBlock());
  auto yield = scf::YieldOp::create(b);
  b.setInsertionPoint(yield);
  body();
}

void KernelBuilder::outlineRegion(scf::ExecuteRegionOp region,
                                  llvm::StringRef name) {
  // Constants are cloned, all other values from outside become arguments.
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(region.getRegion(), used);
  SmallVector<Value> captured;
  SmallVector<Type> types;
  Block &block = region.getRegion().front();
  OpBuilder::InsertionGuard guard(b);
  for (Value v : used) {
    Operation *def = v.getDefiningOp();
    if (def && def->hasTrait<OpTrait::ConstantLike>()) {
      b.setInsertionPointToStart(&block);
      Value clone = b.clone(*def)->getResult(0);
      v.replaceUsesWithIf(clone, [&](OpOperand &use) {
        return region.getRegion().isAncestor(use.getOwner()->getParentRegion());
      });
      continue;
    }
    captured.push_back(v);
    types.push_back(v.getType());
  }
  b.setInsertionPoint(dst);
  auto function =
      func::FuncOp::create(b, name, b.getFunctionType(types, TypeRange{}));
  function.setPrivate();
  Block *entry = function.addEntryBlock();
  entry->getOperations().splice(entry->end(), block.getOperations());
  entry->getTerminator()->erase();
  b.setInsertionPointToEnd(entry);
  func::ReturnOp::create(b);
  for (auto [outer, inner] : llvm::zip(captured, entry->getArguments()))
    outer.replaceUsesWithIf(inner, [&](OpOperand &use) {
      return function->isAncestor(use.getOwner());
    });
  b.setInsertionPoint(region);
  func::CallOp::create(b, function, captured);
  region.erase();
}

void KernelBuilder::ifThen(Value cond, llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(b, cond, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.thenBlock()->getTerminator());
  body();
}

void KernelBuilder::ifThenElse(Value cond, llvm::function_ref<void()> then,
                               llvm::function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, cond, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.thenBlock()->getTerminator());
  then();
  b.setInsertionPoint(op.elseBlock()->getTerminator());
  otherwise();
}

Value KernelBuilder::isEqual(Value a, Value c) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, a, c);
}

Value KernelBuilder::isLess(Value a, Value c) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, a, c);
}

SmallVector<Value> KernelBuilder::delinearize(Value number,
                                              ArrayRef<Extent> extents) {
  SmallVector<Value> digits(extents.size());
  Value rest = number;
  for (size_t i = extents.size(); i-- > 0;) {
    digits[i] = i == 0 ? rest : remIndex(rest, extents[i]);
    if (i)
      rest = divIndex(rest, extents[i]);
  }
  return digits;
}

Value KernelBuilder::constant(TypedAttr value, int64_t lanes) {
  if (!lanes)
    return arith::ConstantOp::create(b, value);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(vectorType(value.getType(), lanes),
                                Attribute(value)));
}

//===----------------------------------------------------------------------===//
// End
//===----------------------------------------------------------------------===//

void KernelBuilder::finish() {
  b.setInsertionPointToEnd(&dst.getBody().front());
  Value ok = arith::ConstantIntOp::create(b, 0, 32);
  func::ReturnOp::create(b, ok);

  SmallVector<scf::ExecuteRegionOp> parts;
  dst.walk([&](scf::ExecuteRegionOp op) { parts.push_back(op); });
  for (scf::ExecuteRegionOp op : parts)
    outlineRegion(op,
                  (dst.getName() + "." +
                   op->getAttrOfType<StringAttr>("fusilli.part").getValue() +
                   std::to_string(numOutlined++))
                      .str());

  // The local memory's size and the types of packed operands are known now.
  localArg.setType(MemRefType::get({localSize}, b.getI8Type()));
  dst.setFunctionType(b.getFunctionType(
      dst.getBody().front().getArgumentTypes(), {b.getI32Type()}));
  dst.setPrivate();
}

} // namespace fusilli::compiler
