// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executable of null-gpu devices: verified programs, and their interpreter.
#ifndef RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_EXECUTABLE_H
#define RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_EXECUTABLE_H

#include "artifact/null_gpu_abi.h"
#include "runtime/hal/executable.h"

namespace fusilli::hal {

/// A range of device memory while a kernel runs.
struct NullGpuRange {
  std::byte *data = nullptr;
  uint64_t length = 0; ///< bytes
};

/// Thread safety: immutable.
class NullGpuExecutable final : public Executable {
public:
  /// Checks every word that `run` relies on.
  static StatusOr<Ref<Executable>> create(const ExecutableParams &params,
                                          HostAllocator &allocator);

  size_t entryCount() const noexcept override { return entries_.size(); }
  EntryParams entry(size_t ordinal) const noexcept override {
    return entries_[ordinal];
  }

  /// Runs workgroups [0, count). OutOfRange for an access outside a binding,
  /// Internal with the code of a kFail; what ran before stays done.
  Status run(size_t ordinal, std::span<const NullGpuRange> bindings,
             uint64_t count) const;

  explicit NullGpuExecutable(HostAllocator &allocator) noexcept
      : Executable(allocator) {}

private:
  ~NullGpuExecutable() override = default;
  Status copy(const ExecutableParams &params);
  Status verify(const EntryParams &entry) const;

  HostArray<EntryParams> entries_;
  HostArray<char> names_;
  HostArray<uint8_t> bytes_;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_EXECUTABLE_H
