// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocation and import of host memory.
#include "runtime/hal/drivers/cpu/heap_allocator.h"

#include <algorithm>
#include <sys/mman.h>

namespace fusilli::hal {

namespace {

constexpr DeviceSize kAlignment = 64;
constexpr DeviceSize kHugePage = DeviceSize{2} << 20;
constexpr DeviceSize kLargest = DeviceSize{1} << 48;
// All memory of a CPU device is visible to both sides.
constexpr uint32_t kAlwaysTypes = kMemoryHostVisible | kMemoryHostCoherent |
                                  kMemoryHostCached | kMemoryDeviceVisible;

class HeapBuffer final : public Buffer {
public:
  HeapBuffer(HostAllocator &allocator, const Description &description,
             Ref<Allocator> owner, size_t alignment) noexcept
      : Buffer(allocator, description), owner_(std::move(owner)),
        alignment_(alignment) {}

  static StatusOr<Ref<Buffer>>
  create(Allocator &owner, const BufferParams &params, DeviceSize byteLength) {
    HostAllocator &host = owner.hostAllocator();
    size_t alignment =
        std::max({kAlignment, params.minAlignment,
                  byteLength >= kHugePage ? kHugePage : DeviceSize{1}});
    DeviceSize size = (byteLength + kAlignment - 1) / kAlignment * kAlignment;
    void *memory = host.allocate(size, alignment);
    if (memory == nullptr)
      return outOfMemoryError(strCat("a buffer of ", byteLength, " bytes"));
    // Only a hint: failing costs speed, nothing else.
    if (size >= kHugePage)
      madvise(memory, size / kHugePage * kHugePage, MADV_HUGEPAGE);
    auto *bytes = static_cast<std::byte *>(memory);
    auto buffer = makeRef<HeapBuffer>(
        host,
        Description{byteLength, params.type | kAlwaysTypes, params.access,
                    params.usage, bytes, reinterpret_cast<uintptr_t>(bytes)},
        Ref<Allocator>::share(&owner), alignment);
    if (!buffer) {
      host.deallocate(memory, alignment);
      return outOfMemoryError("a buffer object");
    }
    owner.recordAllocate(buffer->memoryType(), byteLength);
    return Ref<Buffer>(std::move(buffer));
  }

private:
  ~HeapBuffer() override {
    owner_->recordFree(memoryType(), byteLength());
    hostAllocator().deallocate(hostPointer(), alignment_);
  }
  const Ref<Allocator> owner_;
  const size_t alignment_;
};

class ImportedBuffer final : public Buffer {
public:
  ImportedBuffer(HostAllocator &allocator, const Description &description,
                 ReleaseCallback callback) noexcept
      : Buffer(allocator, description), callback_(callback) {}

  static StatusOr<Ref<Buffer>> create(HostAllocator &allocator,
                                      const BufferParams &params,
                                      const ExternalBuffer &external,
                                      std::byte *bytes,
                                      ReleaseCallback callback) {
    auto buffer = makeRef<ImportedBuffer>(
        allocator,
        Description{external.size, params.type | kAlwaysTypes, params.access,
                    params.usage, bytes, external.handle},
        callback);
    if (!buffer)
      return outOfMemoryError("a buffer object");
    return Ref<Buffer>(std::move(buffer));
  }

private:
  ~ImportedBuffer() override {
    if (callback_.fn != nullptr)
      callback_.fn(callback_.userData, this);
  }
  const ReleaseCallback callback_;
};

} // namespace

StatusOr<Ref<Allocator>> HeapAllocator::create(HostAllocator &allocator) {
  auto heap = makeRef<HeapAllocator>(allocator);
  if (!heap)
    return outOfMemoryError("a device allocator");
  return Ref<Allocator>(std::move(heap));
}

StatusOr<Ref<Buffer>> HeapAllocator::allocate(const BufferParams &params,
                                              DeviceSize byteLength) {
  if (byteLength == 0)
    return invalidArgumentError("allocation of 0 bytes");
  if ((params.minAlignment & (params.minAlignment - 1)) != 0)
    return invalidArgumentError(
        strCat("alignment ", params.minAlignment, " is not a power of two"));
  if (byteLength > kLargest)
    return outOfMemoryError(strCat("a buffer of ", byteLength, " bytes"));
  return HeapBuffer::create(*this, params, byteLength);
}

StatusOr<Ref<Buffer>> HeapAllocator::import(const BufferParams &params,
                                            const ExternalBuffer &external,
                                            ReleaseCallback callback) {
  if (external.type != ExternalBufferType::HostAllocation &&
      external.type != ExternalBufferType::DeviceAllocation)
    return unavailableError(strCat("CPU devices cannot import type ",
                                   static_cast<uint32_t>(external.type)));
  if (external.handle == 0 || external.size == 0)
    return invalidArgumentError("import of null or empty memory");
  if (external.handle + external.size < external.handle)
    return outOfRangeError("import of memory past the end of addresses");
  auto *bytes =
      reinterpret_cast<std::byte *>(static_cast<uintptr_t>(external.handle));
  return ImportedBuffer::create(hostAllocator(), params, external, bytes,
                                callback);
}

} // namespace fusilli::hal
