// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Semaphores, fences, the driver registry, device groups: what does not depend
// on a driver.
#include "runtime/hal/drivers/null/null_driver.h"
#include "runtime/hal/drivers/registration.h"
#include "runtime/hal/fence.h"
#include "support/fault.h"

#include <array>
#include <gmock/gmock.h>
#include <thread>
#include <vector>

namespace fusilli::hal {
namespace {

using ::testing::HasSubstr;

Ref<Semaphore> makeSemaphore(uint64_t value = 0) {
  return *Semaphore::create(value);
}

TEST(SemaphoreTest, ReachedAndNotReached) {
  auto semaphore = makeSemaphore();
  ASSERT_TRUE(semaphore->signal(5).isOk());
  EXPECT_EQ(*semaphore->query(), 5u);
  EXPECT_TRUE(semaphore->wait(3, 0).isOk());
  EXPECT_TRUE(semaphore->wait(5, 0).isOk());
  EXPECT_EQ(semaphore->wait(6, 0).code(), StatusCode::DeadlineExceeded);
  EXPECT_EQ(semaphore->wait(6, 2'000'000).code(), StatusCode::DeadlineExceeded);
  EXPECT_EQ(semaphore->queryReached(6).code(), StatusCode::Deferred);
}

TEST(SemaphoreTest, OnlyGrows) {
  auto semaphore = makeSemaphore(7);
  EXPECT_EQ(semaphore->signal(7).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(semaphore->signal(3).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(*semaphore->query(), 7u);
  EXPECT_EQ(semaphore->signal(Semaphore::kMaxValue + 1).code(),
            StatusCode::OutOfRange);
  EXPECT_TRUE(semaphore->signal(Semaphore::kMaxValue).isOk());
  EXPECT_EQ(Semaphore::create(Semaphore::kMaxValue + 1).code(),
            StatusCode::OutOfRange);
}

TEST(SemaphoreTest, WaitersWakeBeforeAndAfterTheSignal) {
  auto semaphore = makeSemaphore();
  std::vector<std::thread> waiters;
  std::atomic<int> woken{0};
  for (int i = 0; i < 8; ++i)
    waiters.emplace_back([&] { woken += semaphore->wait(2).isOk(); });
  ASSERT_TRUE(semaphore->signal(1).isOk());
  ASSERT_TRUE(semaphore->signal(2).isOk());
  for (auto &waiter : waiters)
    waiter.join();
  EXPECT_EQ(woken.load(), 8);
  EXPECT_TRUE(semaphore->wait(1).isOk());
}

TEST(SemaphoreTest, FailureIsPermanentAndWakesAll) {
  auto semaphore = makeSemaphore();
  std::vector<std::thread> waiters;
  std::atomic<int> aborted{0};
  for (int i = 0; i < 8; ++i)
    waiters.emplace_back(
        [&] { aborted += semaphore->wait(1).code() == StatusCode::Aborted; });
  semaphore->fail(dataLossError("first"));
  semaphore->fail(internalError("second"));
  for (auto &waiter : waiters)
    waiter.join();
  EXPECT_EQ(aborted.load(), 8);
  EXPECT_EQ(semaphore->query().code(), StatusCode::DataLoss);
  EXPECT_EQ(semaphore->signal(1).code(), StatusCode::DataLoss);
  EXPECT_EQ(semaphore->queryReached(0).code(), StatusCode::DataLoss);
  EXPECT_THAT(std::string(semaphore->wait(0, 0).message()), HasSubstr("first"));
}

struct Recorder {
  Timepoint timepoint; // first
  int calls = 0;
  StatusCode code = StatusCode::Unknown;
  static void called(Timepoint *self, const Status &status) {
    auto *recorder = reinterpret_cast<Recorder *>(self);
    ++recorder->calls;
    recorder->code = status.code();
  }
  explicit Recorder(uint64_t value) {
    timepoint.callback = called;
    timepoint.value = value;
  }
};

TEST(SemaphoreTest, TimepointsFireOnce) {
  auto semaphore = makeSemaphore();
  Recorder one(1);
  Recorder three(3);
  Recorder late(2);
  semaphore->acquireTimepoint(&one.timepoint);
  semaphore->acquireTimepoint(&three.timepoint);
  EXPECT_EQ(one.calls, 0);
  ASSERT_TRUE(semaphore->signal(2).isOk());
  EXPECT_EQ(one.calls, 1);
  EXPECT_EQ(three.calls, 0);
  semaphore->acquireTimepoint(&late.timepoint);
  EXPECT_EQ(late.calls, 1);
  EXPECT_EQ(late.code, StatusCode::Ok);
  semaphore.reset();
  EXPECT_EQ(three.calls, 1);
  EXPECT_EQ(three.code, StatusCode::Cancelled);
  EXPECT_EQ(one.calls, 1);
}

TEST(FenceTest, NullAndEmptyAreReached) {
  auto empty = Fence::create(0);
  for (Fence *fence : {static_cast<Fence *>(nullptr), empty->get()}) {
    EXPECT_TRUE(Fence::query(fence).isOk());
    EXPECT_TRUE(Fence::wait(fence, 0).isOk());
    EXPECT_TRUE(Fence::signal(fence).isOk());
    Fence::fail(fence, internalError("x"));
  }
  EXPECT_EQ((*empty)->insert(makeSemaphore(), 1).code(),
            StatusCode::ResourceExhausted);
}

TEST(FenceTest, CapacityAndMaxValue) {
  EXPECT_EQ(Fence::create(65535).code(), StatusCode::ResourceExhausted);
  EXPECT_EQ((*Fence::create(65534))->capacity(), 65534u);
  auto fence = *Fence::create(2);
  auto a = makeSemaphore();
  EXPECT_TRUE(fence->insert(a, 3).isOk());
  EXPECT_TRUE(fence->insert(a, 2).isOk());
  EXPECT_EQ(fence->size(), 1u);
  EXPECT_EQ(fence->point(0).value, 3u);
  EXPECT_TRUE(fence->insert(a, 9).isOk());
  EXPECT_EQ(fence->point(0).value, 9u);
  EXPECT_TRUE(fence->insert(makeSemaphore(), 1).isOk());
  EXPECT_EQ(fence->insert(makeSemaphore(), 1).code(),
            StatusCode::ResourceExhausted);
  EXPECT_EQ(fence->insert(nullptr, 1).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(a->refCount(), 2u);
  fence.reset();
  EXPECT_EQ(a->refCount(), 1u);
}

TEST(FenceTest, WaitsForAllPoints) {
  auto fence = *Fence::create(2);
  auto a = makeSemaphore();
  auto b = makeSemaphore();
  ASSERT_TRUE(fence->insert(a, 1).isOk());
  ASSERT_TRUE(fence->insert(b, 2).isOk());
  EXPECT_EQ(Fence::query(fence.get()).code(), StatusCode::Deferred);
  ASSERT_TRUE(a->signal(1).isOk());
  EXPECT_EQ(Fence::wait(fence.get(), 1'000'000).code(),
            StatusCode::DeadlineExceeded);
  std::thread signaler([&] { b->signal(2).ignore(); });
  EXPECT_TRUE(Fence::wait(fence.get()).isOk());
  signaler.join();
  EXPECT_TRUE(Fence::query(fence.get()).isOk());
}

TEST(FenceTest, FailurePropagatesToAllWaiters) {
  auto semaphore = makeSemaphore();
  auto fence = *Fence::createAt(semaphore, 1);
  Fence::fail(fence.get(), unavailableError("gone"));
  EXPECT_EQ(Fence::query(fence.get()).code(), StatusCode::Unavailable);
  EXPECT_EQ(Fence::wait(fence.get()).code(), StatusCode::Aborted);
}

TEST(FenceTest, Join) {
  EXPECT_EQ(Fence::join({})->get(), nullptr);
  Fence *nothing[] = {nullptr, nullptr};
  EXPECT_EQ(Fence::join(nothing)->get(), nullptr);
  auto semaphore = makeSemaphore();
  auto a = *Fence::createAt(semaphore, 1);
  auto b = *Fence::createAt(semaphore, 4);
  Fence *both[] = {a.get(), nullptr, b.get()};
  auto joined = *Fence::join(both);
  EXPECT_EQ(joined->size(), 1u);
  EXPECT_EQ(joined->point(0).value, 4u);
}

class NamedFactory final : public DriverFactory {
public:
  NamedFactory(std::string_view name, StatusCode code)
      : names_{name}, code_(code) {}
  std::span<const std::string_view> names() const noexcept override {
    return names_;
  }
  StatusOr<Ref<Driver>> create(std::string_view, HostAllocator &) override {
    ++created;
    return Status::make(code_, "no such hardware");
  }
  int created = 0;

private:
  std::array<std::string_view, 1> names_;
  StatusCode code_;
};

TEST(DriverRegistryTest, RegistrationRules) {
  DriverRegistry registry;
  NamedFactory factory("x", StatusCode::Unavailable);
  EXPECT_TRUE(registry.registerFactory(&factory).isOk());
  EXPECT_EQ(registry.registerFactory(&factory).code(),
            StatusCode::AlreadyExists);
  EXPECT_EQ(registry.registerFactory(nullptr).code(),
            StatusCode::InvalidArgument);
  EXPECT_TRUE(registry.unregisterFactory(&factory).isOk());
  EXPECT_EQ(registry.unregisterFactory(&factory).code(), StatusCode::NotFound);
  EXPECT_TRUE(registry.registerFactory(&factory).isOk());
}

TEST(DriverRegistryTest, SixteenFitAndNotOneMore) {
  DriverRegistry registry;
  std::vector<std::unique_ptr<NamedFactory>> factories;
  for (size_t i = 0; i <= DriverRegistry::kCapacity; ++i)
    factories.push_back(
        std::make_unique<NamedFactory>("x", StatusCode::Unavailable));
  for (size_t i = 0; i < DriverRegistry::kCapacity; ++i)
    EXPECT_TRUE(registry.registerFactory(factories[i].get()).isOk());
  EXPECT_EQ(registry.registerFactory(factories.back().get()).code(),
            StatusCode::ResourceExhausted);
}

TEST(DriverRegistryTest, NewestFactoryWins) {
  DriverRegistry registry;
  NamedFactory old("x", StatusCode::Unavailable);
  NamedFactory newer("x", StatusCode::DataLoss);
  ASSERT_TRUE(registry.registerFactory(&old).isOk());
  EXPECT_EQ(registry.createDriver("x").code(), StatusCode::Unavailable);
  ASSERT_TRUE(registry.registerFactory(&newer).isOk());
  EXPECT_EQ(registry.createDriver("x").code(), StatusCode::DataLoss);
  EXPECT_EQ(old.created, 1);
}

/// Makes null drivers under two equal names and looks on.
class WatchedFactory final : public DriverFactory {
public:
  std::span<const std::string_view> names() const noexcept override {
    return names_;
  }
  StatusOr<Ref<Driver>> create(std::string_view name,
                               HostAllocator &allocator) override {
    ++created;
    lastName = name.data();
    overlaps += inside_.exchange(true);
    std::this_thread::yield();
    auto driver = nullDriverFactory().create("null", allocator);
    inside_ = false;
    return driver;
  }
  const char *entry(size_t i) const { return names_[i].data(); }
  int created = 0;
  int overlaps = 0;
  const char *lastName = nullptr;

private:
  char first_[4] = "dup";
  char second_[4] = "dup";
  const std::array<std::string_view, 3> names_ = {first_, second_, "longer"};
  std::atomic<bool> inside_{false};
};

TEST(DriverRegistryTest, HoldsFactoriesNotDrivers) {
  int64_t created = createdObjects(ObjectKind::Driver);
  int64_t live = liveObjects(ObjectKind::Driver);
  DriverRegistry registry;
  WatchedFactory factory;
  ASSERT_TRUE(registry.registerFactory(&factory).isOk());
  EXPECT_EQ(factory.created, 0);
  EXPECT_EQ(createdObjects(ObjectKind::Driver), created);
  {
    auto driver = registry.createDriver("longer");
    ASSERT_TRUE(driver.isOk());
    EXPECT_EQ((*driver)->refCount(), 1u); // the caller's
    auto another = registry.createDriver("longer");
    ASSERT_TRUE(another.isOk());
    EXPECT_NE(driver->get(), another->get());
  }
  EXPECT_EQ(liveObjects(ObjectKind::Driver), live);
}

TEST(DriverRegistryTest, DriversAreMadeUnderTheLock) {
  DriverRegistry registry;
  WatchedFactory factory;
  ASSERT_TRUE(registry.registerFactory(&factory).isOk());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        EXPECT_TRUE(registry.createDriver("dup").isOk());
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(factory.created, 2000);
  EXPECT_EQ(factory.overlaps, 0);
}

TEST(DriverRegistryTest, LastNameOfAFactoryWinsAndNamesAreExact) {
  DriverRegistry registry;
  WatchedFactory factory;
  ASSERT_TRUE(registry.registerFactory(&factory).isOk());
  ASSERT_TRUE(registry.createDriver("dup").isOk());
  EXPECT_EQ(factory.lastName, factory.entry(1));
  for (const char *name : {"", "du", "dupe", "Dup", "dup "})
    EXPECT_EQ(registry.createDriver(name).code(), StatusCode::NotFound) << name;
}

TEST(DriverRegistryTest, MissingLibrariesShowAtCreation) {
  int64_t live = liveObjects();
  DriverRegistry registry;
  NamedFactory vendor("vendor", StatusCode::Unavailable);
  EXPECT_TRUE(registry.registerFactory(&vendor).isOk());
  EXPECT_EQ(vendor.created, 0);
  EXPECT_EQ(registry.createDriver("vendor").code(), StatusCode::Unavailable);
  EXPECT_EQ(vendor.created, 1);
  EXPECT_EQ(liveObjects(), live);
}

TEST(DriverRegistryTest, UnknownNamesAreNamed) {
  ASSERT_TRUE(registerAllDriversOnce().isOk());
  auto driver = DriverRegistry::defaultRegistry().createDriver("abacus");
  EXPECT_EQ(driver.code(), StatusCode::NotFound);
  EXPECT_THAT(std::string(driver.status().message()),
              ::testing::AllOf(HasSubstr("'abacus'"), HasSubstr("local-task"),
                               HasSubstr("null")));
}

TEST(DriverRegistryTest, OneDefaultRegistry) {
  DriverRegistry *other = nullptr;
  std::thread([&] { other = &DriverRegistry::defaultRegistry(); }).join();
  EXPECT_EQ(other, &DriverRegistry::defaultRegistry());
  EXPECT_TRUE(registerAllDriversOnce().isOk());
  EXPECT_TRUE(registerAllDriversOnce().isOk());
  EXPECT_EQ(driverRegistrationCount(), 1);
  // The registration itself twice: the first factory exists already.
  EXPECT_EQ(registerAllDrivers(DriverRegistry::defaultRegistry()).code(),
            StatusCode::AlreadyExists);
}

TEST(DriverRegistryTest, FailedRegistrationLeavesNothing) {
  DriverRegistry registry;
  armFault(FaultPoint::DriverRegistration);
  EXPECT_EQ(registerAllDrivers(registry).code(), StatusCode::Internal);
  EXPECT_EQ(registry.createDriver("null").code(), StatusCode::NotFound);
  EXPECT_TRUE(registerAllDrivers(registry).isOk());
  EXPECT_TRUE(registry.createDriver("null").isOk());
}

TEST(DeviceTest, DriverDiesWithItsCreator) {
  ASSERT_TRUE(registerAllDriversOnce().isOk());
  int64_t drivers = liveObjects(ObjectKind::Driver);
  int64_t devices = liveObjects(ObjectKind::Device);
  for (const char *name : {"null", "local-sync", "local-task"}) {
    auto driver = *DriverRegistry::defaultRegistry().createDriver(name);
    EXPECT_EQ(driver->name(), name);
    armFault(FaultPoint::DeviceCreation);
    EXPECT_EQ(driver->createDevice(0, {}).code(), StatusCode::Internal);
    auto device = driver->createDevice(0, {});
    ASSERT_TRUE(device.isOk()) << device.status().toString();
    EXPECT_EQ((*device)->name(), name);
    // 0 is the default device, n + 1 the n-th.
    EXPECT_TRUE(driver->createDevice(driver->deviceCount(), {}).isOk());
    EXPECT_EQ(driver->createDevice(driver->deviceCount() + 1, {}).code(),
              StatusCode::NotFound);
    driver.reset();
    EXPECT_EQ(liveObjects(ObjectKind::Driver), drivers);
  }
  EXPECT_EQ(liveObjects(ObjectKind::Device), devices);
}

TEST(DeviceTest, CpuDevicesTakeNoStream) {
  ASSERT_TRUE(registerAllDriversOnce().isOk());
  auto driver = *DriverRegistry::defaultRegistry().createDriver("local-sync");
  DeviceParams params;
  EXPECT_EQ(params.externalStream, ~uint64_t{0}); // none is given
  int64_t created = createdObjects(ObjectKind::Device);
  params.externalStream = 0; // a valid stream, so it is refused too
  EXPECT_EQ(driver->createDevice(0, params).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(createdObjects(ObjectKind::Device), created);
}

TEST(DeviceGroupTest, RetainsItsDevices) {
  ASSERT_TRUE(registerAllDriversOnce().isOk());
  auto driver = *DriverRegistry::defaultRegistry().createDriver("null");
  auto device = *driver->createDevice(0, {});
  Device *devices[] = {device.get()};
  Device *withNull[] = {device.get(), nullptr};
  EXPECT_EQ(DeviceGroup::create({}).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(DeviceGroup::create(withNull).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(device->refCount(), 1u);
  auto group = *DeviceGroup::create(devices);
  EXPECT_EQ(device->refCount(), 2u);
  EXPECT_EQ(&group->device(0), device.get());
}

} // namespace
} // namespace fusilli::hal
