// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LocalArena: the scratch memory of one thread.
#ifndef RUNTIME_BASE_LOCAL_ARENA_H
#define RUNTIME_BASE_LOCAL_ARENA_H

#include <cstddef>
#include <cstdint>

namespace fusilli {

/// Thread safety: one thread.
class LocalArena {
public:
  LocalArena() = default;
  LocalArena(const LocalArena &) = delete;
  LocalArena &operator=(const LocalArena &) = delete;
  ~LocalArena();

  /// At least `bytes`, aligned to 64 (to 2 MB, on huge pages where the system
  /// gives them, when it is that large). The content is lost when it grows.
  /// Null when out of memory; the old memory is kept then. `reserve(0)` may
  /// give null.
  void *reserve(uint64_t bytes) noexcept {
    return bytes <= size_ ? memory_ : grow(bytes);
  }

private:
  void *grow(uint64_t bytes) noexcept;
  void *memory_ = nullptr;
  uint64_t size_ = 0;
};

/// Anonymous pages, aligned to 2 MB and marked for huge pages when at least
/// that large. Null when out of memory. `size` is rounded up to pages.
void *allocatePages(uint64_t &size) noexcept;
void freePages(void *memory, uint64_t size) noexcept;

} // namespace fusilli

#endif // RUNTIME_BASE_LOCAL_ARENA_H
