// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocators, buffers, views, transfers.
#include "runtime/hal/cts/cts.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <gmock/gmock.h>
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

TEST_P(AllocatorTest, BuffersSayWhatTheyAre) {
  BufferParams params;
  params.usage = kUsageTransferTarget | kUsageUniformRead;
  params.access = kAccessRead | kAccessWrite;
  params.type = kMemoryDeviceLocal;
  params.minAlignment = 4096;
  Ref<Buffer> buffer = makeBuffer(100, params);
  EXPECT_GE(buffer->byteLength(), 100u);
  EXPECT_EQ(buffer->allowedUsage(), params.usage);
  EXPECT_EQ(buffer->allowedAccess(), params.access);
  EXPECT_EQ(buffer->memoryType() & params.type, params.type);
  EXPECT_EQ(buffer->devicePointer() % 4096, 0u);
  // Ranges: the whole rest, up to the end, and nothing behind it.
  const DeviceSize length = buffer->byteLength();
  EXPECT_EQ(*buffer->checkRange(0, kWholeBuffer), length);
  EXPECT_EQ(*buffer->checkRange(40, kWholeBuffer), length - 40);
  EXPECT_EQ(*buffer->checkRange(length, kWholeBuffer), 0u);
  EXPECT_EQ(*buffer->checkRange(40, length - 40), length - 40);
  EXPECT_EQ(buffer->checkRange(40, length - 39).code(), StatusCode::OutOfRange);
  EXPECT_EQ(buffer->checkRange(length + 1, kWholeBuffer).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(buffer->checkRange(40, kWholeBuffer - 1).code(),
            StatusCode::OutOfRange);
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
  // Each snapshot is consistent, and the next one never smaller.
  std::atomic<bool> done{false};
  std::thread reader([&] {
    AllocatorStatistics last = before;
    while (!done.load()) {
      AllocatorStatistics now = device_->allocator().statistics();
      EXPECT_GE(now.deviceAllocated, last.deviceAllocated);
      EXPECT_GE(now.deviceFreed, last.deviceFreed);
      EXPECT_GE(now.devicePeak, now.deviceAllocated - now.deviceFreed);
      EXPECT_LE(now.deviceAllocated - now.deviceFreed, 800u);
      EXPECT_LE(now.hostAllocated - now.hostFreed, 80u);
      last = now;
    }
  });
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
  done = true;
  reader.join();
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
    EXPECT_EQ(s.hostPeak, 0u);
  }
  BufferParams host;
  host.type = kMemoryHostLocal;
  {
    Ref<Buffer> a = makeBuffer(10, host);
    Ref<Buffer> b = makeBuffer(20, host);
  }
  Ref<Buffer> c = makeBuffer(5, host);
  AllocatorStatistics s = device_->allocator().statistics();
  EXPECT_EQ(s.hostPeak, 30u);
  EXPECT_EQ(s.hostAllocated, 35u);
  EXPECT_EQ(s.hostFreed, 30u);
  EXPECT_EQ(s.devicePeak, 3000u);
  EXPECT_EQ(s.deviceAllocated, s.deviceFreed);
}

