// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Structure, loops and memory of the kernel emitter; evaluation of the DAG is
// in KernelEvaluate.cpp.

#include "compiler/Codegen/CPU/KernelEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/RegionUtils.h"

#include <algorithm>

using namespace mlir;

namespace fusilli::compiler {

namespace {
constexpr auto kNoWrap =
    arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw;

MemRefType flatMemRef(RankedTensorType type) {
  return MemRefType::get({type.getNumElements()}, type.getElementType());
}
} // namespace

KernelEmitter::KernelEmitter(func::FuncOp source, const TargetInfo &target)
    : src(source), targetInfo(target), b(source.getLoc(), source) {
  // Bindings in order: arguments, then results.
  SmallVector<Type> inputs;
  for (Type t : src.getFunctionType().getInputs())
    inputs.push_back(flatMemRef(cast<RankedTensorType>(t)));
  for (Type t : src.getFunctionType().getResults())
    inputs.push_back(flatMemRef(cast<RankedTensorType>(t)));
  unsigned numBindings = inputs.size();
  inputs.push_back(MemRefType::get({0}, b.getI8Type())); // sized by finish()
  inputs.append({b.getIndexType(), b.getIndexType()});
  dst = func::FuncOp::create(b, src.getName(),
                             b.getFunctionType(inputs, {b.getI32Type()}));
  Block *entry = dst.addEntryBlock();
  for (unsigned i = 0; i < numBindings; ++i)
    bindings.push_back(entry->getArgument(i));
  localArg = entry->getArgument(numBindings);
  beginArg = entry->getArgument(numBindings + 1);
  endArg = entry->getArgument(numBindings + 2);
  b.setInsertionPointToStart(entry);
}

linalg::GenericOp KernelEmitter::resultOp(unsigned i) const {
  auto ret = cast<func::ReturnOp>(
      const_cast<func::FuncOp &>(src).getBody().front().getTerminator());
  return ret.getOperand(i).getDefiningOp<linalg::GenericOp>();
}

unsigned KernelEmitter::numResults() const {
  return const_cast<func::FuncOp &>(src).getNumResults();
}

unsigned KernelEmitter::resultBinding(unsigned i) const {
  return const_cast<func::FuncOp &>(src).getNumArguments() + i;
}

Type KernelEmitter::bindingElement(unsigned i) const {
  return cast<MemRefType>(bindings[i].getType()).getElementType();
}

//===----------------------------------------------------------------------===//
// Loops and small values
//===----------------------------------------------------------------------===//

Value KernelEmitter::index(int64_t v) {
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

double KernelEmitter::bytesOf(ArrayRef<Access> accesses,
                              ArrayRef<int64_t> extents) const {
  double bytes = 0;
  for (const Access &a : accesses) {
    double count = 1;
    for (size_t d = 0; d < a.coefs.size(); ++d)
      if (a.coefs[d])
        count *= extents[d];
    unsigned bits = bindingElement(a.binding).getIntOrFloatBitWidth();
    bytes += count * std::max(8u, bits) / 8;
  }
  return bytes;
}

Value KernelEmitter::addIndex(Value a, Value c) {
  if (a == index(0))
    return c;
  if (c == index(0))
    return a;
  return arith::AddIOp::create(b, a, c, kNoWrap);
}

Value KernelEmitter::addIndex(Value a, int64_t c) {
  return c == 0 ? a : addIndex(a, index(c));
}

Value KernelEmitter::mulIndex(Value a, int64_t c) {
  if (c == 1)
    return a;
  if (c == 0 || a == index(0))
    return index(0);
  return arith::MulIOp::create(b, a, index(c), kNoWrap);
}

Value KernelEmitter::minIndex(Value a, Value c) {
  return arith::MinUIOp::create(b, a, c);
}

Value KernelEmitter::zero(Type type) {
  return arith::ConstantOp::create(b, type,
                                   cast<TypedAttr>(b.getZeroAttr(type)));
}

Value KernelEmitter::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, vectorType(scalar.getType(), lanes),
                                     scalar);
}

SmallVector<Value> KernelEmitter::loop(Value lo, Value hi, int64_t step,
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

void KernelEmitter::loop(Value lo, Value hi, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  loop(lo, hi, step, ValueRange{}, [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>{};
  });
}

void KernelEmitter::outline(llvm::StringRef part,
                            llvm::function_ref<void()> body) {
  auto region = scf::ExecuteRegionOp::create(b, TypeRange{});
  region->setAttr("fusilli.part", b.getStringAttr(part));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&region.getRegion().emplaceBlock());
  auto yield = scf::YieldOp::create(b);
  b.setInsertionPoint(yield);
  body();
}

