// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The system's allocator and the counting one.
#include "support/host_allocator.h"

#include <cstdlib>

namespace fusilli {

namespace {

class SystemAllocator final : public HostAllocator {
public:
  void *allocate(size_t size, size_t alignment) noexcept override {
    if (alignment <= alignof(std::max_align_t))
      return std::malloc(size);
    if (size > SIZE_MAX - alignment)
      return nullptr;
    // aligned_alloc wants a multiple of the alignment.
    return std::aligned_alloc(alignment,
                              (size + alignment - 1) & ~(alignment - 1));
  }
  void deallocate(void *pointer, size_t) noexcept override {
    std::free(pointer);
  }
};

SystemAllocator &cLibrary() {
  // Never destroyed: objects may be released while the process ends.
  static SystemAllocator &allocator = *new SystemAllocator();
  return allocator;
}

constinit std::atomic<HostAllocator *> replacement{nullptr};

// In front of every block of a CountingAllocator; the block keeps its
// alignment, so the room for it is a multiple of that.
struct BlockHeader {
  size_t size;
};

size_t headerRoom(size_t alignment) {
  return alignment < sizeof(BlockHeader) * 2 ? sizeof(BlockHeader) * 2
                                             : alignment;
}

} // namespace

HostAllocator &systemAllocator() {
  HostAllocator *other = replacement.load(std::memory_order_acquire);
  return other != nullptr ? *other : cLibrary();
}

HostAllocator &replaceSystemAllocator(HostAllocator *allocator) {
  HostAllocator *before =
      replacement.exchange(allocator == &cLibrary() ? nullptr : allocator,
                           std::memory_order_acq_rel);
  return before != nullptr ? *before : cLibrary();
}

void *CountingAllocator::allocate(size_t size, size_t alignment) noexcept {
  if (failIn_.load(std::memory_order_relaxed) > 0 &&
      failIn_.fetch_sub(1) == 1) {
    failures_.fetch_add(1);
    return nullptr;
  }
  size_t room = headerRoom(alignment);
  auto *memory =
      size > SIZE_MAX - room
          ? nullptr
          : static_cast<std::byte *>(base_.allocate(size + room, alignment));
  if (memory == nullptr) {
    failures_.fetch_add(1);
    return nullptr;
  }
  std::byte *block = memory + room;
  reinterpret_cast<BlockHeader *>(block - sizeof(BlockHeader))->size = size;
  calls_.fetch_add(1);
  liveBlocks_.fetch_add(1);
  auto live = liveBytes_.fetch_add(static_cast<int64_t>(size)) +
              static_cast<int64_t>(size);
  int64_t peak = peakBytes_.load();
  while (live > peak && !peakBytes_.compare_exchange_weak(peak, live)) {
  }
  return block;
}

void CountingAllocator::deallocate(void *pointer, size_t alignment) noexcept {
  if (pointer == nullptr)
    return;
  auto *block = static_cast<std::byte *>(pointer);
  size_t size =
      reinterpret_cast<BlockHeader *>(block - sizeof(BlockHeader))->size;
  liveBlocks_.fetch_sub(1);
  liveBytes_.fetch_sub(static_cast<int64_t>(size));
  base_.deallocate(block - headerRoom(alignment), alignment);
}

AllocationCounts CountingAllocator::counts() const noexcept {
  return {calls_.load(), failures_.load(), liveBlocks_.load(),
          liveBytes_.load(), peakBytes_.load()};
}

} // namespace fusilli
