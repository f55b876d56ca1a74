// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory of a null-gpu device. Its addresses are numbers of the device's own:
// on the host they point nowhere.
#ifndef RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_MEMORY_H
#define RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_MEMORY_H

#include "runtime/hal/allocator.h"

#include <atomic>

namespace fusilli::hal {

/// Thread safety: as Buffer.
class NullGpuBuffer final : public Buffer {
public:
  static StatusOr<Ref<Buffer>> create(Allocator &owner,
                                      const BufferParams &params,
                                      DeviceSize byteLength, uint64_t address,
                                      size_t alignment);

  /// For the device alone.
  std::byte *storage() const noexcept { return storage_; }

  NullGpuBuffer(HostAllocator &allocator, const Description &description,
                Ref<Allocator> owner, std::byte *storage,
                size_t alignment) noexcept
      : Buffer(allocator, description), owner_(std::move(owner)),
        storage_(storage), alignment_(alignment) {}

private:
  ~NullGpuBuffer() override;
  const Ref<Allocator> owner_;
  std::byte *const storage_;
  const size_t alignment_;
};

/// Imports nothing: there is no memory but the device's.
/// Thread safety: thread-safe.
class NullGpuAllocator final : public Allocator {
public:
  explicit NullGpuAllocator(HostAllocator &allocator) noexcept
      : Allocator(allocator) {}

  StatusOr<Ref<Buffer>> allocate(const BufferParams &params,
                                 DeviceSize byteLength) override;
  StatusOr<Ref<Buffer>> import(const BufferParams &params,
                               const ExternalBuffer &external,
                               ReleaseCallback callback) override;

private:
  ~NullGpuAllocator() override = default;
  // Never given twice; no host has such addresses.
  std::atomic<uint64_t> next_{uint64_t{1} << 60};
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_DRIVERS_NULL_GPU_NULL_GPU_MEMORY_H