void KernelEmitter::outlineRegion(scf::ExecuteRegionOp region,
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

void KernelEmitter::ifThen(Value cond, llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(b, cond, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.thenBlock()->getTerminator());
  body();
}

void KernelEmitter::ifThenElse(Value cond, llvm::function_ref<void()> then,
                               llvm::function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, cond, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.thenBlock()->getTerminator());
  then();
  b.setInsertionPoint(op.elseBlock()->getTerminator());
  otherwise();
}

Value KernelEmitter::resultsAligned(int64_t bytes) {
  Value bits;
  for (unsigned i = 0; i < numResults(); ++i) {
    Value at = memref::ExtractAlignedPointerAsIndexOp::create(
        b, bindings[resultBinding(i)]);
    bits = bits ? Value(arith::OrIOp::create(b, bits, at)) : at;
  }
  return isEqual(arith::AndIOp::create(b, bits, index(bytes - 1)), index(0));
}

void KernelEmitter::fenceStores() {
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.x86.sse.sfence"),
                                ValueRange{});
}

Value KernelEmitter::isEqual(Value a, Value c) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, a, c);
}

Value KernelEmitter::isLess(Value a, Value c) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, a, c);
}

Value KernelEmitter::asVector(Value v, const Space &space) {
  if (!space.isVector() || isa<VectorType>(v.getType()))
    return v;
  return splat(v, space.lanes);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value KernelEmitter::local(Type element, int64_t count) {
  int64_t bytes = count * std::max(8u, element.getIntOrFloatBitWidth()) / 8;
  OpBuilder::InsertionGuard guard(b);
  Value offset = index(localSize);
  b.setInsertionPointAfter(constantsEnd);
  auto view = memref::ViewOp::create(b, MemRefType::get({count}, element),
                                     localArg, offset, ValueRange{});
  constantsEnd = view;
  localSize += llvm::alignTo(bytes, 64);
  return view;
}

Value KernelEmitter::firstLanes(int64_t lanes, int64_t active) {
  SmallVector<bool> bits(lanes, false);
  std::fill_n(bits.begin(), active, true);
  auto type = vectorType(b.getI1Type(), lanes);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
}

Value KernelEmitter::firstLane(Value v) {
  auto type = cast<VectorType>(v.getType());
  if (!type.getElementType().isBF16())
    return vector::ExtractOp::create(b, v, int64_t(0));
  // LLVM takes single bf16 values apart by way of f32.
  v = arith::BitcastOp::create(b, type.clone(b.getI16Type()), v);
  return arith::BitcastOp::create(b, b.getBF16Type(),
                                  vector::ExtractOp::create(b, v, int64_t(0)));
}

Value KernelEmitter::load(Value mem, Value idx, int64_t lanes, int64_t active,
                          int64_t stride) {
  Type element = cast<MemRefType>(mem.getType()).getElementType();
  VectorType type = vectorType(element, lanes);
  if (element.isBF16() && lanes > 1 && (stride != 1 || active < lanes)) {
    // Lane by lane in integers: there is no gather of 16 bits, and LLVM takes
    // masked accesses of bf16 apart by way of f32 where the target has no bf16.
    // Whole vectors never come here.
    Value v = zero(vectorType(b.getI16Type(), lanes));
    for (int64_t i = 0; i < active; ++i) {
      Value s =
          memref::LoadOp::create(b, mem, ValueRange{addIndex(idx, i * stride)});
      s = arith::BitcastOp::create(b, b.getI16Type(), s);
      v = vector::InsertOp::create(b, s, v, i);
    }
    return arith::BitcastOp::create(b, type, v);
  }
  if (active == 1 && lanes > 1) {
    // LLVM 22 makes a masked access of one lane as wide as the register type
    // that the element is extended to or truncated from.
    Value s = memref::LoadOp::create(b, mem, ValueRange{idx});
    return vector::InsertOp::create(b, s, zero(type), int64_t(0));
  }
  if (stride == 1) {
    if (active == lanes)
      return vector::LoadOp::create(b, type, mem, idx);
    Value mask = firstLanes(lanes, active);
    return vector::MaskedLoadOp::create(b, type, mem, ValueRange{idx}, mask,
                                        zero(type));
  }
  Value mask = firstLanes(lanes, active);
  SmallVector<int64_t> steps;
  for (int64_t i = 0; i < lanes; ++i)
    steps.push_back(i * stride);
  auto stepType = VectorType::get({lanes}, b.getI64Type());
  Value steps64 = arith::ConstantOp::create(
      b, DenseIntElementsAttr::get(stepType, ArrayRef<int64_t>(steps)));
  return vector::GatherOp::create(b, type, mem, ValueRange{idx}, steps64, mask,
                                  zero(type));
}

void KernelEmitter::store(Value value, Value mem, Value idx, int64_t active,
                          int64_t stride) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type) {
    memref::StoreOp::create(b, value, mem, ValueRange{idx});
    return;
  }
  int64_t lanes = type.getNumElements();
  if (active == 1) { // not masked, see load()
    Value s = firstLane(value);
    memref::StoreOp::create(b, s, mem, ValueRange{idx});
    return;
  }
  if (stride == 1 && active == lanes) {
    int64_t bytes = lanes * type.getElementTypeBitWidth() / 8;
    if (nonTemporal)
      vector::StoreOp::create(b, value, mem, ValueRange{idx},
                              /*nontemporal=*/true, llvm::MaybeAlign(bytes));
    else
      vector::StoreOp::create(b, value, mem, ValueRange{idx});
    return;
  }
  if (type.getElementType().isBF16()) { // see load()
    Value bits = arith::BitcastOp::create(b, type.clone(b.getI16Type()), value);
    for (int64_t i = 0; i < active; ++i) {
      Value s = vector::ExtractOp::create(b, bits, i);
      s = arith::BitcastOp::create(b, b.getBF16Type(), s);
      memref::StoreOp::create(b, s, mem, ValueRange{addIndex(idx, i * stride)});
    }
    return;
  }
  Value mask = firstLanes(lanes, active);
  if (stride == 1) {
    vector::MaskedStoreOp::create(b, mem, ValueRange{idx}, mask, value);
    return;
  }
  SmallVector<int64_t> steps;
  for (int64_t i = 0; i < lanes; ++i)
    steps.push_back(i * stride);
  auto stepType = VectorType::get({lanes}, b.getI64Type());
  Value steps64 = arith::ConstantOp::create(
      b, DenseIntElementsAttr::get(stepType, ArrayRef<int64_t>(steps)));
  vector::ScatterOp::create(b, /*resultType=*/Type{}, mem, ValueRange{idx},
                            steps64, mask, value);
}

