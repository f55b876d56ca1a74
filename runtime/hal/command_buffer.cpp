// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// States and argument checks of command buffers, the same for every driver.
#include "runtime/hal/command_buffer.h"

#include <cstring>

namespace fusilli::hal {

constexpr TypeDescriptor Executable::kType{"hal.executable",
                                           ObjectKind::Executable};
constexpr TypeDescriptor CommandBuffer::kType{"hal.command_buffer",
                                              ObjectKind::CommandBuffer};

Status CommandBuffer::begin() {
  State expected = State::Initial;
  if (!state_.compare_exchange_strong(expected, State::Recording))
    return failedPreconditionError("command buffer was begun before");
  return okStatus();
}

Status CommandBuffer::end() {
  FUSILLI_STATUS_RETURN_IF_ERROR(requireRecording("end"));
  FUSILLI_STATUS_RETURN_IF_ERROR(recordEnd());
  state_.store(State::Recorded, std::memory_order_release);
  return okStatus();
}

Status CommandBuffer::requireRecording(std::string_view command) const {
  if (state_.load(std::memory_order_relaxed) == State::Recording)
    return okStatus();
  return failedPreconditionError(
      strCat(command, " on a command buffer that is not recording"));
}

StatusOr<BufferRef> CommandBuffer::checkRef(const BufferRef &ref,
                                            uint32_t usage,
                                            std::string_view what) {
  BufferRef resolved = ref;
  if (ref.buffer == nullptr) {
    if (ref.slot >= kMaxSlots)
      return outOfRangeError(
          strCat(what, " slot ", ref.slot, ", at most ", kMaxSlots - 1));
    if (ref.length != kWholeBuffer && ref.offset + ref.length < ref.offset)
      return outOfRangeError(strCat(what, " range overflows"));
    slotCount_ = slotCount_ > ref.slot ? slotCount_ : ref.slot + 1;
    return resolved;
  }
  auto length = ref.buffer->checkRange(ref.offset, ref.length);
  if (!length.isOk())
    return std::move(length).status().annotate(what);
  resolved.length = *length;
  if (Status status = ref.buffer->checkUsage(usage); !status.isOk())
    return std::move(status).annotate(what);
  return resolved;
}

Status CommandBuffer::barrier() {
  FUSILLI_STATUS_RETURN_IF_ERROR(requireRecording("barrier"));
  hazards_.barrier();
  return recordBarrier();
}

Status CommandBuffer::dispatch(const DispatchParams &params) {
  FUSILLI_STATUS_RETURN_IF_ERROR(requireRecording("dispatch"));
  if (params.executable == nullptr)
    return invalidArgumentError("dispatch of a null executable");
  if (params.entry >= params.executable->entryCount())
    return outOfRangeError(strCat("dispatch of entry ", params.entry, " of ",
                                  params.executable->entryCount()));
  EntryParams entry = params.executable->entry(params.entry);
  if (params.bindings.size() != entry.bindingCount)
    return invalidArgumentError(
        strCat("dispatch of '", entry.name, "' with ", params.bindings.size(),
               " bindings, it takes ", entry.bindingCount));
  if (params.constants.size() != entry.constantCount)
    return invalidArgumentError(
        strCat("dispatch of '", entry.name, "' with ", params.constants.size(),
               " constants, it takes ", entry.constantCount));
  const uint32_t *count = params.workgroupCount;
  uint64_t total = uint64_t{count[0]} * count[1];
  if (__builtin_mul_overflow(total, uint64_t{count[2]}, &total))
    return outOfRangeError("workgroup count overflows 64 bits");
  FUSILLI_STATUS_RETURN_IF_ERROR(checkDispatchRefs(params, entry));
  if (total == 0 && !params.indirectCount)
    return okStatus();
  return recordDispatch(params);
}

Status CommandBuffer::checkDispatchRefs(const DispatchParams &params,
                                        const EntryParams &entry) {
  if (!params.bindingAccess.empty() &&
      params.bindingAccess.size() != params.bindings.size())
    return invalidArgumentError(strCat(
        "dispatch of '", entry.name, "' with ", params.bindingAccess.size(),
        " accesses for ", params.bindings.size(), " bindings"));
  HostVector<MemoryAccess> accesses(hostAllocator());
  auto note = [&](const BufferRef &ref, bool writes) {
    return !checksHazards() || accesses.push(MemoryAccess{ref, writes});
  };
  for (size_t i = 0; i < params.bindings.size(); ++i) {
    FUSILLI_STATUS_ASSIGN(BufferRef resolved,
                          checkRef(params.bindings[i], kUsageStorageRead,
                                   strCat("'", entry.name, "' binding ", i)));
    const Buffer *buffer = resolved.buffer;
    bool writes = !params.bindingAccess.empty()
                      ? (params.bindingAccess[i] & kAccessWrite) != 0
                      : buffer == nullptr ||
                            ((buffer->allowedUsage() & kUsageStorageWrite) &&
                             buffer->checkAccess(kAccessWrite).isOk());
    if (!note(resolved, writes))
      return outOfMemoryError("a command buffer");
  }
  if (params.indirectCount) {
    BufferRef count = *params.indirectCount;
    count.length = kIndirectCountBytes;
    FUSILLI_STATUS_ASSIGN(count, checkRef(count, kUsageIndirectParams,
                                          "indirect workgroup count"));
    if (count.offset % sizeof(uint32_t) != 0)
      return invalidArgumentError(strCat("indirect workgroup count at offset ",
                                         count.offset,
                                         ", expected a multiple of 4"));
    if (!note(count, false))
      return outOfMemoryError("a command buffer");
  }
  return checksHazards()
             ? hazards_.add("dispatch", {accesses.data(), accesses.size()})
             : okStatus();
}

Status CommandBuffer::fill(const BufferRef &target, const void *pattern,
                           size_t patternLength) {
  FUSILLI_STATUS_RETURN_IF_ERROR(requireRecording("fill"));
  if (patternLength != 1 && patternLength != 2 && patternLength != 4)
    return invalidArgumentError(strCat("fill pattern of ", patternLength,
                                       " bytes, expected 1, 2 or 4"));
  FUSILLI_STATUS_ASSIGN(BufferRef resolved,
                        checkRef(target, kUsageTransferTarget, "fill target"));
  if (resolved.offset % patternLength != 0 ||
      (resolved.length != kWholeBuffer && resolved.length % patternLength != 0))
    return invalidArgumentError(strCat("fill of bytes ", resolved.offset, " + ",
                                       resolved.length, " with a pattern of ",
                                       patternLength));
  const MemoryAccess access[] = {{resolved, true}};
  if (checksHazards())
    FUSILLI_STATUS_RETURN_IF_ERROR(hazards_.add("fill", access));
  uint32_t value = 0;
  std::memcpy(&value, pattern, patternLength);
  return recordFill(resolved, value, patternLength);
}

Status CommandBuffer::update(const void *source, const BufferRef &target) {
  FUSILLI_STATUS_RETURN_IF_ERROR(requireRecording("update"));
  if (target.length > kMaxUpdateBytes)
    return outOfRangeError(strCat("update of ", target.length,
                                  " bytes, at most ", kMaxUpdateBytes));
  if (source == nullptr && target.length != 0)
    return invalidArgumentError("update from a null source");
  FUSILLI_STATUS_ASSIGN(
      BufferRef resolved,
      checkRef(target, kUsageTransferTarget, "update target"));
  const MemoryAccess access[] = {{resolved, true}};
  if (checksHazards())
    FUSILLI_STATUS_RETURN_IF_ERROR(hazards_.add("update", access));
  return recordUpdate(source, resolved);
}

Status CommandBuffer::copy(const BufferRef &source, const BufferRef &target) {
  FUSILLI_STATUS_RETURN_IF_ERROR(requireRecording("copy"));
  FUSILLI_STATUS_ASSIGN(BufferRef from,
                        checkRef(source, kUsageTransferSource, "copy source"));
  FUSILLI_STATUS_ASSIGN(BufferRef to,
                        checkRef(target, kUsageTransferTarget, "copy target"));
  if (from.length == kWholeBuffer)
    from.length = to.length;
  if (to.length == kWholeBuffer)
    to.length = from.length;
  if (from.length != to.length)
    return invalidArgumentError(
        strCat("copy of ", from.length, " bytes to ", to.length, " bytes"));
  if (from.buffer != nullptr && from.buffer == to.buffer &&
      from.offset < to.offset + to.length &&
      to.offset < from.offset + from.length)
    return invalidArgumentError("copy between overlapping ranges");
  const MemoryAccess accesses[] = {{from, false}, {to, true}};
  if (checksHazards())
    FUSILLI_STATUS_RETURN_IF_ERROR(hazards_.add("copy", accesses));
  return recordCopy(from, to);
}

Status CommandBuffer::acquireForSubmit(BindingTable table) {
  if ((mode_ & (kCommandBufferOneShot | kCommandBufferCheckHazards)) == 0 &&
      state_.load(std::memory_order_acquire) == State::Recorded) [[likely]]
    return okStatus();
  FUSILLI_STATUS_RETURN_IF_ERROR(checkSubmittable());
  if (checksHazards())
    FUSILLI_STATUS_RETURN_IF_ERROR(hazards_.checkTable(table));
  if ((mode_ & kCommandBufferOneShot) == 0)
    return okStatus();
  State expected = State::Recorded;
  if (state_.compare_exchange_strong(expected, State::Submitted))
    return okStatus();
  return checkSubmittable();
}

Status CommandBuffer::checkWaits(size_t waitCount) const {
  if ((mode_ & kCommandBufferInline) == 0 || waitCount == 0)
    return okStatus();
  return invalidArgumentError(strCat("submission of an inline command buffer "
                                     "that waits for ",
                                     waitCount, " points"));
}

Status CommandBuffer::checkSubmittable() const {
  State state = state_.load(std::memory_order_acquire);
  if (state == State::Recorded)
    return okStatus();
  return failedPreconditionError(
      state == State::Submitted
          ? "second submission of a one-shot command buffer"
          : "submission of a command buffer that is not recorded");
}

} // namespace fusilli::hal
