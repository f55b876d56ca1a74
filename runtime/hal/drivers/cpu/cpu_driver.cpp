// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Driver and device of the CPU.
#include "runtime/hal/drivers/cpu/cpu_driver.h"

#include "runtime/base/trace.h"
#include "runtime/base/worker_pool.h"
#include "runtime/hal/drivers/cpu/cpu_command_buffer.h"
#include "runtime/hal/drivers/cpu/cpu_executable.h"
#include "runtime/hal/drivers/cpu/heap_allocator.h"
#include "runtime/hal/submission_queue.h"
#include "support/fault.h"

#include <array>

namespace fusilli::hal {

namespace {

constexpr std::string_view kSync = "local-sync";
constexpr std::string_view kTask = "local-task";

class CpuRunner final : public CommandRunner {
public:
  CpuRunner(HostAllocator &allocator, Ref<WorkerPool> pool) noexcept
      : CommandRunner(allocator), pool_(std::move(pool)) {}
  Status run(CommandBuffer &commandBuffer, BindingTable bindings) override {
    return static_cast<CpuCommandBuffer &>(commandBuffer)
        .run(bindings, pool_.get());
  }

private:
  ~CpuRunner() override = default;
  const Ref<WorkerPool> pool_;
};

class CpuDevice final : public Device {
public:
  CpuDevice(HostAllocator &allocator, std::string_view name,
            Ref<WorkerPool> pool, Ref<Allocator> deviceAllocator,
            Ref<SubmissionQueue> queue) noexcept
      : Device(allocator), name_(name), pool_(std::move(pool)),
        allocator_(std::move(deviceAllocator)), queue_(std::move(queue)) {}

  std::string_view name() const noexcept override { return name_; }
  uint32_t concurrency() const noexcept override {
    return pool_ ? pool_->threadCount() : 1;
  }
  Allocator &allocator() noexcept override { return *allocator_; }

  StatusOr<Ref<Executable>>
  createExecutable(const ExecutableParams &params) override {
    FUSILLI_STATUS_ASSIGN(Ref<Executable> executable,
                          CpuExecutable::create(params, hostAllocator()));
    uint64_t localMemory =
        static_cast<CpuExecutable &>(*executable).maxLocalMemory();
    if (localMemory != 0 && pool_)
      FUSILLI_STATUS_RETURN_IF_ERROR(pool_->reserveLocalMemory(localMemory));
    return executable;
  }

  StatusOr<Ref<CommandBuffer>> createCommandBuffer(uint32_t mode) override {
    return CpuCommandBuffer::create(mode, hostAllocator());
  }

  Status execute(CommandBuffer &commandBuffer, BindingTable bindings) override {
    auto *own = dynamic_cast<CpuCommandBuffer *>(&commandBuffer);
    if (own == nullptr) [[unlikely]]
      return invalidArgumentError("command buffer of another device");
    FUSILLI_STATUS_RETURN_IF_ERROR(own->acquireForSubmit(bindings));
    return own->run(bindings, pool_.get());
  }

  Status queueExecute(Fence *wait, Fence *signal, CommandBuffer *commandBuffer,
                      BindingTable bindings) override {
    auto *own = dynamic_cast<CpuCommandBuffer *>(commandBuffer);
    if (commandBuffer != nullptr && own == nullptr)
      return invalidArgumentError("command buffer of another device");
    return queue_->submit(wait, signal, own, bindings);
  }

  Status waitIdle(int64_t timeoutNs) override {
    return queue_->waitIdle(timeoutNs);
  }

  Status waitForBuffer(const Buffer &buffer) override {
    return queue_->waitForBuffer(buffer);
  }

private:
  ~CpuDevice() override { queue_->close(); }

  const std::string_view name_; // Borrowed: static.
  const Ref<WorkerPool> pool_;
  const Ref<Allocator> allocator_;
  const Ref<SubmissionQueue> queue_;
};

class CpuDriver final : public Driver {
public:
  CpuDriver(HostAllocator &allocator, std::string_view name) noexcept
      : Driver(allocator), name_(name) {}

  std::string_view name() const noexcept override { return name_; }
  uint32_t deviceCount() const noexcept override { return 1; }

  StatusOr<Ref<Device>> createDevice(uint64_t deviceId,
                                     const DeviceParams &params) override {
    FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::DeviceCreation));
    if (deviceId > deviceCount())
      return notFoundError(
          strCat("driver '", name_, "' has no device ", deviceId));
    if (params.externalStream != DeviceParams::kNoStream)
      return invalidArgumentError("a CPU device takes no stream");
    trace::startFromEnvironment();
    Ref<WorkerPool> pool;
    if (name_ == kTask) {
      // Workers outlive a device, so the shared pool has its own allocator.
      FUSILLI_STATUS_ASSIGN(
          pool, params.threadCount == 0
                    ? WorkerPool::shared()
                    : WorkerPool::create(params.threadCount, hostAllocator()));
    }
    FUSILLI_STATUS_ASSIGN(Ref<Allocator> allocator,
                          HeapAllocator::create(hostAllocator()));
    auto runner = makeRef<CpuRunner>(hostAllocator(), pool);
    if (!runner)
      return outOfMemoryError("a device queue");
    FUSILLI_STATUS_ASSIGN(Ref<SubmissionQueue> queue,
                          SubmissionQueue::create(std::move(runner),
                                                  /*isInline=*/!pool,
                                                  hostAllocator()));
    auto device = makeRef<CpuDevice>(hostAllocator(), name_, std::move(pool),
                                     std::move(allocator), std::move(queue));
    if (!device)
      return outOfMemoryError("a device");
    return Ref<Device>(std::move(device));
  }

private:
  ~CpuDriver() override = default;
  const std::string_view name_; // Borrowed: static.
};

class CpuDriverFactory final : public DriverFactory {
public:
  std::span<const std::string_view> names() const noexcept override {
    static constexpr std::array names = {kSync, kTask};
    return names;
  }
  StatusOr<Ref<Driver>> create(std::string_view name,
                               HostAllocator &allocator) override {
    auto driver = makeRef<CpuDriver>(allocator, name == kTask ? kTask : kSync);
    if (!driver)
      return outOfMemoryError("a driver");
    return Ref<Driver>(std::move(driver));
  }
};

} // namespace

DriverFactory &cpuDriverFactory() {
  static DriverFactory &factory = *new CpuDriverFactory();
  return factory;
}

} // namespace fusilli::hal
