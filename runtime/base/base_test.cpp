// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pool: every index once, nesting, concurrency, failure, fork, sizes.
#include "runtime/base/cpu_count.h"
#include "runtime/base/float_environment.h"
#include "runtime/base/local_arena.h"
#include "runtime/base/worker_pool.h"
#include "support/fault.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace fusilli {
namespace {

struct Cells {
  explicit Cells(uint64_t count) : cells(count) {}
  std::vector<std::atomic<uint32_t>> cells;

  static int32_t run(void *context, uint64_t begin, uint64_t end, void *,
                     uint32_t) {
    auto *self = static_cast<Cells *>(context);
    for (uint64_t i = begin; i < end; ++i)
      self->cells[i].fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  bool allEqual(uint32_t value) const {
    for (const auto &cell : cells)
      if (cell.load() != value)
        return false;
    return true;
  }
};

Ref<WorkerPool> makePool(uint32_t threads) {
  auto pool = WorkerPool::create(threads);
  EXPECT_TRUE(pool.isOk());
  return *std::move(pool);
}

TEST(WorkerPoolTest, EveryIndexRunsExactlyOnce) {
  constexpr uint64_t kSeed = 4;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (uint32_t threads : {1u, 2u, 3u, 8u}) {
    auto pool = makePool(threads);
    for (int round = 0; round < 2000; ++round) {
      Cells cells(random() % 300);
      ASSERT_TRUE(
          pool->parallelFor(cells.cells.size(), Cells::run, &cells, 0, nullptr)
              .isOk());
      ASSERT_TRUE(cells.allEqual(1)) << threads;
    }
  }
}

TEST(WorkerPoolTest, WorksAfterItsThreadsSlept) {
  auto pool = makePool(4);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    Cells cells(64);
    ASSERT_TRUE(pool->parallelFor(64, Cells::run, &cells, 0, nullptr).isOk());
    ASSERT_TRUE(cells.allEqual(1));
  }
}

TEST(WorkerPoolTest, ManyCallersAtOnce) {
  auto pool = makePool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        Cells cells(100);
        Status status = pool->parallelFor(100, Cells::run, &cells, 64, nullptr);
        wrong += !status.isOk() || !cells.allEqual(1);
      }
    });
  for (auto &caller : callers)
    caller.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(WorkerPoolTest, CallerThatSleptIsAlwaysWoken) {
  // More threads than processors, and bodies that end at about the time the
  // caller stops spinning: its last wake-up must not be lost.
  auto pool = makePool(4);
  auto body = [](void *context, uint64_t, uint64_t, void *,
                 uint32_t worker) -> int32_t {
    auto pause = *static_cast<const uint32_t *>(context);
    for (uint32_t i = 0; i < (worker == 0 ? 1000 : pause); ++i)
      asm volatile("");
    return 0;
  };
  for (uint32_t round = 0; round < 150'000; ++round) {
    uint32_t pause = 1000 + round % 16'000;
    ASSERT_TRUE(pool->parallelFor(4, body, &pause, 0, nullptr).isOk());
  }
}

/// A loop body that stays inside until it is let go.
struct Held {
  std::atomic<bool> entered{false}, letGo{false};
  static int32_t run(void *context, uint64_t, uint64_t, void *, uint32_t) {
    auto *self = static_cast<Held *>(context);
    self->entered = true;
    while (!self->letGo)
      std::this_thread::yield();
    return 0;
  }
};

/// How many threads are in a loop's bodies at once, at most.
struct Crowd {
  std::atomic<int> now{0}, most{0};
  static int32_t run(void *context, uint64_t, uint64_t, void *, uint32_t) {
    auto *self = static_cast<Crowd *>(context);
    int inside = ++self->now;
    int most = self->most;
    while (most < inside && !self->most.compare_exchange_weak(most, inside)) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    --self->now;
    return 0;
  }
};

