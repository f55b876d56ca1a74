// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executable: code of kernels, ready to be run on a device.
#ifndef RUNTIME_HAL_EXECUTABLE_H
#define RUNTIME_HAL_EXECUTABLE_H

#include "runtime/hal/types.h"
#include "support/ref.h"

#include <span>
#include <string_view>

namespace fusilli::hal {

/// One kernel of an executable.
struct EntryParams {
  std::string_view name;
  uint64_t offset = 0;      ///< bytes, into the executable's bytes
  uint64_t localMemory = 0; ///< bytes of worker-private scratch
  uint32_t bindingCount = 0;
  uint32_t constantCount = 0; ///< 32-bit push constants
};

/// Borrowed for the call: the device copies what it keeps.
struct ExecutableParams {
  /// Names what `requirements` and `bytes` are; only its drivers look at them.
  std::string_view format;
  std::span<const uint8_t> requirements;
  std::span<const uint8_t> bytes;
  std::span<const EntryParams> entries;
};

/// Thread safety: immutable.
class Executable : public RefObject {
public:
  static const TypeDescriptor kType;

  virtual size_t entryCount() const noexcept = 0;
  /// Precondition: ordinal < entryCount().
  virtual EntryParams entry(size_t ordinal) const noexcept = 0;

protected:
  explicit Executable(HostAllocator &allocator) noexcept
      : RefObject(kType, allocator) {}
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_EXECUTABLE_H
