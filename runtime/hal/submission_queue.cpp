// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Life of a submission: created, waiting (one reference held by each
// timepoint, one by the queue's list), ready, run, gone.
#include "runtime/hal/submission_queue.h"

#include <algorithm>
#include <chrono>

namespace fusilli::hal {

constexpr TypeDescriptor CommandRunner::kType{"hal.command_runner",
                                              ObjectKind::Other};
constexpr TypeDescriptor SubmissionQueue::kType{"hal.queue", ObjectKind::Other};

class Submission final : public RefObject {
public:
  static const TypeDescriptor kType;

  struct Wait {
    Timepoint timepoint; // first: a Timepoint * is a Wait *
    Submission *submission = nullptr;
  };

  Submission(HostAllocator &allocator, SubmissionQueue &queue) noexcept
      : RefObject(kType, allocator),
        queue_(Ref<SubmissionQueue>::share(&queue)) {}

  Status prepare(Fence *wait, Fence *signal, CommandBuffer *commandBuffer,
                 BindingTable bindings) {
    wait_ = Ref<Fence>::share(wait);
    signal_ = Ref<Fence>::share(signal);
    commandBuffer_ = Ref<CommandBuffer>::share(commandBuffer);
    size_t waits = wait != nullptr ? wait->size() : 0;
    if (!waits_.allocate(hostAllocator(), waits) ||
        !bindings_.allocate(hostAllocator(), bindings.size()) ||
        !buffers_.allocate(hostAllocator(), bindings.size()))
      return outOfMemoryError("a submission");
    for (size_t i = 0; i < bindings.size(); ++i) {
      bindings_[i] = bindings[i];
      buffers_[i] = Ref<Buffer>::share(bindings[i].buffer);
    }
    return okStatus();
  }

  /// Registers with all points; may make the submission ready at once.
  void startWaiting() {
    pendingWaits_.store(static_cast<uint32_t>(waits_.size()) + 1);
    // The waits may be let go by a cancellation meanwhile.
    Ref<Fence> fence = wait_;
    for (size_t i = 0; i < waits_.size(); ++i) {
      waits_[i].submission = this;
      waits_[i].timepoint.callback = reached;
      waits_[i].timepoint.value = fence->point(i).value;
      retain();
      fence->point(i).semaphore->acquireTimepoint(&waits_[i].timepoint);
    }
    countDown();
  }

  /// Whether there is work, and a buffer bound for it shares memory with
  /// [begin, end).
  bool uses(uint64_t begin, uint64_t end) const noexcept {
    auto shares = [&](const Ref<Buffer> &own) {
      return own && own->devicePointer() < end &&
             begin < own->devicePointer() + own->byteLength();
    };
    return commandBuffer_ && std::ranges::any_of(buffers_.span(), shares);
  }

  /// Lets go of all but the signal fence. Not while the queue still has it.
  void releaseResources() {
    commandBuffer_.reset();
    buffers_.reset();
    bindings_.reset();
    wait_.reset();
  }

  Ref<SubmissionQueue> queue_;
  Ref<Fence> wait_;
  Ref<Fence> signal_;
  Ref<CommandBuffer> commandBuffer_;
  HostArray<Wait> waits_;
  HostArray<BufferRef> bindings_;
  HostArray<Ref<Buffer>> buffers_;
  // All below: guarded by the queue's mutex.
  Status waitFailure_;
  uint64_t number_ = 0;        ///< in the order of submission
  Submission *next_ = nullptr; ///< in flight
  Submission *previous_ = nullptr;
  Submission *nextReady_ = nullptr;
  bool ready_ = false;
  bool cancelled_ = false;

private:
  ~Submission() override = default;

  static void reached(Timepoint *timepoint, const Status &status) {
    Submission *self = reinterpret_cast<Wait *>(timepoint)->submission;
    if (!status.isOk()) {
      std::lock_guard lock(self->queue_->mutex_);
      if (self->waitFailure_.isOk())
        self->waitFailure_ = status.clone();
    }
    self->countDown();
    self->release();
  }

