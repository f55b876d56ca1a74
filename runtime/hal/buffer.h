// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffer: an allocated range of memory with the rights to use it.
#ifndef RUNTIME_HAL_BUFFER_H
#define RUNTIME_HAL_BUFFER_H

#include "runtime/hal/types.h"
#include "support/ref.h"

#include <cstddef>

namespace fusilli::hal {

class Buffer;

/// Called once when the last reference to an imported buffer drops.
struct ReleaseCallback {
  void (*fn)(void *userData, Buffer *buffer) = nullptr;
  void *userData = nullptr;
};

/// Memory that a driver allocated or the user imported. Drivers derive from it
/// to give the memory back.
/// Thread safety: the metadata is immutable; accesses to the content are
/// ordered by the caller.
class Buffer : public RefObject {
public:
  static const TypeDescriptor kType;

  DeviceSize byteLength() const noexcept { return byteLength_; }
  uint32_t memoryType() const noexcept { return memoryType_; }
  uint16_t allowedAccess() const noexcept { return access_; }
  uint32_t allowedUsage() const noexcept { return usage_; }
  /// Host address of the first byte; null when the host cannot see it. On the
  /// CPU drivers this is the memory itself. What is no driver asks for the
  /// device address, and moves content by transfers.
  std::byte *hostPointer() const noexcept { return hostPointer_; }
  /// Address as the device sees it. Of two live buffers of a device, bytes of
  /// one address are the same memory.
  uint64_t devicePointer() const noexcept { return devicePointer_; }
  /// Of this buffer alone, in the whole process and for all time.
  uint64_t id() const noexcept { return id_; }

  /// OutOfRange unless [offset, offset + length) lies inside; gives the length
  /// with kWholeBuffer resolved.
  StatusOr<DeviceSize> checkRange(DeviceSize offset, DeviceSize length) const;
  /// PermissionDenied, naming the missing bits, unless all are allowed.
  Status checkUsage(uint32_t requiredUsage) const;
  Status checkAccess(uint16_t requiredAccess) const;

protected:
  struct Description {
    DeviceSize byteLength;
    uint32_t memoryType;
    uint16_t access;
    uint32_t usage;
    std::byte *hostPointer;
    uint64_t devicePointer;
  };
  Buffer(HostAllocator &allocator, const Description &description) noexcept
      : RefObject(kType, allocator), byteLength_(description.byteLength),
        hostPointer_(description.hostPointer),
        devicePointer_(description.devicePointer),
        memoryType_(description.memoryType), usage_(description.usage),
        access_(description.access) {}

private:
  static uint64_t nextId() noexcept;

  const uint64_t id_ = nextId();
  const DeviceSize byteLength_;
  std::byte *const hostPointer_;
  const uint64_t devicePointer_;
  const uint32_t memoryType_;
  const uint32_t usage_;
  const uint16_t access_;
};

/// A range of a buffer, or of slot `slot` of a binding table when `buffer` is
/// null. Borrowed.
struct BufferRef {
  Buffer *buffer = nullptr;
  uint32_t slot = 0;
  DeviceSize offset = 0;
  DeviceSize length = kWholeBuffer;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_BUFFER_H
