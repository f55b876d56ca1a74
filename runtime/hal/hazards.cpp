// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Comparison of accesses: by address where a buffer is known, else by slot.
#include "runtime/hal/hazards.h"

namespace fusilli::hal {

namespace {

struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
};

bool overlap(const Range &a, const Range &b) {
  return a.begin < b.end && b.begin < a.end && a.begin < a.end &&
         b.begin < b.end;
}

uint64_t endOf(uint64_t begin, uint64_t length) {
  return length > ~uint64_t{0} - begin ? ~uint64_t{0} : begin + length;
}

/// Addresses of a direct reference, offsets of a slot.
Range rangeOf(const BufferRef &ref) {
  uint64_t base = ref.buffer != nullptr ? ref.buffer->devicePointer() : 0;
  return {base + ref.offset, endOf(base + ref.offset, ref.length)};
}

bool sameBytes(const BufferRef &a, const BufferRef &b) {
  if ((a.buffer == nullptr) != (b.buffer == nullptr) ||
      (a.buffer == nullptr && a.slot != b.slot))
    return false;
  return overlap(rangeOf(a), rangeOf(b));
}

/// Addresses of a reference under a table; false for what it does not cover.
bool resolve(const BufferRef &ref, std::span<const BufferRef> table,
             Range &range) {
  if (ref.buffer != nullptr) {
    range = rangeOf(ref);
    return true;
  }
  if (ref.slot >= table.size() || table[ref.slot].buffer == nullptr)
    return false;
  const BufferRef &slot = table[ref.slot];
  uint64_t base = slot.buffer->devicePointer();
  uint64_t begin = base + slot.offset;
  uint64_t end = slot.length == kWholeBuffer ? base + slot.buffer->byteLength()
                                             : begin + slot.length;
  range.begin = begin + ref.offset;
  range.end = ref.length == kWholeBuffer ? end : endOf(range.begin, ref.length);
  return true;
}

} // namespace

Status HazardChecker::conflict(const Entry &first, const Entry &second) {
  auto verb = [](const Entry &entry) {
    return entry.access.writes ? "writes" : "reads";
  };
  return failedPreconditionError(
      strCat("command ", second.number, " (", second.command, ") ",
             verb(second), " bytes that command ", first.number, " (",
             first.command, ") ", verb(first), ", without a barrier between"));
}

Status HazardChecker::add(std::string_view command,
                          std::span<const MemoryAccess> accesses) {
  const size_t before = accesses_.size();
  for (const MemoryAccess &access : accesses) {
    Entry entry{access, command, commands_, segmentBegin_};
    for (size_t i = segmentBegin_; i < before; ++i) {
      const Entry &other = accesses_[i];
      if ((access.writes || other.access.writes) &&
          sameBytes(access.range, other.access.range)) {
        Status status = conflict(other, entry);
        accesses_.truncate(before);
        return status;
      }
    }
    if (!accesses_.push(std::move(entry))) {
      accesses_.truncate(before);
      return outOfMemoryError("the hazards of a command buffer");
    }
  }
  ++commands_;
  return okStatus();
}

Status HazardChecker::checkTable(std::span<const BufferRef> table) const {
  for (size_t i = 0; i < accesses_.size(); ++i) {
    const Entry &second = accesses_[i];
    Range range;
    if (!resolve(second.access.range, table, range))
      continue;
    for (size_t j = second.segment; j < i; ++j) {
      const Entry &first = accesses_[j];
      Range other;
      if (first.number != second.number &&
          (first.access.writes || second.access.writes) &&
          resolve(first.access.range, table, other) && overlap(range, other))
        return conflict(first, second);
    }
  }
  return okStatus();
}

} // namespace fusilli::hal
