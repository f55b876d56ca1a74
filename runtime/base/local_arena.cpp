// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pages from the system for arenas.
#include "runtime/base/local_arena.h"

#include "runtime/base/worker_pool.h"

#include <algorithm>
#include <sys/mman.h>

namespace fusilli {

namespace {
constexpr uint64_t kPage = 4096;
constexpr uint64_t kHugePage = uint64_t{2} << 20;
constexpr uint64_t kSmallest = 64 * 1024;
constexpr uint64_t kLargest = uint64_t{1} << 40;
} // namespace

void *allocatePages(uint64_t &size) noexcept {
  if (size > kLargest)
    return nullptr;
  bool huge = size >= kHugePage;
  uint64_t unit = huge ? kHugePage : kPage;
  size = (size + unit - 1) / unit * unit;
  // Room to cut an aligned range out.
  uint64_t mapped = huge ? size + kHugePage : size;
  void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  if (!huge)
    return memory;
  auto begin = reinterpret_cast<uintptr_t>(memory);
  uintptr_t aligned = (begin + kHugePage - 1) / kHugePage * kHugePage;
  if (aligned != begin)
    munmap(memory, aligned - begin);
  uintptr_t end = begin + mapped;
  if (end != aligned + size)
    munmap(reinterpret_cast<void *>(aligned + size), end - aligned - size);
  void *result = reinterpret_cast<void *>(aligned);
  // Only a hint: failing costs speed, nothing else.
  madvise(result, size, MADV_HUGEPAGE);
  return result;
}

void freePages(void *memory, uint64_t size) noexcept {
  if (memory != nullptr)
    munmap(memory, size);
}

LocalArena::~LocalArena() { freePages(memory_, size_); }

void *LocalArena::grow(uint64_t bytes) noexcept {
  uint64_t size = std::max(bytes, kSmallest);
  void *memory = allocatePages(size);
  if (memory == nullptr)
    return nullptr;
  freePages(memory_, size_);
  memory_ = memory;
  size_ = size;
  return memory;
}

namespace {
struct ThreadArena {
  LocalArena arena;
  bool inUse = false;
};
thread_local ThreadArena threadArena;
} // namespace

ThreadScratch::ThreadScratch(uint64_t bytes) noexcept : bytes_(bytes) {
  if (bytes == 0)
    return;
  if (!threadArena.inUse) {
    memory_ = threadArena.arena.reserve(bytes);
    threadArena.inUse = memory_ != nullptr;
    return;
  }
  ownPages_ = bytes;
  memory_ = allocatePages(ownPages_);
}

ThreadScratch::~ThreadScratch() {
  if (memory_ == nullptr)
    return;
  if (ownPages_ != 0)
    freePages(memory_, ownPages_);
  else
    threadArena.inUse = false;
}

} // namespace fusilli
