// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An asynchronous queue for devices whose work a host thread runs or drives. A
// submission waits for its points without a thread; once all are reached it
// runs, on the queue's own thread (made on first use) or, for an inline device,
// on the thread that reached the last of them. Its resources are let go before
// its signal.
#ifndef RUNTIME_HAL_SUBMISSION_QUEUE_H
#define RUNTIME_HAL_SUBMISSION_QUEUE_H

#include "runtime/base/fork.h"
#include "runtime/hal/command_buffer.h"
#include "runtime/hal/fence.h"

#include <condition_variable>
#include <mutex>
#include <pthread.h>

namespace fusilli::hal {

class Submission;

/// Runs the command buffers of a queue.
/// Thread safety: thread-safe.
class CommandRunner : public RefObject {
public:
  static const TypeDescriptor kType;

  /// Blocking. Precondition: `commandBuffer` is of this device and
  /// acquireForSubmit gave OK.
  virtual Status run(CommandBuffer &commandBuffer, BindingTable bindings) = 0;

protected:
  explicit CommandRunner(HostAllocator &allocator) noexcept
      : RefObject(kType, allocator) {}
};

/// Shared by the device and its submissions.
/// Thread safety: thread-safe.
class SubmissionQueue final : public RefObject {
public:
  static const TypeDescriptor kType;

  /// With `isInline` there is no thread.
  static StatusOr<Ref<SubmissionQueue>>
  create(Ref<CommandRunner> runner, bool isInline, HostAllocator &allocator);

  /// Unavailable in a child process: the thread and all that waits are its
  /// parent's.
  Status submit(Fence *wait, Fence *signal, CommandBuffer *commandBuffer,
                BindingTable bindings);
  Status waitIdle(int64_t timeoutNs);
  /// Until no submission made before the call holds memory of `buffer`.
  Status waitForBuffer(const Buffer &buffer);
  /// Cancels what still waits, finishes what is ready, ends the thread; in a
  /// child process nothing.
  void close();

  SubmissionQueue(HostAllocator &allocator, Ref<CommandRunner> runner,
                  bool isInline) noexcept
      : RefObject(kType, allocator), runner_(std::move(runner)),
        inline_(isInline) {}

private:
  friend class Submission;
  ~SubmissionQueue() override = default;
  void makeReady(Submission &submission);
  bool startThread();
  static void *threadMain(void *self);
  void threadLoop();
  void drainInline();
  Submission *popReady();
  void run(Submission &submission);
  void unlink(Submission &submission);

  /// The thread is in the process that made the queue, not in its children.
  bool isForked() const noexcept { return generation_ != forkGeneration(); }

  const Ref<CommandRunner> runner_;
  const bool inline_;
  const uint32_t generation_ = forkGeneration();
  std::mutex mutex_;
  std::condition_variable changed_;
  // All below: guarded by mutex_.
  Submission *inFlight_ = nullptr; ///< newest first; owns a reference to each
  Submission *readyHead_ = nullptr;
  Submission *readyTail_ = nullptr;
  uint64_t submitted_ = 0; ///< ever
  uint64_t unfinished_ = 0;
  bool draining_ = false;
  bool closed_ = false;
  bool threadStarted_ = false;
  pthread_t thread_{};
  Status failure_; ///< poisons later submissions
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_SUBMISSION_QUEUE_H
