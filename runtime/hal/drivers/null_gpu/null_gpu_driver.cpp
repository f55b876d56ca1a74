// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Driver and device.
#include "runtime/hal/drivers/null_gpu/null_gpu_driver.h"

#include "runtime/base/trace.h"
#include "runtime/hal/drivers/null_gpu/null_gpu_command_buffer.h"
#include "runtime/hal/drivers/null_gpu/null_gpu_memory.h"
#include "runtime/hal/submission_queue.h"
#include "support/fault.h"

#include <array>
#include <cstring>

namespace fusilli::hal {

namespace {

constexpr std::string_view kName = "null-gpu";

class NullGpuRunner final : public CommandRunner {
public:
  explicit NullGpuRunner(HostAllocator &allocator) noexcept
      : CommandRunner(allocator) {}
  Status run(CommandBuffer &commandBuffer, BindingTable bindings) override {
    return static_cast<NullGpuCommandBuffer &>(commandBuffer).run(bindings);
  }

private:
  ~NullGpuRunner() override = default;
};

class NullGpuDevice final : public Device {
public:
  NullGpuDevice(HostAllocator &allocator, Ref<Allocator> deviceAllocator,
                Ref<SubmissionQueue> queue) noexcept
      : Device(allocator), allocator_(std::move(deviceAllocator)),
        queue_(std::move(queue)) {}

  std::string_view name() const noexcept override { return kName; }
  uint32_t concurrency() const noexcept override { return 1; }
  Allocator &allocator() noexcept override { return *allocator_; }

  StatusOr<Ref<Executable>>
  createExecutable(const ExecutableParams &params) override {
    return NullGpuExecutable::create(params, hostAllocator());
  }
  StatusOr<Ref<CommandBuffer>> createCommandBuffer(uint32_t mode) override {
    return NullGpuCommandBuffer::create(mode, hostAllocator());
  }

  Status execute(CommandBuffer &commandBuffer, BindingTable bindings) override {
    auto *own = dynamic_cast<NullGpuCommandBuffer *>(&commandBuffer);
    if (own == nullptr)
      return invalidArgumentError("command buffer of another device");
    FUSILLI_STATUS_RETURN_IF_ERROR(own->acquireForSubmit(bindings));
    return own->run(bindings);
  }
  Status queueExecute(Fence *wait, Fence *signal, CommandBuffer *commandBuffer,
                      BindingTable bindings) override {
    if (commandBuffer != nullptr &&
        dynamic_cast<NullGpuCommandBuffer *>(commandBuffer) == nullptr)
      return invalidArgumentError("command buffer of another device");
    return queue_->submit(wait, signal, commandBuffer, bindings);
  }
  Status waitIdle(int64_t timeoutNs) override {
    return queue_->waitIdle(timeoutNs);
  }
  Status waitForBuffer(const Buffer &buffer) override {
    return queue_->waitForBuffer(buffer);
  }

protected:
  Status upload(const void *source, Buffer &target, DeviceSize offset,
                DeviceSize length) override {
    FUSILLI_STATUS_ASSIGN(std::byte * memory, storageOf(target));
    std::memcpy(memory + offset, source, length);
    return okStatus();
  }
  Status download(Buffer &source, DeviceSize offset, void *target,
                  DeviceSize length) override {
    FUSILLI_STATUS_ASSIGN(std::byte * memory, storageOf(source));
    std::memcpy(target, memory + offset, length);
    return okStatus();
  }

private:
  ~NullGpuDevice() override { queue_->close(); }

  static StatusOr<std::byte *> storageOf(Buffer &buffer) {
    auto *own = dynamic_cast<NullGpuBuffer *>(&buffer);
    if (own == nullptr)
      return invalidArgumentError("buffer of another device");
    return own->storage();
  }

  const Ref<Allocator> allocator_;
  const Ref<SubmissionQueue> queue_;
};

class NullGpuDriver final : public Driver {
public:
  explicit NullGpuDriver(HostAllocator &allocator) noexcept
      : Driver(allocator) {}

  std::string_view name() const noexcept override { return kName; }
  uint32_t deviceCount() const noexcept override { return 1; }
  StatusOr<Ref<Device>> createDevice(uint64_t deviceId,
                                     const DeviceParams &params) override {
    FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::DeviceCreation));
    if (deviceId > deviceCount())
      return notFoundError(
          strCat("driver '", kName, "' has no device ", deviceId));
    if (params.externalStream != DeviceParams::kNoStream)
      return invalidArgumentError("a null-gpu device takes no stream");
    trace::startFromEnvironment();
    auto allocator = makeRef<NullGpuAllocator>(hostAllocator());
    auto runner = makeRef<NullGpuRunner>(hostAllocator());
    if (!allocator || !runner)
      return outOfMemoryError("a device");
    FUSILLI_STATUS_ASSIGN(Ref<SubmissionQueue> queue,
                          SubmissionQueue::create(std::move(runner),
                                                  /*isInline=*/false,
                                                  hostAllocator()));
    auto device = makeRef<NullGpuDevice>(hostAllocator(), std::move(allocator),
                                         std::move(queue));
    if (!device)
      return outOfMemoryError("a device");
    return Ref<Device>(std::move(device));
  }

private:
  ~NullGpuDriver() override = default;
};

class NullGpuDriverFactory final : public DriverFactory {
public:
  std::span<const std::string_view> names() const noexcept override {
    static constexpr std::array names = {kName};
    return names;
  }
  StatusOr<Ref<Driver>> create(std::string_view,
                               HostAllocator &allocator) override {
    auto driver = makeRef<NullGpuDriver>(allocator);
    if (!driver)
      return outOfMemoryError("a driver");
    return Ref<Driver>(std::move(driver));
  }
};

} // namespace

DriverFactory &nullGpuDriverFactory() {
  static DriverFactory &factory = *new NullGpuDriverFactory();
  return factory;
}

} // namespace fusilli::hal
