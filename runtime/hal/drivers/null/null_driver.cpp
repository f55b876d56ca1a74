// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Driver, device and objects of the null driver.
#include "runtime/hal/drivers/null/null_driver.h"

#include "support/fault.h"

#include <algorithm>
#include <array>

namespace fusilli::hal {

namespace {

constexpr std::string_view kName = "null";
constexpr size_t kAlignment = 64;
constexpr DeviceSize kLargest = DeviceSize{1} << 48;

class NullBuffer final : public Buffer {
public:
  NullBuffer(HostAllocator &allocator, const Description &description,
             Ref<Allocator> owner, size_t alignment) noexcept
      : Buffer(allocator, description), owner_(std::move(owner)),
        alignment_(alignment) {}

  static StatusOr<Ref<Buffer>>
  create(Allocator &owner, const BufferParams &params, DeviceSize byteLength) {
    HostAllocator &host = owner.hostAllocator();
    const size_t alignment =
        std::max<DeviceSize>(kAlignment, params.minAlignment);
    void *memory =
        byteLength > kLargest ? nullptr : host.allocate(byteLength, alignment);
    if (memory == nullptr)
      return outOfMemoryError(strCat("a buffer of ", byteLength, " bytes"));
    auto buffer = makeRef<NullBuffer>(
        host,
        Description{
            byteLength, params.type | kMemoryHostVisible | kMemoryDeviceVisible,
            params.access, params.usage, static_cast<std::byte *>(memory),
            reinterpret_cast<uintptr_t>(memory)},
        Ref<Allocator>::share(&owner), alignment);
    if (!buffer) {
      host.deallocate(memory, alignment);
      return outOfMemoryError("a buffer object");
    }
    owner.recordAllocate(buffer->memoryType(), byteLength);
    return Ref<Buffer>(std::move(buffer));
  }

private:
  ~NullBuffer() override {
    owner_->recordFree(memoryType(), byteLength());
    hostAllocator().deallocate(hostPointer(), alignment_);
  }
  const Ref<Allocator> owner_;
  const size_t alignment_;
};

class NullAllocator final : public Allocator {
public:
  explicit NullAllocator(HostAllocator &allocator) noexcept
      : Allocator(allocator) {}

  StatusOr<Ref<Buffer>> allocate(const BufferParams &params,
                                 DeviceSize byteLength) override {
    if (byteLength == 0)
      return invalidArgumentError("allocation of 0 bytes");
    if ((params.minAlignment & (params.minAlignment - 1)) != 0)
      return invalidArgumentError(
          strCat("alignment ", params.minAlignment, " is not a power of two"));
    return NullBuffer::create(*this, params, byteLength);
  }
  StatusOr<Ref<Buffer>> import(const BufferParams &, const ExternalBuffer &,
                               ReleaseCallback) override {
    return unavailableError("the null device imports nothing");
  }

private:
  ~NullAllocator() override = default;
};

class NullExecutable final : public Executable {
public:
  NullExecutable(HostAllocator &allocator,
                 HostArray<EntryParams> entries) noexcept
      : Executable(allocator), entries_(std::move(entries)) {}

  size_t entryCount() const noexcept override { return entries_.size(); }
  EntryParams entry(size_t ordinal) const noexcept override {
    return entries_[ordinal];
  }

private:
  ~NullExecutable() override = default;
  const HostArray<EntryParams> entries_;
};

class NullCommandBuffer final : public CommandBuffer {
public:
  NullCommandBuffer(HostAllocator &allocator, uint32_t mode) noexcept
      : CommandBuffer(allocator, mode) {}

  Status checkBindings(BindingTable table) const override {
    if (table.size() < slotCount())
      return invalidArgumentError(strCat("binding table of ", table.size(),
                                         " slots, ", slotCount(), " are used"));
    return okStatus();
  }

protected:
  Status recordBarrier() override { return okStatus(); }
  Status recordDispatch(const DispatchParams &) override { return okStatus(); }
  Status recordFill(const BufferRef &, uint32_t, size_t) override {
    return okStatus();
  }
  Status recordUpdate(const void *, const BufferRef &) override {
    return okStatus();
  }
  Status recordCopy(const BufferRef &, const BufferRef &) override {
    return okStatus();
  }
  Status recordEnd() override { return okStatus(); }

private:
  ~NullCommandBuffer() override = default;
};

class NullDevice final : public Device {
public:
  NullDevice(HostAllocator &allocator, Ref<Allocator> deviceAllocator) noexcept
      : Device(allocator), allocator_(std::move(deviceAllocator)) {}