//===----------------------------------------------------------------------===//
// End
//===----------------------------------------------------------------------===//

void KernelEmitter::finish(ArrayRef<int64_t> workgroups, bool inlineDispatch,
                           llvm::StringRef strategy, uint64_t flops) {
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

  // The local memory's size is known now.
  unsigned localIndex = bindings.size();
  localArg.setType(MemRefType::get({localSize}, b.getI8Type()));
  SmallVector<Type> inputs(dst.getFunctionType().getInputs());
  inputs[localIndex] = localArg.getType();
  dst.setFunctionType(b.getFunctionType(inputs, {b.getI32Type()}));

  // Each input read once, each output written once; a broadcast or unused
  // operand counts for what its buffer holds.
  uint64_t bytes = 0;
  for (Value v : bindings) {
    auto type = cast<MemRefType>(v.getType());
    bytes += type.getNumElements() *
             std::max(8u, type.getElementType().getIntOrFloatBitWidth()) / 8;
  }
  dst.setPrivate();
  dst->setAttr("fusilli.kernel", b.getUnitAttr());
  dst->setAttr("fusilli.workgroup_count", b.getDenseI64ArrayAttr(workgroups));
  dst->setAttr("fusilli.local_memory", b.getI64IntegerAttr(localSize));
  dst->setAttr("fusilli.strategy", b.getStringAttr(strategy));
  dst->setAttr("fusilli.flops", b.getI64IntegerAttr(flops));
  dst->setAttr("fusilli.bytes", b.getI64IntegerAttr(bytes));
  if (inlineDispatch)
    dst->setAttr("fusilli.inline_dispatch", b.getUnitAttr());
  for (NamedAttribute attr : src->getDiscardableAttrs())
    if (!dst->hasAttr(attr.getName()))
      dst->setAttr(attr.getName(), attr.getValue());
}

SmallVector<LoopGroup, 4> formGroups(ArrayRef<int> dims,
                                     ArrayRef<int64_t> extents,
                                     ArrayRef<int64_t> primary,
                                     ArrayRef<Access> accesses) {
  SmallVector<int> order;
  for (int d : dims)
    if (extents[d] != 1)
      order.push_back(d);
  llvm::sort(order, [&](int x, int y) {
    return std::pair(-primary[x], x) < std::pair(-primary[y], y);
  });
  SmallVector<LoopGroup, 4> groups;
  for (int d : order) {
    bool merge = !groups.empty();
    if (merge) {
      int outer = groups.back().dims.back();
      merge = llvm::all_of(accesses, [&](const Access &a) {
        return a.coefs[outer] == a.coefs[d] * extents[d];
      });
    }
    if (!merge)
      groups.emplace_back();
    groups.back().dims.push_back(d);
    groups.back().extent *= extents[d];
  }
  return groups;
}

} // namespace fusilli::compiler
