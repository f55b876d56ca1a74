// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pool's protocol. One job at a time; its fields are written only while
// the gate is shut and empty. A submitter opens the gate, bumps the wake word,
// works itself, shuts the gate and waits for those inside. A worker that comes
// late finds the gate shut and has missed nothing: nobody waits for sleepers.
// Calling threads are counted, so that callers and workers together are no more
// than the pool has threads: as many callers as threads run alone.
#include "runtime/base/worker_pool.h"

#include "runtime/base/float_environment.h"
#include "runtime/base/fork.h"

#include "runtime/base/futex.h"
#include "runtime/base/local_arena.h"
#include "support/fault.h"
#include "support/weak_slot.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <pthread.h>

namespace fusilli {

const TypeDescriptor WorkerPool::kType{"base.worker_pool",
                                       ObjectKind::WorkerPool};

namespace {

constexpr int64_t kSpinNs = 50'000;
constexpr int64_t kSpinOversubscribedNs = 1'000;

/// Spins until `done()`; false after `limitNs`.
template <typename Done> bool spinUntil(int64_t limitNs, Done &&done) {
  using Clock = std::chrono::steady_clock;
  constexpr int kPauses = 32;
  for (int i = 0; i < kPauses; ++i) {
    if (done())
      return true;
    spinPause();
  }
  auto end = Clock::now() + std::chrono::nanoseconds(limitNs);
  do {
    for (int i = 0; i < kPauses; ++i) {
      if (done())
        return true;
      spinPause();
    }
  } while (Clock::now() < end);
  return done();
}

class ThreadPool final : public WorkerPool {
public:
  ThreadPool(HostAllocator &allocator, uint32_t threadCount) noexcept
      : WorkerPool(allocator, threadCount), generation_(forkGeneration()),
        spinNs_(threadCount <= availableCpus() ? kSpinNs
                                               : kSpinOversubscribedNs) {}

  Status start();
  /// The slot that holds this pool; unset for one that never got there.
  void setSlot(WeakSlot<WorkerPool> *slot) noexcept { slot_ = slot; }
  Status reserveLocalMemory(uint64_t bytes) override;
  Status parallelFor(uint64_t count, RangeFn fn, void *context,
                     uint64_t localMemoryBytes, int32_t *failure) override;

private:
  // Gate: low bits count the workers inside.
  static constexpr uint32_t kOpen = 1u << 31;
  static constexpr uint32_t kCallerSleeps = 1u << 30;
  static constexpr uint32_t kInside = kCallerSleeps - 1;

  struct Worker {
    ThreadPool *pool = nullptr;
    uint32_t index = 0;
    pthread_t thread{};
  };

  /// A contiguous part of the count.
  struct alignas(64) Share {
    std::atomic<uint64_t> next{0};
    uint64_t end = 0;
  };

  ~ThreadPool() override;
  static void *threadMain(void *self);
  void workerLoop(uint32_t index);
  uint32_t awaitWake(uint32_t seen);
  void takePart(uint32_t index, LocalArena &arena);
  void runRanges(void *localMemory, uint32_t worker);
  void divide(uint64_t count, uint32_t threads);
  void shutGate();
  Status runOnPool(uint64_t count, RangeFn fn, void *context,
                   uint64_t localMemoryBytes, uint32_t workers,
                   int32_t *failure);
  Status runInline(uint64_t count, RangeFn fn, void *context,
                   uint64_t localMemoryBytes, int32_t *failure);
  void stop();

  // The job: written by the submitter while the gate is shut and empty.
  uint64_t localMemoryBytes_ = 0;
  RangeFn fn_ = nullptr;
  void *context_ = nullptr;
  uint32_t shareCount_ = 0;
  HostArray<Share> shares_; // of each thread; their ends belong to the job

  alignas(64) std::atomic<uint32_t> gate_{0};
  alignas(64) std::atomic<uint32_t> wakeWord_{0};
  std::atomic<uint32_t> sleepers_{0};
  alignas(64) std::atomic<uint32_t> busy_{0};
  std::atomic<uint32_t> callers_{0}; ///< threads inside parallelFor
  std::atomic<uint32_t> room_{0};    ///< workers that may join the job
  std::atomic<int32_t> failure_{0};
  std::atomic<bool> outOfMemory_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> wantedLocalMemory_{0};