TEST(WorkerPoolTest, CallersCountAsThreads) {
  auto pool = makePool(3);
  auto call = [&](Held &held) {
    return std::thread([&] {
      EXPECT_TRUE(pool->parallelFor(2, Held::run, &held, 0, nullptr).isOk());
    });
  };
  auto await = [](Held &held) {
    while (!held.entered)
      std::this_thread::yield();
  };
  // The first gets the pool, the second finds it busy and runs alone.
  Held first, second;
  std::thread a = call(first);
  await(first);
  std::thread b = call(second);
  await(second);
  first.letGo = true;
  a.join();
  Crowd crowd;
  for (int round = 0; round < 50; ++round)
    ASSERT_TRUE(pool->parallelFor(12, Crowd::run, &crowd, 0, nullptr).isOk());
  EXPECT_LE(crowd.most, 2); // the third thread is the second caller
  second.letGo = true;
  b.join();
  // All three are there again.
  crowd.most = 0;
  for (int round = 0; round < 2000 && crowd.most < 3; ++round)
    ASSERT_TRUE(pool->parallelFor(12, Crowd::run, &crowd, 0, nullptr).isOk());
  EXPECT_EQ(crowd.most, 3);
}

struct Nested {
  WorkerPool *pool;
  std::atomic<uint32_t> inner{0};
};

TEST(WorkerPoolTest, NestedLoopsFinish) {
  auto pool = makePool(4);
  Nested nested{pool.get()};
  auto outer = [](void *context, uint64_t begin, uint64_t end, void *local,
                  uint32_t) -> int32_t {
    auto *self = static_cast<Nested *>(context);
    std::memset(local, 1, 128);
    for (uint64_t i = begin; i < end; ++i) {
      auto body = [](void *c, uint64_t b, uint64_t e, void *memory,
                     uint32_t) -> int32_t {
        std::memset(memory, 2, 128);
        static_cast<Nested *>(c)->inner += static_cast<uint32_t>(e - b);
        return 0;
      };
      if (!self->pool->parallelFor(10, body, self, 128, nullptr).isOk())
        return 1;
    }
    // The inner loops had memory of their own.
    for (int i = 0; i < 128; ++i)
      if (static_cast<uint8_t *>(local)[i] != 1)
        return 2;
    return 0;
  };
  int32_t failure = -1;
  ASSERT_TRUE(pool->parallelFor(50, outer, &nested, 128, &failure).isOk());
  EXPECT_EQ(failure, 0);
  EXPECT_EQ(nested.inner.load(), 500u);
}

TEST(WorkerPoolTest, FailureStopsAndIsReported) {
  auto pool = makePool(2);
  auto body = [](void *, uint64_t begin, uint64_t end, void *,
                 uint32_t) -> int32_t {
    return begin <= 500 && 500 < end ? 42 : 0;
  };
  int32_t failure = 0;
  Status status = pool->parallelFor(1000, body, nullptr, 0, &failure);
  EXPECT_EQ(status.code(), StatusCode::Internal);
  EXPECT_EQ(failure, 42);
  Cells cells(100);
  EXPECT_TRUE(pool->parallelFor(100, Cells::run, &cells, 0, &failure).isOk());
  EXPECT_EQ(failure, 0);
  EXPECT_TRUE(cells.allEqual(1));
}

TEST(WorkerPoolTest, LocalMemoryIsPrivateAndAligned) {
  auto pool = makePool(4);
  constexpr uint64_t kBytes = 100000;
  ASSERT_TRUE(pool->reserveLocalMemory(kBytes).isOk());
  auto body = [](void *, uint64_t begin, uint64_t end, void *local,
                 uint32_t worker) -> int32_t {
    if (reinterpret_cast<uintptr_t>(local) % 64 != 0)
      return 1;
    std::memset(local, static_cast<int>(worker + 1), kBytes);
    std::this_thread::yield();
    for (uint64_t i = 0; i < kBytes; ++i)
      if (static_cast<uint8_t *>(local)[i] != worker + 1)
        return 2;
    return 0;
  };
  for (int round = 0; round < 20; ++round)
    ASSERT_TRUE(pool->parallelFor(16, body, nullptr, kBytes, nullptr).isOk());
}

