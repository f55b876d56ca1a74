// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// WorkerPool: runs ranges of a counted loop on several threads. One pool is
// shared by all devices of the process that did not ask for a size of their
// own. Workers spin briefly after work, then sleep on a futex; an idle pool
// uses no CPU.
#ifndef RUNTIME_BASE_WORKER_POOL_H
#define RUNTIME_BASE_WORKER_POOL_H

#include "runtime/base/cpu_count.h"
#include "support/ref.h"

#include <cstdint>

namespace fusilli {

/// What a loop runs: [begin, end) of the count. `localMemory` is private to
/// the call and 64-byte aligned, of at least the bytes the submission asked
/// for. Non-zero stops handing out ranges; the first such value is reported.
using RangeFn = int32_t (*)(void *context, uint64_t begin, uint64_t end,
                            void *localMemory, uint32_t worker);

/// Thread safety: thread-safe. Several threads may submit at once and a loop
/// body may submit again: whoever finds the pool busy, or as many callers
/// inside as the pool has threads, runs its loop alone.
class WorkerPool : public RefObject {
public:
  static const TypeDescriptor kType;
  static constexpr uint32_t kMaxThreads = 1024;

  /// A pool of `threadCount` threads, the submitting one included.
  static StatusOr<Ref<WorkerPool>>
  create(uint32_t threadCount, HostAllocator &allocator = systemAllocator());
  /// The shared pool of defaultThreadCount() threads: made on first use,
  /// destroyed with its last owner.
  static StatusOr<Ref<WorkerPool>> shared();

  uint32_t threadCount() const noexcept { return threadCount_; }

  /// Makes every worker's local memory at least this large, so that loops need
  /// not. Call at load time.
  virtual Status reserveLocalMemory(uint64_t bytes) = 0;

  /// Runs [0, count) and returns when all of it is done; the caller takes part
  /// as worker 0. The count is divided evenly; each thread takes ranges of its
  /// own part, large ones first, then of the others'. No heap allocation (but
  /// the caller's own local memory when this thread never had as much). Gives
  /// ResourceExhausted, or Internal with the body's non-zero value in
  /// `*failure`.
  virtual Status parallelFor(uint64_t count, RangeFn fn, void *context,
                             uint64_t localMemoryBytes, int32_t *failure) = 0;

protected:
  WorkerPool(HostAllocator &allocator, uint32_t threadCount) noexcept
      : RefObject(kType, allocator), threadCount_(threadCount) {}

private:
  const uint32_t threadCount_;
};

/// This thread's scratch memory for a loop that runs inline, private until the
/// object dies; also for a loop inside a loop. Allocates only when the thread
/// never had as much.
/// Thread safety: one thread.
class ThreadScratch {
public:
  explicit ThreadScratch(uint64_t bytes) noexcept;
  ~ThreadScratch();
  ThreadScratch(const ThreadScratch &) = delete;
  ThreadScratch &operator=(const ThreadScratch &) = delete;

  /// False when out of memory.
  bool ok() const noexcept { return memory_ != nullptr || bytes_ == 0; }
  /// 64-byte aligned; may be null for 0 bytes.
  void *memory() const noexcept { return memory_; }

private:
  void *memory_ = nullptr;
  uint64_t bytes_ = 0;
  uint64_t ownPages_ = 0; ///< not 0: pages of this object alone
};

} // namespace fusilli

#endif // RUNTIME_BASE_WORKER_POOL_H
