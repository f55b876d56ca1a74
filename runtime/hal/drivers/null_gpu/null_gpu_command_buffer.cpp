// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recording, and running as the device does it.
#include "runtime/hal/drivers/null_gpu/null_gpu_command_buffer.h"

#include "runtime/base/trace.h"
#include "runtime/hal/drivers/null_gpu/null_gpu_memory.h"

#include <cstring>

namespace fusilli::hal {

NullGpuCommandBuffer::NullGpuCommandBuffer(HostAllocator &allocator,
                                           uint32_t mode) noexcept
    : CommandBuffer(allocator, mode), commands_(allocator), uses_(allocator),
      updates_(allocator), resources_(allocator) {}

StatusOr<Ref<CommandBuffer>>
NullGpuCommandBuffer::create(uint32_t mode, HostAllocator &allocator) {
  if ((mode & kCommandBufferInline) != 0 && (mode & kCommandBufferOneShot) == 0)
    return invalidArgumentError("an inline command buffer must be one-shot");
  auto commandBuffer = makeRef<NullGpuCommandBuffer>(allocator, mode);
  if (!commandBuffer)
    return outOfMemoryError("a command buffer");
  return Ref<CommandBuffer>(std::move(commandBuffer));
}

Status NullGpuCommandBuffer::retainResource(RefObject *object) {
  if ((mode() & kCommandBufferUnretained) != 0)
    return okStatus();
  for (const Ref<RefObject> &known : resources_)
    if (known.get() == object)
      return okStatus();
  if (!resources_.push(Ref<RefObject>::share(object)))
    return outOfMemoryError("a command buffer");
  return okStatus();
}

Status NullGpuCommandBuffer::add(Command &command, std::span<const Use> uses) {
  command.firstUse = static_cast<uint32_t>(uses_.size());
  command.useCount = static_cast<uint32_t>(uses.size());
  for (const Use &use : uses)
    if (use.ref.buffer != nullptr)
      FUSILLI_STATUS_RETURN_IF_ERROR(retainResource(use.ref.buffer));
  if (!uses_.append(uses.data(), uses.size()) ||
      !commands_.push(std::move(command)))
    return outOfMemoryError("a command buffer");
  return okStatus();
}

Status NullGpuCommandBuffer::recordDispatch(const DispatchParams &params) {
  auto *executable = dynamic_cast<NullGpuExecutable *>(params.executable);
  if (executable == nullptr)
    return invalidArgumentError("executable of another device");
  Command command;
  command.entry = params.entry;
  command.executable = executable;
  command.total = uint64_t{params.workgroupCount[0]} *
                  params.workgroupCount[1] * params.workgroupCount[2];
  FUSILLI_STATUS_RETURN_IF_ERROR(retainResource(executable));
  HostVector<Use> uses(hostAllocator());
  for (const BufferRef &ref : params.bindings)
    if (!uses.push(Use{ref, kUsageStorageRead, 1}))
      return outOfMemoryError("a command buffer");
  if (params.indirectCount) {
    command.isIndirect = true;
    BufferRef count = *params.indirectCount;
    count.length = kIndirectCountBytes;
    if (!uses.push(Use{count, kUsageIndirectParams, sizeof(uint32_t)}))
      return outOfMemoryError("a command buffer");
  }
  return add(command, {uses.data(), uses.size()});
}

Status NullGpuCommandBuffer::recordFill(const BufferRef &target,
                                        uint32_t pattern,
                                        size_t patternLength) {
  Command command;
  command.kind = Kind::Fill;
  command.pattern = pattern;
  command.patternLength = static_cast<uint32_t>(patternLength);
  const Use use[] = {{target, kUsageTransferTarget, command.patternLength}};
  return add(command, use);
}

Status NullGpuCommandBuffer::recordUpdate(const void *source,
                                          const BufferRef &target) {
  Command command;
  command.kind = Kind::Update;
  command.firstByte = updates_.size();
  if (!updates_.append(static_cast<const uint8_t *>(source), target.length))
    return outOfMemoryError("a command buffer");
  const Use use[] = {{target, kUsageTransferTarget, 1}};
  return add(command, use);
}

Status NullGpuCommandBuffer::recordCopy(const BufferRef &source,
                                        const BufferRef &target) {
  Command command;
  command.kind = Kind::Copy;
  const Use uses[] = {{source, kUsageTransferSource, 1},
                      {target, kUsageTransferTarget, 1}};
  return add(command, uses);
}

StatusOr<NullGpuRange> NullGpuCommandBuffer::resolve(const Use &use,
                                                     BindingTable table) {
  BufferRef slot;
  DeviceSize offset = use.ref.offset, length = use.ref.length;
  Buffer *buffer = use.ref.buffer;
  if (buffer == nullptr) {
    if (use.ref.slot >= table.size())
      return invalidArgumentError(strCat("binding table of ", table.size(),
                                         " slots, slot ", use.ref.slot,
                                         " is used"));
    slot = table[use.ref.slot];
    std::string what = strCat("binding table slot ", use.ref.slot);
    buffer = slot.buffer;
    if (buffer == nullptr)
      return invalidArgumentError(strCat(what, " is null"));
    auto bound = buffer->checkRange(slot.offset, slot.length);
    if (!bound.isOk())
      return std::move(bound).status().annotate(what);
    if (slot.offset % use.alignment != 0)
      return invalidArgumentError(strCat(what, " at offset ", slot.offset,
                                         ", expected a multiple of ",
                                         use.alignment));
    if (Status status = buffer->checkUsage(use.usage); !status.isOk())
      return std::move(status).annotate(what);
    if (offset > *bound || (length != kWholeBuffer && length > *bound - offset))
      return outOfRangeError(strCat(what, " has ", *bound, " bytes, ", offset,
                                    " + ", length, " are used"));
    length = length == kWholeBuffer ? *bound - offset : length;
    offset += slot.offset;
  } else {
    FUSILLI_STATUS_ASSIGN(length, buffer->checkRange(offset, length));
  }
  auto *memory = dynamic_cast<NullGpuBuffer *>(buffer);
  if (memory == nullptr)
    return invalidArgumentError("buffer of another device");
  return NullGpuRange{memory->storage() + offset, length};
}

Status NullGpuCommandBuffer::checkBindings(BindingTable table) const {
  if (table.size() < slotCount())
    return invalidArgumentError(strCat("binding table of ", table.size(),
                                       " slots, ", slotCount(), " are used"));
  for (const Use &use : uses_)
    FUSILLI_STATUS_RETURN_IF_ERROR(resolve(use, table).status().clone());
  return okStatus();
}

Status NullGpuCommandBuffer::run(BindingTable table) const {
  FUSILLI_STATUS_RETURN_IF_ERROR(checkBindings(table));
  trace::Span span("execute", "command buffer");
  HostVector<NullGpuRange> ranges(hostAllocator());
  for (const Command &command : commands_) {
    ranges.truncate(0);
    for (uint32_t i = 0; i < command.useCount; ++i) {
      FUSILLI_STATUS_ASSIGN(NullGpuRange range,
                            resolve(uses_[command.firstUse + i], table));
      if (!ranges.push(std::move(range)))
        return outOfMemoryError("the bindings of a command");
    }
    std::span<const NullGpuRange> all(ranges.data(), ranges.size());
    FUSILLI_STATUS_RETURN_IF_ERROR(command.kind == Kind::Dispatch
                                       ? runDispatch(command, all)
                                       : runTransfer(command, all));
  }
  return okStatus();
}

Status
NullGpuCommandBuffer::runDispatch(const Command &command,
                                  std::span<const NullGpuRange> ranges) const {
  uint64_t total = command.total;
  if (command.isIndirect) {
    uint32_t count[3];
    std::memcpy(count, ranges.back().data, sizeof(count));
    ranges = ranges.first(ranges.size() - 1);
    total = uint64_t{count[0]} * count[1];
    if (__builtin_mul_overflow(total, uint64_t{count[2]}, &total))
      return outOfRangeError(strCat("indirect workgroup count ", count[0],
                                    " x ", count[1], " x ", count[2],
                                    " overflows 64 bits"));
  }
  std::string_view name;
  if (trace::enabled())
    name = command.executable->entry(command.entry).name;
  trace::Span span("dispatch", name);
  return command.executable->run(command.entry, ranges, total);
}

Status
NullGpuCommandBuffer::runTransfer(const Command &command,
                                  std::span<const NullGpuRange> ranges) const {
  const NullGpuRange &first = ranges.front();
  if (command.kind == Kind::Fill) {
    if (first.length % command.patternLength != 0)
      return invalidArgumentError(strCat("fill of ", first.length,
                                         " bytes with a pattern of ",
                                         command.patternLength));
    for (uint64_t i = 0; i < first.length; i += command.patternLength)
      std::memcpy(first.data + i, &command.pattern, command.patternLength);
    return okStatus();
  }
  if (command.kind == Kind::Update) {
    if (first.length != 0)
      std::memcpy(first.data, updates_.data() + command.firstByte,
                  first.length);
    return okStatus();
  }
  const NullGpuRange &target = ranges[1];
  if (first.length != target.length)
    return invalidArgumentError(strCat("copy of ", first.length, " bytes to ",
                                       target.length, " bytes"));
  if (first.data < target.data + target.length &&
      target.data < first.data + first.length)
    return invalidArgumentError("copy between overlapping ranges");
  if (first.length != 0)
    std::memcpy(target.data, first.data, first.length);
  return okStatus();
}

} // namespace fusilli::hal
