// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocators, buffers, views, transfers.
#include "runtime/hal/cts/cts.h"

#include <gmock/gmock.h>
#include <numeric>
#include <thread>

namespace fusilli::hal::cts {
namespace {

using ::testing::HasSubstr;

class AllocatorTest : public CtsTest {};

TEST_P(AllocatorTest, AllocatesWhatWasAsked) {
  for (DeviceSize bytes : {DeviceSize{1}, DeviceSize{64}, DeviceSize{65537},
                           DeviceSize{5} << 20}) {
    Ref<Buffer> buffer = makeBuffer(bytes);
    ASSERT_TRUE(buffer);
    EXPECT_GE(buffer->byteLength(), bytes);
    EXPECT_EQ(buffer->devicePointer() % 64, 0u);
    if (bytes >= DeviceSize{2} << 20) {
      std::vector<uint8_t> content(bytes, 0x5a);
      EXPECT_TRUE(
          device_->hostToDevice(content.data(), *buffer, 0, bytes).isOk());
      EXPECT_EQ(read(*buffer), content);
    }
  }
}

TEST_P(AllocatorTest, WrongRequestsAreErrors) {
  Allocator &allocator = device_->allocator();
  EXPECT_EQ(allocator.allocate({}, 0).code(), StatusCode::InvalidArgument);
  BufferParams params;
  params.minAlignment = 48;
  EXPECT_EQ(allocator.allocate(params, 64).code(), StatusCode::InvalidArgument);
  EXPECT_EQ(allocator.allocate({}, ~DeviceSize{0} - 63).code(),
            StatusCode::ResourceExhausted);
  EXPECT_EQ(allocator.allocate({}, DeviceSize{1} << 60).code(),
            StatusCode::ResourceExhausted);
}

TEST_P(AllocatorTest, StatisticsAreExactFromManyThreads) {
  AllocatorStatistics before = device_->allocator().statistics();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        auto a = device_->allocator().allocate({}, 100);
        BufferParams host;
        host.type = kMemoryHostLocal;
        auto b = device_->allocator().allocate(host, 10);
      }
    });
  for (auto &thread : threads)
    thread.join();
  AllocatorStatistics after = device_->allocator().statistics();
  EXPECT_EQ(after.deviceAllocated - before.deviceAllocated, 80000u);
  EXPECT_EQ(after.deviceFreed - before.deviceFreed, 80000u);
  EXPECT_EQ(after.hostAllocated - before.hostAllocated, 8000u);
  EXPECT_EQ(after.hostFreed - before.hostFreed, 8000u);
}

TEST_P(AllocatorTest, PeakOfANestedPattern) {
  {
    Ref<Buffer> a = makeBuffer(1000);
    {
      Ref<Buffer> b = makeBuffer(2000);
    }
    Ref<Buffer> c = makeBuffer(500);
    AllocatorStatistics s = device_->allocator().statistics();
    EXPECT_EQ(s.devicePeak, 3000u);
    EXPECT_EQ(s.deviceAllocated - s.deviceFreed, 1500u);
  }
}

TEST_P(AllocatorTest, ImportReleasesOnceAndIsNotCounted) {
  std::vector<uint8_t> memory(100, 7);
  int released = 0;
  ReleaseCallback callback{
      [](void *user, Buffer *) { ++*static_cast<int *>(user); }, &released};
  AllocatorStatistics before = device_->allocator().statistics();
  for (size_t shift : {0, 1, 4, 8}) {
    released = 0;
    ExternalBuffer external;
    external.type = ExternalBufferType::HostAllocation;
    external.handle = reinterpret_cast<uintptr_t>(memory.data() + shift);
    external.size = 64;
    auto buffer = device_->allocator().import({}, external, callback);
    ASSERT_TRUE(buffer.isOk()) << buffer.status().toString();
    EXPECT_EQ((*buffer)->byteLength(), 64u);
    DeviceSize dims[] = {16};
    auto view = BufferView::create(*buffer, dims, ElementType::Int32);
    buffer = abortedError("dropped");
    EXPECT_EQ(released, 0);
    EXPECT_EQ(read(*(*view)->buffer()), std::vector<uint8_t>(64, 7));
    view = abortedError("dropped");
    EXPECT_EQ(released, 1);
  }
  EXPECT_EQ(device_->allocator().statistics().deviceAllocated,
            before.deviceAllocated);
}

TEST_P(AllocatorTest, ImportOfNothingOrUnknownTypes) {
  ExternalBuffer external;
  int x = 0;
  external.size = 4;
  external.handle = reinterpret_cast<uintptr_t>(&x);
  for (auto type : {ExternalBufferType::None, ExternalBufferType::OpaqueFd,
                    ExternalBufferType::OpaqueWin32}) {
    external.type = type;
    EXPECT_EQ(device_->allocator().import({}, external, {}).code(),
              StatusCode::Unavailable);
  }
  external.type = ExternalBufferType::HostAllocation;
  external.size = 0;
  EXPECT_EQ(device_->allocator().import({}, external, {}).code(),
            StatusCode::InvalidArgument);
  external.size = 4;
  external.handle = 0;
  EXPECT_EQ(device_->allocator().import({}, external, {}).code(),
            StatusCode::InvalidArgument);
}

