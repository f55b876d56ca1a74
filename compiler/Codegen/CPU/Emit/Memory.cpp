// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores of the kernel builder: whole, masked and strided vectors.

#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace fusilli::compiler {

Value KernelBuilder::local(Type element, int64_t count) {
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

Value KernelBuilder::firstLanes(int64_t lanes, const ActiveLanes &active) {
  if (!active.isStatic()) {
    SmallVector<int32_t> numbers(lanes);
    std::iota(numbers.begin(), numbers.end(), 0);
    Type i32 = b.getI32Type();
    Value steps = arith::ConstantOp::create(
        b, DenseElementsAttr::get(vectorType(i32, lanes),
                                  ArrayRef<int32_t>(numbers)));
    Value count = arith::IndexCastOp::create(b, i32, active.getValue());
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, steps,
                                 splat(count, lanes));
  }
  SmallVector<bool> bits(lanes, false);
  std::fill_n(bits.begin(), active.get(), true);
  auto type = vectorType(b.getI1Type(), lanes);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
}

Value KernelBuilder::firstLane(Value v) {
  auto type = cast<VectorType>(v.getType());
  if (!type.getElementType().isBF16())
    return vector::ExtractOp::create(b, v, int64_t(0));
  // LLVM takes single bf16 values apart by way of f32.
  v = arith::BitcastOp::create(b, type.clone(b.getI16Type()), v);
  return arith::BitcastOp::create(b, b.getBF16Type(),
                                  vector::ExtractOp::create(b, v, int64_t(0)));
}

Value KernelBuilder::stepVector(int64_t lanes, const Extent &stride) {
  SmallVector<int64_t> steps;
  for (int64_t i = 0; i < lanes; ++i)
    steps.push_back(stride.isStatic() ? i * stride.get() : i);
  auto type = VectorType::get({lanes}, b.getI64Type());
  Value vector = arith::ConstantOp::create(
      b, DenseIntElementsAttr::get(type, ArrayRef<int64_t>(steps)));
  if (stride.isStatic())
    return vector;
  Value wide = arith::IndexCastUIOp::create(b, b.getI64Type(), index(stride));
  return arith::MulIOp::create(b, vector, splat(wide, lanes));
}

Value KernelBuilder::loadScalar(Value mem, Value idx) {
  return memref::LoadOp::create(b, mem, ValueRange{idx});
}

Value KernelBuilder::loadWord(Value mem, Value idx, int64_t granule,
                              int64_t lanes) {
  if (granule == 1)
    return splat(loadScalar(mem, idx), lanes);
  Type element = cast<MemRefType>(mem.getType()).getElementType();
  Value word =
      vector::LoadOp::create(b, vectorType(element, granule), mem, idx);
  word = vector::BitCastOp::create(b, vectorType(b.getI32Type(), 1), word);
  return splat(vector::ExtractOp::create(b, word, int64_t(0)), lanes);
}