  WeakSlot<WorkerPool> *slot_ = nullptr; // Borrowed: static.
  const uint32_t generation_;
  const int64_t spinNs_;
  HostArray<Worker> workers_;
  uint32_t started_ = 0;
};

Status ThreadPool::start() {
  uint32_t extra = threadCount() - 1;
  if (!workers_.allocate(hostAllocator(), extra) ||
      !shares_.allocate(hostAllocator(), threadCount()))
    return outOfMemoryError("the worker pool");
  // Signals are for the program's own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status;
  for (uint32_t i = 0; i < extra && status.isOk(); ++i) {
    workers_[i].pool = this;
    workers_[i].index = i + 1;
    status = checkFault(FaultPoint::WorkerStart);
    if (!status.isOk())
      break;
    if (pthread_create(&workers_[i].thread, nullptr, threadMain,
                       &workers_[i]) != 0) {
      status = resourceExhaustedError(
          strCat("cannot start worker thread ", i + 1, " of ", extra));
      break;
    }
    ++started_;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

ThreadPool::~ThreadPool() {
  if (slot_ != nullptr)
    slot_->forget(this);
  stop();
}

void ThreadPool::stop() {
  // After fork the threads exist in the parent only.
  if (generation_ != forkGeneration())
    return;
  stopping_.store(true);
  wakeWord_.fetch_add(1);
  futexWake(wakeWord_, started_);
  for (uint32_t i = 0; i < started_; ++i)
    pthread_join(workers_[i].thread, nullptr);
}

void *ThreadPool::threadMain(void *self) {
  auto *worker = static_cast<Worker *>(self);
  char name[16];
  std::snprintf(name, sizeof(name), "fusilli-%u", worker->index);
  pthread_setname_np(pthread_self(), name);
  // A thread inherits its creator's environment; this one only runs kernels.
  _mm_setcsr(kKernelMxcsr);
  worker->pool->workerLoop(worker->index);
  return nullptr;
}

void ThreadPool::workerLoop(uint32_t index) {
  LocalArena arena;
  uint32_t seen = 0;
  while (true) {
    seen = awaitWake(seen);
    if (stopping_.load(std::memory_order_relaxed))
      return;
    // What cannot be had now is asked for again by the job that needs it.
    arena.reserve(wantedLocalMemory_.load(std::memory_order_relaxed));
    takePart(index, arena);
  }
}

uint32_t ThreadPool::awaitWake(uint32_t seen) {
  auto changed = [&] {
    return wakeWord_.load(std::memory_order_acquire) != seen;
  };
  while (!spinUntil(spinNs_, changed)) {
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    // A submitter bumps the word before it looks for sleepers.
    while (wakeWord_.load(std::memory_order_seq_cst) == seen)
      futexWait(wakeWord_, seen);
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
  }
  return wakeWord_.load(std::memory_order_acquire);
}

void ThreadPool::takePart(uint32_t index, LocalArena &arena) {
  uint32_t gate = gate_.load(std::memory_order_relaxed);
  do {
    if ((gate & kOpen) == 0 ||
        (gate & kInside) >= room_.load(std::memory_order_relaxed))
      return;
  } while (!gate_.compare_exchange_weak(
      gate, gate + 1, std::memory_order_acquire, std::memory_order_relaxed));
  void *localMemory = arena.reserve(localMemoryBytes_);
  if (localMemory == nullptr && localMemoryBytes_ != 0) {
    // The others do the work; the submission still fails, so that a shortage
    // does not go unnoticed.
    outOfMemory_.store(true, std::memory_order_relaxed);
  } else {
    runRanges(localMemory, index);
  }
  uint32_t before = gate_.fetch_sub(1, std::memory_order_acq_rel);
  if (before == (kCallerSleeps | 1))
    futexWake(gate_, 1);
}

void ThreadPool::runRanges(void *localMemory, uint32_t worker) {
  // One's own share first: the next loop over the same data finds it in this
  // core's cache. Then what others have left.
  for (uint32_t i = 0; i < shareCount_; ++i) {
    Share &share = shares_[(worker + i) % shareCount_];
    uint64_t begin = share.next.load(std::memory_order_relaxed);
    while (begin < share.end) {
      // Large ranges first, so that a kernel can keep what it packed; single
      // ones at the end, so that all finish together.
      uint64_t size = std::max<uint64_t>((share.end - begin) / 2, 1);
      if (!share.next.compare_exchange_weak(begin, begin + size,
                                            std::memory_order_relaxed))
        continue;
      if (failure_.load(std::memory_order_relaxed) != 0)
        return;
      int32_t result = fn_(context_, begin, begin + size, localMemory, worker);
      if (result != 0) {
        int32_t none = 0;
        failure_.compare_exchange_strong(none, result,
                                         std::memory_order_relaxed);
        return;
      }
      begin = share.next.load(std::memory_order_relaxed);
    }
  }
}

void ThreadPool::divide(uint64_t count, uint32_t threads) {
  shareCount_ = static_cast<uint32_t>(std::min<uint64_t>(count, threads));
  uint64_t size = count / shareCount_;
  uint64_t longer = count % shareCount_; // so many are longer by one
  uint64_t begin = 0;
  for (uint32_t i = 0; i < shareCount_; ++i) {
    shares_[i].next.store(begin, std::memory_order_relaxed);
    begin += size + (i < longer ? 1 : 0);
    shares_[i].end = begin;
  }
}

void ThreadPool::shutGate() {
  gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
  auto empty = [&] {
    return (gate_.load(std::memory_order_acquire) & kInside) == 0;
  };
  if (spinUntil(spinNs_, empty))
    return;
  uint32_t gate =
      gate_.fetch_or(kCallerSleeps, std::memory_order_acq_rel) | kCallerSleeps;
  // The value waited on is the one that was looked at: were it loaded again,
  // the last worker could leave in between and its wake-up would be lost.
  while ((gate & kInside) != 0) {
    futexWait(gate_, gate);
    gate = gate_.load(std::memory_order_acquire);
  }
  gate_.fetch_and(~kCallerSleeps, std::memory_order_relaxed);
}

Status ThreadPool::reserveLocalMemory(uint64_t bytes) {
  ThreadScratch own(bytes);
  if (!own.ok())
    return outOfMemoryError(strCat(bytes, " bytes of local memory"));
  uint64_t wanted = wantedLocalMemory_.load();
  while (wanted < bytes &&
         !wantedLocalMemory_.compare_exchange_weak(wanted, bytes)) {
  }
  if (wanted < bytes) {
    wakeWord_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) != 0)
      futexWake(wakeWord_, started_);
  }
  return okStatus();
}

Status ThreadPool::runInline(uint64_t count, RangeFn fn, void *context,
                             uint64_t localMemoryBytes, int32_t *failure) {
  ThreadScratch scratch(localMemoryBytes);
  if (!scratch.ok())
    return outOfMemoryError(strCat(localMemoryBytes, " bytes of local memory"));
  int32_t result = fn(context, 0, count, scratch.memory(), 0);
  if (failure != nullptr)
    *failure = result;
  if (result != 0)
    return internalError(strCat("a loop body gave ", result));
  return okStatus();
}

Status ThreadPool::runOnPool(uint64_t count, RangeFn fn, void *context,
                             uint64_t localMemoryBytes, uint32_t workers,
                             int32_t *failure) {
  ThreadScratch scratch(localMemoryBytes);
  if (!scratch.ok())
    return outOfMemoryError(strCat(localMemoryBytes, " bytes of local memory"));
  divide(count, workers + 1);
  fn_ = fn;
  context_ = context;
  localMemoryBytes_ = localMemoryBytes;
  failure_.store(0, std::memory_order_relaxed);
  outOfMemory_.store(false, std::memory_order_relaxed);
  room_.store(workers, std::memory_order_relaxed);
  gate_.store(kOpen, std::memory_order_release);
  wakeWord_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0)
    futexWake(wakeWord_,
              static_cast<uint32_t>(std::min<uint64_t>(count - 1, workers)));
  runRanges(scratch.memory(), 0);
  shutGate();
  int32_t result = failure_.load(std::memory_order_relaxed);
  if (failure != nullptr)
    *failure = result;
  if (result != 0)
    return internalError(strCat("a loop body gave ", result));
  if (outOfMemory_.load(std::memory_order_relaxed))
    return outOfMemoryError(strCat(localMemoryBytes, " bytes of local memory"));
  return okStatus();
}

Status ThreadPool::parallelFor(uint64_t count, RangeFn fn, void *context,
                               uint64_t localMemoryBytes, int32_t *failure) {
  if (failure != nullptr)
    *failure = 0;
  if (count == 0)
    return okStatus();
  if (count == 1 || started_ == 0 || generation_ != forkGeneration())
    return runInline(count, fn, context, localMemoryBytes, failure);

  uint32_t callers = callers_.fetch_add(1, std::memory_order_relaxed) + 1;
  Status status;
  if (callers >= threadCount() || busy_.load(std::memory_order_relaxed) != 0 ||
      busy_.exchange(1, std::memory_order_acquire) != 0) {
    status = runInline(count, fn, context, localMemoryBytes, failure);
  } else {
    status = runOnPool(count, fn, context, localMemoryBytes,
                       threadCount() - callers, failure);
    busy_.store(0, std::memory_order_release);
  }
  callers_.fetch_sub(1, std::memory_order_relaxed);
  return status;
}

StatusOr<Ref<WorkerPool>> createPool(uint32_t threadCount,
                                     HostAllocator &allocator,
                                     WeakSlot<WorkerPool> *slot) {
  if (threadCount < 1 || threadCount > WorkerPool::kMaxThreads)
    return invalidArgumentError(strCat("a pool of ", threadCount,
                                       " threads, expected 1 to ",
                                       WorkerPool::kMaxThreads));
  auto pool = makeRef<ThreadPool>(allocator, threadCount);
  if (!pool)
    return outOfMemoryError("the worker pool");
  FUSILLI_STATUS_RETURN_IF_ERROR(pool->start());
  // Not before: a pool that dies here must not ask for the slot's lock, which
  // is held.
  pool->setSlot(slot);
  return Ref<WorkerPool>(std::move(pool));
}

} // namespace

StatusOr<Ref<WorkerPool>> WorkerPool::create(uint32_t threadCount,
                                             HostAllocator &allocator) {
  return createPool(threadCount, allocator, nullptr);
}

StatusOr<Ref<WorkerPool>> WorkerPool::shared() {
  // Never destroyed: a pool may outlive static destruction.
  static WeakSlot<WorkerPool> &slot = *new WeakSlot<WorkerPool>();
  FUSILLI_STATUS_ASSIGN(uint32_t threads, defaultThreadCount());
  return slot.getOrCreate(
      [&] { return createPool(threads, systemAllocator(), &slot); });
}

} // namespace fusilli
