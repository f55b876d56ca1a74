// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Command buffers, dispatch, executables.
#include "runtime/hal/cts/cts.h"

#include <cstring>
#include <gmock/gmock.h>
#include <random>
#include <thread>

namespace fusilli::hal::cts {
namespace {

using ::testing::HasSubstr;

class CommandBufferTest : public CtsTest {};

TEST_P(CommandBufferTest, StatesAreChecked) {
  auto commands = *device_->createCommandBuffer(kCommandBufferReusable);
  EXPECT_EQ(commands->end().code(), StatusCode::FailedPrecondition);
  EXPECT_EQ(commands->barrier().code(), StatusCode::FailedPrecondition);
  EXPECT_EQ(device_->execute(*commands, {}).code(),
            StatusCode::FailedPrecondition);
  EXPECT_TRUE(commands->begin().isOk());
  EXPECT_EQ(commands->begin().code(), StatusCode::FailedPrecondition);
  EXPECT_EQ(device_->execute(*commands, {}).code(),
            StatusCode::FailedPrecondition);
  EXPECT_TRUE(commands->barrier().isOk());
  EXPECT_TRUE(commands->end().isOk());
  EXPECT_EQ(commands->barrier().code(), StatusCode::FailedPrecondition);
  EXPECT_EQ(commands->end().code(), StatusCode::FailedPrecondition);
  EXPECT_TRUE(device_->execute(*commands, {}).isOk());
  EXPECT_TRUE(device_->execute(*commands, {}).isOk());
}

TEST_P(CommandBufferTest, OneShotRunsOnce) {
  auto commands = beginCommands(kCommandBufferOneShot);
  EXPECT_TRUE(finishAndRun(*commands).isOk());
  EXPECT_EQ(device_->execute(*commands, {}).code(),
            StatusCode::FailedPrecondition);
  EXPECT_EQ(device_->createCommandBuffer(kCommandBufferInline).code(),
            StatusCode::InvalidArgument);
}

TEST_P(CommandBufferTest, FillBoundaries) {
  struct Case {
    size_t pattern;
    DeviceSize offset;
    DeviceSize length;
    StatusCode code;
  };
  const Case cases[] = {
      {1, 0, 16, StatusCode::Ok},
      {1, 15, 1, StatusCode::Ok},
      {1, 16, 0, StatusCode::Ok},
      {1, 16, 1, StatusCode::OutOfRange},
      {1, 17, 0, StatusCode::OutOfRange},
      {2, 2, 4, StatusCode::Ok},
      {2, 1, 4, StatusCode::InvalidArgument},
      {2, 2, 3, StatusCode::InvalidArgument},
      {4, 4, 8, StatusCode::Ok},
      {4, 2, 8, StatusCode::InvalidArgument},
      {3, 0, 3, StatusCode::InvalidArgument},
      {8, 0, 8, StatusCode::InvalidArgument},
      {4, 0, kWholeBuffer, StatusCode::Ok},
  };
  for (const Case &c : cases) {
    Ref<Buffer> buffer = makeFilled(16, 0xee);
    auto commands = beginCommands();
    uint64_t pattern = 0x44332211;
    Status status = commands->fill({buffer.get(), 0, c.offset, c.length},
                                   &pattern, c.pattern);
    EXPECT_EQ(status.code(), c.code)
        << c.pattern << " " << c.offset << " " << c.length;
    if (c.code != StatusCode::Ok)
      continue;
    ASSERT_TRUE(finishAndRun(*commands).isOk());
    std::vector<uint8_t> expected(16, 0xee);
    DeviceSize end = c.length == kWholeBuffer ? 16 : c.offset + c.length;
    for (DeviceSize i = c.offset; i < end; ++i)
      expected[i] =
          static_cast<uint8_t>(pattern >> (8 * ((i - c.offset) % c.pattern)));
    EXPECT_EQ(read(*buffer), expected);
  }
}

TEST_P(CommandBufferTest, UpdateCapturesItsSource) {
  Ref<Buffer> buffer = makeFilled(65536, 0);
  auto commands = beginCommands();
  std::vector<uint8_t> source(65536, 3);
  ASSERT_TRUE(
      commands->update(source.data(), {buffer.get(), 0, 0, 65536}).isOk());
  EXPECT_EQ(commands->update(source.data(), {buffer.get(), 0, 0, 65537}).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(commands->update(source.data(), {buffer.get(), 0, 1, 65536}).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(commands->update(nullptr, {buffer.get(), 0, 0, 1}).code(),
            StatusCode::InvalidArgument);
  std::fill(source.begin(), source.end(), 9);
  ASSERT_TRUE(finishAndRun(*commands).isOk());
  EXPECT_EQ(read(*buffer), std::vector<uint8_t>(65536, 3));
}

TEST_P(CommandBufferTest, CopyWithBarrier) {
  Ref<Buffer> a = makeFilled(100, 0);
  Ref<Buffer> b = makeFilled(100, 0);
  auto commands = beginCommands();
  uint8_t value = 0x7b;
  ASSERT_TRUE(commands->fill({a.get()}, &value, 1).isOk());
  ASSERT_TRUE(commands->barrier().isOk());
  ASSERT_TRUE(
      commands->copy({a.get(), 0, 10, 50}, {b.get(), 0, 20, 50}).isOk());
  ASSERT_TRUE(finishAndRun(*commands).isOk());
  std::vector<uint8_t> expected(100, 0);
  std::fill(expected.begin() + 20, expected.begin() + 70, value);
  EXPECT_EQ(read(*b), expected);
}

TEST_P(CommandBufferTest, CopyRulesAreChecked) {
  Ref<Buffer> a = makeFilled(100, 0);
  Ref<Buffer> b = makeFilled(100, 0);
  auto commands = beginCommands();
  EXPECT_EQ(commands->copy({a.get(), 0, 0, 50}, {b.get(), 0, 0, 40}).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(commands->copy({a.get(), 0, 0, 50}, {a.get(), 0, 49, 50}).code(),
            StatusCode::InvalidArgument);
  EXPECT_TRUE(commands->copy({a.get(), 0, 0, 50}, {a.get(), 0, 50, 50}).isOk());
  EXPECT_EQ(commands->copy({a.get(), 0, 60, 50}, {b.get(), 0, 0, 50}).code(),
            StatusCode::OutOfRange);
  BufferParams params;
  params.usage = kUsageStorage;
  Ref<Buffer> storage = makeBuffer(100, params);
  EXPECT_EQ(commands->copy({storage.get()}, {b.get()}).code(),
            StatusCode::PermissionDenied);
  EXPECT_EQ(commands->copy({b.get()}, {storage.get()}).code(),
            StatusCode::PermissionDenied);
}

TEST_P(CommandBufferTest, RetainsDirectResources) {
  auto commands = beginCommands();
  Ref<Buffer> a = makeFilled(8, 1);
  Ref<Buffer> b = makeFilled(8, 2);
  ASSERT_TRUE(commands->copy({a.get()}, {b.get()}).isOk());
  EXPECT_GE(a->refCount(), 2u);
  a.reset();
  ASSERT_TRUE(finishAndRun(*commands).isOk());
  EXPECT_EQ(read(*b), std::vector<uint8_t>(8, 1));
  auto unretained = beginCommands(kCommandBufferUnretained);
  uint32_t before = b->refCount();
  uint8_t zero = 0;
  ASSERT_TRUE(unretained->fill({b.get()}, &zero, 1).isOk());
  EXPECT_EQ(b->refCount(), before);
}

TEST_P(CommandBufferTest, RotatingBindingTables) {
  auto commands = beginCommands();
  ASSERT_TRUE(commands->copy({nullptr, 0, 0, 4}, {nullptr, 1, 4, 4}).isOk());
  ASSERT_TRUE(commands->end().isOk());
  std::vector<Ref<Buffer>> sources;
  std::vector<Ref<Buffer>> targets;
  for (uint8_t i = 0; i < 10; ++i) {
    sources.push_back(makeFilled(8, i));
    targets.push_back(makeFilled(8, 0xff));
  }
  for (size_t i = 0; i < 1000; ++i) {
    BufferRef table[] = {{sources[i % 10].get()},
                         {targets[(i + i / 10) % 10].get()}};
    ASSERT_TRUE(device_->execute(*commands, table).isOk());
    auto content = read(*targets[(i + i / 10) % 10]);
    ASSERT_EQ(content[0], 0xff);
    ASSERT_EQ(content[4], i % 10);
  }
}

TEST_P(CommandBufferTest, TablesAreChecked) {
  auto commands = beginCommands();
  uint8_t value = 1;
  ASSERT_TRUE(commands->fill({nullptr, 1, 4, 8}, &value, 1).isOk());
  ASSERT_TRUE(commands->end().isOk());
  EXPECT_EQ(commands->slotCount(), 2u);
  Ref<Buffer> good = makeFilled(12, 0);
  Ref<Buffer> shorter = makeFilled(11, 0);
  BufferParams params;
  params.usage = kUsageStorage;
  Ref<Buffer> storage = makeBuffer(12, params);
  auto run = [&](BufferRef second) {
    BufferRef table[] = {{}, second};
    return device_->execute(*commands, table).code();
  };
  EXPECT_EQ(run({good.get()}), StatusCode::Ok);
  EXPECT_EQ(run({shorter.get()}), StatusCode::OutOfRange);
  EXPECT_EQ(run({good.get(), 0, 1}), StatusCode::OutOfRange);
  EXPECT_EQ(run({good.get(), 0, 13}), StatusCode::OutOfRange);
  EXPECT_EQ(run({good.get(), 0, 0, 11}), StatusCode::OutOfRange);
  EXPECT_EQ(run({good.get(), 0, 0, 13}), StatusCode::OutOfRange);
  EXPECT_EQ(run({}), StatusCode::InvalidArgument);
  EXPECT_EQ(run({storage.get()}), StatusCode::PermissionDenied);
  BufferRef tooFew[] = {{good.get()}};
  EXPECT_EQ(device_->execute(*commands, tooFew).code(),
            StatusCode::InvalidArgument);
}

TEST_P(CommandBufferTest, UpdateBoundaries) {
  struct Case {
    DeviceSize offset;
    DeviceSize length;
    StatusCode code;
  };
  const Case cases[] = {
      {0, 0, StatusCode::Ok},
      {16, 0, StatusCode::Ok},
      {17, 0, StatusCode::OutOfRange},
      {15, 1, StatusCode::Ok},
      {16, 1, StatusCode::OutOfRange},
      {0, 16, StatusCode::Ok},
      {0, 17, StatusCode::OutOfRange},
      {3, 7, StatusCode::Ok},
      {~DeviceSize{0} - 3, 8, StatusCode::OutOfRange},
  };
  const std::vector<uint8_t> source(32, 5);
  for (const Case &c : cases) {
    SCOPED_TRACE(::testing::Message() << c.offset << " + " << c.length);
    Ref<Buffer> buffer = makeFilled(16, 0xee);
    auto commands = beginCommands();
    ASSERT_EQ(
        commands->update(source.data(), {buffer.get(), 0, c.offset, c.length})
            .code(),
        c.code);
    ASSERT_TRUE(finishAndRun(*commands).isOk());
    std::vector<uint8_t> expected(16, 0xee);
    for (DeviceSize i = 0; c.code == StatusCode::Ok && i < c.length; ++i)
      expected[c.offset + i] = 5;
    EXPECT_EQ(read(*buffer), expected);
  }
  BufferParams params;
  params.usage = kUsageStorage;
  auto commands = beginCommands();
  EXPECT_EQ(
      commands->update(source.data(), {makeBuffer(16, params).get(), 0, 0, 4})
          .code(),
      StatusCode::PermissionDenied);
}

TEST_P(CommandBufferTest, CopyBoundaries) {
  struct Case {
    DeviceSize from;
    DeviceSize to;
    DeviceSize length;
    StatusCode code;
  };
  const Case cases[] = {
      {0, 0, 0, StatusCode::Ok},          {16, 16, 0, StatusCode::Ok},
      {17, 0, 0, StatusCode::OutOfRange}, {0, 17, 0, StatusCode::OutOfRange},
      {15, 0, 1, StatusCode::Ok},         {0, 15, 1, StatusCode::Ok},
      {16, 0, 1, StatusCode::OutOfRange}, {0, 16, 1, StatusCode::OutOfRange},
      {0, 0, 16, StatusCode::Ok},         {1, 0, 16, StatusCode::OutOfRange},
      {5, 2, 9, StatusCode::Ok},          {0, 0, kWholeBuffer, StatusCode::Ok},
  };
  std::vector<uint8_t> content(16);
  for (uint8_t i = 0; i < 16; ++i)
    content[i] = i;
  for (const Case &c : cases) {
    SCOPED_TRACE(::testing::Message()
                 << c.from << " -> " << c.to << " x " << c.length);
    Ref<Buffer> a = makeBuffer(16);
    ASSERT_TRUE(device_->hostToDevice(content.data(), *a, 0, 16).isOk());
    Ref<Buffer> b = makeFilled(16, 0xee);
    auto commands = beginCommands();
    ASSERT_EQ(
        commands
            ->copy({a.get(), 0, c.from, c.length}, {b.get(), 0, c.to, c.length})
            .code(),
        c.code);
    ASSERT_TRUE(finishAndRun(*commands).isOk());
    std::vector<uint8_t> expected(16, 0xee);
    DeviceSize length = c.length == kWholeBuffer ? 16 : c.length;
    for (DeviceSize i = 0; c.code == StatusCode::Ok && i < length; ++i)
      expected[c.to + i] = content[c.from + i];
    EXPECT_EQ(read(*b), expected);
    EXPECT_EQ(read(*a), content);
  }
}

TEST_P(CommandBufferTest, SlotsAreCheckedAtSubmission) {
  const uint32_t pattern = 0x01010101;
  BufferParams params;
  params.usage = kUsageStorage;
  Ref<Buffer> storage = makeBuffer(64, params);
  Ref<Buffer> a = makeFilled(64, 7);
  Ref<Buffer> b = makeFilled(64, 9);
  auto record = [&](auto &&command) {
    auto commands = beginCommands();
    EXPECT_TRUE(command(*commands).isOk());
    EXPECT_TRUE(commands->end().isOk());
    return commands;
  };
  auto fill = record([&](CommandBuffer &c) {
    return c.fill({nullptr, 0, 4, 8}, &pattern, 4);
  });
  auto fillRest = record(
      [&](CommandBuffer &c) { return c.fill({nullptr, 0}, &pattern, 4); });
  auto update = record(
      [&](CommandBuffer &c) { return c.update(&pattern, {nullptr, 0, 8, 4}); });
  auto copy = record([&](CommandBuffer &c) {
    return c.copy({nullptr, 0, 0, 16}, {nullptr, 1, 0, 16});
  });
  auto run = [&](CommandBuffer &commands, BufferRef first,
                 BufferRef second = {}) {
    const BufferRef table[] = {first, second};
    return device_->execute(commands, table).code();
  };
  EXPECT_EQ(run(*fill, {a.get(), 0, 52}), StatusCode::Ok);
  EXPECT_EQ(run(*fill, {a.get(), 0, 56}), StatusCode::OutOfRange);
  EXPECT_EQ(run(*fill, {a.get(), 0, 2}), StatusCode::InvalidArgument);
  EXPECT_EQ(run(*fill, {storage.get()}), StatusCode::PermissionDenied);
  EXPECT_EQ(run(*fillRest, {a.get(), 0, 60}), StatusCode::Ok);
  EXPECT_EQ(run(*fillRest, {a.get(), 0, 0, 6}), StatusCode::InvalidArgument);
  EXPECT_EQ(run(*update, {a.get(), 0, 52}), StatusCode::Ok);
  EXPECT_EQ(run(*update, {a.get(), 0, 53}), StatusCode::OutOfRange);
  EXPECT_EQ(run(*update, {storage.get()}), StatusCode::PermissionDenied);
  EXPECT_EQ(run(*copy, {b.get()}, {a.get(), 0, 48}), StatusCode::Ok);
  EXPECT_EQ(run(*copy, {b.get()}, {a.get(), 0, 49}), StatusCode::OutOfRange);
  EXPECT_EQ(run(*copy, {b.get()}, {storage.get()}),
            StatusCode::PermissionDenied);
  EXPECT_EQ(run(*copy, {storage.get()}, {a.get()}),
            StatusCode::PermissionDenied);
  EXPECT_EQ(run(*copy, {a.get(), 0, 0}, {a.get(), 0, 15}),
            StatusCode::InvalidArgument);
  EXPECT_EQ(run(*copy, {a.get(), 0, 0}, {a.get(), 0, 16}), StatusCode::Ok);
  // What was refused wrote nothing.
  std::vector<uint8_t> expected(64, 7);
  std::fill(expected.begin() + 48, expected.end(), 9);
  EXPECT_EQ(read(*a), expected);
  EXPECT_EQ(read(*b), std::vector<uint8_t>(64, 9));
}

TEST_P(CommandBufferTest, UnretainedKeepsNothingAlive) {
  Ref<Buffer> buffer = makeFilled(8, 0);
  const uint32_t buffers = buffer->refCount();
  const uint32_t executables = executable_->refCount();
  for (uint32_t mode :
       {uint32_t{kCommandBufferReusable}, uint32_t{kCommandBufferUnretained}}) {
    auto commands = beginCommands(mode);
    ASSERT_TRUE(dispatch(*commands, Kernel::Count, {{buffer.get()}}, 2).isOk());
    const uint32_t kept = mode == kCommandBufferUnretained ? 0 : 1;
    EXPECT_EQ(buffer->refCount(), buffers + kept);
    EXPECT_EQ(executable_->refCount(), executables + kept);
    ASSERT_TRUE(finishAndRun(*commands).isOk());
  }
  EXPECT_EQ(buffer->refCount(), buffers);
  EXPECT_EQ(executable_->refCount(), executables);
  EXPECT_EQ(read(*buffer), (std::vector<uint8_t>{2, 0, 0, 0, 2, 0, 0, 0}));
}

class HazardTest : public CtsTest {
protected:
  /// Begins one in checking mode.
  Ref<CommandBuffer> begin(uint32_t more = 0) {
    return beginCommands(kCommandBufferCheckHazards | more);
  }
  Status fill(CommandBuffer &commands, const BufferRef &target) {
    uint8_t value = 3;
    return commands.fill(target, &value, 1);
  }
};

TEST_P(HazardTest, MissingBarrierIsFound) {
  Ref<Buffer> a = makeFilled(64, 0);
  Ref<Buffer> b = makeFilled(64, 0);
  auto commands = begin();
  ASSERT_TRUE(fill(*commands, {a.get()}).isOk());
  Status status = commands->copy({a.get()}, {b.get()});
  EXPECT_EQ(status.code(), StatusCode::FailedPrecondition);
  EXPECT_THAT(
      std::string(status.message()),
      HasSubstr("command 1 (copy) reads bytes that command 0 (fill) writes"));
  // It was not recorded; behind a barrier it may be.
  ASSERT_TRUE(commands->barrier().isOk());
  EXPECT_TRUE(commands->copy({a.get()}, {b.get()}).isOk());
  EXPECT_TRUE(finishAndRun(*commands).isOk());
  // Only where it was asked for.
  auto unchecked = beginCommands();
  EXPECT_TRUE(fill(*unchecked, {a.get()}).isOk());
  EXPECT_TRUE(unchecked->copy({a.get()}, {b.get()}).isOk());
}

TEST_P(HazardTest, EveryPairOfAccesses) {
  Ref<Buffer> a = makeFilled(64, 0);
  Ref<Buffer> b = makeFilled(64, 0);
  Ref<Buffer> c = makeFilled(64, 0);
  auto reads = [](CommandBuffer &commands, BufferRef from, Buffer &to) {
    return commands.copy(from, {&to, 0, 0, from.length}).code();
  };
  constexpr auto kHazard = StatusCode::FailedPrecondition;
  for (DeviceSize second : {0, 7, 8, 9, 16}) {
    SCOPED_TRACE(second);
    const BufferRef first{a.get(), 0, 8, 8};
    const BufferRef next{a.get(), 0, second, 8};
    const bool apart = second == 0 || second == 16;
    const StatusCode wanted = apart ? StatusCode::Ok : kHazard;
    auto writeWrite = begin();
    ASSERT_TRUE(fill(*writeWrite, first).isOk());
    EXPECT_EQ(fill(*writeWrite, next).code(), wanted);
    auto writeRead = begin();
    ASSERT_TRUE(fill(*writeRead, first).isOk());
    EXPECT_EQ(reads(*writeRead, next, *b), wanted);
    auto readWrite = begin();
    ASSERT_EQ(reads(*readWrite, first, *b), StatusCode::Ok);
    EXPECT_EQ(fill(*readWrite, next).code(), wanted);
    auto readRead = begin();
    ASSERT_EQ(reads(*readRead, first, *b), StatusCode::Ok);
    EXPECT_EQ(reads(*readRead, next, *c), StatusCode::Ok);
  }
}

TEST_P(HazardTest, SlotsOfOneTable) {
  Ref<Buffer> a = makeFilled(64, 0);
  Ref<Buffer> b = makeFilled(64, 0);
  auto commands = begin();
  ASSERT_TRUE(fill(*commands, {nullptr, 0, 0, 16}).isOk());
  EXPECT_EQ(fill(*commands, {nullptr, 0, 15, 16}).code(),
            StatusCode::FailedPrecondition);
  ASSERT_TRUE(fill(*commands, {nullptr, 1}).isOk());
  ASSERT_TRUE(commands->end().isOk());
  auto run = [&](BufferRef first, BufferRef second) {
    const BufferRef table[] = {first, second};
    return device_->execute(*commands, table).code();
  };
  EXPECT_EQ(run({a.get()}, {b.get()}), StatusCode::Ok);
  EXPECT_EQ(run({a.get()}, {a.get(), 0, 16}), StatusCode::Ok);
  EXPECT_EQ(run({a.get()}, {a.get(), 0, 15}), StatusCode::FailedPrecondition);
  EXPECT_EQ(run({a.get()}, {a.get()}), StatusCode::FailedPrecondition);
  EXPECT_EQ(run({a.get()}, {b.get()}), StatusCode::Ok);
}

TEST_P(HazardTest, DispatchesByTheirBindings) {
  Ref<Buffer> x = makeFilled(64, 0);
  Ref<Buffer> y = makeFilled(64, 0);
  Ref<Buffer> z = makeFilled(64, 0);
  auto add = [&](CommandBuffer &commands, Buffer &out, Buffer &in,
                 bool withAccess) {
    static constexpr uint16_t kAccess[] = {kAccessWrite, kAccessRead,
                                           kAccessRead};
    const BufferRef refs[] = {{&out}, {&in}, {&in}};
    DispatchParams params;
    params.executable = executable_.get();
    params.entry = GetParam().entryOf(Kernel::Add);
    params.bindings = refs;
    if (withAccess)
      params.bindingAccess = kAccess;
    return commands.dispatch(params).code();
  };
  auto commands = begin();
  EXPECT_EQ(add(*commands, *y, *x, true), StatusCode::Ok);
  EXPECT_EQ(add(*commands, *z, *x, true), StatusCode::Ok);
  EXPECT_EQ(add(*commands, *x, *z, true), StatusCode::FailedPrecondition);
  ASSERT_TRUE(commands->barrier().isOk());
  EXPECT_EQ(add(*commands, *x, *z, true), StatusCode::Ok);
  // Nothing is known of x, so it may be written twice.
  auto unknown = begin();
  EXPECT_EQ(add(*unknown, *y, *x, false), StatusCode::Ok);
  EXPECT_EQ(add(*unknown, *z, *x, false), StatusCode::FailedPrecondition);
  BufferParams readOnly;
  readOnly.access = kAccessRead;
  Ref<Buffer> constant = makeBuffer(64, readOnly);
  auto known = begin();
  EXPECT_EQ(add(*known, *y, *constant, false), StatusCode::Ok);
  EXPECT_EQ(add(*known, *z, *constant, false), StatusCode::Ok);
}

class DispatchTest : public CtsTest {};

TEST_P(DispatchTest, CountTable) {
  struct Grid {
    uint32_t x, y, z;
  };
  for (Grid g : {Grid{0, 1, 1}, Grid{1, 0, 1}, Grid{1, 1, 0}, Grid{1, 1, 1},
                 Grid{7, 11, 13}, Grid{65535, 1, 1}, Grid{1, 1, 65535},
                 Grid{1, 65535, 1}, Grid{101, 3, 1}}) {
    for (uint32_t flags : {kDispatchNone, kDispatchInline}) {
      uint64_t total = uint64_t{g.x} * g.y * g.z;
      Ref<Buffer> cells = makeFilled(std::max<uint64_t>(total, 1) * 4, 0);
      auto commands = beginCommands();
      ASSERT_TRUE(dispatch(*commands, Kernel::Count, {{cells.get()}}, g.x, g.y,
                           g.z, flags)
                      .isOk());
      ASSERT_TRUE(finishAndRun(*commands).isOk());
      auto content = read(*cells);
      for (uint64_t i = 0; i < total; ++i) {
        uint32_t cell = 0;
        std::memcpy(&cell, content.data() + 4 * i, 4);
        ASSERT_EQ(cell, 1u) << i;
      }
    }
  }
}

TEST_P(DispatchTest, RandomGridsRunEachGroupOnce) {
  constexpr uint64_t kSeed = 7;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 10000; ++round) {
    uint32_t x = random() % 10;
    uint32_t y = random() % 6;
    uint32_t z = random() % 4;
    uint32_t total = x * y * z;
    Ref<Buffer> cells = makeFilled(std::max(total, 1u) * 4, 0);
    auto commands = beginCommands();
    ASSERT_TRUE(
        dispatch(*commands, Kernel::Count, {{cells.get()}}, x, y, z).isOk());
    ASSERT_TRUE(finishAndRun(*commands).isOk());
    auto content = read(*cells);
    for (uint32_t i = 0; i < total; ++i)
      ASSERT_EQ(content[4 * i], 1) << x << "x" << y << "x" << z;
  }
}

TEST_P(DispatchTest, ArgumentsAreChecked) {
  Ref<Buffer> cells = makeFilled(64, 0);
  auto commands = beginCommands();
  EXPECT_EQ(dispatch(*commands, Kernel::Count, {}, 1).code(),
            StatusCode::InvalidArgument);
  EXPECT_EQ(
      dispatch(*commands, Kernel::Count, {{cells.get()}, {cells.get()}}, 1)
          .code(),
      StatusCode::InvalidArgument);
  EXPECT_EQ(
      dispatch(*commands, Kernel::Count, {{cells.get(), 0, 65}}, 1).code(),
      StatusCode::OutOfRange);
  EXPECT_EQ(dispatch(*commands, Kernel::Nop, {}, ~0u, ~0u, ~0u).code(),
            StatusCode::OutOfRange);
  DispatchParams params;
  EXPECT_EQ(commands->dispatch(params).code(), StatusCode::InvalidArgument);
  params.executable = executable_.get();
  params.entry = 1000;
  EXPECT_EQ(commands->dispatch(params).code(), StatusCode::OutOfRange);
  BufferParams transfer;
  transfer.usage = kUsageTransfer;
  Ref<Buffer> noStorage = makeBuffer(64, transfer);
  EXPECT_EQ(dispatch(*commands, Kernel::Count, {{noStorage.get()}}, 1).code(),
            StatusCode::PermissionDenied);
}

TEST_P(DispatchTest, LocalMemoryIsPrivate) {
  Ref<Buffer> out = makeFilled(4000, 0);
  auto commands = beginCommands();
  ASSERT_TRUE(dispatch(*commands, Kernel::Local, {{out.get()}}, 1000).isOk());
  ASSERT_TRUE(finishAndRun(*commands).isOk());
  auto content = read(*out);
  for (uint32_t i = 0; i < 1000; ++i) {
    uint32_t value = 0;
    std::memcpy(&value, content.data() + 4 * i, 4);
    ASSERT_EQ(value, 2 * i);
  }
}

TEST_P(DispatchTest, FailureIsReportedAndOthersGoOn) {
  auto failing = beginCommands();
  ASSERT_TRUE(dispatch(*failing, Kernel::Fail, {}, 100).isOk());
  Status status = finishAndRun(*failing);
  EXPECT_EQ(status.code(), StatusCode::Internal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("7"));
  auto good = beginCommands();
  ASSERT_TRUE(dispatch(*good, Kernel::Nop, {}, 100).isOk());
  EXPECT_TRUE(finishAndRun(*good).isOk());
}

TEST_P(DispatchTest, OneCommandBufferFromManyThreads) {
  auto commands = beginCommands();
  ASSERT_TRUE(dispatch(*commands, Kernel::Add,
                       {{nullptr, 0}, {nullptr, 1}, {nullptr, 2}}, 64)
                  .isOk());
  ASSERT_TRUE(commands->end().isOk());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::vector<float> in(64, static_cast<float>(t));
      std::vector<float> out(64);
      auto a = *device_->allocator().allocate({}, 256);
      auto y = *device_->allocator().allocate({}, 256);
      wrong += !device_->hostToDevice(in.data(), *a, 0, 256).isOk();
      BufferRef table[] = {{y.get()}, {a.get()}, {a.get()}};
      for (int i = 0; i < 200; ++i)
        wrong += !device_->execute(*commands, table).isOk();
      wrong += !device_->deviceToHost(*y, 0, out.data(), 256).isOk();
      wrong += out != std::vector<float>(64, static_cast<float>(2 * t));
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(DispatchTest, BindingsAreNormalised) {
  // Offsets of the reference and of the table's slot add up.
  Ref<Buffer> cells = makeFilled(64, 0);
  auto commands = beginCommands();
  ASSERT_TRUE(
      dispatch(*commands, Kernel::Count, {{cells.get(), 0, 8, 8}}, 2).isOk());
  ASSERT_TRUE(dispatch(*commands, Kernel::Count, {{nullptr, 0, 16}}, 1).isOk());
  ASSERT_TRUE(
      dispatch(*commands, Kernel::Count, {{nullptr, 0, 20, 4}}, 1).isOk());
  ASSERT_TRUE(commands->end().isOk());
  const BufferRef table[] = {{cells.get(), 0, 24}};
  ASSERT_TRUE(device_->execute(*commands, table).isOk());
  std::vector<uint8_t> expected(64, 0);
  for (size_t at : {8, 12, 40, 44})
    expected[at] = 1;
  EXPECT_EQ(read(*cells), expected);
  const BufferRef shorter[] = {{cells.get(), 0, 41}};
  EXPECT_EQ(device_->execute(*commands, shorter).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(read(*cells), expected);
}

class IndirectDispatchTest : public CtsTest {
protected:
  Ref<Buffer> makeCounts(DeviceSize bytes) {
    BufferParams params;
    params.usage = kUsageDefault | kUsageIndirectParams;
    return makeBuffer(bytes, params);
  }
  Status dispatchIndirect(CommandBuffer &commands, const BufferRef &cells,
                          const BufferRef &count, uint32_t flags = 0) {
    DispatchParams params;
    params.executable = executable_.get();
    params.entry = GetParam().entryOf(Kernel::Count);
    params.bindings = {&cells, 1};
    params.indirectCount = count;
    params.flags = flags;
    return commands.dispatch(params);
  }
  /// How many cells are 1; all others must be 0.
  size_t ones(Buffer &cells) {
    size_t count = 0;
    std::vector<uint8_t> content = read(cells);
    for (size_t i = 0; i < content.size(); i += 4) {
      uint32_t cell = 0;
      std::memcpy(&cell, content.data() + i, 4);
      EXPECT_LE(cell, 1u);
      EXPECT_EQ(cell, i / 4 == count ? cell : 0u) << "a gap before " << i / 4;
      count += cell;
    }
    return count;
  }
};

TEST_P(IndirectDispatchTest, CountIsReadBehindTheBarrier) {
  struct Grid {
    uint32_t x, y, z;
  };
  Ref<Buffer> counts = makeCounts(20);
  Ref<Buffer> cells = makeBuffer(4 * 1024);
  for (uint32_t flags : {kDispatchNone, kDispatchInline})
    for (Grid g : {Grid{7, 11, 13}, Grid{1, 1, 1}, Grid{0, 5, 5}, Grid{5, 0, 5},
                   Grid{5, 5, 0}, Grid{1021, 1, 1}, Grid{1, 1, 509}}) {
      SCOPED_TRACE(::testing::Message() << g.x << "x" << g.y << "x" << g.z);
      const uint32_t words[] = {g.x, g.y, g.z};
      const uint8_t zero = 0;
      auto commands = beginCommands(kCommandBufferCheckHazards);
      ASSERT_TRUE(commands->fill({cells.get()}, &zero, 1).isOk());
      ASSERT_TRUE(commands->barrier().isOk());
      ASSERT_TRUE(commands->update(words, {counts.get(), 0, 8, 12}).isOk());
      // The count is a read like any other.
      EXPECT_EQ(dispatchIndirect(*commands, {cells.get()}, {counts.get(), 0, 8},
                                 flags)
                    .code(),
                StatusCode::FailedPrecondition);
      ASSERT_TRUE(commands->barrier().isOk());
      ASSERT_TRUE(dispatchIndirect(*commands, {cells.get()},
                                   {counts.get(), 0, 8}, flags)
                      .isOk());
      ASSERT_TRUE(finishAndRun(*commands).isOk());
      EXPECT_EQ(ones(*cells), size_t{g.x} * g.y * g.z);
    }
}

TEST_P(IndirectDispatchTest, CountFromTheBindingTable) {
  auto commands = beginCommands();
  ASSERT_TRUE(
      dispatchIndirect(*commands, {nullptr, 0}, {nullptr, 1, 4}).isOk());
  ASSERT_TRUE(commands->end().isOk());
  for (uint32_t count : {5u, 0u, 200u, 1u}) {
    const uint32_t words[] = {0, 0, count, 1, 1};
    Ref<Buffer> counts = makeCounts(sizeof(words));
    ASSERT_TRUE(device_->hostToDevice(words, *counts, 0, sizeof(words)).isOk());
    Ref<Buffer> cells = makeFilled(1024, 0);
    const BufferRef table[] = {{cells.get()}, {counts.get(), 0, 4}};
    ASSERT_TRUE(device_->execute(*commands, table).isOk());
    EXPECT_EQ(ones(*cells), count);
  }
}

TEST_P(IndirectDispatchTest, CountIsChecked) {
  Ref<Buffer> counts = makeCounts(16);
  Ref<Buffer> cells = makeFilled(64, 0);
  auto commands = beginCommands();
  auto record = [&](BufferRef count) {
    return dispatchIndirect(*commands, {cells.get()}, count).code();
  };
  EXPECT_EQ(record({counts.get(), 0, 8}), StatusCode::OutOfRange);
  EXPECT_EQ(record({counts.get(), 0, 2}), StatusCode::InvalidArgument);
  EXPECT_EQ(record({cells.get()}), StatusCode::PermissionDenied);
  ASSERT_EQ(record({nullptr, 0}), StatusCode::Ok);
  ASSERT_TRUE(commands->end().isOk());
  auto run = [&](BufferRef ref) {
    const BufferRef table[] = {ref};
    return device_->execute(*commands, table).code();
  };
  EXPECT_EQ(run({counts.get(), 0, 8}), StatusCode::OutOfRange);
  EXPECT_EQ(run({counts.get(), 0, 2}), StatusCode::InvalidArgument);
  EXPECT_EQ(run({cells.get()}), StatusCode::PermissionDenied);
  const uint32_t huge[] = {~0u, ~0u, ~0u};
  ASSERT_TRUE(device_->hostToDevice(huge, *counts, 0, sizeof(huge)).isOk());
  EXPECT_EQ(run({counts.get()}), StatusCode::OutOfRange);
  EXPECT_EQ(ones(*cells), 0u);
}

class ExecutableTest : public CtsTest {};

TEST_P(ExecutableTest, EntriesOutsideTheImageAreRefused) {
  const uint8_t code[] = {0x31, 0xc0, 0xc3};
  EntryParams entries[1];
  entries[0].name = "out";
  entries[0].offset = 3;
  ExecutableParams params;
  params.format = GetParam().format;
  params.requirements = GetParam().requirements;
  params.bytes = code;
  params.entries = entries;
  EXPECT_EQ(device_->createExecutable(params).code(),
            StatusCode::InvalidArgument);
}

TEST_P(ExecutableTest, UnmetRequirementsAreNamed) {
  ExecutableParams params;
  params.format = GetParam().format;
  params.requirements = GetParam().unmetRequirements;
  auto executable = device_->createExecutable(params);
  EXPECT_EQ(executable.code(), StatusCode::Unavailable);
  EXPECT_THAT(std::string(executable.status().message()),
              HasSubstr(GetParam().unmetName));
  const uint8_t odd[] = {1, 2, 3};
  params.requirements = odd;
  EXPECT_EQ(device_->createExecutable(params).code(),
            StatusCode::InvalidArgument);
}

TEST_P(ExecutableTest, OtherFormatsAreRefused) {
  ExecutableParams params;
  params.format = "another";
  params.requirements = GetParam().requirements;
  auto executable = device_->createExecutable(params);
  EXPECT_EQ(executable.code(), StatusCode::Incompatible);
  EXPECT_THAT(std::string(executable.status().message()),
              HasSubstr("'another'"));
}

FUSILLI_CTS_SUITE(CommandBufferTest);
FUSILLI_CTS_SUITE(HazardTest);
FUSILLI_CTS_SUITE(DispatchTest);
FUSILLI_CTS_SUITE(IndirectDispatchTest);
FUSILLI_CTS_SUITE(ExecutableTest);

} // namespace
} // namespace fusilli::hal::cts
