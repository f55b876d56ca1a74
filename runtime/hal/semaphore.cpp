// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Timeline semaphores.
#include "runtime/hal/semaphore.h"

#include <chrono>

namespace fusilli::hal {

constexpr TypeDescriptor Semaphore::kType{"hal.semaphore",
                                          ObjectKind::Semaphore};

StatusOr<Ref<Semaphore>> Semaphore::create(uint64_t initialValue,
                                           HostAllocator &allocator) {
  if (initialValue > kMaxValue)
    return outOfRangeError(
        strCat("semaphore value ", initialValue, ", at most ", kMaxValue));
  auto semaphore = makeRef<Semaphore>(allocator, initialValue);
  if (!semaphore)
    return outOfMemoryError("a semaphore");
  return semaphore;
}

Semaphore::~Semaphore() {
  // What still waits will never be reached.
  Status gone = cancelledError("semaphore was destroyed");
  while (timepoints_ != nullptr) {
    Timepoint *next = timepoints_->next;
    timepoints_->callback(timepoints_, gone);
    timepoints_ = next;
  }
}

StatusOr<uint64_t> Semaphore::query() const {
  std::lock_guard lock(mutex_);
  if (!failure_.isOk())
    return failure_.clone();
  return value_;
}

Status Semaphore::queryReached(uint64_t value) const {
  std::lock_guard lock(mutex_);
  if (!failure_.isOk())
    return failure_.clone();
  return value_ >= value ? okStatus() : codeStatus(StatusCode::Deferred);
}

Status Semaphore::signal(uint64_t value) {
  Timepoint *reached = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (!failure_.isOk())
      return failure_.clone();
    if (value > kMaxValue)
      return outOfRangeError(
          strCat("semaphore value ", value, ", at most ", kMaxValue));
    if (value <= value_)
      return invalidArgumentError(
          strCat("semaphore signaled to ", value, ", it is at ", value_));
    value_ = value;
    Timepoint **link = &timepoints_;
    Timepoint **tail = &reached;
    while (*link != nullptr) {
      Timepoint *point = *link;
      if (point->value <= value) {
        *link = point->next;
        point->next = nullptr;
        *tail = point;
        tail = &point->next;
      } else {
        link = &point->next;
      }
    }
  }
  changed_.notify_all();
  Status ok;
  while (reached != nullptr) {
    // The callback may free its timepoint.
    Timepoint *next = reached->next;
    reached->callback(reached, ok);
    reached = next;
  }
  return okStatus();
}

void Semaphore::fail(Status failure) {
  if (failure.isOk())
    failure = internalError("semaphore failed without a reason");
  Timepoint *waiting = nullptr;
  Status copy;
  {
    std::lock_guard lock(mutex_);
    if (!failure_.isOk())
      return;
    copy = failure.clone();
    failure_ = std::move(failure);
    waiting = std::exchange(timepoints_, nullptr);
  }
  changed_.notify_all();
  while (waiting != nullptr) {
    Timepoint *next = waiting->next;
    waiting->callback(waiting, copy);
    waiting = next;
  }
}

Status Semaphore::wait(uint64_t value, int64_t timeoutNs) const {
  using Clock = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  auto done = [&]() { return !failure_.isOk() || value_ >= value; };
  auto now = Clock::now();
  auto limit = std::chrono::nanoseconds(timeoutNs < 0 ? 0 : timeoutNs);
  if (limit >= Clock::time_point::max() - now)
    changed_.wait(lock, done);
  else
    changed_.wait_until(lock, now + limit, done);
  if (!failure_.isOk())
    return abortedError(
        strCat("waited for a failed semaphore: ", failure_.toString()));
  if (value_ >= value)
    return okStatus();
  return deadlineExceededError(
      strCat("semaphore is at ", value_, ", waited for ", value));
}

void Semaphore::acquireTimepoint(Timepoint *timepoint) {
  Status status;
  {
    std::lock_guard lock(mutex_);
    if (failure_.isOk() && value_ < timepoint->value) {
      timepoint->next = timepoints_;
      timepoints_ = timepoint;
      return;
    }
    status = failure_.clone();
  }
  timepoint->callback(timepoint, status);
}

} // namespace fusilli::hal
