// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants: y = a + 2 b, where 2 b is computed before the first call. Content
// of b that changes unannounced shows whether that was done again.
#include "runtime/vm/modules/program_fixture.h"

#include "artifact/vm_abi.h"
#include "support/host_allocator.h"

#include <atomic>
#include <gmock/gmock.h>
#include <thread>

namespace fusilli::vm {
namespace {

using namespace testing;
using namespace artifact::testing;
using ::testing::HasSubstr;

constexpr int64_t kCount = 100;

std::vector<float> all(float value) {
  return std::vector<float>(kCount, value);
}

class PrepareTest : public DriverTest {
protected:
  void SetUp() override {
    DriverTest::SetUp();
    loaded_ = loadBytes(artifact::write(preparedArtifact(kCount, false)));
  }
  void TearDown() override {
    loaded_ = {};
    device_.reset();
  }

  ProgramModule &module() const {
    return static_cast<ProgramModule &>(*loaded_.main.module);
  }
  ModuleState &state() const { return *loaded_.context->state(&module()); }
  Ref<hal::BufferView> make(float value) {
    return floats(*device_, all(value));
  }
  void fill(hal::BufferView &view, float value) {
    std::vector<float> values = all(value);
    ASSERT_TRUE(
        device_
            ->hostToDevice(values.data(), *view.buffer(), 0, hal::kWholeBuffer)
            .isOk());
  }
  Status call(hal::BufferView &y, hal::BufferView &a, hal::BufferView &b) {
    RefObject *arguments[] = {&y, &a, &b, nullptr};
    return loaded_.context->invoke(loaded_.main, arguments);
  }
  /// y of one call.
  float run(hal::BufferView &a, hal::BufferView &b) {
    Ref<hal::BufferView> y = make(-1.0f);
    Status status = call(*y, a, b);
    EXPECT_TRUE(status.isOk()) << status.toString();
    std::vector<float> values = valuesOf(*y);
    EXPECT_EQ(values, all(values[0]));
    return values[0];
  }

