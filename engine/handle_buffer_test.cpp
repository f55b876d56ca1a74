// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Handles and buffers: creation rules, sharing, lifetimes, contents.
#include "engine/access.h"
#include "engine/test/test_engine.h"

#include "engine/access.h"
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

TEST(HandleTest, HandlesShareOnePool) {
  const auto pools = [] { return liveObjects(ObjectKind::WorkerPool); };
  ASSERT_EQ(pools(), 0);
  {
    std::vector<Handle> handles;
    for (int i = 0; i < 5; ++i) {
      ErrorOr<Handle> handle = Handle::create(Backend::CPU);
      ASSERT_OK(handle);
      handles.push_back(std::move(*handle));
      EXPECT_EQ(pools(), 1);
    }
    ErrorOr<Handle> own =
        Handle::create(Backend::CPU, HandleOptions{.numThreads = 2});
    ASSERT_OK(own);
    EXPECT_EQ(pools(), 2); // who asks for a size gets a pool of its own
    handles.clear();
    EXPECT_EQ(pools(), 1);
  }
  EXPECT_EQ(pools(), 0);
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

template <typename T>
concept Allocatable = requires { IreeHalElementType<T>::kType; };

TEST_F(BufferTest, ElementTypesAreThoseOfTheInterface) {
  static_assert(Allocatable<float> && Allocatable<half> && Allocatable<bf16> &&
                Allocatable<int> && Allocatable<int16_t> &&
                Allocatable<int8_t> && Allocatable<Int4>);
  static_assert(!Allocatable<double> && !Allocatable<int64_t> &&
                !Allocatable<uint8_t> && !Allocatable<uint32_t> &&
                !Allocatable<bool> && !Allocatable<char>);
  static_assert(!std::is_copy_constructible_v<Buffer> &&
                !std::is_copy_assignable_v<Buffer>);
  static_assert(std::is_same_v<iree_hal_dim_t, size_t>);
}

// A value that every T holds exactly.
template <typename T> T valueAt(size_t i) {
  int small = static_cast<int>(i % 16) - 8; // what fits Int4
  if constexpr (std::is_same_v<T, Int4>)
    return Int4(small);
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(small * 3 + static_cast<int>(i / 16));
  else
    return static_cast<T>(static_cast<float>(small) + 0.5f);
}

TEST_F(BufferTest, RoundTripsEveryType) {
  auto roundTrip = [&]<typename T>(T, iree_hal_element_type_t type,
                                   size_t bits) {
    for (size_t count : {1, 2, 3, 7, 8, 33, 1001, 65537}) {
      std::vector<T> data;
      for (size_t i = 0; i < count; ++i)
        data.push_back(valueAt<T>(i));
      ErrorOr<Buffer> buffer = Buffer::allocate(*handle_, {count}, data);
      ASSERT_OK(buffer);
      EXPECT_EQ(iree_hal_buffer_view_element_type(*buffer), type);
      EXPECT_EQ(iree_hal_buffer_view_shape_rank(*buffer), 1u);
      EXPECT_EQ(iree_hal_buffer_view_shape_dim(*buffer, 0), count);
      EXPECT_EQ(iree_hal_buffer_view_shape_dim(*buffer, 1), 0u);
      EXPECT_EQ(iree_hal_buffer_view_element_count(*buffer), count);
      EXPECT_EQ(iree_hal_buffer_view_byte_length(*buffer),
                (count * bits + 7) / 8);
      std::vector<T> back;
      ASSERT_OK(buffer->read(*handle_, back));
      ASSERT_EQ(back.size(), count);
      for (size_t i = 0; i < count; ++i)
        ASSERT_EQ(static_cast<float>(back[i]), static_cast<float>(data[i]))
            << i << " of " << count;
      EXPECT_CODE(buffer->read(*handle_, back), RuntimeFailure, "empty");
      EXPECT_EQ(back.size(), count);
    }
  };
  roundTrip(float(), IREE_HAL_ELEMENT_TYPE_FLOAT_32, 32);
  roundTrip(half(0.0f), IREE_HAL_ELEMENT_TYPE_FLOAT_16, 16);
  roundTrip(bf16(0.0f), IREE_HAL_ELEMENT_TYPE_BFLOAT_16, 16);
  roundTrip(int(), IREE_HAL_ELEMENT_TYPE_INT_32, 32);
  roundTrip(int16_t(), IREE_HAL_ELEMENT_TYPE_INT_16, 16);
  roundTrip(int8_t(), IREE_HAL_ELEMENT_TYPE_INT_8, 8);
  roundTrip(Int4(0), IREE_HAL_ELEMENT_TYPE_SINT_4, 4);
}

TEST_F(BufferTest, Int4IsPacked) {
  std::vector<Int4> eight, seven;
  for (int i = 0; i < 8; ++i)
    eight.push_back(Int4(i - 4));
  seven.assign(eight.begin(), eight.end() - 1);
  ErrorOr<Buffer> a = Buffer::allocate(*handle_, {8}, eight);
  ErrorOr<Buffer> b = Buffer::allocate(*handle_, {7}, seven);
  ASSERT_OK(a);
  ASSERT_OK(b);
  EXPECT_EQ(iree_hal_buffer_view_byte_length(*a), 4u);
  EXPECT_EQ(iree_hal_buffer_view_byte_length(*b), 4u);
  // -4 to 3, the first of each two in the low half of its byte.
  std::vector<uint8_t> bytes;
  ASSERT_OK(a->read(*handle_, bytes));
  EXPECT_THAT(bytes, testing::ElementsAre(0xdc, 0xfe, 0x10, 0x32));
  bytes.clear();
  ASSERT_OK(b->read(*handle_, bytes));
  EXPECT_THAT(bytes, testing::ElementsAre(0xdc, 0xfe, 0x10, 0x02));
}

TEST_F(BufferTest, ChecksShapeAndCount) {
  std::vector<float> six(6);
  EXPECT_CODE(Buffer::allocate(*handle_, {}, six), RuntimeFailure, "");
  EXPECT_CODE(Buffer::allocate(*handle_, {2, 0}, six), RuntimeFailure, "");
  EXPECT_CODE(Buffer::allocate(*handle_, {6}, std::vector<float>()),
              RuntimeFailure, "0 were given");
  for (const char *text : {"{2, 4}", "holds 8", "6 were given"})
    EXPECT_CODE(Buffer::allocate(*handle_, {2, 4}, six), RuntimeFailure, text);
  EXPECT_CODE(Buffer::allocate(*handle_, {9}, std::vector<Int4>(10)),
              RuntimeFailure, "10 were given"); // both are 5 bytes
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
  EXPECT_EQ(iree_hal_buffer_view_shape_rank(*raw), 1u);
  EXPECT_EQ(iree_hal_buffer_view_shape_dim(*raw, 0), 100u);
  EXPECT_EQ(iree_hal_buffer_view_byte_length(*raw), 100u);
  EXPECT_GE(iree_hal_buffer_byte_length(iree_hal_buffer_view_buffer(*raw)),
            100u);
  // The view alone holds the memory.
  const hal::BufferView *view = detail::EngineAccess::view(*raw);
  EXPECT_EQ(view->refCount(), 1u);
  EXPECT_EQ(view->buffer()->refCount(), 1u);
}

// Each allocation in turn, so the view's too, behind the buffer's.
TEST_F(BufferTest, FailedCreationLeavesNothing) {
  handle_.reset();
  CountingAllocator allocator;
  HostAllocator &standard = replaceSystemAllocator(&allocator);
  {
    ErrorOr<Handle> handle = Handle::create(Backend::CPU);
    ASSERT_OK(handle);
    const std::vector<float> six(6);
    const int64_t objects = liveObjects();
    const int64_t blocks = allocator.counts().liveBlocks;
    for (bool raw : {true, false}) {
      uint64_t failures = 0;
      for (uint64_t n = 1;; ++n) {
        allocator.failNth(n);
        ErrorObject status =
            raw ? ErrorObject(Buffer::allocateRaw(*handle, 1000))
                : ErrorObject(Buffer::allocate(*handle, {2, 3}, six));
        EXPECT_EQ(liveObjects(), objects) << n;
        EXPECT_EQ(allocator.counts().liveBlocks, blocks) << n;
        if (allocator.failurePending()) {
          EXPECT_OK(status);
          break;
        }
        EXPECT_EQ(status.getCode(), ErrorCode::RuntimeFailure) << n;
        ++failures;
        ASSERT_LT(n, 100u);
      }
      EXPECT_GE(failures, 4u); // memory, buffer, dims, view
      allocator.failNth(0);
    }
  }
  EXPECT_EQ(allocator.counts().liveBlocks, 0);
  replaceSystemAllocator(&standard);
}

TEST_F(BufferTest, ImportSharesAndMovesEmpty) {
  EXPECT_CODE(Buffer::import(nullptr), RuntimeFailure, "null");
  int64_t before = liveObjects(ObjectKind::BufferView);
  {
    BufferPtr original = makeBuffer(*handle_, {1, 2});
    const hal::BufferView *view = detail::EngineAccess::view(*original);
    EXPECT_EQ(view->refCount(), 1u);
    ErrorOr<Buffer> shared = Buffer::import(*original);
    ASSERT_OK(shared);
    EXPECT_EQ(view->refCount(), 2u);
    EXPECT_EQ(static_cast<iree_hal_buffer_view_t *>(*shared),
              static_cast<iree_hal_buffer_view_t *>(*original));
    original.reset();
    std::vector<float> data;
    EXPECT_OK(shared->read(*handle_, data));
    EXPECT_THAT(data, testing::ElementsAre(1, 2));
    Buffer moved(std::move(*shared));
    EXPECT_EQ(view->refCount(), 1u);
    EXPECT_TRUE(*shared == nullptr);
    data.clear();
    EXPECT_CODE(shared->read(*handle_, data), RuntimeFailure, "moved");
    EXPECT_EQ(liveObjects(ObjectKind::BufferView), before + 1);
  }
  EXPECT_EQ(liveObjects(ObjectKind::BufferView), before);
}

// The headers that clients see and the runtime agree on every number.
TEST_F(BufferTest, CompatibilityNumbersAreTheRuntimes) {
  using enum hal::ElementType;
  const std::pair<iree_hal_element_type_t, hal::ElementType> types[] = {
      {IREE_HAL_ELEMENT_TYPE_NONE, None},
      {IREE_HAL_ELEMENT_TYPE_INT_4, Int4},
      {IREE_HAL_ELEMENT_TYPE_INT_8, Int8},
      {IREE_HAL_ELEMENT_TYPE_INT_16, Int16},
      {IREE_HAL_ELEMENT_TYPE_INT_32, Int32},
      {IREE_HAL_ELEMENT_TYPE_INT_64, Int64},
      {IREE_HAL_ELEMENT_TYPE_SINT_4, Sint4},
      {IREE_HAL_ELEMENT_TYPE_SINT_8, Sint8},
      {IREE_HAL_ELEMENT_TYPE_SINT_16, Sint16},
      {IREE_HAL_ELEMENT_TYPE_SINT_32, Sint32},
      {IREE_HAL_ELEMENT_TYPE_SINT_64, Sint64},
      {IREE_HAL_ELEMENT_TYPE_UINT_4, Uint4},
      {IREE_HAL_ELEMENT_TYPE_UINT_8, Uint8},
      {IREE_HAL_ELEMENT_TYPE_UINT_16, Uint16},
      {IREE_HAL_ELEMENT_TYPE_UINT_32, Uint32},
      {IREE_HAL_ELEMENT_TYPE_UINT_64, Uint64},
      {IREE_HAL_ELEMENT_TYPE_BOOL_8, Bool8},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_16, Float16},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_32, Float32},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_64, Float64},
      {IREE_HAL_ELEMENT_TYPE_BFLOAT_16, BFloat16},
      {IREE_HAL_ELEMENT_TYPE_COMPLEX_64, Complex64},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_8_E5M2, F8E5M2},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_8_E4M3_FN, F8E4M3FN},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_8_E5M2_FNUZ, F8E5M2FNUZ},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_8_E4M3_FNUZ, F8E4M3FNUZ},
      {IREE_HAL_ELEMENT_TYPE_FLOAT_8_E8M0_FNU, F8E8M0FNU},
  };
  for (auto [client, runtime] : types) {
    EXPECT_EQ(client, static_cast<uint32_t>(runtime));
    const size_t bits = hal::elementBits(runtime);
    EXPECT_EQ(iree_hal_element_dense_byte_count(client), (bits + 7) / 8);
    for (size_t count : {0, 1, 7, 8})
      EXPECT_EQ(iree_hal_element_packed_byte_count(client, count),
                (bits * count + 7) / 8);
  }
  auto equal = [](uint64_t client, uint64_t runtime) {
    EXPECT_EQ(client, runtime);
  };
  equal(IREE_HAL_WHOLE_BUFFER, hal::kWholeBuffer);
  equal(IREE_HAL_ENCODING_TYPE_OPAQUE,
        static_cast<uint64_t>(hal::EncodingType::Opaque));
  equal(IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR,
        static_cast<uint64_t>(hal::EncodingType::DenseRowMajor));
  equal(IREE_HAL_MEMORY_TYPE_OPTIMAL, hal::kMemoryOptimal);
  equal(IREE_HAL_MEMORY_TYPE_HOST_VISIBLE, hal::kMemoryHostVisible);
  equal(IREE_HAL_MEMORY_TYPE_HOST_COHERENT, hal::kMemoryHostCoherent);
  equal(IREE_HAL_MEMORY_TYPE_HOST_CACHED, hal::kMemoryHostCached);
  equal(IREE_HAL_MEMORY_TYPE_HOST_LOCAL, hal::kMemoryHostLocal);
  equal(IREE_HAL_MEMORY_TYPE_DEVICE_VISIBLE, hal::kMemoryDeviceVisible);
  equal(IREE_HAL_MEMORY_TYPE_DEVICE_LOCAL, hal::kMemoryDeviceLocal);
  equal(IREE_HAL_MEMORY_ACCESS_READ, hal::kAccessRead);
  equal(IREE_HAL_MEMORY_ACCESS_WRITE, hal::kAccessWrite);
  equal(IREE_HAL_MEMORY_ACCESS_UNALIGNED, hal::kAccessUnaligned);
  equal(IREE_HAL_MEMORY_ACCESS_ALL, hal::kAccessAll);
  equal(IREE_HAL_BUFFER_USAGE_TRANSFER, hal::kUsageTransfer);
  equal(IREE_HAL_BUFFER_USAGE_DISPATCH_STORAGE, hal::kUsageStorage);
  equal(IREE_HAL_BUFFER_USAGE_DEFAULT, hal::kUsageDefault);
  const std::pair<iree_hal_external_buffer_type_t, hal::ExternalBufferType>
      external[] = {
          {IREE_HAL_EXTERNAL_BUFFER_TYPE_NONE, hal::ExternalBufferType::None},
          {IREE_HAL_EXTERNAL_BUFFER_TYPE_HOST_ALLOCATION,
           hal::ExternalBufferType::HostAllocation},
          {IREE_HAL_EXTERNAL_BUFFER_TYPE_DEVICE_ALLOCATION,
           hal::ExternalBufferType::DeviceAllocation},
          {IREE_HAL_EXTERNAL_BUFFER_TYPE_OPAQUE_FD,
           hal::ExternalBufferType::OpaqueFd},
          {IREE_HAL_EXTERNAL_BUFFER_TYPE_OPAQUE_WIN32,
           hal::ExternalBufferType::OpaqueWin32}};
  for (auto [client, runtime] : external)
    equal(client, static_cast<uint64_t>(runtime));
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
