// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks of ranges and rights, buffer views, and allocator statistics.
#include "runtime/hal/buffer.h"

#include "runtime/hal/allocator.h"
#include "runtime/hal/buffer_view.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace fusilli::hal {

constexpr TypeDescriptor Buffer::kType{"hal.buffer", ObjectKind::Buffer};
constexpr TypeDescriptor BufferView::kType{"hal.buffer_view",
                                           ObjectKind::BufferView};
constexpr TypeDescriptor Allocator::kType{"hal.allocator",
                                          ObjectKind::Allocator};

namespace {

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

} // namespace

uint64_t Buffer::nextId() noexcept {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

StatusOr<DeviceSize> Buffer::checkRange(DeviceSize offset,
                                        DeviceSize length) const {
  if (offset > byteLength_)
    return outOfRangeError(
        strCat("offset ", offset, " in a buffer of ", byteLength_, " bytes"));
  DeviceSize rest = byteLength_ - offset;
  if (length == kWholeBuffer)
    return rest;
  if (length > rest)
    return outOfRangeError(strCat("bytes ", offset, " + ", length,
                                  " in a buffer of ", byteLength_, " bytes"));
  return length;
}

Status Buffer::checkUsage(uint32_t requiredUsage) const {
  if ((usage_ & requiredUsage) == requiredUsage)
    return okStatus();
  return permissionDeniedError(strCat("buffer usage ", hex(usage_), " lacks ",
                                      hex(requiredUsage & ~usage_)));
}

Status Buffer::checkAccess(uint16_t requiredAccess) const {
  if ((access_ & requiredAccess) == requiredAccess ||
      (access_ & kAccessAny) != 0)
    return okStatus();
  return permissionDeniedError(
      strCat("buffer access ", hex(access_), " lacks ",
             hex(static_cast<uint16_t>(requiredAccess & ~access_))));
}

BufferView::BufferView(HostAllocator &allocator, Ref<Buffer> buffer,
                       HostArray<DeviceSize> dims, ElementType elementType,
                       EncodingType encoding, DeviceSize elementCount,
                       DeviceSize byteLength) noexcept
    : RefObject(kType, allocator), buffer_(std::move(buffer)),
      dims_(std::move(dims)), elementCount_(elementCount),
      byteLength_(byteLength), elementType_(elementType), encoding_(encoding) {}

StatusOr<Ref<BufferView>> BufferView::create(Ref<Buffer> buffer,
                                             std::span<const DeviceSize> dims,
                                             ElementType elementType,
                                             EncodingType encoding,
                                             HostAllocator &allocator) {
  if (!buffer)
    return invalidArgumentError("buffer view of a null buffer");
  if (dims.size() > kMaxRank)
    return invalidArgumentError(
        strCat("buffer view of rank ", dims.size(), ", at most ", kMaxRank));
  FUSILLI_STATUS_ASSIGN(DeviceSize byteLength,
                        denseByteLength(dims, elementType, encoding));
  if (byteLength > buffer->byteLength())
    return invalidArgumentError(strCat("buffer view needs ", byteLength,
                                       " bytes, its buffer has ",
                                       buffer->byteLength()));
  DeviceSize count = 1;
  for (DeviceSize dim : dims)
    count *= dim;
  HostArray<DeviceSize> ownDims;
  if (!ownDims.allocate(allocator, dims.size()))
    return outOfMemoryError("a buffer view");
  std::copy(dims.begin(), dims.end(), ownDims.begin());
  auto view =
      makeRef<BufferView>(allocator, std::move(buffer), std::move(ownDims),
                          elementType, encoding, count, byteLength);
  if (!view)
    return outOfMemoryError("a buffer view");
  return view;
}

AllocatorStatistics Allocator::statistics() const {
  std::lock_guard lock(statisticsMutex_);
  return statistics_;
}

void Allocator::recordAllocate(uint32_t memoryType, DeviceSize bytes) noexcept {
  std::lock_guard lock(statisticsMutex_);
  AllocatorStatistics &s = statistics_;
  if ((memoryType & kMemoryHostLocal) == kMemoryHostLocal) {
    s.hostAllocated += bytes;
    s.hostPeak = std::max(s.hostPeak, s.hostAllocated - s.hostFreed);
  } else {
    s.deviceAllocated += bytes;
    s.devicePeak = std::max(s.devicePeak, s.deviceAllocated - s.deviceFreed);
  }
}

void Allocator::recordFree(uint32_t memoryType, DeviceSize bytes) noexcept {
  std::lock_guard lock(statisticsMutex_);
  if ((memoryType & kMemoryHostLocal) == kMemoryHostLocal)
    statistics_.hostFreed += bytes;
  else
    statistics_.deviceFreed += bytes;
}

} // namespace fusilli::hal