  Loaded loaded_;
};

FUSILLI_ON_CPU_DRIVERS(PrepareTest);

TEST_P(PrepareTest, ComputedOnceUntilReleased) {
  auto a = make(1), b = make(10);
  EXPECT_EQ(module().preparedSize(), kCount * sizeof(float));
  EXPECT_EQ(module().preparedBytes(state()), 0u);
  EXPECT_EQ(run(*a, *b), 21);
  EXPECT_EQ(module().preparedBytes(state()), kCount * sizeof(float));
  fill(*b, 20); // breaks the promise, to see what is kept
  fill(*a, 2);
  EXPECT_EQ(run(*a, *b), 22);
  EXPECT_EQ(module().releasePrepared(state()), kCount * sizeof(float));
  EXPECT_EQ(module().preparedBytes(state()), 0u);
  EXPECT_EQ(module().releasePrepared(state()), 0u);
  EXPECT_EQ(run(*a, *b), 42);
}

TEST_P(PrepareTest, OtherBuffersAreNoticed) {
  auto a = make(1), b = make(10), c = make(30);
  EXPECT_EQ(run(*a, *b), 21);
  EXPECT_EQ(run(*a, *c), 61);
  fill(*b, 5);
  EXPECT_EQ(run(*a, *b), 11); // of the last set only
  // New memory at the place of freed memory is another buffer.
  for (int i = 0; i < 20; ++i) {
    b = make(static_cast<float>(i));
    EXPECT_EQ(run(*a, *b), 1 + 2 * i);
  }
  // Another view of the same buffer is the same constant.
  hal::DeviceSize dims[] = {kCount};
  auto view = *hal::BufferView::create(Ref<hal::Buffer>::share(b->buffer()),
                                       dims, hal::ElementType::Float32);
  fill(*b, 100);
  EXPECT_EQ(run(*a, *view), 39);
}

TEST_P(PrepareTest, MemoryIsTheDevicesAndGoesWithTheProgram) {
  auto a = make(1), b = make(10), y = make(0);
  auto held = [&] {
    hal::AllocatorStatistics s = device_->allocator().statistics();
    return s.hostAllocated - s.hostFreed + s.deviceAllocated - s.deviceFreed;
  };
  const auto before = held();
  ASSERT_TRUE(call(*y, *a, *b).isOk());
  EXPECT_EQ(held() - before, kCount * sizeof(float));
  module().releasePrepared(state());
  EXPECT_EQ(held(), before);
  ASSERT_TRUE(call(*y, *a, *b).isOk());
  loaded_ = {};
  EXPECT_EQ(held(), before);
}

TEST_P(PrepareTest, BoundCallsKeepTheirOwn) {
  auto a = make(1), b = make(10), c = make(30), y = make(0), z = make(0);
  RefObject *first[] = {y.get(), a.get(), b.get(), nullptr};
  RefObject *second[] = {z.get(), a.get(), c.get(), nullptr};
  auto one = *BoundCall::create(loaded_.context, loaded_.main, first);
  auto two = *BoundCall::create(loaded_.context, loaded_.main, second);
  auto expectBoth = [&](float ofFirst, float ofSecond) {
    ASSERT_TRUE(one->execute().isOk());
    ASSERT_TRUE(two->execute().isOk());
    EXPECT_EQ(valuesOf(*y), all(ofFirst));
    EXPECT_EQ(valuesOf(*z), all(ofSecond));
  };
  expectBoth(21, 61);
  fill(*b, 0);
  fill(*c, 0);
  expectBoth(21, 61); // neither computes again because of the other
  module().releasePrepared(state());
  expectBoth(1, 1);
  ASSERT_TRUE(one->setArgument(2, make(4).get()).isOk());
  expectBoth(9, 1);
  ASSERT_TRUE(one->setArgument(1, make(100).get()).isOk()); // no constant
  expectBoth(108, 1);
}

TEST_P(PrepareTest, AsyncCallsWaitForTheirConstants) {
  auto a = make(1), b = make(10), y = make(-1);
  auto async = *loaded_.context->resolveFunction(ProgramModule::kAsyncFunction);
  auto fenceAt = [](Ref<hal::Semaphore> semaphore, uint64_t value) {
    return *hal::Fence::createAt(std::move(semaphore), value);
  };
  auto go = *hal::Semaphore::create(0), done = *hal::Semaphore::create(0);
  auto wait = fenceAt(go, 1), signal = fenceAt(done, 1);
  RefObject *arguments[] = {y.get(), a.get(),    b.get(),
                            nullptr, wait.get(), signal.get()};
  ASSERT_TRUE(loaded_.context->invoke(async, arguments).isOk());
  // A call beside it neither waits for it nor is confused by it.
  EXPECT_EQ(run(*a, *b), 21);
  fill(*b, 50);
  ASSERT_TRUE(go->signal(1).isOk());
  ASSERT_TRUE(hal::Fence::wait(signal.get()).isOk());
  EXPECT_EQ(valuesOf(*y), all(101));
  // What was computed behind the fence is what later calls use.
  fill(*b, 60);
  EXPECT_EQ(run(*a, *b), 101);
  EXPECT_EQ(module().preparedBytes(state()), kCount * sizeof(float));
  // With nothing to wait for it is at hand when the call returns.
  module().releasePrepared(state());
  auto again = fenceAt(done, 2);
  arguments[4] = nullptr;
  arguments[5] = again.get();
  ASSERT_TRUE(loaded_.context->invoke(async, arguments).isOk());
  EXPECT_EQ(module().preparedBytes(state()), kCount * sizeof(float));
  ASSERT_TRUE(hal::Fence::wait(again.get()).isOk());
  EXPECT_EQ(valuesOf(*y), all(121));
}

TEST_P(PrepareTest, FailedWaitLeavesNothingBehind) {
  auto a = make(1), b = make(10), y = make(-1);
  auto async = *loaded_.context->resolveFunction(ProgramModule::kAsyncFunction);
  auto go = *hal::Semaphore::create(0), done = *hal::Semaphore::create(0);
  auto wait = *hal::Fence::createAt(go, 1);
  auto signal = *hal::Fence::createAt(done, 1);
  RefObject *arguments[] = {y.get(), a.get(),    b.get(),
                            nullptr, wait.get(), signal.get()};
  ASSERT_TRUE(loaded_.context->invoke(async, arguments).isOk());
  hal::Fence::fail(wait.get(), dataLossError("the upload failed"));
  EXPECT_FALSE(hal::Fence::wait(signal.get()).isOk());
  EXPECT_EQ(run(*a, *b), 21);
  EXPECT_EQ(module().preparedBytes(state()), kCount * sizeof(float));
}

TEST_P(PrepareTest, InterpretedProgramsDoTheSame) {
  auto interpreted =
      load(device_, artifact::write(preparedArtifact(kCount, false)), true,
           systemAllocator(), ProgramMode::Interpreted);
  ASSERT_TRUE(interpreted.isOk());
  loaded_ = *std::move(interpreted);
  auto a = make(1), b = make(10), y = make(-1);
  EXPECT_EQ(run(*a, *b), 21);
  fill(*b, 20);
  EXPECT_EQ(run(*a, *b), 21);
  // Queued, too: the work is done, not only signalled.
  auto async = *loaded_.context->resolveFunction(ProgramModule::kAsyncFunction);
  auto done = *hal::Semaphore::create(0);
  auto signal = *hal::Fence::createAt(done, 1);
  RefObject *arguments[] = {y.get(), a.get(), b.get(),
                            nullptr, nullptr, signal.get()};
  ASSERT_TRUE(loaded_.context->invoke(async, arguments).isOk());
  ASSERT_TRUE(hal::Fence::wait(signal.get()).isOk());
  EXPECT_EQ(valuesOf(*y), all(21));
}

TEST_P(PrepareTest, FailureIsReportedAndTriedAgain) {
  fbs::ArtifactT artifact = preparedArtifact(kCount, false);
  artifact.prepare.pop_back();
  appendPrepareDispatch(artifact, kFailAt, {bindPrepared(kCount * 4)}, 10, 0);
  artifact.prepare.push_back(FUSILLI_VM_RETURN);
  loaded_ = loadBytes(artifact::write(artifact));
  auto a = make(1), b = make(10), y = make(-1);
  for (int i = 0; i < 3; ++i) {
    Status status = call(*y, *a, *b);
    EXPECT_EQ(status.code(), StatusCode::Internal);
    EXPECT_THAT(std::string(status.message()), HasSubstr("'fail_at'"));
    EXPECT_EQ(valuesOf(*y), all(-1)) << "nothing ran behind the failure";
    EXPECT_EQ(module().preparedBytes(state()), 0u);
  }
}

TEST_P(PrepareTest, ManyThreadsAtOnce) {
  auto a = make(1), b = make(10);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      Ref<hal::BufferView> y = make(-1);
      for (int i = 0; i < 200; ++i) {
        if (!call(*y, *a, *b).isOk() || valuesOf(*y) != all(21))
          ++wrong;
        if (i % 7 == 0)
          module().releasePrepared(state());
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(PrepareAllocationTest, EveryRefusedAllocationIsAnError) {
  CountingAllocator allocator;
  {
    auto device = *makeDevice("local-sync", 1, allocator);
    auto loaded = *load(device, artifact::write(preparedArtifact(8, true)),
                        true, allocator);
    auto a = floats(*device, std::vector<float>(8, 1)),
         b = floats(*device, std::vector<float>(8, 10)),
         y = floats(*device, std::vector<float>(8, -1));
    RefObject *arguments[] = {y.get(), a.get(), b.get(), nullptr};
    const auto before = allocator.counts().liveBlocks;
    int failures = 0;
    for (int n = 1; n < 100; ++n) {
      allocator.failNth(n);
      Status status = loaded.context->invoke(loaded.main, arguments);
      allocator.failNth(0);
      if (status.isOk())
        break;
      ++failures;
      EXPECT_EQ(status.code(), StatusCode::ResourceExhausted);
      EXPECT_EQ(allocator.counts().liveBlocks, before) << n;
      EXPECT_EQ(valuesOf(*y), std::vector<float>(8, -1));
    }
    EXPECT_GE(failures, 3);
    EXPECT_EQ(valuesOf(*y), std::vector<float>(8, 21));
    // From now on a call allocates nothing.
    const auto calls = allocator.counts().calls;
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(loaded.context->invoke(loaded.main, arguments).isOk());
    EXPECT_EQ(allocator.counts().calls, calls);
  }
  EXPECT_EQ(allocator.counts().liveBlocks, 0);
}

} // namespace
} // namespace fusilli::vm
