// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Handles and buffers: creation rules, sharing, lifetimes, contents.
#include "engine/access.h"
#include "engine/test/test_engine.h"

#include "runtime/hal/drivers/registration.h"
#include "support/fault.h"
#include "support/ref.h"

#include <iree/runtime/api.h>

#include <barrier>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace fusilli::test {
namespace {

TEST(HandleTest, CpuTakesNoDeviceAndNoStream) {
  int64_t devices = createdObjects(ObjectKind::Device);
  EXPECT_CODE(Handle::create(Backend::CPU, 0), InvalidArgument, "CPU");
  EXPECT_CODE(Handle::create(Backend::CPU, 3), InvalidArgument, "3");
  EXPECT_CODE(Handle::create(Backend::CPU, 0, 0), InvalidArgument, "CPU");
  EXPECT_EQ(createdObjects(ObjectKind::Device), devices);
}

TEST(HandleTest, OptionsChooseTheThreads) {
  HandleOptions options;
  for (uint32_t threads : {1u, 3u}) {
    options.numThreads = threads;
    ErrorOr<Handle> handle = Handle::create(Backend::CPU, options);
    ASSERT_OK(handle);
    EXPECT_EQ(detail::EngineAccess::impl(*handle)->device->concurrency(),
              threads);
  }
  ScopedEnv environment("FUSILLI_NUM_THREADS", "2");
  ErrorOr<Handle> standard = Handle::create(Backend::CPU, HandleOptions());
  ASSERT_OK(standard);
  EXPECT_EQ(detail::EngineAccess::impl(*standard)->device->concurrency(), 2u);
  options.numThreads = 1025;
  EXPECT_CODE(Handle::create(Backend::CPU, options), InvalidArgument, "1025");
}

TEST(HandleTest, BackendsThatAreNotThereAreInternalErrors) {
  EXPECT_CODE(Handle::create(Backend::AMDGPU), InternalError, "AMDGPU");
  EXPECT_CODE(Handle::create(Backend::AMDGPU, 0), InternalError, "AMDGPU");
  EXPECT_CODE(Handle::create(Backend::AMDGPU, 0, 0), InternalError, "AMDGPU");
  EXPECT_CODE(Handle::create(static_cast<Backend>(77)), InternalError, "77");
}

TEST(HandleTest, MovesLeaveNothingBehind) {
  ErrorOr<Handle> handle = Handle::create(Backend::CPU);
  ASSERT_OK(handle);
  iree_hal_device_t *device = *handle;
  EXPECT_NE(device, nullptr);
  Handle moved(std::move(*handle));
  EXPECT_EQ(static_cast<iree_hal_device_t *>(*handle), nullptr);
  EXPECT_EQ(static_cast<iree_hal_device_t *>(moved), device);
  EXPECT_EQ(moved.getBackend(), Backend::CPU);
  EXPECT_CODE(Buffer::allocateRaw(*handle, 4), InvalidArgument, "moved");
  std::vector<Handle> handles;
  handles.push_back(std::move(moved));
  EXPECT_EQ(handles[0].getBackend(), Backend::CPU);
  handles.clear(); // those that were moved from hold nothing
  EXPECT_EQ(liveObjects(), 0);
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int kRounds = 100; // each costs several times as much
#else
constexpr int kRounds = 1000;
#endif

// In each round 32 threads create a handle at once and drop it at once.
TEST(HandleTest, OneInstanceForAllHandlesOfAllThreads) {
  ASSERT_EQ(liveObjects(), 0);
  int64_t created = createdObjects(ObjectKind::Instance);
  int64_t devices = createdObjects(ObjectKind::Device);
  constexpr int kThreads = 32;
  std::barrier step(kThreads + 1);
  std::vector<std::optional<Handle>> handles(kThreads);
  std::vector<const vm::Instance *> instances(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        step.arrive_and_wait();
        ErrorOr<Handle> handle = Handle::create(Backend::CPU);
        EXPECT_TRUE(isOk(handle)) << ErrorObject(handle);
        if (isOk(handle)) {
          handles[t].emplace(std::move(*handle));
          instances[t] =
              detail::EngineAccess::impl(*handles[t])->instance.get();
        }
        step.arrive_and_wait();
        step.arrive_and_wait(); // the counts are read
        handles[t].reset();
        step.arrive_and_wait();
      }
    });
  for (int round = 0; round < kRounds; ++round) {
    step.arrive_and_wait();
    step.arrive_and_wait();
    EXPECT_EQ(createdObjects(ObjectKind::Instance), created + round + 1);
    EXPECT_EQ(liveObjects(ObjectKind::Instance), 1);
    EXPECT_EQ(liveObjects(ObjectKind::Device), kThreads);
    EXPECT_EQ(liveObjects(ObjectKind::Driver), 0);
    EXPECT_THAT(instances, testing::Each(instances[0]));
    step.arrive_and_wait();
    step.arrive_and_wait();
    EXPECT_EQ(liveObjects(), 0);
  }
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(createdObjects(ObjectKind::Instance), created + kRounds);
  EXPECT_EQ(createdObjects(ObjectKind::Device), devices + kRounds * kThreads);
  EXPECT_EQ(hal::driverRegistrationCount(), 1);
}

