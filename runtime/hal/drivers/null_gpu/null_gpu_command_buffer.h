// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Command buffer of null-gpu devices: a list of commands over references that
// are resolved to device memory when it runs.
#ifndef RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_COMMAND_BUFFER_H
#define RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_COMMAND_BUFFER_H

#include "runtime/hal/command_buffer.h"
#include "runtime/hal/drivers/null_gpu/null_gpu_executable.h"

namespace fusilli::hal {

/// Thread safety: as CommandBuffer.
class NullGpuCommandBuffer final : public CommandBuffer {
public:
  static StatusOr<Ref<CommandBuffer>> create(uint32_t mode,
                                             HostAllocator &allocator);

  Status checkBindings(BindingTable table) const override;
  /// Runs all commands in order.
  /// Precondition: acquireForSubmit gave OK.
  Status run(BindingTable table) const;

  NullGpuCommandBuffer(HostAllocator &allocator, uint32_t mode) noexcept;

protected:
  Status recordBarrier() override { return okStatus(); }
  Status recordDispatch(const DispatchParams &params) override;
  Status recordFill(const BufferRef &target, uint32_t pattern,
                    size_t patternLength) override;
  Status recordUpdate(const void *source, const BufferRef &target) override;
  Status recordCopy(const BufferRef &source, const BufferRef &target) override;
  Status recordEnd() override { return okStatus(); }

private:
  enum class Kind : uint8_t { Dispatch, Fill, Update, Copy };
  /// A reference and what it is used for.
  struct Use {
    BufferRef ref;
    uint32_t usage = 0;
    uint32_t alignment = 1; ///< of the offset of a slot's buffer
  };
  struct Command {
    Kind kind = Kind::Dispatch;
    bool isIndirect = false; ///< the last use is the workgroup count
    uint32_t firstUse = 0;
    uint32_t useCount = 0;
    uint32_t entry = 0;
    uint32_t pattern = 0;
    uint32_t patternLength = 0;
    uint64_t total = 0;                            ///< workgroups
    uint64_t firstByte = 0;                        ///< of an update
    const NullGpuExecutable *executable = nullptr; ///< retained in resources_
  };

  ~NullGpuCommandBuffer() override = default;
  Status add(Command &command, std::span<const Use> uses);
  Status retainResource(RefObject *object);
  /// The memory that a use means under a table; checks it.
  static StatusOr<NullGpuRange> resolve(const Use &use, BindingTable table);
  Status runDispatch(const Command &command,
                     std::span<const NullGpuRange> ranges) const;
  Status runTransfer(const Command &command,
                     std::span<const NullGpuRange> ranges) const;

  HostVector<Command> commands_;
  HostVector<Use> uses_;
  HostVector<uint8_t> updates_;
  HostVector<Ref<RefObject>> resources_;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_COMMAND_BUFFER_H
