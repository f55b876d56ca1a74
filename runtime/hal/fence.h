// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fence: a set of timeline points that are waited for, or signaled, together.
#ifndef RUNTIME_HAL_FENCE_H
#define RUNTIME_HAL_FENCE_H

#include "runtime/hal/semaphore.h"

#include <span>

namespace fusilli::hal {

/// Retains its semaphores. Functions that take a `Fence *` accept null, which
/// is a fence without points: always reached.
/// Thread safety: `insert` externally synchronised; the rest thread-safe.
class Fence final : public RefObject {
public:
  static const TypeDescriptor kType;
  static constexpr size_t kMaxCapacity = 65534;

  /// ResourceExhausted above kMaxCapacity. Capacity 0 is the empty fence.
  static StatusOr<Ref<Fence>>
  create(size_t capacity, HostAllocator &allocator = systemAllocator());
  /// A fence of one point.
  static StatusOr<Ref<Fence>>
  createAt(Ref<Semaphore> semaphore, uint64_t value,
           HostAllocator &allocator = systemAllocator());
  /// All points of the given fences (null ones allowed); null Ref when there
  /// is nothing to join.
  static StatusOr<Ref<Fence>>
  join(std::span<Fence *const> fences,
       HostAllocator &allocator = systemAllocator());

  /// Adds a point; the same semaphore keeps the larger value.
  /// ResourceExhausted when full.
  Status insert(Ref<Semaphore> semaphore, uint64_t value);

  size_t size() const noexcept { return size_; }
  size_t capacity() const noexcept { return points_.size(); }
  SemaphorePoint point(size_t i) const noexcept {
    return {points_[i].semaphore.get(), points_[i].value};
  }

  /// OK, Deferred, or the first failure.
  static Status query(const Fence *fence);
  static Status signal(Fence *fence);
  /// Fails every semaphore of the fence.
  static void fail(Fence *fence, const Status &failure);
  /// As Semaphore::wait, for all points.
  static Status wait(const Fence *fence, int64_t timeoutNs = kInfiniteTimeout);

  Fence(HostAllocator &allocator) noexcept : RefObject(kType, allocator) {}

private:
  struct Point {
    Ref<Semaphore> semaphore;
    uint64_t value = 0;
  };
  ~Fence() override = default;
  HostArray<Point> points_;
  size_t size_ = 0;
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_FENCE_H