TEST(HandleTest, FailuresLeaveNothingAlive) {
  ASSERT_EQ(liveObjects(), 0); // so the pool of workers is made anew
  ScopedEnv threads("FUSILLI_NUM_THREADS", "2");
  for (FaultPoint point :
       {FaultPoint::DeviceCreation, FaultPoint::TypeRegistration,
        FaultPoint::WorkerStart}) {
    armFault(point);
    EXPECT_CODE(Handle::create(Backend::CPU), RuntimeFailure, "injected");
    armFault(point, 0);
    EXPECT_EQ(liveObjects(ObjectKind::Instance), 0) << static_cast<int>(point);
    EXPECT_EQ(liveObjects(ObjectKind::Driver), 0) << static_cast<int>(point);
    EXPECT_EQ(liveObjects(), 0) << static_cast<int>(point);
  }
  EXPECT_OK(Handle::create(Backend::CPU));
}

TEST(HandleTest, DriverIsGivenBackAndEachHandleHasADevice) {
  int64_t drivers = createdObjects(ObjectKind::Driver);
  {
    ErrorOr<Handle> a = Handle::create(Backend::CPU);
    ErrorOr<Handle> b = Handle::create(Backend::CPU);
    ASSERT_OK(a);
    ASSERT_OK(b);
    EXPECT_EQ(createdObjects(ObjectKind::Driver), drivers + 2);
    EXPECT_EQ(liveObjects(ObjectKind::Driver), 0);
    EXPECT_NE(static_cast<iree_hal_device_t *>(*a),
              static_cast<iree_hal_device_t *>(*b));
    EXPECT_EQ(liveObjects(ObjectKind::Device), 2);
    EXPECT_EQ(liveObjects(ObjectKind::DeviceGroup), 2);
    EXPECT_EQ(detail::EngineAccess::impl(*a)->device->name(), "local-task");
  }
  EXPECT_EQ(liveObjects(), 0);
}

// A process whose drivers cannot be registered.
[[noreturn]] void createThreeHandlesWithoutDrivers() {
  armFault(FaultPoint::DriverRegistration);
  std::vector<ErrorObject> errors;
  for (int i = 0; i < 3; ++i)
    errors.push_back(Handle::create(Backend::CPU));
  bool right = liveObjects() == 0 && hal::driverRegistrationCount() == 1;
  for (const ErrorObject &error : errors) {
    std::cerr << error << "\n";
    right &= error.getCode() == ErrorCode::RuntimeFailure &&
             error.getMessage() == errors[0].getMessage();
  }
  std::exit(right ? 0 : 1);
}

TEST(HandleDeathTest, FailedRegistrationOfDriversIsToldEveryTime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // a fresh process
  EXPECT_EXIT(createThreeHandlesWithoutDrivers(), testing::ExitedWithCode(0),
              "injected failure of driver registration");
}

class BufferTest : public EngineTest {};