void KernelBuilder::prefetch(Value mem, Value idx, int64_t count) {
  Type element = cast<MemRefType>(mem.getType()).getElementType();
  int64_t line = 512 / std::max(8u, element.getIntOrFloatBitWidth());
  for (int64_t i = 0; i < count; i += line)
    memref::PrefetchOp::create(b, mem, ValueRange{addIndex(idx, i)},
                               /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
}

Value KernelBuilder::keep(Value idx) {
  Type i64 = b.getI64Type();
  auto kept = LLVM::InlineAsmOp::create(
      b, /*res=*/TypeRange{i64},
      ValueRange{arith::IndexCastOp::create(b, i64, idx)}, /*asm_string=*/"",
      /*constraints=*/"=r,0", /*has_side_effects=*/false,
      /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
      /*asm_dialect=*/LLVM::AsmDialectAttr(), /*operand_attrs=*/ArrayAttr());
  return arith::IndexCastOp::create(b, b.getIndexType(), kept.getRes());
}

void KernelBuilder::barrier() {
  LLVM::InlineAsmOp::create(
      b, /*res=*/TypeRange{}, /*operands=*/ValueRange{}, /*asm_string=*/"",
      /*constraints=*/"~{memory}", /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
      /*asm_dialect=*/LLVM::AsmDialectAttr(), /*operand_attrs=*/ArrayAttr());
}

bool KernelBuilder::hasMasks(Type element) const {
  return element.getIntOrFloatBitWidth() >= 32 ||
         (targetInfo.hasAvx512 && element.isInteger());
}

Value KernelBuilder::getScratch(Type element, int64_t lanes) {
  Value &memory = scratch[vectorType(element, lanes)];
  if (!memory)
    memory = local(element, lanes);
  return memory;
}

Value KernelBuilder::moveIndex(Value idx, Value steps, const Extent &stride) {
  if (stride.isStatic() && stride.get() < 0)
    return subIndex(idx, mulIndex(steps, -stride.get()));
  return addIndex(idx, mulIndex(steps, stride));
}

Value KernelBuilder::loadSome(Value mem, Value idx, int64_t lanes, Value active,
                              const Extent &stride) {
  Type element = cast<MemRefType>(mem.getType()).getElementType();
  VectorType type = vectorType(element, lanes);
  bool isBackwards = stride.isStatic() && stride.get() < 0;
  if (!hasMasks(element) || isBackwards) {
    Value copy = getScratch(element, lanes);
    vector::StoreOp::create(b, zero(type), copy, index(0));
    loop(index(0), active, 1, [&](Value i) {
      Value s =
          memref::LoadOp::create(b, mem, ValueRange{moveIndex(idx, i, stride)});
      memref::StoreOp::create(b, s, copy, ValueRange{i});
    });
    return vector::LoadOp::create(b, type, copy, index(0));
  }
  Value mask = firstLanes(lanes, ActiveLanes(active));
  if (stride.is(1))
    return vector::MaskedLoadOp::create(b, type, mem, ValueRange{idx}, mask,
                                        zero(type));
  return vector::GatherOp::create(b, type, mem, ValueRange{idx},
                                  stepVector(lanes, stride), mask, zero(type));
}

void KernelBuilder::storeSome(Value value, Value mem, Value idx, Value active,
                              const Extent &stride) {
  auto type = cast<VectorType>(value.getType());
  int64_t lanes = type.getNumElements();
  if (!hasMasks(type.getElementType())) {
    Value copy = getScratch(type.getElementType(), lanes);
    vector::StoreOp::create(b, value, copy, index(0));
    loop(index(0), active, 1, [&](Value i) {
      Value s = memref::LoadOp::create(b, copy, ValueRange{i});
      memref::StoreOp::create(b, s, mem, ValueRange{moveIndex(idx, i, stride)});
    });
    return;
  }
  Value mask = firstLanes(lanes, ActiveLanes(active));
  if (stride.is(1))
    vector::MaskedStoreOp::create(b, mem, ValueRange{idx}, mask, value);
  else
    vector::ScatterOp::create(b, /*resultType=*/Type{}, mem, ValueRange{idx},
                              stepVector(lanes, stride), mask, value);
}

Value KernelBuilder::load(Value mem, Value idx, int64_t lanes,
                          const ActiveLanes &some, const Extent &stride) {
  if (!some.isStatic())
    return loadSome(mem, idx, lanes, some.getValue(), stride);
  int64_t active = some.get();
  Type element = cast<MemRefType>(mem.getType()).getElementType();
  VectorType type = vectorType(element, lanes);
  if (lanes > 1 && stride.isStatic() && stride.get() < 0) {
    // Addresses only ever grow: from the last active lane, then turned round.
    Value last = subIndex(idx, index(-stride.get() * (active - 1)));
    Value v = load(mem, last, lanes, active, -stride.get());
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < lanes; ++i)
      order.push_back(i < active ? active - 1 - i : i);
    return vector::ShuffleOp::create(b, v, v, order);
  }
  if (element.isBF16() && lanes > 1 && (!stride.is(1) || active < lanes)) {
    // Lane by lane in integers: there is no gather of 16 bits, and LLVM takes
    // masked accesses of bf16 apart by way of f32 where the target has no bf16.
    // Whole vectors never come here.
    Value v = zero(vectorType(b.getI16Type(), lanes));
    for (int64_t i = 0; i < active; ++i) {
      Value s =
          memref::LoadOp::create(b, mem, ValueRange{addIndex(idx, stride * i)});
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
  if (stride.is(1)) {
    if (active == lanes)
      return vector::LoadOp::create(b, type, mem, idx);
    Value mask = firstLanes(lanes, active);
    return vector::MaskedLoadOp::create(b, type, mem, ValueRange{idx}, mask,
                                        zero(type));
  }
  Value mask = firstLanes(lanes, active);
  Value steps64 = stepVector(lanes, stride);
  return vector::GatherOp::create(b, type, mem, ValueRange{idx}, steps64, mask,
                                  zero(type));
}

void KernelBuilder::store(Value value, Value mem, Value idx,
                          const ActiveLanes &some, const Extent &stride) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type) {
    memref::StoreOp::create(b, value, mem, ValueRange{idx});
    return;
  }
  if (!some.isStatic())
    return storeSome(value, mem, idx, some.getValue(), stride);
  int64_t active = some.get();
  int64_t lanes = type.getNumElements();
  if (active == 1) { // not masked, see load()
    Value s = firstLane(value);
    memref::StoreOp::create(b, s, mem, ValueRange{idx});
    return;
  }
  if (stride.is(1) && active == lanes) {
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
      memref::StoreOp::create(b, s, mem, ValueRange{addIndex(idx, stride * i)});
    }
    return;
  }
  Value mask = firstLanes(lanes, active);
  if (stride.is(1)) {
    vector::MaskedStoreOp::create(b, mem, ValueRange{idx}, mask, value);
    return;
  }
  Value steps64 = stepVector(lanes, stride);
  vector::ScatterOp::create(b, /*resultType=*/Type{}, mem, ValueRange{idx},
                            steps64, mask, value);
}

Value KernelBuilder::resultsAligned(int64_t bytes) {
  Value bits;
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    Value at = memref::ExtractAlignedPointerAsIndexOp::create(
        b, bindings[model.getResultBinding(i)]);
    bits = bits ? Value(arith::OrIOp::create(b, bits, at)) : at;
  }
  return isEqual(arith::AndIOp::create(b, bits, index(bytes - 1)), index(0));
}

void KernelBuilder::fenceStores() {
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.x86.sse.sfence"),
                                ValueRange{});
}

} // namespace fusilli::compiler
