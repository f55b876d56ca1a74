// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The asynchronous queue: order by fences only, failure on the timeline,
// memory in queue order, lifetimes of what was submitted, teardown.
#include "runtime/hal/cts/cts.h"

#include <cstring>
#include <gmock/gmock.h>
#include <thread>

namespace fusilli::hal::cts {
namespace {

class QueueTest : public CtsTest {
protected:
  Ref<Fence> at(const Ref<Semaphore> &semaphore, uint64_t value) {
    return *Fence::createAt(semaphore, value);
  }
  Ref<CommandBuffer> copyCommands(Buffer &from, Buffer &to) {
    auto commands = beginCommands();
    EXPECT_TRUE(commands->copy({&from}, {&to}).isOk());
    EXPECT_TRUE(commands->end().isOk());
    return commands;
  }
};

TEST_P(QueueTest, SignalsAfterTheWork) {
  Ref<Buffer> a = makeFilled(64, 5);
  Ref<Buffer> b = makeFilled(64, 0);
  auto done = makeSemaphore();
  auto commands = copyCommands(*a, *b);
  ASSERT_TRUE(
      device_->queueExecute(nullptr, at(done, 1).get(), commands.get(), {})
          .isOk());
  ASSERT_TRUE(done->wait(1).isOk());
  EXPECT_EQ(read(*b), std::vector<uint8_t>(64, 5));
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, NullWorkOnlyOrders) {
  auto before = makeSemaphore();
  auto after = makeSemaphore();
  ASSERT_TRUE(
      device_
          ->queueExecute(at(before, 1).get(), at(after, 3).get(), nullptr, {})
          .isOk());
  EXPECT_EQ(after->queryReached(3).code(), StatusCode::Deferred);
  ASSERT_TRUE(before->signal(1).isOk());
  ASSERT_TRUE(after->wait(3).isOk());
  ASSERT_TRUE(device_->queueExecute(nullptr, nullptr, nullptr, {}).isOk());
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, WaitBeforeSignal) {
  // a -> b -> c, submitted in the reverse order.
  Ref<Buffer> a = makeFilled(4096, 9);
  Ref<Buffer> b = makeFilled(4096, 0);
  Ref<Buffer> c = makeFilled(4096, 0);
  auto timeline = makeSemaphore();
  auto second = copyCommands(*b, *c);
  auto first = copyCommands(*a, *b);
  ASSERT_TRUE(device_
                  ->queueExecute(at(timeline, 2).get(), at(timeline, 3).get(),
                                 second.get(), {})
                  .isOk());
  ASSERT_TRUE(device_
                  ->queueExecute(at(timeline, 1).get(), at(timeline, 2).get(),
                                 first.get(), {})
                  .isOk());
  EXPECT_EQ(timeline->wait(3, 1'000'000).code(), StatusCode::DeadlineExceeded);
  ASSERT_TRUE(timeline->signal(1).isOk());
  ASSERT_TRUE(timeline->wait(3).isOk());
  EXPECT_EQ(read(*c), std::vector<uint8_t>(4096, 9));
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, LongChainOfPendingSubmissions) {
  auto timeline = makeSemaphore();
  constexpr uint64_t kLinks = 5000;
  for (uint64_t i = kLinks; i >= 1; --i)
    ASSERT_TRUE(device_
                    ->queueExecute(at(timeline, i).get(),
                                   at(timeline, i + 1).get(), nullptr, {})
                    .isOk());
  ASSERT_TRUE(timeline->signal(1).isOk());
  ASSERT_TRUE(timeline->wait(kLinks + 1).isOk());
  ASSERT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, BindingsAreCapturedAndRetained) {
  auto gate = makeSemaphore();
  auto done = makeSemaphore();
  auto commands = beginCommands();
  ASSERT_TRUE(commands->copy({nullptr, 0}, {nullptr, 1}).isOk());
  ASSERT_TRUE(commands->end().isOk());
  Ref<Buffer> target = makeFilled(64, 0);
  {
    Ref<Buffer> source = makeFilled(64, 6);
    BufferRef table[] = {{source.get()}, {target.get()}};
    ASSERT_TRUE(device_
                    ->queueExecute(at(gate, 1).get(), at(done, 1).get(),
                                   commands.get(), table)
                    .isOk());
    table[0] = table[1] = {};
    commands.reset();
  }
  ASSERT_TRUE(gate->signal(1).isOk());
  ASSERT_TRUE(done->wait(1).isOk());
  // What was submitted is let go before the signal.
  EXPECT_EQ(liveObjects(ObjectKind::Buffer), 1);
  EXPECT_EQ(liveObjects(ObjectKind::CommandBuffer), 0);
  EXPECT_EQ(read(*target), std::vector<uint8_t>(64, 6));
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, RotatingTablesInFlight) {
  constexpr DeviceSize kRuns = 1000;
  auto gate = makeSemaphore();
  auto done = makeSemaphore();
  auto commands = beginCommands();
  ASSERT_TRUE(commands->copy({nullptr, 0, 0, 4}, {nullptr, 1, 0, 4}).isOk());
  ASSERT_TRUE(commands->end().isOk());
  std::vector<Ref<Buffer>> sources;
  for (uint8_t i = 0; i < 10; ++i)
    sources.push_back(makeFilled(8, i));
  Ref<Buffer> target = makeFilled(4 * kRuns, 0xff);
  // All are in flight before the first one runs.
  for (DeviceSize i = 0; i < kRuns; ++i) {
    BufferRef table[] = {{sources[i % 10].get()}, {target.get(), 0, 4 * i}};
    ASSERT_TRUE(device_
                    ->queueExecute(at(gate, 1).get(),
                                   i + 1 == kRuns ? at(done, 1).get() : nullptr,
                                   commands.get(), table)
                    .isOk());
  }
  ASSERT_TRUE(gate->signal(1).isOk());
  ASSERT_TRUE(device_->waitIdle().isOk());
  EXPECT_TRUE(done->wait(1, 0).isOk());
  std::vector<uint8_t> content = read(*target);
  for (size_t i = 0; i < content.size(); ++i)
    ASSERT_EQ(content[i], i / 4 % 10);
}

TEST_P(QueueTest, EverythingMayBeReleasedOnceSubmitted) {
  const int64_t before = liveObjects();
  Ref<Semaphore> done = makeSemaphore();
  Ref<Buffer> result = makeFilled(64, 0);
  {
    Ref<Semaphore> gate = makeSemaphore();
    Ref<Buffer> source = makeFilled(64, 4);
    auto commands = beginCommands(kCommandBufferOneShot);
    ASSERT_TRUE(
        dispatch(*commands, Kernel::Count, {{source.get()}}, 16).isOk());
    ASSERT_TRUE(commands->barrier().isOk());
    ASSERT_TRUE(commands->copy({source.get()}, {result.get()}).isOk());
    ASSERT_TRUE(commands->end().isOk());
    ASSERT_TRUE(device_
                    ->queueExecute(at(gate, 1).get(), at(done, 1).get(),
                                   commands.get(), {})
                    .isOk());
    executable_.reset();
    commands.reset();
    source.reset();
    EXPECT_EQ(liveObjects(ObjectKind::Executable), 1);
    EXPECT_EQ(liveObjects(ObjectKind::CommandBuffer), 1);
    EXPECT_EQ(liveObjects(ObjectKind::Buffer), 2);
    ASSERT_TRUE(gate->signal(1).isOk());
  }
  ASSERT_TRUE(done->wait(1).isOk());
  EXPECT_EQ(liveObjects(ObjectKind::Executable), 0);
  EXPECT_EQ(liveObjects(ObjectKind::CommandBuffer), 0);
  EXPECT_EQ(liveObjects(ObjectKind::Buffer), 1);
  std::vector<uint8_t> expected;
  for (int i = 0; i < 16; ++i)
    expected.insert(expected.end(), {5, 4, 4, 4});
  EXPECT_EQ(read(*result), expected);
  EXPECT_TRUE(device_->waitIdle().isOk());
  done.reset();
  result.reset();
  EXPECT_EQ(liveObjects(), before - 1); // the executable
}

TEST_P(QueueTest, InlineWorkTakesNoWaits) {
  Ref<Buffer> buffer = makeFilled(4, 0);
  auto gate = makeSemaphore();
  auto done = makeSemaphore();
  auto commands = beginCommands(kCommandBufferOneShot | kCommandBufferInline);
  uint8_t value = 8;
  ASSERT_TRUE(commands->fill({buffer.get()}, &value, 1).isOk());
  ASSERT_TRUE(commands->end().isOk());
  EXPECT_EQ(device_
                ->queueExecute(at(gate, 1).get(), at(done, 1).get(),
                               commands.get(), {})
                .code(),
            StatusCode::InvalidArgument);
  // Refused, not submitted; it may still be.
  ASSERT_TRUE(
      device_->queueExecute(nullptr, at(done, 1).get(), commands.get(), {})
          .isOk());
  ASSERT_TRUE(done->wait(1).isOk());
  EXPECT_EQ(read(*buffer), std::vector<uint8_t>(4, 8));
  EXPECT_EQ(device_->queueExecute(nullptr, nullptr, commands.get(), {}).code(),
            StatusCode::FailedPrecondition);
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, AllocaLivesBetweenItsSignals) {
  const AllocatorStatistics before = device_->allocator().statistics();
  Ref<Buffer> result = makeFilled(256, 0);
  auto timeline = makeSemaphore();
  auto made = device_->queueAlloca(at(timeline, 1).get(), at(timeline, 2).get(),
                                   {}, 256);
  ASSERT_TRUE(made.isOk()) << made.status().toString();
  Ref<Buffer> scratch = *std::move(made);
  EXPECT_EQ(timeline->queryReached(2).code(), StatusCode::Deferred);
  auto commands = beginCommands(kCommandBufferUnretained);
  uint8_t value = 6;
  ASSERT_TRUE(commands->fill({scratch.get()}, &value, 1).isOk());
  ASSERT_TRUE(commands->barrier().isOk());
  ASSERT_TRUE(commands->copy({scratch.get()}, {result.get()}).isOk());
  ASSERT_TRUE(commands->end().isOk());
  ASSERT_TRUE(device_
                  ->queueExecute(at(timeline, 3).get(), at(timeline, 4).get(),
                                 commands.get(), {})
                  .isOk());
  ASSERT_TRUE(device_
                  ->queueDealloca(at(timeline, 4).get(), at(timeline, 5).get(),
                                  *scratch)
                  .isOk());
  scratch.reset();
  // The queue alone keeps the memory, until its deallocation.
  ASSERT_TRUE(timeline->signal(1).isOk());
  ASSERT_TRUE(timeline->wait(2).isOk());
  ASSERT_EQ(liveObjects(ObjectKind::Buffer), 2);
  ASSERT_TRUE(timeline->signal(3).isOk());
  ASSERT_TRUE(timeline->wait(5).isOk());
  EXPECT_EQ(liveObjects(ObjectKind::Buffer), 1);
  EXPECT_EQ(read(*result), std::vector<uint8_t>(256, 6));
  result.reset();
  const AllocatorStatistics after = device_->allocator().statistics();
  EXPECT_EQ(after.deviceAllocated - before.deviceAllocated, 512u);
  EXPECT_EQ(after.deviceFreed - before.deviceFreed, 512u);
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, DeallocaOfAnOrdinaryBufferOnlyOrders) {
  Ref<Buffer> buffer = makeFilled(16, 3);
  auto timeline = makeSemaphore();
  ASSERT_TRUE(
      device_
          ->queueDealloca(at(timeline, 1).get(), at(timeline, 2).get(), *buffer)
          .isOk());
  EXPECT_EQ(timeline->queryReached(2).code(), StatusCode::Deferred);
  ASSERT_TRUE(timeline->signal(1).isOk());
  ASSERT_TRUE(timeline->wait(2).isOk());
  EXPECT_EQ(buffer->refCount(), 1u);
  EXPECT_EQ(read(*buffer), std::vector<uint8_t>(16, 3));
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, FailedAllocaQueuesNothing) {
  auto timeline = makeSemaphore();
  EXPECT_EQ(device_->queueAlloca(nullptr, at(timeline, 1).get(), {}, 0).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(
      device_
          ->queueAlloca(nullptr, at(timeline, 1).get(), {}, DeviceSize{1} << 60)
          .code(),
      StatusCode::ResourceExhausted);
  EXPECT_EQ(*timeline->query(), 0u);
  EXPECT_TRUE(device_->waitIdle(0).isOk());
}

TEST_P(QueueTest, WrongTablesAreRefusedAtOnce) {
  auto commands = beginCommands();
  ASSERT_TRUE(commands->copy({nullptr, 0}, {nullptr, 1}).isOk());
  ASSERT_TRUE(commands->end().isOk());
  EXPECT_EQ(device_->queueExecute(nullptr, nullptr, commands.get(), {}).code(),
            StatusCode::InvalidArgument);
}

TEST_P(QueueTest, FailedWaitTravelsToTheSignal) {
  auto before = makeSemaphore();
  auto after = makeSemaphore();
  ASSERT_TRUE(
      device_
          ->queueExecute(at(before, 1).get(), at(after, 1).get(), nullptr, {})
          .isOk());
  before->fail(dataLossError("upstream"));
  EXPECT_EQ(after->wait(1).code(), StatusCode::Aborted);
  EXPECT_EQ(after->query().code(), StatusCode::DataLoss);
  // The queue itself is fine.
  auto more = makeSemaphore();
  ASSERT_TRUE(
      device_->queueExecute(nullptr, at(more, 1).get(), nullptr, {}).isOk());
  EXPECT_TRUE(more->wait(1).isOk());
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, KernelFailurePoisonsTheQueueButNotOtherDevices) {
  auto failing = beginCommands();
  ASSERT_TRUE(dispatch(*failing, Kernel::Fail, {}, 4).isOk());
  ASSERT_TRUE(failing->end().isOk());
  auto done = makeSemaphore();
  ASSERT_TRUE(
      device_->queueExecute(nullptr, at(done, 1).get(), failing.get(), {})
          .isOk());
  EXPECT_EQ(done->wait(1).code(), StatusCode::Aborted);
  EXPECT_EQ(done->query().code(), StatusCode::Internal);
  ASSERT_TRUE(device_->waitIdle().isOk());
  auto later = makeSemaphore();
  EXPECT_EQ(
      device_->queueExecute(nullptr, at(later, 1).get(), nullptr, {}).code(),
      StatusCode::Internal);
  EXPECT_EQ(later->query().code(), StatusCode::Internal);

  auto driver =
      DriverRegistry::defaultRegistry().createDriver(GetParam().driver);
  auto other = (*driver)->createDevice(0, GetParam().params);
  auto fine = makeSemaphore();
  ASSERT_TRUE(
      (*other)->queueExecute(nullptr, at(fine, 1).get(), nullptr, {}).isOk());
  EXPECT_TRUE(fine->wait(1).isOk());
  EXPECT_TRUE((*other)->waitIdle().isOk());
}

TEST_P(QueueTest, WaitIdleTimesOut) {
  auto gate = makeSemaphore();
  ASSERT_TRUE(
      device_->queueExecute(at(gate, 1).get(), nullptr, nullptr, {}).isOk());
  EXPECT_EQ(device_->waitIdle(1'000'000).code(), StatusCode::DeadlineExceeded);
  ASSERT_TRUE(gate->signal(1).isOk());
  EXPECT_TRUE(device_->waitIdle().isOk());
}

TEST_P(QueueTest, TeardownWithWorkJustSubmitted) {
  for (int round = 0; round < 50; ++round) {
    auto driver =
        DriverRegistry::defaultRegistry().createDriver(GetParam().driver);
    auto device = *(*driver)->createDevice(0, GetParam().params);
    auto done = makeSemaphore();
    ASSERT_TRUE(
        device->queueExecute(nullptr, at(done, 1).get(), nullptr, {}).isOk());
    device.reset();
    // Accepted and ready: it has run.
    EXPECT_TRUE(done->wait(1).isOk());
  }
}

TEST_P(QueueTest, TeardownCancelsWhatStillWaits) {
  auto gate = makeSemaphore();
  auto done = makeSemaphore();
  {
    auto driver =
        DriverRegistry::defaultRegistry().createDriver(GetParam().driver);
    auto device = *(*driver)->createDevice(0, GetParam().params);
    ASSERT_TRUE(
        device->queueExecute(at(gate, 1).get(), at(done, 1).get(), nullptr, {})
            .isOk());
  }
  EXPECT_EQ(done->query().code(), StatusCode::Cancelled);
  EXPECT_TRUE(gate->signal(1).isOk());
}

TEST_P(QueueTest, ManyThreadsSubmit) {
  Ref<Buffer> cells = makeFilled(4 * 64, 0);
  auto commands = beginCommands();
  ASSERT_TRUE(dispatch(*commands, Kernel::Count, {{cells.get()}}, 64).isOk());
  ASSERT_TRUE(commands->end().isOk());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      auto timeline = *Semaphore::create();
      for (uint64_t i = 0; i < 100; ++i)
        wrong +=
            !device_
                 ->queueExecute(at(timeline, i).get(),
                                at(timeline, i + 1).get(), commands.get(), {})
                 .isOk();
      wrong += !timeline->wait(100).isOk();
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(wrong.load(), 0);
  ASSERT_TRUE(device_->waitIdle().isOk());
  auto content = read(*cells);
  for (size_t i = 0; i < 64; ++i) {
    uint32_t cell = 0;
    std::memcpy(&cell, content.data() + 4 * i, 4);
    ASSERT_EQ(cell, 800u);
  }
}

FUSILLI_CTS_SUITE(QueueTest);

} // namespace
} // namespace fusilli::hal::cts
