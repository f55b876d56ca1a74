// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CommandBuffer: a recorded list of commands. The base class checks states,
// ranges and usage; a driver implements the `record*` hooks behind it.
#ifndef RUNTIME_HAL_COMMAND_BUFFER_H
#define RUNTIME_HAL_COMMAND_BUFFER_H

#include "runtime/hal/buffer.h"
#include "runtime/hal/executable.h"
#include "runtime/hal/hazards.h"

#include <atomic>
#include <optional>
#include <span>

namespace fusilli::hal {

enum CommandBufferMode : uint32_t {
  kCommandBufferReusable = 0,
  /// A second submission is refused.
  kCommandBufferOneShot = 1u << 0,
  /// May run while recording; needs OneShot, only without waits.
  kCommandBufferInline = 1u << 4,
  /// The caller keeps direct resources alive.
  kCommandBufferUnretained = 1u << 6,
  /// For tests and debugging: a missing barrier is FailedPrecondition, while
  /// recording or, where a table gives two slots the same bytes, at submission.
  kCommandBufferCheckHazards = 1u << 16,
};

enum DispatchFlags : uint32_t {
  kDispatchNone = 0,
  /// Little work: run on the calling thread.
  kDispatchInline = 1u << 0,
};

/// What a dispatch runs. Borrowed for the call; recorded by value.
struct DispatchParams {
  Executable *executable = nullptr;
  uint32_t entry = 0;
  uint32_t workgroupCount[3] = {1, 1, 1};
  /// Where the workgroup count is read from instead, after the barrier before:
  /// three 32-bit words, 4-byte aligned, kUsageIndirectParams.
  std::optional<BufferRef> indirectCount;
  std::span<const BufferRef> bindings;
  /// For kCommandBufferCheckHazards: MemoryAccessBits of each binding. Without
  /// it a binding counts as written unless its buffer forbids that.
  std::span<const uint16_t> bindingAccess;
  std::span<const uint32_t> constants;
  uint32_t flags = kDispatchNone;
};

/// Buffers for the slots of one submission, borrowed for the call of a
/// blocking execution and retained by an asynchronous one.
using BindingTable = std::span<const BufferRef>;

/// States: initial -> recording -> recorded (-> submitted, for one-shot ones);
/// any other order is FailedPrecondition. Direct buffers and executables are
/// retained from recording until destruction. Commands between two barriers
/// may overlap.
/// Thread safety: recording externally synchronised; a recorded reusable one
/// is immutable and may be submitted by several threads at once.
class CommandBuffer : public RefObject {
public:
  static const TypeDescriptor kType;
  static constexpr DeviceSize kMaxUpdateBytes = 65536;
  static constexpr uint32_t kMaxSlots = 131072;
  static constexpr DeviceSize kIndirectCountBytes = 12;

  uint32_t mode() const noexcept { return mode_; }
  /// Number of binding table slots its indirect references use.
  uint32_t slotCount() const noexcept { return slotCount_; }

  Status begin();
  Status end();
  /// Everything before is complete and visible to everything after.
  Status barrier();
  /// Any workgroup count of 0 makes it a no-op. The entry must
  /// exist (OutOfRange) and the binding count must match (InvalidArgument).
  /// Indirect counts that overflow fail the submission with OutOfRange.
  Status dispatch(const DispatchParams &params);
  /// Pattern of 1, 2 or 4 bytes; offset and length are multiples of it.
  Status fill(const BufferRef &target, const void *pattern,
              size_t patternLength);
  /// At most kMaxUpdateBytes; the source is captured.
  Status update(const void *source, const BufferRef &target);
  /// Equal lengths; the ranges must not overlap.
  Status copy(const BufferRef &source, const BufferRef &target);

  /// For devices: FailedPrecondition unless recorded; marks a one-shot one
  /// submitted and refuses its second submission.
  Status acquireForSubmit(BindingTable table);
  /// For devices: InvalidArgument for an inline one that is to wait.
  Status checkWaits(size_t waitCount) const;
  /// For devices: the table covers all slots, the ranges of every indirect
  /// reference lie inside its buffers and their usage allows the commands.
  virtual Status checkBindings(BindingTable table) const = 0;

protected:
  enum class State : uint8_t { Initial, Recording, Recorded, Submitted };

  CommandBuffer(HostAllocator &allocator, uint32_t mode) noexcept
      : RefObject(kType, allocator), mode_(mode), hazards_(allocator) {}

  virtual Status recordBarrier() = 0;
  virtual Status recordDispatch(const DispatchParams &params) = 0;
  virtual Status recordFill(const BufferRef &target, uint32_t pattern,
                            size_t patternLength) = 0;
  virtual Status recordUpdate(const void *source, const BufferRef &target) = 0;
  virtual Status recordCopy(const BufferRef &source,
                            const BufferRef &target) = 0;
  virtual Status recordEnd() = 0;

private:
  bool checksHazards() const noexcept {
    return (mode_ & kCommandBufferCheckHazards) != 0;
  }
  Status requireRecording(std::string_view command) const;
  Status checkSubmittable() const;
  /// Checks a reference as far as it is known while recording and resolves
  /// its length when direct.
  StatusOr<BufferRef> checkRef(const BufferRef &ref, uint32_t usage,
                               std::string_view what);

  /// Resolves the bindings and the indirect count, and checks their hazards.
  Status checkDispatchRefs(const DispatchParams &params,
                           const EntryParams &entry);

  const uint32_t mode_;
  std::atomic<State> state_{State::Initial};
  uint32_t slotCount_ = 0;
  HazardChecker hazards_; ///< empty unless checksHazards()
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_COMMAND_BUFFER_H
