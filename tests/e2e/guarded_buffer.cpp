// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host memory imported into the device, below the public interface: it cannot
// make f64 and i64 buffers, nor place one at a given address.

#include "tests/e2e/guarded_buffer.h"

#include "engine/access.h"
#include "runtime/hal/allocator.h"
#include "runtime/hal/buffer_view.h"
#include "runtime/hal/device.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace fusilli::e2e {

namespace {

constexpr uint8_t kGuardByte = 0xa5;

hal::ElementType elementType(DataType type) {
  switch (type) {
  case DataType::Half:
    return hal::ElementType::Float16;
  case DataType::BFloat16:
    return hal::ElementType::BFloat16;
  case DataType::Float:
    return hal::ElementType::Float32;
  case DataType::Double:
    return hal::ElementType::Float64;
  case DataType::Int8:
    return hal::ElementType::Int8;
  case DataType::Int16:
    return hal::ElementType::Int16;
  case DataType::Int32:
    return hal::ElementType::Int32;
  case DataType::Int64:
    return hal::ElementType::Int64;
  case DataType::Boolean:
    return hal::ElementType::Bool8;
  default:
    return hal::ElementType::None;
  }
}

} // namespace

const Handle &handleWithThreads(int threads) {
  static std::map<int, Handle> handles;
  auto found = handles.find(threads);
  if (found == handles.end()) {
    setEnv("FUSILLI_NUM_THREADS", std::to_string(threads).c_str());
    ErrorOr<Handle> handle = Handle::create(Backend::CPU);
    unsetEnv("FUSILLI_NUM_THREADS");
    if (isError(handle)) {
      std::fprintf(stderr, "no handle: %s\n",
                   ErrorObject(handle).getMessage().c_str());
      std::exit(1);
    }
    found = handles.emplace(threads, std::move(*handle)).first;
  }
  return found->second;
}

GuardedBuffer::GuardedBuffer(size_t bytes, size_t misalignment)
    : memory_(std::make_shared<std::vector<uint8_t>>(
          bytes + misalignment + 2 * kGuard + 64, kGuardByte)),
      size_(bytes) {
  const auto address = reinterpret_cast<uintptr_t>(memory_->data());
  const uintptr_t aligned = (address + kGuard + 63) / 64 * 64 + misalignment;
  begin_ = memory_->data() + (aligned - address);
}

bool GuardedBuffer::guardsIntact() const {
  const auto isGuard = [](uint8_t byte) { return byte == kGuardByte; };
  const uint8_t *first = memory_->data();
  return std::all_of(first, static_cast<const uint8_t *>(begin_), isGuard) &&
         std::all_of(begin_ + size_, begin_ + size_ + kGuard, isGuard);
}

ErrorOr<std::shared_ptr<Buffer>>
GuardedBuffer::makeBuffer(const Handle &handle, const TensorAttr &tensor) {
  const auto failed = [](const Status &status) {
    return error(ErrorCode::RuntimeFailure, status.toString());
  };
  // The callback keeps the memory until the device has dropped it.
  auto *keep = new std::shared_ptr<std::vector<uint8_t>>(memory_);
  const hal::ReleaseCallback release{
      [](void *data, hal::Buffer *) {
        delete static_cast<std::shared_ptr<std::vector<uint8_t>> *>(data);
      },
      keep};
  hal::Device &device = *fusilli::detail::EngineAccess::impl(handle)->device;
  auto buffer =
      device.allocator().import({},
                                {hal::ExternalBufferType::HostAllocation, 0,
                                 size_, reinterpret_cast<uint64_t>(begin_)},
                                release);
  if (!buffer.isOk()) {
    delete keep;
    return failed(buffer.status());
  }
  std::vector<hal::DeviceSize> dims;
  for (int64_t dim : tensor.hasValidPhysicalRepresentation()
                         ? tensor.getPhysicalDim()
                         : std::vector<int64_t>{tensor.getSpan()})
    dims.push_back(static_cast<hal::DeviceSize>(dim));
  auto view = hal::BufferView::create(std::move(buffer.value()), dims,
                                      elementType(tensor.getDataType()));
  if (!view.isOk())
    return failed(view.status());
  return std::make_shared<Buffer>(
      detail::EngineAccess::makeBuffer(std::move(view.value())));
}

} // namespace fusilli::e2e
