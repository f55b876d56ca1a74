// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// WorkerPool: runs ranges of a counted loop on several threads. One pool is
// shared by all devices of the process that did not ask for a size of their
// own. Workers spin briefly after work, then sleep on a futex; an idle pool
// uses no CPU.
#ifndef RUNTIME_BASE_WORKER_POOL_H
#define RUNTIME_BASE_WORKER_POOL_H

#include "support/ref.h"

#include <cstdint>

namespace fusilli {

/// CPUs that this process may use: its affinity mask, cut by the cgroup CPU
/// quota (rounded up); at least 1.
uint32_t availableCpus();

/// FUSILLI_NUM_THREADS when set, else availableCpus(). InvalidArgument, naming
/// the variable and its value, when it is not a number in [1, 1024].
StatusOr<uint32_t> defaultThreadCount();

/// What a loop runs: [begin, end) of the count. `localMemory` is private to
/// the call and 64-byte aligned, of at least the bytes the submission asked
/// for. Non-zero stops handing out ranges; the first such value is reported.
using RangeFn = int32_t (*)(void *context, uint64_t begin, uint64_t end,
                            void *localMemory, uint32_t worker);

/// Thread safety: thread-safe. Several threads may submit at once and a loop
/// body may submit again: whoever finds the pool busy runs its loop alone.
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
  /// as worker 0. Contiguous ranges are handed out while there are any, large
  /// ones first. No heap allocation (but the caller's own local memory when
  /// this thread never had as much). Gives ResourceExhausted, or Internal with
  /// the body's non-zero value in `*failure`.
  virtual Status parallelFor(uint64_t count, RangeFn fn, void *context,
                             uint64_t localMemoryBytes, int32_t *failure) = 0;

protected:
  WorkerPool(HostAllocator &allocator, uint32_t threadCount) noexcept
      : RefObject(kType, allocator), threadCount_(threadCount) {}

private:
  const uint32_t threadCount_;
};

/// This thread's own local memory, for loops that run inline: at least `bytes`,
/// 64-byte aligned, valid until the next call on this thread. Null when out of
/// memory. Allocates only when it must grow.
void *threadLocalMemory(uint64_t bytes) noexcept;

} // namespace fusilli

#endif // RUNTIME_BASE_WORKER_POOL_H
