// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exact lifetimes: every allocation of every entry point fails once and leaves
// nothing behind; executing allocates nothing; what is released is gone.
#include "runtime/vm/modules/program_fixture.h"
#include "support/fault.h"
#include "support/testing/count_new.h"

#include "artifact/vm_abi.h"

#include <functional>
#include <gtest/gtest.h>
#include <thread>

namespace fusilli::vm {
namespace {

using namespace testing;
using artifact::testing::addArtifact;
using artifact::testing::chainArtifact;

/// Fails the first, second, ... allocation inside `action` until it succeeds.
/// After each failure nothing that it made is alive.
void sweep(const char *name,
           const std::function<Status(CountingAllocator &)> &action) {
  SCOPED_TRACE(name);
  int64_t objects = liveObjects();
  for (uint64_t n = 1; n < 1000; ++n) {
    CountingAllocator allocator;
    allocator.failNth(n);
    int64_t records = liveStatusRecords();
    {
      Status status = action(allocator);
      if (allocator.failurePending()) {
        EXPECT_TRUE(status.isOk()) << status.toString();
        EXPECT_GT(n, 1u) << "nothing was allocated";
        EXPECT_EQ(allocator.counts().liveBlocks, 0);
        EXPECT_EQ(liveObjects(), objects);
        return;
      }
      EXPECT_EQ(status.code(), StatusCode::ResourceExhausted)
          << n << ": " << status.toString();
    }
    EXPECT_EQ(allocator.counts().liveBlocks, 0) << n;
    EXPECT_EQ(liveObjects(), objects) << n;
    EXPECT_EQ(liveStatusRecords(), records) << n;
  }
  FAIL() << "never succeeded";
}

TEST(AllocationSweepTest, Driver) {
  ASSERT_TRUE(hal::registerAllDriversOnce().isOk());
  for (const char *name : {"null", "local-sync", "local-task"})
    sweep(name, [&](CountingAllocator &allocator) {
      return makeDevice(name, 3, allocator).status().clone();
    });
}

TEST(AllocationSweepTest, Instance) {
  sweep("create", [](CountingAllocator &allocator) {
    return Instance::create(32, allocator).status().clone();
  });
}

TEST(AllocationSweepTest, LoadAndExecute) {
  std::vector<uint8_t> bytes = artifact::write(chainArtifact(8, true));
  for (const char *name : {"null", "local-sync", "local-task"})
    sweep(name, [&](CountingAllocator &allocator) -> Status {
      FUSILLI_STATUS_ASSIGN(auto device, makeDevice(name, 2, allocator));
      FUSILLI_STATUS_ASSIGN(Loaded loaded,
                            load(device, bytes, true, allocator));
      hal::DeviceSize dims[] = {8};
      Ref<hal::BufferView> views[3];
      for (auto &view : views) {
        FUSILLI_STATUS_ASSIGN(auto buffer,
                              device->allocator().allocate({}, 32));
        FUSILLI_STATUS_ASSIGN(view,
                              hal::BufferView::create(
                                  buffer, dims, hal::ElementType::Float32,
                                  hal::EncodingType::DenseRowMajor, allocator));
      }
      FUSILLI_STATUS_ASSIGN(auto workspace,
                            device->allocator().allocate({}, 32));
      FUSILLI_STATUS_ASSIGN(auto list, List::create(4, allocator));
      for (auto &view : views)
        FUSILLI_STATUS_RETURN_IF_ERROR(list->pushShared(view.get()));
      FUSILLI_STATUS_RETURN_IF_ERROR(list->pushShared(workspace.get()));
      FUSILLI_STATUS_RETURN_IF_ERROR(
          loaded.context->invoke(loaded.main, *list));
      FUSILLI_STATUS_ASSIGN(auto call,
                            BoundCall::create(loaded.context, loaded.main,
                                              list->borrow(), allocator));
      return call->execute();
    });
}

TEST(AllocationSweepTest, QueueAndFences) {
  for (const char *name : {"local-sync", "local-task"})
    sweep(name, [&](CountingAllocator &allocator) -> Status {
      FUSILLI_STATUS_ASSIGN(auto device, makeDevice(name, 2, allocator));
      FUSILLI_STATUS_ASSIGN(auto semaphore,
                            hal::Semaphore::create(0, allocator));
      FUSILLI_STATUS_ASSIGN(auto wait,
                            hal::Fence::createAt(semaphore, 1, allocator));
      FUSILLI_STATUS_ASSIGN(auto signal,
                            hal::Fence::createAt(semaphore, 2, allocator));
      FUSILLI_STATUS_ASSIGN(auto buffer, device->allocator().allocate({}, 32));
      FUSILLI_STATUS_ASSIGN(
          auto commands,
          device->createCommandBuffer(hal::kCommandBufferCheckHazards));
      uint8_t byte = 1;
      FUSILLI_STATUS_RETURN_IF_ERROR(commands->begin());
      FUSILLI_STATUS_RETURN_IF_ERROR(commands->fill({buffer.get()}, &byte, 1));
      FUSILLI_STATUS_RETURN_IF_ERROR(commands->barrier());
      FUSILLI_STATUS_RETURN_IF_ERROR(
          commands->fill({nullptr, 0, 0, 4}, &byte, 1));
      FUSILLI_STATUS_RETURN_IF_ERROR(commands->barrier());
      FUSILLI_STATUS_RETURN_IF_ERROR(
          commands->update("abcd", {buffer.get(), 0, 0, 4}));
      FUSILLI_STATUS_RETURN_IF_ERROR(commands->end());
      hal::BufferRef table[] = {{buffer.get()}};
      FUSILLI_STATUS_RETURN_IF_ERROR(device->queueExecute(
          wait.get(), signal.get(), commands.get(), table));
      FUSILLI_STATUS_RETURN_IF_ERROR(semaphore->signal(1));
      FUSILLI_STATUS_RETURN_IF_ERROR(semaphore->wait(2));
      FUSILLI_STATUS_ASSIGN(auto queued,
                            device->queueAlloca(wait.get(), nullptr, {}, 100));
      FUSILLI_STATUS_RETURN_IF_ERROR(
          device->queueDealloca(signal.get(), nullptr, *queued));
      hal::Fence *both[] = {wait.get(), signal.get()};
      FUSILLI_STATUS_RETURN_IF_ERROR(
          hal::Fence::join(both, allocator).status().clone());
      return device->waitIdle();
    });
}

TEST(FaultSweepTest, EveryFaultPointUnwinds) {
  std::vector<uint8_t> bytes = artifact::write(addArtifact(4, true));
  ASSERT_TRUE(hal::registerAllDriversOnce().isOk());
  int64_t objects = liveObjects();
  for (FaultPoint point :
       {FaultPoint::DeviceCreation, FaultPoint::TypeRegistration,
        FaultPoint::ModuleState, FaultPoint::ImportResolution,
        FaultPoint::ModuleInit, FaultPoint::WorkerStart,
        FaultPoint::CodeMapping}) {
    armFault(point, 1, StatusCode::Aborted);
    {
      auto device = makeDevice("local-task", 2);
      Status status = device.isOk() ? load(*device, bytes).status().clone()
                                    : device.status().clone();
      EXPECT_EQ(status.code(), StatusCode::Aborted)
          << static_cast<int>(point) << " " << status.toString();
    }
    EXPECT_EQ(liveObjects(), objects) << static_cast<int>(point);
    auto device = makeDevice("local-task", 2);
    ASSERT_TRUE(device.isOk());
    EXPECT_TRUE(load(*device, bytes).isOk());
  }
}

TEST(FaultSweepTest, FailedLoadsLeaveTheDeviceAsItWas) {
  std::vector<uint8_t> bytes = artifact::write(chainArtifact(4, true));
  auto device = *makeDevice("local-sync", 1);
  int64_t objects = liveObjects();
  uint32_t references = device->refCount();
  for (FaultPoint point :
       {FaultPoint::TypeRegistration, FaultPoint::ModuleState,
        FaultPoint::ImportResolution, FaultPoint::ModuleInit,
        FaultPoint::CodeMapping}) {
    armFault(point, 1, StatusCode::Aborted);
    EXPECT_EQ(load(device, bytes).code(), StatusCode::Aborted);
    EXPECT_EQ(liveObjects(ObjectKind::Context), 0);
    EXPECT_EQ(liveObjects(ObjectKind::Module), 0);
    EXPECT_EQ(liveObjects(), objects) << static_cast<int>(point);
    EXPECT_EQ(device->refCount(), references);
  }
}

class ExecuteTest : public ::testing::TestWithParam<bool> {
protected:
  static constexpr int64_t kElements = 16;
  void SetUp() override {
    device_ = *makeDevice("local-task", 2, allocator_);
    loaded_ =
        *load(device_, artifact::write(addArtifact(kElements, GetParam())),
              true, allocator_);
    std::vector<float> zeros(kElements);
    for (auto &view : views_)
      view = floats(*device_, zeros);
    for (size_t i = 0; i < 3; ++i)
      arguments_[i] = views_[i].get();
  }
  CountingAllocator allocator_;
  Ref<hal::Device> device_;
  Loaded loaded_;
  Ref<hal::BufferView> views_[3];
  RefObject *arguments_[4] = {};
};

INSTANTIATE_TEST_SUITE_P(Modes, ExecuteTest, ::testing::Bool(),
                         [](const auto &info) {
                           return info.param ? "inline" : "pool";
                         });

TEST_P(ExecuteTest, AMillionTimesAllocatesNothing) {
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(loaded_.context->invoke(loaded_.main, arguments_).isOk());
#ifndef FUSILLI_COUNTS_NEW
  constexpr int kRuns = 20'000;
#else
  const int kRuns = GetParam() ? 1'000'000 : 100'000;
#endif
  AllocationCounts before = allocator_.counts();
  int64_t objects = liveObjects();
  uint64_t news = heap::newCalls.load();
  bool ok = true;
  for (int i = 0; i < kRuns; ++i)
    ok &= loaded_.context->invoke(loaded_.main, arguments_).isOk();
  EXPECT_TRUE(ok);
  EXPECT_EQ(heap::newCalls.load(), news);
  AllocationCounts after = allocator_.counts();
  EXPECT_EQ(after.calls, before.calls);
  EXPECT_EQ(after.liveBytes, before.liveBytes);
  EXPECT_EQ(liveObjects(), objects);
  for (const auto &view : views_)
    EXPECT_EQ(view->refCount(), 1u);
}

TEST_P(ExecuteTest, FailedCallsLeaveNothing) {
  AllocationCounts before = allocator_.counts();
  int64_t objects = liveObjects();
  int64_t records = liveStatusRecords();
  arguments_[1] = nullptr;
  for (int i = 0; i < 10000; ++i)
    ASSERT_EQ(loaded_.context->invoke(loaded_.main, arguments_).code(),
              StatusCode::InvalidArgument);
  EXPECT_EQ(allocator_.counts().liveBytes, before.liveBytes);
  EXPECT_EQ(liveObjects(), objects);
  EXPECT_EQ(liveStatusRecords(), records);
}

TEST_P(ExecuteTest, NewThreadsAllocateTheirScratchOnly) {
  AllocationCounts before = allocator_.counts();
  for (int t = 0; t < 4; ++t)
    std::thread([&] {
      for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(loaded_.context->invoke(loaded_.main, arguments_).isOk());
    }).join();
  EXPECT_EQ(allocator_.counts().calls, before.calls);
}

TEST(LifetimeTest, EveryKindIsCounted) {
  int64_t before = liveObjects();
  {
    ASSERT_TRUE(hal::registerAllDriversOnce().isOk());
    auto driver =
        *hal::DriverRegistry::defaultRegistry().createDriver("local-sync");
    auto device = *driver->createDevice(0, {});
    Loaded loaded = *load(device, artifact::write(addArtifact(1, true)));
    auto view = floats(*device, {1});
    auto list = *List::create(1);
    auto fence = *hal::Fence::createAt(*hal::Semaphore::create(), 1);
    for (ObjectKind kind :
         {ObjectKind::Instance, ObjectKind::Driver, ObjectKind::Device,
          ObjectKind::DeviceGroup, ObjectKind::Allocator, ObjectKind::Context,
          ObjectKind::List, ObjectKind::Buffer, ObjectKind::BufferView,
          ObjectKind::Executable, ObjectKind::CommandBuffer,
          ObjectKind::Semaphore, ObjectKind::Fence})
      EXPECT_EQ(liveObjects(kind), 1) << objectKindName(kind);
    EXPECT_EQ(liveObjects(ObjectKind::Module), 2); // HAL and program
  }
  EXPECT_EQ(liveObjects(), before);
}

TEST(LifetimeTest, EverythingDiesInOrder) {
  int64_t before = liveObjects();
  {
    auto device = *makeDevice("local-task", 2);
    Loaded loaded = *load(device, artifact::write(chainArtifact(8, false)));
    EXPECT_EQ(liveObjects(ObjectKind::Driver), 0);
    EXPECT_EQ(liveObjects(ObjectKind::Module), 2);
    EXPECT_EQ(liveObjects(ObjectKind::Executable), 1);
    EXPECT_EQ(liveObjects(ObjectKind::CommandBuffer), 1);
    // The context alone keeps all it needs.
    device.reset();
    loaded.device.reset();
    EXPECT_EQ(liveObjects(ObjectKind::Device), 1);
    loaded.context.reset();
    EXPECT_EQ(liveObjects(ObjectKind::Device), 0);
    EXPECT_EQ(liveObjects(ObjectKind::Instance), 0);
  }
  EXPECT_EQ(liveObjects(), before);
}

TEST(LifetimeTest, ReloadsLeaveNothing) {
  auto device = *makeDevice("local-sync", 1);
  std::vector<uint8_t> good = artifact::write(chainArtifact(8, true));
  std::vector<uint8_t> garbage(100, 7);
  int64_t before = liveObjects();
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(load(device, good).isOk());
    EXPECT_EQ(load(device, garbage).code(), StatusCode::InvalidArgument);
  }
  EXPECT_EQ(liveObjects(), before);
}

} // namespace
} // namespace fusilli::vm
