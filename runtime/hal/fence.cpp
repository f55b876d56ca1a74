// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fences: sets of timeline points.
#include "runtime/hal/fence.h"

#include <algorithm>
#include <chrono>

namespace fusilli::hal {

constexpr TypeDescriptor Fence::kType{"hal.fence", ObjectKind::Fence};

StatusOr<Ref<Fence>> Fence::create(size_t capacity, HostAllocator &allocator) {
  if (capacity > kMaxCapacity)
    return resourceExhaustedError(
        strCat("fence of ", capacity, " points, at most ", kMaxCapacity));
  auto fence = makeRef<Fence>(allocator);
  if (!fence || !fence->points_.allocate(allocator, capacity))
    return outOfMemoryError("a fence");
  return fence;
}

StatusOr<Ref<Fence>> Fence::createAt(Ref<Semaphore> semaphore, uint64_t value,
                                     HostAllocator &allocator) {
  FUSILLI_STATUS_ASSIGN(Ref<Fence> fence, create(1, allocator));
  FUSILLI_STATUS_RETURN_IF_ERROR(fence->insert(std::move(semaphore), value));
  return fence;
}

StatusOr<Ref<Fence>> Fence::join(std::span<Fence *const> fences,
                                 HostAllocator &allocator) {
  size_t capacity = 0;
  for (const Fence *fence : fences)
    capacity += fence != nullptr ? fence->size() : 0;
  if (capacity == 0)
    return Ref<Fence>();
  FUSILLI_STATUS_ASSIGN(Ref<Fence> joined, create(capacity, allocator));
  for (const Fence *fence : fences) {
    if (fence == nullptr)
      continue;
    for (size_t i = 0; i < fence->size(); ++i)
      FUSILLI_STATUS_RETURN_IF_ERROR(
          joined->insert(fence->points_[i].semaphore, fence->points_[i].value));
  }
  return joined;
}

Status Fence::insert(Ref<Semaphore> semaphore, uint64_t value) {
  if (!semaphore)
    return invalidArgumentError("fence point of a null semaphore");
  for (size_t i = 0; i < size_; ++i) {
    if (points_[i].semaphore == semaphore) {
      points_[i].value = std::max(points_[i].value, value);
      return okStatus();
    }
  }
  if (size_ == points_.size())
    return resourceExhaustedError(
        strCat("fence is full with ", size_, " points"));
  points_[size_].semaphore = std::move(semaphore);
  points_[size_].value = value;
  ++size_;
  return okStatus();
}

Status Fence::query(const Fence *fence) {
  bool reached = true;
  for (size_t i = 0; fence != nullptr && i < fence->size_; ++i) {
    const Point &point = fence->points_[i];
    Status status = point.semaphore->queryReached(point.value);
    if (status.code() == StatusCode::Deferred)
      reached = false;
    else if (!status.isOk())
      return status;
  }
  return reached ? okStatus() : codeStatus(StatusCode::Deferred);
}

Status Fence::signal(Fence *fence) {
  Status result;
  for (size_t i = 0; fence != nullptr && i < fence->size_; ++i) {
    Point &point = fence->points_[i];
    result =
        Status::join(std::move(result), point.semaphore->signal(point.value));
  }
  return result;
}

void Fence::fail(Fence *fence, const Status &failure) {
  for (size_t i = 0; fence != nullptr && i < fence->size_; ++i)
    fence->points_[i].semaphore->fail(failure.clone());
}

Status Fence::wait(const Fence *fence, int64_t timeoutNs) {
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  for (size_t i = 0; fence != nullptr && i < fence->size_; ++i) {
    int64_t left = timeoutNs;
    if (timeoutNs != kInfiniteTimeout) {
      auto used = std::chrono::duration_cast<std::chrono::nanoseconds>(
          Clock::now() - start);
      left = std::max<int64_t>(0, timeoutNs - used.count());
    }
    const Point &point = fence->points_[i];
    FUSILLI_STATUS_RETURN_IF_ERROR(point.semaphore->wait(point.value, left));
  }
  return okStatus();
}

} // namespace fusilli::hal
