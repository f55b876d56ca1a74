// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Device: one logical device. Makes buffers, executables and command buffers,
// and runs submissions in the order that semaphores ask for.
#ifndef RUNTIME_HAL_DEVICE_H
#define RUNTIME_HAL_DEVICE_H

#include "runtime/hal/allocator.h"
#include "runtime/hal/command_buffer.h"
#include "runtime/hal/executable.h"
#include "runtime/hal/fence.h"

#include <span>
#include <string_view>

namespace fusilli::hal {

/// How a device is made. Fields that a driver does not know must be unset.
struct DeviceParams {
  /// CPU: worker threads, the caller included; 0 = FUSILLI_NUM_THREADS or the
  /// process's CPU affinity and quota. All devices with 0 share one pool.
  uint32_t threadCount = 0;
  /// GPU: a stream of the caller; all ones means none, 0 is a valid stream.
  static constexpr uint64_t kNoStream = ~uint64_t{0};
  uint64_t externalStream = kNoStream;
};

/// Thread safety: thread-safe.
class Device : public RefObject {
public:
  static const TypeDescriptor kType;

  /// "local-task" etc.: the name of the driver.
  virtual std::string_view name() const noexcept = 0;
  /// Workers that a dispatch may use, the calling thread included.
  virtual uint32_t concurrency() const noexcept = 0;
  virtual Allocator &allocator() noexcept = 0;

  /// Unavailable, naming what is missing, when the device has not all that the
  /// executable requires; Incompatible for a format that the device does not
  /// load; InvalidArgument for malformed requirements or bytes and for entries
  /// outside them.
  virtual StatusOr<Ref<Executable>>
  createExecutable(const ExecutableParams &params) = 0;

  virtual StatusOr<Ref<CommandBuffer>> createCommandBuffer(uint32_t mode) = 0;

  /// Runs a recorded command buffer and returns when it is complete. No heap
  /// allocation; no lock when all its dispatches are inline. May be called by
  /// several threads at once, with one command buffer and different tables.
  virtual Status execute(CommandBuffer &commandBuffer,
                         BindingTable bindings) = 0;

  /// Queues a command buffer (null: only order) behind all points of `wait`
  /// and signals `signal` after it; both may be null. Returns at once unless
  /// the device runs inline; retains all it uses, and what is in the table,
  /// until the signal. A failure of a wait or of the work fails the signal
  /// fence; one of the work poisons the queue. InvalidArgument: an inline
  /// command buffer with points to wait for.
  virtual Status queueExecute(Fence *wait, Fence *signal,
                              CommandBuffer *commandBuffer,
                              BindingTable bindings) = 0;

  /// Memory in queue order: the work may touch the buffer from `signal` on,
  /// until the signal of its queueDealloca. Errors: those of
  /// Allocator::allocate and queueExecute; nothing is queued then.
  StatusOr<Ref<Buffer>> queueAlloca(Fence *wait, Fence *signal,
                                    const BufferParams &params,
                                    DeviceSize byteLength);
  /// Keeps `buffer` alive until `wait` is reached, then lets go of it and
  /// signals: its memory goes back with the last reference. For any buffer;
  /// one that others hold is only ordered.
  Status queueDealloca(Fence *wait, Fence *signal, Buffer &buffer);

  /// Blocks until everything queued so far is complete.
  virtual Status waitIdle(int64_t timeoutNs = kInfiniteTimeout) = 0;

  /// Blocks until everything queued so far that has memory of `buffer` in its
  /// binding table is complete, failed or not. What else is queued, for
  /// instance behind a fence that the caller signals later, is not waited for.
  virtual Status waitForBuffer(const Buffer &buffer) = 0;

  /// Blocking transfers between host memory and [offset, offset + length) of a
  /// buffer. Length 0 is a no-op, kWholeBuffer the rest of the buffer;
  /// OutOfRange leaves everything unwritten. Not ordered against the queue: see
  /// waitForBuffer.
  Status hostToDevice(const void *source, Buffer &target, DeviceSize offset,
                      DeviceSize length);
  Status deviceToHost(Buffer &source, DeviceSize offset, void *target,
                      DeviceSize length);

protected:
  /// Move the bytes, at least one, of a transfer that was checked; return when
  /// that is done. The base class copies through the buffer's host pointer: a
  /// device whose memory the host cannot see overrides both.
  virtual Status upload(const void *source, Buffer &target, DeviceSize offset,
                        DeviceSize length);
  virtual Status download(Buffer &source, DeviceSize offset, void *target,
                          DeviceSize length);

  explicit Device(HostAllocator &allocator) noexcept
      : RefObject(kType, allocator) {}
};

/// The devices that modules see; retains them. Outlives module and context.
/// Thread safety: immutable.
class DeviceGroup final : public RefObject {
public:
  static const TypeDescriptor kType;
  /// InvalidArgument for an empty list or a null device.
  static StatusOr<Ref<DeviceGroup>>
  create(std::span<Device *const> devices,
         HostAllocator &allocator = systemAllocator());
  size_t size() const noexcept { return devices_.size(); }
  Device &device(size_t i) const noexcept { return *devices_[i]; }

  DeviceGroup(HostAllocator &allocator, HostArray<Ref<Device>> devices) noexcept
      : RefObject(kType, allocator), devices_(std::move(devices)) {}

private:
  ~DeviceGroup() override = default;
  const HostArray<Ref<Device>> devices_;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DEVICE_H