  void countDown() {
    if (pendingWaits_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      queue_->makeReady(*this);
  }

  std::atomic<uint32_t> pendingWaits_{0};
};

constexpr TypeDescriptor Submission::kType{"hal.submission",
                                           ObjectKind::Submission};

StatusOr<Ref<SubmissionQueue>>
SubmissionQueue::create(Ref<CommandRunner> runner, bool isInline,
                        HostAllocator &allocator) {
  auto queue = makeRef<SubmissionQueue>(allocator, std::move(runner), isInline);
  if (!queue)
    return outOfMemoryError("a device queue");
  return queue;
}

Status SubmissionQueue::submit(Fence *wait, Fence *signal,
                               CommandBuffer *commandBuffer,
                               BindingTable bindings) {
  if (isForked())
    return unavailableError("the device was made before fork and queues work "
                            "in the parent process only, make one here");
  auto submission = makeRef<Submission>(hostAllocator(), *this);
  if (!submission)
    return outOfMemoryError("a submission");
  FUSILLI_STATUS_RETURN_IF_ERROR(
      submission->prepare(wait, signal, commandBuffer, bindings));
  if (commandBuffer != nullptr) {
    FUSILLI_STATUS_RETURN_IF_ERROR(
        commandBuffer->checkWaits(wait != nullptr ? wait->size() : 0));
    FUSILLI_STATUS_RETURN_IF_ERROR(commandBuffer->checkBindings(bindings));
    FUSILLI_STATUS_RETURN_IF_ERROR(commandBuffer->acquireForSubmit(bindings));
  }
  {
    std::unique_lock lock(mutex_);
    if (closed_)
      return cancelledError("the device is being destroyed");
    if (!failure_.isOk()) {
      Status failure = failure_.clone();
      lock.unlock();
      Fence::fail(signal, failure);
      return failure;
    }
    submission->next_ = inFlight_;
    if (inFlight_ != nullptr)
      inFlight_->previous_ = submission.get();
    inFlight_ = submission.get();
    submission->retain();
    submission->number_ = ++submitted_;
    ++unfinished_;
  }
  submission->startWaiting();
  return okStatus();
}

void SubmissionQueue::unlink(Submission &submission) {
  if (submission.previous_ != nullptr)
    submission.previous_->next_ = submission.next_;
  else
    inFlight_ = submission.next_;
  if (submission.next_ != nullptr)
    submission.next_->previous_ = submission.previous_;
  submission.next_ = nullptr;
  submission.previous_ = nullptr;
}

void SubmissionQueue::makeReady(Submission &submission) {
  {
    std::lock_guard lock(mutex_);
    if (submission.cancelled_)
      return;
    submission.ready_ = true;
    if (readyTail_ != nullptr)
      readyTail_->nextReady_ = &submission;
    else
      readyHead_ = &submission;
    readyTail_ = &submission;
    if (!inline_ && (threadStarted_ || startThread())) {
      changed_.notify_all();
      return;
    }
    // One thread at a time, so that a long chain does not recurse.
    if (draining_)
      return;
    draining_ = true;
  }
  drainInline();
}

bool SubmissionQueue::startThread() {
  retain(); // for the thread
  threadStarted_ = pthread_create(&thread_, nullptr, threadMain, this) == 0;
  if (!threadStarted_)
    release();
  return threadStarted_;
}

void *SubmissionQueue::threadMain(void *self) {
  pthread_setname_np(pthread_self(), "fusilli-queue");
  auto queue =
      Ref<SubmissionQueue>::adopt(static_cast<SubmissionQueue *>(self));
  queue->threadLoop();
  return nullptr;
}

void SubmissionQueue::threadLoop() {
  while (true) {
    Submission *submission = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return readyHead_ != nullptr || closed_; });
      submission = popReady();
    }
    if (submission == nullptr)
      return;
    run(*submission);
  }
}