  std::string_view name() const noexcept override { return kName; }
  uint32_t concurrency() const noexcept override { return 1; }
  Allocator &allocator() noexcept override { return *allocator_; }

  StatusOr<Ref<Executable>>
  createExecutable(const ExecutableParams &params) override {
    HostArray<EntryParams> entries;
    if (!entries.allocate(hostAllocator(), params.entries.size()))
      return outOfMemoryError("an executable");
    for (size_t i = 0; i < entries.size(); ++i) {
      if (params.entries[i].offset >= params.bytes.size())
        return invalidArgumentError(
            strCat("entry ", i, " lies outside the executable"));
      entries[i] = params.entries[i];
      entries[i].name = {}; // borrowed for this call only
    }
    auto executable =
        makeRef<NullExecutable>(hostAllocator(), std::move(entries));
    if (!executable)
      return outOfMemoryError("an executable");
    return Ref<Executable>(std::move(executable));
  }

  StatusOr<Ref<CommandBuffer>> createCommandBuffer(uint32_t mode) override {
    if ((mode & kCommandBufferInline) != 0 &&
        (mode & kCommandBufferOneShot) == 0)
      return invalidArgumentError("an inline command buffer must be one-shot");
    auto commandBuffer = makeRef<NullCommandBuffer>(hostAllocator(), mode);
    if (!commandBuffer)
      return outOfMemoryError("a command buffer");
    return Ref<CommandBuffer>(std::move(commandBuffer));
  }

  Status execute(CommandBuffer &commandBuffer, BindingTable bindings) override {
    if (dynamic_cast<NullCommandBuffer *>(&commandBuffer) == nullptr)
      return invalidArgumentError("command buffer of another device");
    FUSILLI_STATUS_RETURN_IF_ERROR(commandBuffer.checkBindings(bindings));
    return commandBuffer.acquireForSubmit(bindings);
  }

  Status queueExecute(Fence *wait, Fence *signal, CommandBuffer *commandBuffer,
                      BindingTable bindings) override {
    if (commandBuffer != nullptr)
      FUSILLI_STATUS_RETURN_IF_ERROR(
          commandBuffer->checkWaits(wait != nullptr ? wait->size() : 0));
    Status status = Fence::query(wait);
    if (status.code() == StatusCode::Deferred)
      return unimplementedError("the null device cannot wait");
    if (status.isOk() && commandBuffer != nullptr)
      FUSILLI_STATUS_RETURN_IF_ERROR(execute(*commandBuffer, bindings));
    if (status.isOk())
      return Fence::signal(signal);
    Fence::fail(signal, status);
    return okStatus();
  }

  Status waitIdle(int64_t) override { return okStatus(); }
  Status waitForBuffer(const Buffer &) override { return okStatus(); }

private:
  ~NullDevice() override = default;
  const Ref<Allocator> allocator_;
};

class NullDriver final : public Driver {
public:
  explicit NullDriver(HostAllocator &allocator) noexcept : Driver(allocator) {}

  std::string_view name() const noexcept override { return kName; }
  uint32_t deviceCount() const noexcept override { return 1; }
  StatusOr<Ref<Device>> createDevice(uint64_t deviceId,
                                     const DeviceParams &params) override {
    FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::DeviceCreation));
    if (deviceId > deviceCount())
      return notFoundError(strCat("driver 'null' has no device ", deviceId));
    auto allocator = makeRef<NullAllocator>(hostAllocator());
    if (!allocator)
      return outOfMemoryError("a device allocator");
    auto device = makeRef<NullDevice>(hostAllocator(), std::move(allocator));
    if (!device)
      return outOfMemoryError("a device");
    return Ref<Device>(std::move(device));
  }

private:
  ~NullDriver() override = default;
};

class NullDriverFactory final : public DriverFactory {
public:
  std::span<const std::string_view> names() const noexcept override {
    static constexpr std::array names = {kName};
    return names;
  }
  StatusOr<Ref<Driver>> create(std::string_view,
                               HostAllocator &allocator) override {
    auto driver = makeRef<NullDriver>(allocator);
    if (!driver)
      return outOfMemoryError("a driver");
    return Ref<Driver>(std::move(driver));
  }
};

} // namespace

DriverFactory &nullDriverFactory() {
  static DriverFactory &factory = *new NullDriverFactory();
  return factory;
}

} // namespace fusilli::hal
