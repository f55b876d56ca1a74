// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replaces operator new of a test program by one that counts; for one source
// file of the program. Sanitizers have their own: there nothing is counted and
// FUSILLI_COUNTS_NEW is not defined.
#ifndef SUPPORT_TESTING_COUNT_NEW_H
#define SUPPORT_TESTING_COUNT_NEW_H

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace fusilli::heap {
/// Calls of operator new so far.
inline std::atomic<uint64_t> newCalls{0};
/// Bytes from operator new that are not freed yet.
inline std::atomic<int64_t> newLiveBytes{0};
} // namespace fusilli::heap

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define FUSILLI_COUNTS_NEW 1
// All forms of the standard library end in these.
void *operator new(std::size_t size) {
  void *memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr)
    std::abort();
  fusilli::heap::newCalls.fetch_add(1, std::memory_order_relaxed);
  fusilli::heap::newLiveBytes.fetch_add(
      static_cast<int64_t>(malloc_usable_size(memory)),
      std::memory_order_relaxed);
  return memory;
}
void operator delete(void *memory) noexcept {
  fusilli::heap::newLiveBytes.fetch_sub(
      static_cast<int64_t>(malloc_usable_size(memory)),
      std::memory_order_relaxed);
  std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept {
  operator delete(memory);
}
#endif

#endif // SUPPORT_TESTING_COUNT_NEW_H