class BufferViewTest : public CtsTest {};

TEST_P(BufferViewTest, ByteLengthRoundsUp) {
  Ref<Buffer> buffer = makeBuffer(64);
  DeviceSize eight[] = {8};
  DeviceSize seven[] = {7};
  EXPECT_EQ(
      (*BufferView::create(buffer, eight, ElementType::Sint4))->byteLength(),
      4u);
  EXPECT_EQ(
      (*BufferView::create(buffer, seven, ElementType::Sint4))->byteLength(),
      4u);
  auto scalar = BufferView::create(buffer, {}, ElementType::Float64);
  EXPECT_EQ((*scalar)->rank(), 0u);
  EXPECT_EQ((*scalar)->elementCount(), 1u);
  EXPECT_EQ((*scalar)->byteLength(), 8u);
}

TEST_P(BufferViewTest, DimPastTheRankIsZero) {
  Ref<Buffer> buffer = makeBuffer(64);
  DeviceSize dims[] = {2, 3};
  auto view = BufferView::create(buffer, dims, ElementType::Float32);
  EXPECT_EQ((*view)->dim(0), 2u);
  EXPECT_EQ((*view)->dim(1), 3u);
  EXPECT_EQ((*view)->dim(2), 0u);
  EXPECT_EQ((*view)->dim(~size_t{0}), 0u);
  EXPECT_EQ((*view)->elementCount(), 6u);
  EXPECT_EQ(buffer->refCount(), 2u);
}

TEST_P(BufferViewTest, MustFitItsBuffer) {
  Ref<Buffer> buffer = makeBuffer(64);
  DeviceSize fits[] = {16};
  DeviceSize tooLong[] = {17};
  DeviceSize huge[] = {DeviceSize{1} << 33, DeviceSize{1} << 33};
  EXPECT_TRUE(BufferView::create(buffer, fits, ElementType::Int32).isOk());
  EXPECT_EQ(BufferView::create(buffer, tooLong, ElementType::Int32).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(BufferView::create(buffer, huge, ElementType::Int32).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(
      BufferView::create(buffer, fits, ElementType::Int32, EncodingType(7))
          .code(),
      StatusCode::Unimplemented);
  EXPECT_EQ(BufferView::create(nullptr, fits, ElementType::Int32).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(buffer->refCount(), 1u);
}

class TransferTest : public CtsTest {};

TEST_P(TransferTest, RoundTripsOfManySizes) {
  for (DeviceSize bytes : {DeviceSize{1}, DeviceSize{65535}, DeviceSize{65536},
                           DeviceSize{65537}, DeviceSize{8} << 20}) {
    Ref<Buffer> buffer = makeBuffer(bytes);
    std::vector<uint8_t> content(bytes);
    std::iota(content.begin(), content.end(), uint8_t{3});
    ASSERT_TRUE(
        device_->hostToDevice(content.data(), *buffer, 0, bytes).isOk());
    EXPECT_EQ(read(*buffer), content);
  }
}

TEST_P(TransferTest, RangesAreChecked) {
  Ref<Buffer> buffer = makeFilled(16, 1);
  uint8_t data[17] = {9, 9};
  EXPECT_TRUE(device_->hostToDevice(nullptr, *buffer, 16, 0).isOk());
  EXPECT_TRUE(device_->hostToDevice(data, *buffer, 15, 1).isOk());
  EXPECT_EQ(device_->hostToDevice(data, *buffer, 15, 2).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(device_->hostToDevice(data, *buffer, 17, 0).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(device_->deviceToHost(*buffer, 0, data, 17).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(device_->deviceToHost(*buffer, ~DeviceSize{0} - 1, data, 8).code(),
            StatusCode::OutOfRange);
  std::vector<uint8_t> expected(16, 1);
  expected[15] = 9;
  EXPECT_EQ(read(*buffer), expected);
}

TEST_P(TransferTest, UsageAndAccessAreChecked) {
  BufferParams params;
  params.usage = kUsageStorage;
  Ref<Buffer> buffer = makeBuffer(16, params);
  uint8_t data[16] = {};
  EXPECT_EQ(device_->hostToDevice(data, *buffer, 0, 16).code(),
            StatusCode::PermissionDenied);
  EXPECT_EQ(device_->deviceToHost(*buffer, 0, data, 16).code(),
            StatusCode::PermissionDenied);
  params.usage = kUsageDefault;
  params.access = kAccessRead;
  EXPECT_EQ(device_->hostToDevice(data, *makeBuffer(16, params), 0, 16).code(),
            StatusCode::PermissionDenied);
}

TEST_P(TransferTest, ManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (uint8_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        auto buffer = device_->allocator().allocate({}, 1000);
        std::vector<uint8_t> in(1000, t);
        std::vector<uint8_t> out(1000);
        wrong += !device_->hostToDevice(in.data(), **buffer, 0, 1000).isOk();
        wrong += !device_->deviceToHost(**buffer, 0, out.data(), 1000).isOk();
        wrong += in != out;
      }
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

FUSILLI_CTS_SUITE(AllocatorTest);
FUSILLI_CTS_SUITE(BufferViewTest);
FUSILLI_CTS_SUITE(TransferTest);

} // namespace
} // namespace fusilli::hal::cts
