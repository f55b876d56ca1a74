// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The asynchronous queue: order by fences only, failure on the timeline,
// lifetimes of what was submitted, teardown.
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