TEST_P(AllocatorTest, ImportReleasesOnceAndIsNotCounted) {
  std::vector<uint8_t> memory(100, 7);
  int released = 0;
  ReleaseCallback callback{
      [](void *user, Buffer *) { ++*static_cast<int *>(user); }, &released};
  AllocatorStatistics before = device_->allocator().statistics();
  for (size_t shift : {0, 1, 4, 8, 12}) {
    released = 0;
    ExternalBuffer external;
    // On these devices a device address is a host address.
    external.type = shift == 12 ? ExternalBufferType::DeviceAllocation
                                : ExternalBufferType::HostAllocation;
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
  AllocatorStatistics after = device_->allocator().statistics();
  EXPECT_EQ(after.deviceAllocated, before.deviceAllocated);
  EXPECT_EQ(after.hostAllocated, before.hostAllocated);
  EXPECT_EQ(after.deviceFreed, before.deviceFreed);
  EXPECT_EQ(after.hostFreed, before.hostFreed);
}

TEST_P(AllocatorTest, ImportOfNothingOrUnknownTypes) {
  ExternalBuffer external;
  int x = 0;
  int released = 0; // never: the import failed
  ReleaseCallback callback{
      [](void *user, Buffer *) { ++*static_cast<int *>(user); }, &released};
  external.size = 4;
  external.handle = reinterpret_cast<uintptr_t>(&x);
  for (auto type : {ExternalBufferType::None, ExternalBufferType::OpaqueFd,
                    ExternalBufferType::OpaqueWin32}) {
    external.type = type;
    EXPECT_EQ(device_->allocator().import({}, external, callback).code(),
              StatusCode::Unavailable);
  }
  external.type = ExternalBufferType::HostAllocation;
  external.size = 0;
  EXPECT_EQ(device_->allocator().import({}, external, callback).code(),
            StatusCode::InvalidArgument);
  external.size = 4;
  external.handle = 0;
  EXPECT_EQ(device_->allocator().import({}, external, callback).code(),
            StatusCode::InvalidArgument);
  external.handle = ~uint64_t{0} - 1;
  EXPECT_EQ(device_->allocator().import({}, external, callback).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(released, 0);
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
  DeviceSize manyBits[] = {DeviceSize{1} << 61}; // the count fits, its bits no
  EXPECT_EQ(BufferView::create(buffer, manyBits, ElementType::Int64).code(),
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

/// 1 to 251, again and again; in blocks, which sanitizers make quick.
std::vector<uint8_t> pattern(size_t bytes) {
  constexpr size_t kPeriod = 251;
  std::vector<uint8_t> all(bytes);
  for (size_t i = 0; i < std::min(bytes, kPeriod); ++i)
    all[i] = static_cast<uint8_t>(1 + i);
  for (size_t have = kPeriod; have < bytes; have *= 2)
    std::memcpy(all.data() + have, all.data(), std::min(have, bytes - have));
  return all;
}

TEST_P(TransferTest, RoundTripsOfManySizes) {
  constexpr DeviceSize kSpare = 64;
  for (DeviceSize bytes :
       {DeviceSize{0}, DeviceSize{1}, DeviceSize{65535}, DeviceSize{65536},
        DeviceSize{65537}, DeviceSize{64} << 20}) {
    // A pattern that is never zero, with untouched bytes on both sides.
    Ref<Buffer> buffer = makeFilled(bytes + 2 * kSpare, 0);
    std::vector<uint8_t> in = pattern(bytes);
    ASSERT_TRUE(
        device_->hostToDevice(in.data(), *buffer, kSpare, bytes).isOk());
    std::vector<uint8_t> out(bytes + 2 * kSpare, 0xcc);
    ASSERT_TRUE(
        device_->deviceToHost(*buffer, kSpare, out.data() + kSpare, bytes)
            .isOk());
    EXPECT_TRUE(std::equal(in.begin(), in.end(), out.data() + kSpare));
    for (size_t i = 0; i < kSpare; ++i) {
      EXPECT_EQ(out[i], 0xcc);
      EXPECT_EQ(out[kSpare + bytes + i], 0xcc);
    }
    uint8_t sides[2][kSpare];
    ASSERT_TRUE(device_->deviceToHost(*buffer, 0, sides[0], kSpare).isOk());
    ASSERT_TRUE(device_->deviceToHost(*buffer, kSpare + bytes, sides[1], kSpare)
                    .isOk());
    for (const auto &side : sides)
      for (uint8_t byte : side)
        EXPECT_EQ(byte, 0);
  }
}

TEST_P(TransferTest, WholeBufferIsTheRest) {
  Ref<Buffer> buffer = makeFilled(100, 1);
  const DeviceSize length = buffer->byteLength();
  std::vector<uint8_t> in(length, 2);
  ASSERT_TRUE(
      device_->hostToDevice(in.data(), *buffer, 60, kWholeBuffer).isOk());
  std::vector<uint8_t> expected(length, 1);
  std::fill(expected.begin() + 60, expected.end(), 2);
  EXPECT_EQ(read(*buffer), expected);
  std::vector<uint8_t> out(length, 9);
  ASSERT_TRUE(
      device_->deviceToHost(*buffer, 98, out.data(), kWholeBuffer).isOk());
  EXPECT_EQ(out[0], 2);
  EXPECT_EQ(out[length - 98 - 1], 2);
  EXPECT_EQ(out[length - 98], 9);
}

TEST_P(TransferTest, RangesAreChecked) {
  Ref<Buffer> buffer = makeFilled(16, 1);
  uint8_t data[17] = {9, 9};
  EXPECT_TRUE(device_->hostToDevice(nullptr, *buffer, 16, 0).isOk());
  EXPECT_TRUE(device_->deviceToHost(*buffer, 0, nullptr, 0).isOk());
  EXPECT_EQ(device_->hostToDevice(nullptr, *buffer, 0, 1).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(device_->deviceToHost(*buffer, 0, nullptr, 1).code(),
            StatusCode::InvalidArgument);
  EXPECT_TRUE(device_->hostToDevice(data, *buffer, 15, 1).isOk());
  EXPECT_EQ(device_->hostToDevice(data, *buffer, 15, 2).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(device_->hostToDevice(data, *buffer, 17, 0).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(device_->hostToDevice(data, *buffer, 0, 17).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(device_->deviceToHost(*buffer, 0, data, 17).code(),
            StatusCode::OutOfRange);
  uint8_t last = 0;
  EXPECT_TRUE(device_->deviceToHost(*buffer, 15, &last, 1).isOk());
  EXPECT_EQ(last, 9);
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
  params.access = kAccessWrite;
  EXPECT_EQ(device_->deviceToHost(*makeBuffer(16, params), 0, data, 16).code(),
            StatusCode::PermissionDenied);
}

TEST_P(TransferTest, ManyThreads) {
  // Buffers of their own, and ranges of a shared one.
  constexpr size_t kBytes = 1000;
  Ref<Buffer> shared = makeFilled(8 * kBytes, 0xff);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (uint8_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        auto buffer = device_->allocator().allocate({}, kBytes);
        std::vector<uint8_t> in(kBytes, t);
        std::vector<uint8_t> out(kBytes);
        wrong += !device_->hostToDevice(in.data(), **buffer, 0, kBytes).isOk();
        wrong += !device_->deviceToHost(**buffer, 0, out.data(), kBytes).isOk();
        wrong += in != out;
        wrong += !device_->hostToDevice(in.data(), *shared, t * kBytes, kBytes)
                      .isOk();
      }
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(wrong.load(), 0);
  std::vector<uint8_t> all = read(*shared);
  for (size_t i = 0; i < 8 * kBytes; ++i)
    ASSERT_EQ(all[i], i / kBytes) << i;
}

FUSILLI_CTS_SUITE(AllocatorTest);
FUSILLI_CTS_SUITE(BufferViewTest);
FUSILLI_CTS_SUITE(TransferTest);

} // namespace
} // namespace fusilli::hal::cts
