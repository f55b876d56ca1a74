// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executable of the CPU drivers: a flat code image in pages of its own. The
// pages are written first and then made executable; they are never writable
// and executable at once.
#ifndef RUNTIME_HAL_DRIVERS_CPU_CPU_EXECUTABLE_H
#define RUNTIME_HAL_DRIVERS_CPU_CPU_EXECUTABLE_H

#include "artifact/executable_abi.h"
#include "runtime/hal/executable.h"

namespace fusilli::hal {

/// Thread safety: immutable.
class CpuExecutable final : public Executable {
public:
  static StatusOr<Ref<Executable>> create(const ExecutableParams &params,
                                          HostAllocator &allocator);

  size_t entryCount() const noexcept override { return entries_.size(); }
  EntryParams entry(size_t ordinal) const noexcept override;
  fusilli_kernel_fn_t function(size_t ordinal) const noexcept {
    return entries_[ordinal].function;
  }
  uint64_t localMemory(size_t ordinal) const noexcept {
    return entries_[ordinal].params.localMemory;
  }
  /// Largest need of all entries.
  uint64_t maxLocalMemory() const noexcept { return maxLocalMemory_; }

  explicit CpuExecutable(HostAllocator &allocator) noexcept
      : Executable(allocator) {}

private:
  struct Entry {
    EntryParams params;
    fusilli_kernel_fn_t function = nullptr;
  };
  ~CpuExecutable() override;
  Status mapCode(std::span<const uint8_t> code);
  Status copyEntries(std::span<const EntryParams> entries, size_t codeSize);

  void *pages_ = nullptr;
  size_t pageBytes_ = 0;
  uint64_t maxLocalMemory_ = 0;
  HostArray<Entry> entries_;
  HostArray<char> names_;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_CPU_CPU_EXECUTABLE_H
