// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// HazardChecker: the checking mode of command buffers. Commands between two
// barriers may overlap, so of two that touch the same bytes none may write
// them. It sees what a driver that runs commands in order would hide.
#ifndef RUNTIME_HAL_HAZARDS_H
#define RUNTIME_HAL_HAZARDS_H

#include "runtime/hal/buffer.h"

#include <span>
#include <string_view>

namespace fusilli::hal {

/// Bytes that a command reads or writes.
struct MemoryAccess {
  BufferRef range; ///< a slot may have kWholeBuffer
  bool writes = false;
};

/// Thread safety: externally synchronised; checkTable alone is thread-safe.
class HazardChecker {
public:
  explicit HazardChecker(HostAllocator &allocator) noexcept
      : accesses_(allocator) {}

  /// What follows comes after all before.
  void barrier() noexcept { segmentBegin_ = accesses_.size(); }
  /// FailedPrecondition, naming both commands, when `command` (static text)
  /// conflicts with one since the last barrier; it counts as not recorded
  /// then. Slots are compared with the same slot only.
  Status add(std::string_view command, std::span<const MemoryAccess> accesses);
  /// The same for all commands, with the slots' buffers known. Slots that the
  /// table does not cover are left out.
  Status checkTable(std::span<const BufferRef> table) const;

private:
  struct Entry {
    MemoryAccess access;
    std::string_view command; // Borrowed: static.
    size_t number = 0;        ///< of the command
    size_t segment = 0;
  };
  static Status conflict(const Entry &first, const Entry &second);

  HostVector<Entry> accesses_;
  size_t segmentBegin_ = 0;
  size_t commands_ = 0;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_HAZARDS_H