TEST(WorkerPoolTest, TooMuchLocalMemoryIsAnError) {
  auto pool = makePool(2);
  EXPECT_EQ(pool->reserveLocalMemory(uint64_t{1} << 50).code(),
            StatusCode::ResourceExhausted);
  Cells cells(10);
  EXPECT_EQ(
      pool->parallelFor(10, Cells::run, &cells, uint64_t{1} << 50, nullptr)
          .code(),
      StatusCode::ResourceExhausted);
  EXPECT_TRUE(pool->parallelFor(10, Cells::run, &cells, 0, nullptr).isOk());
}

TEST(WorkerPoolTest, IdleUsesNoCpu) {
  auto pool = makePool(4);
  Cells cells(100);
  ASSERT_TRUE(pool->parallelFor(100, Cells::run, &cells, 0, nullptr).isOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.0015 * 4); // half a percent, with room for the clock
}

#if !defined(__SANITIZE_THREAD__)
TEST(WorkerPoolTest, ChildProcessRunsAlone) {
  auto pool = makePool(3);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Cells cells(1000);
    Status status = pool->parallelFor(1000, Cells::run, &cells, 64, nullptr);
    _exit(status.isOk() && cells.allEqual(1) ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}
#endif

TEST(WorkerPoolTest, SharedPoolLivesWithItsOwners) {
  int64_t before = liveObjects(ObjectKind::WorkerPool);
  {
    auto a = WorkerPool::shared();
    auto b = WorkerPool::shared();
    ASSERT_TRUE(a.isOk());
    EXPECT_EQ(a->get(), b->get());
    EXPECT_EQ(liveObjects(ObjectKind::WorkerPool), before + 1);
  }
  EXPECT_EQ(liveObjects(ObjectKind::WorkerPool), before);
}

TEST(WorkerPoolTest, FailedStartLeavesNothing) {
  int64_t before = liveObjects(ObjectKind::WorkerPool);
  armFault(FaultPoint::WorkerStart, 1, StatusCode::ResourceExhausted);
  EXPECT_EQ(WorkerPool::create(4).code(), StatusCode::ResourceExhausted);
  for (uint64_t n = 1; n <= 2; ++n) {
    CountingAllocator allocator;
    allocator.failNth(n);
    EXPECT_EQ(WorkerPool::create(4, allocator).code(),
              StatusCode::ResourceExhausted);
    EXPECT_EQ(allocator.counts().liveBlocks, 0);
  }
  EXPECT_EQ(liveObjects(ObjectKind::WorkerPool), before);
}

TEST(WorkerPoolTest, FailedStartOfTheSharedPoolIsTriedAgain) {
  setenv("FUSILLI_NUM_THREADS", "3", 1);
  int64_t pools = liveObjects(ObjectKind::WorkerPool);
  armFault(FaultPoint::WorkerStart, 1, StatusCode::Unavailable);
  EXPECT_EQ(WorkerPool::shared().code(), StatusCode::Unavailable);
  EXPECT_EQ(liveObjects(ObjectKind::WorkerPool), pools);
  auto pool = WorkerPool::shared();
  ASSERT_TRUE(pool.isOk());
  EXPECT_EQ((*pool)->threadCount(), 3u);
  unsetenv("FUSILLI_NUM_THREADS");
}

TEST(WorkerPoolTest, SizesOutOfRangeAreRefused) {
  EXPECT_EQ(WorkerPool::create(0).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(WorkerPool::create(1025).code(), StatusCode::InvalidArgument);
}

class CpuCountTest : public ::testing::Test {
protected:
  void SetUp() override {
    const char *old = std::getenv("FUSILLI_NUM_THREADS");
    if (old != nullptr)
      saved_ = old;
    root_ = std::filesystem::temp_directory_path() /
            strCat("fusilli-cgroup-", getpid());
    std::filesystem::create_directories(root_ / "a" / "b");
  }
  void TearDown() override {
    if (saved_.empty())
      unsetenv("FUSILLI_NUM_THREADS");
    else
      setenv("FUSILLI_NUM_THREADS", saved_.c_str(), 1);
    std::filesystem::remove_all(root_);
  }
  void write(const char *path, const char *text) {
    std::ofstream(root_ / path) << text;
  }
  std::filesystem::path root_;
  std::string saved_;
};

TEST_F(CpuCountTest, EnvironmentOverrides) {
  setenv("FUSILLI_NUM_THREADS", "3", 1);
  EXPECT_EQ(*defaultThreadCount(), 3u);
  for (const char *bad :
       {"0", "-1", "two", "3x", "1025", " 4", "99999999999999999999"}) {
    setenv("FUSILLI_NUM_THREADS", bad, 1);
    auto count = defaultThreadCount();
    EXPECT_EQ(count.code(), StatusCode::InvalidArgument) << bad;
    EXPECT_NE(count.status().message().find(bad), std::string_view::npos);
    EXPECT_NE(count.status().message().find("FUSILLI_NUM_THREADS"),
              std::string_view::npos);
  }
  setenv("FUSILLI_NUM_THREADS", "", 1);
  EXPECT_EQ(*defaultThreadCount(), availableCpus());
}

TEST_F(CpuCountTest, QuotaOfAnyParentCounts) {
  std::string root = root_.string();
  EXPECT_EQ(cgroupCpuLimit(root, "/a/b"), 0u);
  write("cpu.max", "max 100000\n");
  EXPECT_EQ(cgroupCpuLimit(root, "/a/b"), 0u);
  write("a/cpu.max", "250000 100000\n");
  EXPECT_EQ(cgroupCpuLimit(root, "/a/b"), 3u);
  write("a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroupCpuLimit(root, "/a/b"), 1u);
  EXPECT_EQ(cgroupCpuLimit(root, "/"), 0u);
  std::filesystem::remove(root_ / "a/b/cpu.max");
  write("a/b/cpu.cfs_quota_us", "150000");
  write("a/b/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cgroupCpuLimit(root, "/a/b"), 2u);
  write("a/b/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(cgroupCpuLimit(root, "/a/b"), 3u);
}

TEST_F(CpuCountTest, AffinityCounts) {
  EXPECT_GE(availableCpus(), 1u);
  uint32_t inThread = 0;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    inThread = availableCpus();
  }).join();
  EXPECT_EQ(inThread, 1u);
}

TEST(LocalArenaTest, GrowsAndKeepsAlignment) {
  LocalArena arena;
  EXPECT_EQ(arena.reserve(0), nullptr);
  void *small = arena.reserve(100);
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(arena.reserve(50), small);
  void *large = arena.reserve(3 << 20);
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % (2 << 20), 0u);
  std::memset(large, 1, 3 << 20);
  EXPECT_EQ(arena.reserve(uint64_t{1} << 60), nullptr);
  EXPECT_EQ(arena.reserve(1), large);
}

} // namespace
TEST(FloatEnvironmentTest, KernelsKeepSubnormalsAndTheCallerItsSettings) {
  constexpr unsigned kFlushRoundUp = 0x1f80 | 0x8040 | 0x4000;
  unsigned before = _mm_getcsr();
  _mm_setcsr(kFlushRoundUp);
  volatile float smallest = 1e-38f;
  float inside = 0;
  {
    FloatEnvironment environment;
    inside = smallest * 0.5f; // subnormal, inexact
    EXPECT_EQ(_mm_getcsr() & ~0x3fu, kKernelMxcsr);
  }
  unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(after, kFlushRoundUp);
  EXPECT_GT(inside, 0.0f);
}

} // namespace fusilli
