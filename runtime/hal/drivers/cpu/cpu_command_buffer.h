// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Command buffer of the CPU drivers: commands in flat arrays, with everything
// resolved that can be while recording. Running one allocates nothing.
#ifndef RUNTIME_HAL_DRIVERS_CPU_CPU_COMMAND_BUFFER_H
#define RUNTIME_HAL_DRIVERS_CPU_CPU_COMMAND_BUFFER_H

#include "artifact/executable_abi.h"
#include "runtime/base/worker_pool.h"
#include "runtime/hal/command_buffer.h"

namespace fusilli::hal {

/// Thread safety: as CommandBuffer.
class CpuCommandBuffer final : public CommandBuffer {
public:
  static StatusOr<Ref<CommandBuffer>> create(uint32_t mode,
                                             HostAllocator &allocator);

  Status checkBindings(BindingTable table) const override;

  /// Runs all commands in order and checks the table on the way; dispatches
  /// that are not inline use the pool, when there is one.
  /// Precondition: acquireForSubmit gave OK.
  Status run(BindingTable table, WorkerPool *pool) const;

  CpuCommandBuffer(HostAllocator &allocator, uint32_t mode) noexcept;

protected:
  Status recordBarrier() override;
  Status recordDispatch(const DispatchParams &params) override;
  Status recordFill(const BufferRef &target, uint32_t pattern,
                    size_t patternLength) override;
  Status recordUpdate(const void *source, const BufferRef &target) override;
  Status recordCopy(const BufferRef &source, const BufferRef &target) override;
  Status recordEnd() override;

private:
  static constexpr uint32_t kNoSlot = ~uint32_t{0};

  /// A range with its address when direct, or its slot.
  struct Binding {
    std::byte *base = nullptr;
    uint32_t slot = kNoSlot;
    DeviceSize offset = 0;
    DeviceSize length = 0;
  };
  enum class Kind : uint8_t { Dispatch, Fill, Update, Copy };
  struct Command {
    Kind kind = Kind::Dispatch;
    bool runInline = false;
    bool isIndirect = false; ///< one more binding: the workgroup count
    uint32_t firstBinding = 0;
    uint32_t bindingCount = 0;
    uint32_t firstData = 0; ///< constants (words) or update bytes
    uint32_t constantCount = 0;
    uint32_t workgroupCount[3] = {0, 0, 0};
    uint32_t pattern = 0;
    uint32_t patternLength = 0;
    uint32_t entry = 0;
    uint64_t total = 0;
    uint64_t localMemory = 0;
    fusilli_kernel_fn_t function = nullptr;
    const Executable *executable = nullptr; ///< retained in resources_
  };
  /// What the commands ask of a binding table slot.
  struct SlotNeed {
    DeviceSize minimumLength = 0;
    uint32_t usage = 0;
    uint32_t alignment = 1; ///< of the slot's offset; a power of two
  };
  /// A slot while running.
  struct Slot {
    std::byte *base;
    DeviceSize length;
  };

  ~CpuCommandBuffer() override = default;
  Status retainResource(RefObject *object);
  Status addBinding(const BufferRef &ref, uint32_t usage,
                    uint32_t alignment = 1);
  Status addCommand(Command &command, size_t firstBinding);
  Status resolveSlots(BindingTable table, Slot *slots) const;
  Status runCommands(const Slot *slots, WorkerPool *pool) const;
  Status runDispatch(const Command &command, const Slot *slots,
                     WorkerPool *pool) const;
  Status runTransfer(const Command &command, const Slot *slots) const;
  Status readIndirectCount(const Command &command, const Slot *slots,
                           uint32_t *count, uint64_t &total) const;
  Status failDispatch(const Command &command, int32_t result) const;
  static void resolve(const Binding &binding, const Slot *slots, void *&address,
                      uint64_t &length) noexcept;

  HostVector<Command> commands_;
  HostVector<Binding> bindings_;
  HostVector<uint32_t> constants_;
  HostVector<uint8_t> updates_;
  HostVector<SlotNeed> slots_;
  HostVector<Ref<RefObject>> resources_;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_CPU_CPU_COMMAND_BUFFER_H