TEST_F(BufferTest, RoundTripsEveryType) {
  auto roundTrip = [&]<typename T>(std::vector<T> data,
                                   iree_hal_element_type_t type) {
    ErrorOr<Buffer> buffer = Buffer::allocate(*handle_, {data.size()}, data);
    ASSERT_OK(buffer);
    EXPECT_EQ(iree_hal_buffer_view_element_type(*buffer), type);
    EXPECT_EQ(iree_hal_buffer_view_shape_rank(*buffer), 1u);
    EXPECT_EQ(iree_hal_buffer_view_shape_dim(*buffer, 0), data.size());
    EXPECT_EQ(iree_hal_buffer_view_shape_dim(*buffer, 1), 0u);
    EXPECT_EQ(iree_hal_buffer_view_element_count(*buffer), data.size());
    std::vector<T> back;
    ASSERT_OK(buffer->read(*handle_, back));
    ASSERT_EQ(back.size(), data.size());
    for (size_t i = 0; i < data.size(); ++i)
      EXPECT_EQ(static_cast<float>(back[i]), static_cast<float>(data[i]));
    EXPECT_CODE(buffer->read(*handle_, back), RuntimeFailure, "empty");
  };
  roundTrip(std::vector<float>{1, -2, 3}, IREE_HAL_ELEMENT_TYPE_FLOAT_32);
  roundTrip(std::vector<half>{half(1), half(-2)},
            IREE_HAL_ELEMENT_TYPE_FLOAT_16);
  roundTrip(std::vector<bf16>{bf16(1.0f), bf16(-2.0f)},
            IREE_HAL_ELEMENT_TYPE_BFLOAT_16);
  roundTrip(std::vector<int>{1, -2}, IREE_HAL_ELEMENT_TYPE_INT_32);
  roundTrip(std::vector<int16_t>{1, -2}, IREE_HAL_ELEMENT_TYPE_INT_16);
  roundTrip(std::vector<int8_t>{1, -2, 0}, IREE_HAL_ELEMENT_TYPE_INT_8);
  roundTrip(std::vector<Int4>{Int4(1), Int4(-8), Int4(7)},
            IREE_HAL_ELEMENT_TYPE_SINT_4);
}

TEST_F(BufferTest, Int4IsPacked) {
  std::vector<Int4> eight(8, Int4(3)), seven(7, Int4(-1));
  ErrorOr<Buffer> a = Buffer::allocate(*handle_, {8}, eight);
  ErrorOr<Buffer> b = Buffer::allocate(*handle_, {7}, seven);
  ASSERT_OK(a);
  ASSERT_OK(b);
  EXPECT_EQ(iree_hal_buffer_view_byte_length(*a), 4u);
  EXPECT_EQ(iree_hal_buffer_view_byte_length(*b), 4u);
  std::vector<uint8_t> bytes;
  ASSERT_OK(a->read(*handle_, bytes));
  EXPECT_THAT(bytes, testing::ElementsAre(0x33, 0x33, 0x33, 0x33));
}

TEST_F(BufferTest, ChecksShapeAndCount) {
  std::vector<float> six(6);
  EXPECT_CODE(Buffer::allocate(*handle_, {}, six), RuntimeFailure, "");
  EXPECT_CODE(Buffer::allocate(*handle_, {2, 0}, six), RuntimeFailure, "");
  EXPECT_CODE(Buffer::allocate(*handle_, {2, 4}, six), RuntimeFailure, "8");
  EXPECT_CODE(Buffer::allocate(*handle_, {2, 4}, six), RuntimeFailure, "6");
  EXPECT_CODE(Buffer::allocate(*handle_, {SIZE_MAX, 2}, six), RuntimeFailure,
              "2^64");
  EXPECT_OK(Buffer::allocate(*handle_, {2, 3}, six));
}

TEST_F(BufferTest, RawBuffers) {
  EXPECT_CODE(Buffer::allocateRaw(*handle_, 0), RuntimeFailure, "0 bytes");
  ErrorOr<Buffer> raw = Buffer::allocateRaw(*handle_, 100);
  ASSERT_OK(raw);
  EXPECT_EQ(iree_hal_buffer_view_element_type(*raw),
            IREE_HAL_ELEMENT_TYPE_INT_8);
  EXPECT_EQ(iree_hal_buffer_view_shape_dim(*raw, 0), 100u);
  EXPECT_GE(iree_hal_buffer_byte_length(iree_hal_buffer_view_buffer(*raw)),
            100u);
}

