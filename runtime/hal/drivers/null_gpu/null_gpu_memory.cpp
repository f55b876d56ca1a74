// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocation of device memory.
#include "runtime/hal/drivers/null_gpu/null_gpu_memory.h"

#include <algorithm>

namespace fusilli::hal {

namespace {
constexpr DeviceSize kAlignment = 256;
constexpr DeviceSize kLargest = DeviceSize{1} << 48;
constexpr uint32_t kHostTypes = kMemoryHostVisible | kMemoryHostCoherent |
                                kMemoryHostCached | kMemoryHostLocal;
} // namespace

StatusOr<Ref<Buffer>> NullGpuBuffer::create(Allocator &owner,
                                            const BufferParams &params,
                                            DeviceSize byteLength,
                                            uint64_t address,
                                            size_t alignment) {
  HostAllocator &host = owner.hostAllocator();
  void *memory = host.allocate(byteLength, alignment);
  if (memory == nullptr)
    return outOfMemoryError(strCat("a buffer of ", byteLength, " bytes"));
  auto buffer = makeRef<NullGpuBuffer>(
      host,
      Description{byteLength, (params.type & ~kHostTypes) | kMemoryDeviceLocal,
                  params.access, params.usage, nullptr, address},
      Ref<Allocator>::share(&owner), static_cast<std::byte *>(memory),
      alignment);
  if (!buffer) {
    host.deallocate(memory, alignment);
    return outOfMemoryError("a buffer object");
  }
  owner.recordAllocate(buffer->memoryType(), byteLength);
  return Ref<Buffer>(std::move(buffer));
}

NullGpuBuffer::~NullGpuBuffer() {
  owner_->recordFree(memoryType(), byteLength());
  hostAllocator().deallocate(storage_, alignment_);
}

StatusOr<Ref<Buffer>> NullGpuAllocator::allocate(const BufferParams &params,
                                                 DeviceSize byteLength) {
  if (byteLength == 0)
    return invalidArgumentError("allocation of 0 bytes");
  if ((params.minAlignment & (params.minAlignment - 1)) != 0)
    return invalidArgumentError(
        strCat("alignment ", params.minAlignment, " is not a power of two"));
  if (byteLength > kLargest)
    return outOfMemoryError(strCat("a buffer of ", byteLength, " bytes"));
  DeviceSize alignment = std::max(kAlignment, params.minAlignment);
  // Room for the alignment, and a gap behind.
  uint64_t room = byteLength + 2 * alignment;
  uint64_t address = next_.fetch_add(room, std::memory_order_relaxed);
  address = (address + alignment - 1) & ~(alignment - 1);
  return NullGpuBuffer::create(*this, params, byteLength, address, alignment);
}

StatusOr<Ref<Buffer>> NullGpuAllocator::import(const BufferParams &,
                                               const ExternalBuffer &,
                                               ReleaseCallback) {
  return unavailableError("null-gpu devices import nothing");
}

} // namespace fusilli::hal
