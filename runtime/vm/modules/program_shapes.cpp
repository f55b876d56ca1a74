// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A slot's shape changes only while its pins are exactly kExclusive, taken from
// 0; a reader that pins in between sees the bit and goes away.
#include "runtime/vm/modules/program_shapes.h"

#include <algorithm>

namespace fusilli::vm {

constexpr TypeDescriptor ProgramShape::kType{"vm.program_shape",
                                             ObjectKind::Other};

StatusOr<Ref<ProgramShape>>
ProgramShape::create(std::span<const ProgramArg> args,
                     std::span<const int64_t> symbols,
                     HostAllocator &allocator) {
  size_t dimCount = 0;
  for (const ProgramArg &arg : args)
    dimCount += arg.dimSymbols.size();
  auto shape = makeRef<ProgramShape>(allocator);
  if (!shape || !shape->symbols_.allocate(allocator, symbols.size()) ||
      !shape->args_.allocate(allocator, args.size()) ||
      !shape->dims_.allocate(allocator, dimCount))
    return outOfMemoryError("the shape of a call");
  std::ranges::copy(symbols, shape->symbols_.begin());
  std::ranges::copy(args, shape->args_.begin());
  int64_t *dims = shape->dims_.data();
  for (ProgramArg &arg : shape->args_) {
    if (arg.dimSymbols.empty())
      continue;
    FUSILLI_STATUS_RETURN_IF_ERROR(shape->setExtents(arg, dims));
    dims += arg.dims.size();
  }
  return shape;
}

Status ProgramShape::setExtents(ProgramArg &arg, int64_t *dims) {
  uint64_t bits = hal::elementBits(arg.elementType);
  for (size_t i = 0; i < arg.dims.size(); ++i) {
    int32_t symbol = arg.dimSymbols[i];
    dims[i] = symbol < 0 ? arg.dims[i] : symbols_[static_cast<size_t>(symbol)];
    if (__builtin_mul_overflow(bits, static_cast<uint64_t>(dims[i]), &bits) ||
        bits / 8 > artifact::kMaxBytes)
      return outOfRangeError(strCat(arg.isOutput ? "output '" : "input '",
                                    arg.name, "' would have more than ",
                                    artifact::kMaxBytes, " bytes"));
  }
  arg.dims = {dims, arg.dims.size()};
  arg.byteLength = (bits + 7) / 8;
  return okStatus();
}

uint64_t ShapeCache::hash(std::span<const int64_t> symbols) noexcept {
  uint64_t h = 0x9e3779b97f4a7c15u;
  for (int64_t symbol : symbols) {
    h = (h ^ static_cast<uint64_t>(symbol)) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
  }
  return h | 1; // 0 is an empty slot
}

void ShapeCache::touch(Set &set, uint32_t way) noexcept {
  // Shared memory is written only when another shape was last.
  if (set.latest.load(std::memory_order_relaxed) == way)
    return;
  set.latest.store(way, std::memory_order_relaxed);
  set.slots[way].lastUse.store(
      set.clock.fetch_add(1, std::memory_order_relaxed) + 1,
      std::memory_order_relaxed);
}

ShapeLease ShapeCache::find(std::span<const int64_t> symbols) noexcept {
  uint64_t h = hash(symbols);
  Set &set = sets_[(h >> 1) % kSets];
  for (uint32_t way = 0; way < kWays; ++way) {
    if (set.hashes[way].load(std::memory_order_relaxed) != h)
      continue;
    ShapeSlot &slot = set.slots[way];
    uint32_t before = slot.pins.fetch_add(1, std::memory_order_acquire);
    if ((before & ShapeSlot::kExclusive) == 0 && slot.shape &&
        std::ranges::equal(slot.shape->symbols(), symbols)) [[likely]] {
      touch(set, way);
      return ShapeLease(slot);
    }
    slot.pins.fetch_sub(1, std::memory_order_release);
  }
  return {};
}

ShapeLease ShapeCache::insert(Ref<ProgramShape> shape) noexcept {
  uint64_t h = hash(shape->symbols());
  Set &set = sets_[(h >> 1) % kSets];
  // Empty ones first, then by age.
  uint32_t order[kWays];
  for (uint32_t way = 0; way < kWays; ++way)
    order[way] = way;
  std::ranges::sort(order, {}, [&](uint32_t way) {
    bool used = set.hashes[way].load(std::memory_order_relaxed) != 0;
    return std::pair(
        used,
        used ? set.slots[way].lastUse.load(std::memory_order_relaxed) : 0u);
  });
  for (uint32_t way : order) {
    ShapeSlot &slot = set.slots[way];
    uint32_t expected = 0;
    if (!slot.pins.compare_exchange_strong(expected, ShapeSlot::kExclusive,
                                           std::memory_order_acquire,
                                           std::memory_order_relaxed))
      continue;
    slot.shape = std::move(shape);
    set.hashes[way].store(h, std::memory_order_relaxed);
    slot.pins.fetch_sub(ShapeSlot::kExclusive - 1, std::memory_order_release);
    touch(set, way);
    return ShapeLease(slot);
  }
  return ShapeLease(std::move(shape));
}

} // namespace fusilli::vm