TEST_F(BufferTest, ImportSharesAndMovesEmpty) {
  EXPECT_CODE(Buffer::import(nullptr), RuntimeFailure, "null");
  int64_t before = liveObjects(ObjectKind::BufferView);
  {
    BufferPtr original = makeBuffer(*handle_, {1, 2});
    ErrorOr<Buffer> shared = Buffer::import(*original);
    ASSERT_OK(shared);
    EXPECT_EQ(static_cast<iree_hal_buffer_view_t *>(*shared),
              static_cast<iree_hal_buffer_view_t *>(*original));
    original.reset();
    std::vector<float> data;
    EXPECT_OK(shared->read(*handle_, data));
    EXPECT_THAT(data, testing::ElementsAre(1, 2));
    Buffer moved(std::move(*shared));
    EXPECT_TRUE(*shared == nullptr);
    data.clear();
    EXPECT_CODE(shared->read(*handle_, data), RuntimeFailure, "moved");
    EXPECT_EQ(liveObjects(ObjectKind::BufferView), before + 1);
  }
  EXPECT_EQ(liveObjects(ObjectKind::BufferView), before);
}

TEST_F(BufferTest, ForeignMemoryThroughTheCompatibilityLayer) {
  alignas(64) static float memory[8] = {1, 2, 3, 4};
  static int released = 0;
  iree_hal_buffer_params_t params = {.usage = IREE_HAL_BUFFER_USAGE_DEFAULT,
                                     .access = IREE_HAL_MEMORY_ACCESS_ALL,
                                     .type = IREE_HAL_MEMORY_TYPE_DEVICE_LOCAL,
                                     .queue_affinity =
                                         IREE_HAL_QUEUE_AFFINITY_ANY,
                                     .min_alignment = 0};
  iree_hal_external_buffer_t external = {};
  external.type = IREE_HAL_EXTERNAL_BUFFER_TYPE_HOST_ALLOCATION;
  external.size = 16;
  external.handle.host_allocation.ptr = memory;
  iree_hal_buffer_release_callback_t callback = {
      [](void *count, iree_hal_buffer_t *) { ++*static_cast<int *>(count); },
      &released};
  iree_hal_buffer_t *buffer = nullptr;
  iree_status_t status =
      iree_hal_allocator_import_buffer(iree_hal_device_allocator(*handle_),
                                       params, &external, callback, &buffer);
  ASSERT_TRUE(iree_status_is_ok(status));
  iree_hal_dim_t dims[] = {4};
  iree_hal_buffer_view_t *view = nullptr;
  ASSERT_OK(iree_hal_buffer_view_create(
      buffer, 1, dims, IREE_HAL_ELEMENT_TYPE_FLOAT_32,
      IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR, iree_allocator_system(), &view));
  iree_hal_buffer_release(buffer);
  ErrorOr<Buffer> imported = Buffer::import(view);
  ASSERT_OK(imported);
  iree_hal_buffer_view_release(view);
  std::vector<float> data;
  EXPECT_OK(imported->read(*handle_, data));
  EXPECT_THAT(data, testing::ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(released, 0);
  Buffer(std::move(*imported));
  EXPECT_EQ(released, 1);
  // A view that does not fit its buffer.
  external.size = 8;
  ASSERT_OK(iree_hal_allocator_import_buffer(
      iree_hal_device_allocator(*handle_), params, &external,
      iree_hal_buffer_release_callback_null(), &buffer));
  EXPECT_CODE(iree_hal_buffer_view_create(
                  buffer, 1, dims, IREE_HAL_ELEMENT_TYPE_FLOAT_32,
                  IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR,
                  iree_allocator_system(), &view),
              RuntimeFailure, "");
  iree_hal_buffer_release(buffer);
}

} // namespace
} // namespace fusilli::test
