// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocator: makes buffers of one device, imports external memory, and keeps
// statistics.
#ifndef RUNTIME_HAL_ALLOCATOR_H
#define RUNTIME_HAL_ALLOCATOR_H

#include "runtime/hal/buffer.h"

#include <mutex>

namespace fusilli::hal {

/// Bytes; HOST_LOCAL buffers count as host, others as device, imports not.
/// `allocated` and `freed` only grow; `peak` is of allocated - freed.
struct AllocatorStatistics {
  DeviceSize hostAllocated = 0;
  DeviceSize hostFreed = 0;
  DeviceSize hostPeak = 0;
  DeviceSize deviceAllocated = 0;
  DeviceSize deviceFreed = 0;
  DeviceSize devicePeak = 0;
};

enum class ExternalBufferType : uint32_t {
  None = 0,
  HostAllocation = 1,
  DeviceAllocation = 2,
  OpaqueFd = 3,
  OpaqueWin32 = 4,
};

/// Memory that the user owns. Non-owning.
struct ExternalBuffer {
  ExternalBufferType type = ExternalBufferType::None;
  uint32_t flags = 0;
  DeviceSize size = 0; ///< bytes
  uint64_t handle = 0; ///< host or device address, or file descriptor
};

/// Thread safety: thread-safe.
class Allocator : public RefObject {
public:
  static const TypeDescriptor kType;

  /// `byteLength` > 0 bytes. InvalidArgument: 0 bytes or an alignment that is
  /// no power of two; ResourceExhausted: no memory.
  virtual StatusOr<Ref<Buffer>> allocate(const BufferParams &params,
                                         DeviceSize byteLength) = 0;

  /// Wraps memory without a copy. The user keeps it valid until `callback`,
  /// which fires exactly once, when the last reference drops; it does not fire
  /// when the import fails. Unavailable: a type this device cannot import;
  /// InvalidArgument: null or empty memory.
  virtual StatusOr<Ref<Buffer>> import(const BufferParams &params,
                                       const ExternalBuffer &external,
                                       ReleaseCallback callback) = 0;

  /// A consistent snapshot.
  AllocatorStatistics statistics() const;

  /// For buffers of drivers: books an allocation or its end.
  void recordAllocate(uint32_t memoryType, DeviceSize bytes) noexcept;
  void recordFree(uint32_t memoryType, DeviceSize bytes) noexcept;

protected:
  explicit Allocator(HostAllocator &allocator) noexcept
      : RefObject(kType, allocator) {}

private:
  mutable std::mutex statisticsMutex_;
  AllocatorStatistics statistics_;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_ALLOCATOR_H
