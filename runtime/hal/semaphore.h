// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Semaphore: the one primitive of time. A growing 64-bit payload; a failure is
// a payload too, so an error travels along the timeline to every waiter.
#ifndef RUNTIME_HAL_SEMAPHORE_H
#define RUNTIME_HAL_SEMAPHORE_H

#include "runtime/hal/types.h"
#include "support/ref.h"

#include <condition_variable>
#include <mutex>
#include <span>

namespace fusilli::hal {

class Semaphore;

/// A value on a timeline. Borrowed.
struct SemaphorePoint {
  Semaphore *semaphore = nullptr;
  uint64_t value = 0;
};

/// Called once when a timepoint is reached (`status` OK) or its semaphore has
/// failed. Runs on the signaling thread without any lock held. Embedded in
/// what waits: no allocation.
struct Timepoint {
  void (*callback)(Timepoint *self, const Status &status) = nullptr;
  uint64_t value = 0;
  Timepoint *next = nullptr;
};

/// Thread safety: thread-safe.
class Semaphore final : public RefObject {
public:
  static const TypeDescriptor kType;
  /// Largest usable value; anything above means failed.
  static constexpr uint64_t kMaxValue = 2147483646;

  static StatusOr<Ref<Semaphore>>
  create(uint64_t initialValue = 0,
         HostAllocator &allocator = systemAllocator());

  /// The current value, or the failure.
  StatusOr<uint64_t> query() const;
  /// OK when the value is reached, Deferred when not yet, or the failure.
  Status queryReached(uint64_t value) const;
  /// Raises the value and wakes waiters. A value <= the current one is
  /// InvalidArgument and changes nothing; above kMaxValue is OutOfRange; after
  /// a failure gives the failure.
  Status signal(uint64_t value);
  /// Fails the timeline for good and wakes all waiters. The first one wins.
  void fail(Status failure);
  /// Blocks until the value is reached. DeadlineExceeded after `timeoutNs`
  /// (0 polls, kInfiniteTimeout waits for ever); Aborted, with the failure as
  /// the message, when the timeline has failed.
  Status wait(uint64_t value, int64_t timeoutNs = kInfiniteTimeout) const;
  /// Calls back when the value is reached; at once, on this thread, when it
  /// is already. `timepoint` stays valid until its callback; it is the
  /// caller's business to keep the semaphore alive so long.
  void acquireTimepoint(Timepoint *timepoint);

  Semaphore(HostAllocator &allocator, uint64_t initialValue) noexcept
      : RefObject(kType, allocator), value_(initialValue) {}

private:
  ~Semaphore() override;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  uint64_t value_;
  Status failure_;                  // guarded by mutex_
  Timepoint *timepoints_ = nullptr; // guarded by mutex_
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_SEMAPHORE_H
