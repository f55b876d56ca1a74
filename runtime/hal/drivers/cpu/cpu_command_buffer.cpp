// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recording and running of command buffers on the CPU.
#include "runtime/hal/drivers/cpu/cpu_command_buffer.h"

#include "runtime/base/float_environment.h"
#include "runtime/base/trace.h"
#include "runtime/hal/drivers/cpu/cpu_executable.h"

#include <algorithm>
#include <cstring>

namespace fusilli::hal {

namespace {

// Small tables live on the stack.
constexpr size_t kStackSlots = 32;
constexpr size_t kMaxStackSlots = 2048; // 32 KiB
constexpr size_t kMaxBindings = 4096;

// Compiled code has no type hash in front of its functions, which clang's
// function-pointer check would read.
#if defined(__clang__)
#define FUSILLI_CALLS_COMPILED_CODE __attribute__((no_sanitize("function")))
#else
#define FUSILLI_CALLS_COMPILED_CODE
#endif

FUSILLI_CALLS_COMPILED_CODE inline int32_t
callKernel(fusilli_kernel_fn_t function, const fusilli_dispatch_state_t *state,
           void *localMemory, uint64_t begin, uint64_t end) {
  return function(state, localMemory, begin, end);
}

struct DispatchCall {
  fusilli_kernel_fn_t function;
  const fusilli_dispatch_state_t *state;
  std::string_view name;
};

int32_t runRange(void *context, uint64_t begin, uint64_t end, void *localMemory,
                 uint32_t) {
  const auto *call = static_cast<const DispatchCall *>(context);
  trace::Span span("dispatch", call->name);
  return callKernel(call->function, call->state, localMemory, begin, end);
}

} // namespace

CpuCommandBuffer::CpuCommandBuffer(HostAllocator &allocator,
                                   uint32_t mode) noexcept
    : CommandBuffer(allocator, mode), commands_(allocator),
      bindings_(allocator), constants_(allocator), updates_(allocator),
      slots_(allocator), resources_(allocator) {}

StatusOr<Ref<CommandBuffer>>
CpuCommandBuffer::create(uint32_t mode, HostAllocator &allocator) {
  if ((mode & kCommandBufferInline) != 0 && (mode & kCommandBufferOneShot) == 0)
    return invalidArgumentError("an inline command buffer must be one-shot");
  auto commandBuffer = makeRef<CpuCommandBuffer>(allocator, mode);
  if (!commandBuffer)
    return outOfMemoryError("a command buffer");
  return Ref<CommandBuffer>(std::move(commandBuffer));
}

Status CpuCommandBuffer::retainResource(RefObject *object) {
  if ((mode() & kCommandBufferUnretained) != 0)
    return okStatus();
  for (const Ref<RefObject> &known : resources_)
    if (known.get() == object)
      return okStatus();
  if (!resources_.push(Ref<RefObject>::share(object)))
    return outOfMemoryError("a command buffer");
  return okStatus();
}

Status CpuCommandBuffer::addBinding(const BufferRef &ref, uint32_t usage,
                                    uint32_t alignment) {
  Binding binding;
  binding.offset = ref.offset;
  binding.length = ref.length;
  if (ref.buffer != nullptr) {
    FUSILLI_STATUS_ASSIGN(binding.length,
                          ref.buffer->checkRange(ref.offset, ref.length));
    binding.base = ref.buffer->hostPointer() + ref.offset;
    FUSILLI_STATUS_RETURN_IF_ERROR(retainResource(ref.buffer));
  } else {
    binding.slot = ref.slot;
    while (slots_.size() <= ref.slot)
      if (!slots_.push(SlotNeed()))
        return outOfMemoryError("a command buffer");
    SlotNeed &need = slots_[ref.slot];
    DeviceSize end = ref.offset + (ref.length == kWholeBuffer ? 0 : ref.length);
    need.minimumLength = std::max(need.minimumLength, end);
    need.usage |= usage;
    need.alignment = std::max(need.alignment, alignment);
  }
  if (!bindings_.push(std::move(binding)))
    return outOfMemoryError("a command buffer");
  return okStatus();
}

Status CpuCommandBuffer::addCommand(Command &command, size_t firstBinding) {
  command.firstBinding = static_cast<uint32_t>(firstBinding);
  command.bindingCount = static_cast<uint32_t>(bindings_.size() - firstBinding);
  if (!commands_.push(std::move(command)))
    return outOfMemoryError("a command buffer");
  return okStatus();
}

// Commands run in the order in which they were recorded, each one complete
// before the next: a barrier has nothing left to do.
Status CpuCommandBuffer::recordBarrier() { return okStatus(); }
Status CpuCommandBuffer::recordEnd() { return okStatus(); }

Status CpuCommandBuffer::recordDispatch(const DispatchParams &params) {
  if (params.bindings.size() > kMaxBindings)
    return invalidArgumentError(strCat("dispatch with ", params.bindings.size(),
                                       " bindings, at most ", kMaxBindings));
  auto *executable = dynamic_cast<CpuExecutable *>(params.executable);
  if (executable == nullptr)
    return invalidArgumentError("dispatch of another device's executable");
  Command command;
  command.kind = Kind::Dispatch;
  command.runInline = (params.flags & kDispatchInline) != 0;
  std::copy_n(params.workgroupCount, 3, command.workgroupCount);
  command.total = uint64_t{params.workgroupCount[0]} *
                  params.workgroupCount[1] * params.workgroupCount[2];
  command.entry = params.entry;
  command.executable = executable;
  command.function = executable->function(params.entry);
  command.localMemory = executable->localMemory(params.entry);
  FUSILLI_STATUS_RETURN_IF_ERROR(retainResource(executable));
  command.firstData = static_cast<uint32_t>(constants_.size());
  command.constantCount = static_cast<uint32_t>(params.constants.size());
  if (!constants_.append(params.constants.data(), params.constants.size()))
    return outOfMemoryError("a command buffer");
  size_t first = bindings_.size();
  for (const BufferRef &ref : params.bindings)
    FUSILLI_STATUS_RETURN_IF_ERROR(addBinding(ref, kUsageStorageRead));
  if (params.indirectCount) {
    command.isIndirect = true;
    BufferRef count = *params.indirectCount;
    count.length = kIndirectCountBytes;
    FUSILLI_STATUS_RETURN_IF_ERROR(
        addBinding(count, kUsageIndirectParams, sizeof(uint32_t)));
  }
  return addCommand(command, first);
}

Status CpuCommandBuffer::recordFill(const BufferRef &target, uint32_t pattern,
                                    size_t patternLength) {
  Command command;
  command.kind = Kind::Fill;
  command.pattern = pattern;
  command.patternLength = static_cast<uint32_t>(patternLength);
  size_t first = bindings_.size();
  FUSILLI_STATUS_RETURN_IF_ERROR(
      addBinding(target, kUsageTransferTarget, command.patternLength));
  return addCommand(command, first);
}

Status CpuCommandBuffer::recordUpdate(const void *source,
                                      const BufferRef &target) {
  Command command;
  command.kind = Kind::Update;
  command.firstData = static_cast<uint32_t>(updates_.size());
  if (!updates_.append(static_cast<const uint8_t *>(source), target.length))
    return outOfMemoryError("a command buffer");
  size_t first = bindings_.size();
  FUSILLI_STATUS_RETURN_IF_ERROR(addBinding(target, kUsageTransferTarget));
  return addCommand(command, first);
}

Status CpuCommandBuffer::recordCopy(const BufferRef &source,
                                    const BufferRef &target) {
  Command command;
  command.kind = Kind::Copy;
  size_t first = bindings_.size();
  FUSILLI_STATUS_RETURN_IF_ERROR(addBinding(source, kUsageTransferSource));
  FUSILLI_STATUS_RETURN_IF_ERROR(addBinding(target, kUsageTransferTarget));
  return addCommand(command, first);
}

Status CpuCommandBuffer::resolveSlots(BindingTable table, Slot *slots) const {
  if (table.size() < slots_.size()) [[unlikely]]
    return invalidArgumentError(strCat("binding table of ", table.size(),
                                       " slots, ", slots_.size(), " are used"));
  for (size_t i = 0; i < slots_.size(); ++i) {
    const SlotNeed &need = slots_[i];
    const BufferRef &ref = table[i];
    if (ref.buffer == nullptr) {
      if (need.usage != 0) [[unlikely]]
        return invalidArgumentError(
            strCat("binding table slot ", i, " is null"));
      slots[i] = {nullptr, 0};
      continue;
    }
    DeviceSize size = ref.buffer->byteLength();
    DeviceSize length = ref.length;
    if (ref.offset > size) [[unlikely]]
      return outOfRangeError(strCat("binding table slot ", i, " at offset ",
                                    ref.offset, " of ", size));
    if (length == kWholeBuffer)
      length = size - ref.offset;
    if (length > size - ref.offset || need.minimumLength > length) [[unlikely]]
      return outOfRangeError(strCat(
          "binding table slot ", i, " has bytes ", ref.offset, " + ", length,
          " of a buffer of ", size, ", ", need.minimumLength, " are used"));
    if ((ref.offset & (need.alignment - 1)) != 0) [[unlikely]]
      return invalidArgumentError(
          strCat("binding table slot ", i, " at offset ", ref.offset,
                 ", expected a multiple of ", need.alignment));
    if ((ref.buffer->allowedUsage() & need.usage) != need.usage) [[unlikely]]
      return ref.buffer->checkUsage(need.usage)
          .annotate(strCat("binding table slot ", i));
    slots[i] = {ref.buffer->hostPointer() + ref.offset, length};
  }
  return okStatus();
}

Status CpuCommandBuffer::checkBindings(BindingTable table) const {
  HostArray<Slot> slots;
  if (!slots.allocate(hostAllocator(), slots_.size()))
    return outOfMemoryError("a binding table");
  return resolveSlots(table, slots.data());
}

Status CpuCommandBuffer::run(BindingTable table, WorkerPool *pool) const {
  if (slots_.size() <= kStackSlots) [[likely]] {
    Slot slots[kStackSlots];
    FUSILLI_STATUS_RETURN_IF_ERROR(resolveSlots(table, slots));
    return runCommands(slots, pool);
  }
  if (slots_.size() <= kMaxStackSlots) {
    auto *slots =
        static_cast<Slot *>(__builtin_alloca(slots_.size() * sizeof(Slot)));
    FUSILLI_STATUS_RETURN_IF_ERROR(resolveSlots(table, slots));
    return runCommands(slots, pool);
  }
  ThreadScratch scratch(slots_.size() * sizeof(Slot));
  if (!scratch.ok())
    return outOfMemoryError("a binding table");
  auto *slots = static_cast<Slot *>(scratch.memory());
  FUSILLI_STATUS_RETURN_IF_ERROR(resolveSlots(table, slots));
  return runCommands(slots, pool);
}

Status CpuCommandBuffer::runCommands(const Slot *slots,
                                     WorkerPool *pool) const {
  trace::Span span("execute", "command buffer");
  for (const Command &command : commands_) {
    Status status = command.kind == Kind::Dispatch
                        ? runDispatch(command, slots, pool)
                        : runTransfer(command, slots);
    if (!status.isOk()) [[unlikely]]
      return status;
  }
  return okStatus();
}

void CpuCommandBuffer::resolve(const Binding &binding, const Slot *slots,
                               void *&address, uint64_t &length) noexcept {
  if (binding.slot == kNoSlot) {
    address = binding.base;
    length = binding.length;
    return;
  }
  const Slot &slot = slots[binding.slot];
  address = slot.base + binding.offset;
  length = binding.length == kWholeBuffer ? slot.length - binding.offset
                                          : binding.length;
}

Status CpuCommandBuffer::runDispatch(const Command &command, const Slot *slots,
                                     WorkerPool *pool) const {
  void *stackAddresses[kStackSlots];
  uint64_t stackLengths[kStackSlots];
  void **addresses = stackAddresses;
  uint64_t *lengths = stackLengths;
  uint32_t count = command.bindingCount - (command.isIndirect ? 1 : 0);
  if (count > kStackSlots) [[unlikely]] {
    // At most kMaxBindings: 64 KiB.
    addresses = static_cast<void **>(__builtin_alloca(count * sizeof(void *)));
    lengths =
        static_cast<uint64_t *>(__builtin_alloca(count * sizeof(uint64_t)));
  }
  const Binding *bindings = bindings_.data() + command.firstBinding;
  for (uint32_t i = 0; i < count; ++i)
    resolve(bindings[i], slots, addresses[i], lengths[i]);
  fusilli_dispatch_state_t state;
  state.bindings = addresses;
  state.binding_lengths = lengths;
  state.constants = constants_.data() + command.firstData;
  std::copy_n(command.workgroupCount, 3, state.workgroup_count);
  state.binding_count = count;
  uint64_t total = command.total;
  if (command.isIndirect) [[unlikely]] {
    FUSILLI_STATUS_RETURN_IF_ERROR(
        readIndirectCount(command, slots, state.workgroup_count, total));
    if (total == 0)
      return okStatus();
  }

  FloatEnvironment environment;
  int32_t result = 0;
  std::string_view name;
  if (trace::enabled()) [[unlikely]]
    name = command.executable->entry(command.entry).name;
  if (command.runInline || pool == nullptr || total == 1) {
    trace::Span span("dispatch", name);
    if (command.localMemory == 0) [[likely]] {
      result = callKernel(command.function, &state, nullptr, 0, total);
    } else {
      ThreadScratch scratch(command.localMemory);
      if (!scratch.ok())
        return outOfMemoryError(
            strCat(command.localMemory, " bytes of local memory"));
      result = callKernel(command.function, &state, scratch.memory(), 0, total);
    }
    if (result != 0) [[unlikely]]
      return failDispatch(command, result);
    return okStatus();
  }
  DispatchCall call{command.function, &state, name};
  Status status =
      pool->parallelFor(total, runRange, &call, command.localMemory, &result);
  if (result != 0)
    return failDispatch(command, result);
  return status;
}

Status CpuCommandBuffer::readIndirectCount(const Command &command,
                                           const Slot *slots, uint32_t *count,
                                           uint64_t &total) const {
  void *address = nullptr;
  uint64_t length = 0;
  size_t last = command.firstBinding + command.bindingCount - 1;
  resolve(bindings_[last], slots, address, length);
  std::memcpy(count, address, kIndirectCountBytes);
  total = uint64_t{count[0]} * count[1];
  if (__builtin_mul_overflow(total, uint64_t{count[2]}, &total))
    return outOfRangeError(strCat("indirect workgroup count ", count[0], " x ",
                                  count[1], " x ", count[2],
                                  " overflows 64 bits"));
  return okStatus();
}

Status CpuCommandBuffer::failDispatch(const Command &command,
                                      int32_t result) const {
  return internalError(strCat("kernel '",
                              command.executable->entry(command.entry).name,
                              "' failed with ", result));
}

Status CpuCommandBuffer::runTransfer(const Command &command,
                                     const Slot *slots) const {
  void *address = nullptr;
  uint64_t length = 0;
  resolve(bindings_[command.firstBinding], slots, address, length);
  auto *bytes = static_cast<std::byte *>(address);
  switch (command.kind) {
  case Kind::Dispatch:
    break;
  case Kind::Fill:
    if (length % command.patternLength != 0)
      return invalidArgumentError(strCat("fill of ", length,
                                         " bytes with a pattern of ",
                                         command.patternLength));
    for (uint64_t i = 0; i < length; i += command.patternLength)
      std::memcpy(bytes + i, &command.pattern, command.patternLength);
    break;
  case Kind::Update:
    if (length != 0)
      std::memcpy(bytes, updates_.data() + command.firstData, length);
    break;
  case Kind::Copy: {
    void *target = nullptr;
    uint64_t targetLength = 0;
    resolve(bindings_[command.firstBinding + 1], slots, target, targetLength);
    auto *targetBytes = static_cast<std::byte *>(target);
    if (length != targetLength)
      return invalidArgumentError(
          strCat("copy of ", length, " bytes to ", targetLength, " bytes"));
    if (bytes < targetBytes + length && targetBytes < bytes + length)
      return invalidArgumentError("copy between overlapping ranges");
    if (length != 0)
      std::memcpy(targetBytes, bytes, length);
    break;
  }
  }
  return okStatus();
}

} // namespace fusilli::hal