void SubmissionQueue::drainInline() {
  auto self = Ref<SubmissionQueue>::share(this);
  while (true) {
    Submission *submission = nullptr;
    {
      std::lock_guard lock(mutex_);
      submission = popReady();
      if (submission == nullptr) {
        draining_ = false;
        return;
      }
    }
    run(*submission);
  }
}

Submission *SubmissionQueue::popReady() {
  Submission *submission = readyHead_;
  if (submission == nullptr)
    return nullptr;
  readyHead_ = submission->nextReady_;
  if (readyHead_ == nullptr)
    readyTail_ = nullptr;
  return submission;
}

void SubmissionQueue::run(Submission &submission) {
  Status status;
  {
    std::lock_guard lock(mutex_);
    status = submission.waitFailure_.isOk() ? failure_.clone()
                                            : submission.waitFailure_.clone();
  }
  if (status.isOk() && submission.commandBuffer_) {
    status =
        runner_->run(*submission.commandBuffer_, submission.bindings_.span());
    if (!status.isOk()) {
      std::lock_guard lock(mutex_);
      if (failure_.isOk())
        failure_ = status.clone();
    }
  }
  Ref<Fence> signal = std::move(submission.signal_);
  {
    std::lock_guard lock(mutex_);
    unlink(submission);
  }
  submission.releaseResources();
  submission.release();
  if (status.isOk())
    status = Fence::signal(signal.get());
  if (!status.isOk())
    Fence::fail(signal.get(), status);
  signal.reset();
  {
    std::lock_guard lock(mutex_);
    --unfinished_;
  }
  changed_.notify_all();
}

Status SubmissionQueue::waitIdle(int64_t timeoutNs) {
  if (isForked())
    return okStatus(); // what is queued is the parent's
  std::unique_lock lock(mutex_);
  auto done = [&] { return unfinished_ == 0; };
  using Clock = std::chrono::steady_clock;
  auto now = Clock::now();
  auto limit = std::chrono::nanoseconds(timeoutNs < 0 ? 0 : timeoutNs);
  if (limit >= Clock::time_point::max() - now)
    changed_.wait(lock, done);
  else if (!changed_.wait_until(lock, now + limit, done))
    return deadlineExceededError(
        strCat(unfinished_, " submissions are not complete"));
  return okStatus();
}

Status SubmissionQueue::waitForBuffer(const Buffer &buffer) {
  if (isForked())
    return okStatus(); // what is queued is the parent's
  const uint64_t begin = buffer.devicePointer();
  const uint64_t end = begin + buffer.byteLength();
  std::unique_lock lock(mutex_);
  const uint64_t last = submitted_;
  changed_.wait(lock, [&] {
    for (const Submission *s = inFlight_; s != nullptr; s = s->next_)
      if (s->number_ <= last && s->uses(begin, end))
        return false;
    return true;
  });
  return okStatus();
}

void SubmissionQueue::close() {
  if (isForked())
    return;
  Submission *cancelled = nullptr;
  pthread_t thread{};
  bool join = false;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (Submission *s = inFlight_; s != nullptr;) {
      Submission *next = s->next_;
      if (!s->ready_) {
        s->cancelled_ = true;
        unlink(*s);
        s->nextReady_ = cancelled;
        cancelled = s;
        --unfinished_;
      }
      s = next;
    }
    join = threadStarted_;
    thread = thread_;
  }
  changed_.notify_all();
  while (cancelled != nullptr) {
    Submission *submission = cancelled;
    cancelled = submission->nextReady_;
    Ref<Fence> signal = std::move(submission->signal_);
    submission->releaseResources();
    submission->release();
    Fence::fail(signal.get(), cancelledError("the device was destroyed"));
  }
  if (!join)
    return;
  // The last reference to a device may drop on its own queue thread.
  if (pthread_equal(thread, pthread_self()) != 0)
    pthread_detach(thread);
  else
    pthread_join(thread, nullptr);
}

} // namespace fusilli::hal
