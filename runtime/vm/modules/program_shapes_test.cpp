// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs with symbols: extents from the buffers, relations between them, the
// workspace of a shape, shapes that are kept.
#include "runtime/vm/modules/program_shapes.h"

#include "runtime/vm/modules/program_fixture.h"
#include "support/testing/count_new.h"

#include <gmock/gmock.h>
#include <random>
#include <thread>

namespace fusilli::vm {
namespace {

using namespace testing;
using artifact::testing::appendReturn;
using artifact::testing::appendSymbolicDispatch;
using artifact::testing::appendWords;
using artifact::testing::bindArgument;
using artifact::testing::emptyTestArtifact;
using artifact::testing::makeArg;
using artifact::testing::symbolicArtifact;
using ::testing::AllOf;
using ::testing::HasSubstr;

Ref<hal::BufferView> cells(hal::Device &device, size_t n) {
  return floats(device, std::vector<float>(n, -1), hal::ElementType::Int32);
}

Ref<hal::Buffer> workspaceOf(hal::Device &device, size_t bytes) {
  return *device.allocator().allocate({}, bytes);
}

/// The buffers of one call of symbolicArtifact.
struct Call {
  Call(hal::Device &device, size_t n, size_t m, float scale)
      : cellsView(cells(device, m)), workspace(workspaceOf(device, 4 * n)),
        scale(scale) {
    std::vector<float> values(n);
    for (size_t i = 0; i < n; ++i)
      values[i] = scale * static_cast<float>(i + 1);
    y = floats(device, std::vector<float>(n, -1));
    a = floats(device, values);
    b = floats(device, std::vector<float>(n, 1));
  }
  std::array<RefObject *, 5> arguments() const {
    return {cellsView.get(), y.get(), a.get(), b.get(), workspace.get()};
  }
  bool isRight() const {
    std::vector<float> out = valuesOf(*y);
    for (size_t i = 0; i < out.size(); ++i)
      if (out[i] != 2 * scale * static_cast<float>(i + 1) + 1)
        return false;
    const auto *cell =
        reinterpret_cast<const uint32_t *>(cellsView->buffer()->hostPointer());
    return std::all_of(cell, cell + cellsView->elementCount(),
                       [&](uint32_t value) { return value == out.size(); });
  }

  Ref<hal::BufferView> cellsView, y, a, b;
  Ref<hal::Buffer> workspace;
  float scale;
};

std::vector<uint8_t> symbolicBytes(bool runInline = true) {
  return artifact::write(symbolicArtifact(16, 5, runInline));
}

class ShapesTest : public DriverTest {
protected:
  Status run(const Loaded &loaded, const Call &call) {
    auto arguments = call.arguments();
    return loaded.context->invoke(loaded.main, arguments);
  }
};
FUSILLI_ON_CPU_DRIVERS(ShapesTest);

TEST_P(ShapesTest, OneProgramServesAnyExtents) {
  for (bool runInline : {true, false})
    for (ProgramMode mode : {ProgramMode::Recorded, ProgramMode::Interpreted}) {
      auto loaded = load(device_, symbolicBytes(runInline), true,
                         systemAllocator(), mode);
      ASSERT_TRUE(loaded.isOk()) << loaded.status().toString();
      // More shapes than are kept, twice.
      for (int round = 0; round < 2; ++round)
        for (size_t n = 1; n <= 200; ++n) {
          Call call(*device_, n, 1 + n % 7, 1);
          Status status = run(*loaded, call);
          ASSERT_TRUE(status.isOk()) << status.toString();
          ASSERT_TRUE(call.isRight()) << n;
        }
    }
}

TEST_P(ShapesTest, ExtentsOfOneSymbolAreEqual) {
  Loaded loaded = loadBytes(symbolicBytes());
  Call call(*device_, 7, 3, 1);
  Call other(*device_, 8, 3, 1);
  call.b = other.b;
  Status status = run(loaded, call);
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("input 'b' has dim 0 of 8, expected 7 as dim 0 of "
                        "output 'y' (given [8], expected [7])"));
}

TEST_P(ShapesTest, ArgumentsAreChecked) {
  Loaded loaded = loadBytes(symbolicBytes());
  auto fails = [&](size_t index, RefObject *argument, const char *text) {
    Call call(*device_, 4, 3, 1);
    auto arguments = call.arguments();
    arguments[index] = argument;
    Status status = loaded.context->invoke(loaded.main, arguments);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  };
  Call call(*device_, 4, 3, 1);
  fails(1, nullptr, "output 'y' is null");
  fails(3, nullptr, "input 'b' is null");
  fails(1, call.workspace.get(), "output 'y' is a ");
  hal::DeviceSize dims[] = {2, 2};
  auto square =
      *hal::BufferView::create(Ref<hal::Buffer>::share(call.a->buffer()), dims,
                               hal::ElementType::Float32);
  fails(1, square.get(), "output 'y' has rank 2, expected 1");
  hal::DeviceSize none[] = {0};
  auto empty =
      *hal::BufferView::create(Ref<hal::Buffer>::share(call.a->buffer()), none,
                               hal::ElementType::Float32);
  fails(1, empty.get(), "output 'y' has dim 0 of 0, expected a positive");
  fails(2, floats(*device_, {1, 2, 3, 4}, hal::ElementType::Int32).get(),
        "input 'a' has element type");
  fails(4, workspaceOf(*device_, 15).get(),
        "workspace has 15 bytes, 16 are needed");
  fails(4, nullptr, "workspace is null, 16 bytes are needed");
}

TEST_P(ShapesTest, WorkspaceIsThatOfTheShape) {
  Loaded loaded = loadBytes(symbolicBytes());
  auto *module = static_cast<ProgramModule *>(loaded.main.module);
  EXPECT_TRUE(module->hasSymbols() && module->hasSymbolicWorkspace());
  EXPECT_EQ(module->functionAttribute(1, "iree.abi.transients.size.constant"),
            "");
  ModuleState *state = loaded.context->state(module);
  for (size_t n : {1, 9, 1000}) {
    Call call(*device_, n, 2, 1);
    auto arguments = call.arguments();
    arguments[4] = nullptr;
    auto size = module->workspaceSize(state, arguments);
    ASSERT_TRUE(size.isOk()) << size.status().toString();
    EXPECT_EQ(*size, 4 * n);
  }
  Call call(*device_, 3, 2, 1);
  auto arguments = call.arguments();
  arguments[2] = nullptr;
  EXPECT_EQ(module->workspaceSize(state, arguments).code(),
            StatusCode::InvalidArgument);
}

TEST_P(ShapesTest, ARepeatedShapeAllocatesNothing) {
  CountingAllocator allocator;
  auto loaded = load(device_, symbolicBytes(), true, allocator);
  ASSERT_TRUE(loaded.isOk());
  std::vector<Call> calls;
  for (size_t n = 1; n <= 40; ++n)
    calls.emplace_back(*device_, n, 3, 2);
  for (const Call &call : calls)
    ASSERT_TRUE(run(*loaded, call).isOk());
  auto blocks = allocator.counts().calls;
  uint64_t news = heap::newCalls;
  for (int round = 0; round < 10; ++round)
    for (const Call &call : calls)
      ASSERT_TRUE(run(*loaded, call).isOk());
  EXPECT_EQ(allocator.counts().calls, blocks);
  EXPECT_EQ(heap::newCalls, news);
  for (const Call &call : calls)
    EXPECT_TRUE(call.isRight());
}

TEST_P(ShapesTest, MemoryOfShapesIsBounded) {
  CountingAllocator allocator;
  auto loaded = load(device_, symbolicBytes(), true, allocator);
  ASSERT_TRUE(loaded.isOk());
  int64_t most = 0;
  for (size_t n = 1; n <= 2000; ++n) {
    Call call(*device_, n, 1, 1);
    ASSERT_TRUE(run(*loaded, call).isOk());
    if (n == 1000)
      most = allocator.counts().liveBlocks;
  }
  // Full sets, give or take.
  EXPECT_LE(allocator.counts().liveBlocks, most + most / 8);
}

TEST_P(ShapesTest, ManyThreadsManyShapes) {
  Loaded loaded = loadBytes(symbolicBytes());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 300; ++i) {
        // Few at times, so that they are shared; many, so that some go.
        size_t n = 1 + random() % (i % 100 < 50 ? 4 : 400);
        Call call(*device_, n, 1 + random() % 2, static_cast<float>(t + 1));
        if (!run(loaded, call).isOk() || !call.isRight())
          ++wrong;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(ShapesTest, BoundCallsHaveTheirShape) {
  Loaded loaded = loadBytes(symbolicBytes());
  Call small(*device_, 3, 2, 1), large(*device_, 50, 2, 1);
  auto bind = [&](const Call &call) {
    auto arguments = call.arguments();
    return BoundCall::create(loaded.context, loaded.main, arguments);
  };
  auto first = bind(small), second = bind(large);
  ASSERT_TRUE(first.isOk() && second.isOk());
  ASSERT_TRUE((*first)->execute().isOk() && (*second)->execute().isOk());
  EXPECT_TRUE(small.isRight() && large.isRight());
  // Another shape of some arguments only is refused, the old ones stay.
  EXPECT_EQ((*first)->setArgument(2, large.a.get()).code(),
            StatusCode::InvalidArgument);
  ASSERT_TRUE((*first)->execute().isOk());
  EXPECT_TRUE(small.isRight());
  // The only argument of a symbol may change its extent.
  auto more = cells(*device_, 9);
  ASSERT_TRUE((*first)->setArgument(0, more.get()).isOk());
  ASSERT_TRUE((*first)->execute().isOk());
  small.cellsView = more;
  EXPECT_TRUE(small.isRight());
}

TEST_P(ShapesTest, AsyncCallsOfSeveralShapes) {
  Loaded loaded = loadBytes(symbolicBytes());
  Function async =
      *loaded.context->resolveFunction(ProgramModule::kAsyncFunction);
  auto timeline = *hal::Semaphore::create();
  auto start = *hal::Fence::createAt(timeline, 1);
  std::vector<Call> calls;
  std::vector<Ref<hal::Fence>> done;
  // More shapes than are kept wait at once.
  for (size_t n = 1; n <= 160; ++n) {
    calls.emplace_back(*device_, n, 2, 3);
    done.push_back(*hal::Fence::createAt(*hal::Semaphore::create(), 1));
    auto own = calls.back().arguments();
    std::vector<RefObject *> arguments(own.begin(), own.end());
    arguments.insert(arguments.end(), {start.get(), done.back().get()});
    ASSERT_TRUE(loaded.context->invoke(async, arguments).isOk());
  }
  ASSERT_TRUE(hal::Fence::signal(start.get()).isOk());
  for (const Ref<hal::Fence> &fence : done)
    ASSERT_TRUE(hal::Fence::wait(fence.get()).isOk());
  for (const Call &call : calls)
    EXPECT_TRUE(call.isRight());
}

/// One dispatch over [n] whose count and range are `value`, number 2, of what
/// `words` define.
std::vector<uint8_t> program(std::initializer_list<uint32_t> words) {
  fbs::ArtifactT artifact = emptyTestArtifact();
  artifact.args.push_back(
      std::make_unique<fbs::ArgT>(makeArg("y", fbs::ArgKind::Output, 16)));
  artifact.args[0]->dim_symbols = {0};
  artifact.symbols = {16};
  appendWords(artifact, {FUSILLI_VM_CONSTANT, 4, 0});
  appendWords(artifact, words);
  appendSymbolicDispatch(artifact, artifact::testing::kCount,
                         {bindArgument(0, 0)}, 2, 2, {2, 2}, {}, 0);
  appendReturn(artifact);
  return artifact::write(artifact);
}

TEST_P(ShapesTest, WhatDoesNotFitFailsTheCall) {
  struct Case {
    const char *name;
    std::initializer_list<uint32_t> words;
    const char *text;
  };
  const Case cases[] = {
      {"overflow",
       {FUSILLI_VM_CONSTANT, 0, 1u << 30, FUSILLI_VM_MUL, 2, 0},
       "shape arithmetic overflows"},
      {"divisor",
       {FUSILLI_VM_CONSTANT, 0, 0, FUSILLI_VM_FLOOR_DIV, 0, 2},
       "by 0"},
      {"range", {FUSILLI_VM_MUL, 0, 0}, "of dispatch 'count' takes bytes"},
      {"negative",
       {FUSILLI_VM_CONSTANT, ~0u, ~0u},
       "of dispatch 'count' takes bytes"},
      {"workspace",
       {FUSILLI_VM_CONSTANT, 0, 1u << 30, FUSILLI_VM_WORKSPACE, 2},
       "a workspace of"},
  };
  for (const Case &c : cases) {
    Loaded loaded = loadBytes(program(c.words));
    auto y = floats(*device_, std::vector<float>(5, 0));
    RefObject *arguments[] = {y.get(), nullptr};
    for (int i = 0; i < 2; ++i) {
      Status status = loaded.context->invoke(loaded.main, arguments);
      EXPECT_EQ(status.code(), StatusCode::OutOfRange) << c.name;
      EXPECT_THAT(std::string(status.message()), HasSubstr(c.text)) << c.name;
    }
  }
}

TEST_P(ShapesTest, AllocationFailuresAreErrors) {
  for (int n = 1; n < 200; ++n) {
    CountingAllocator allocator;
    auto loaded = load(device_, symbolicBytes(), true, allocator);
    ASSERT_TRUE(loaded.isOk());
    Call call(*device_, 6, 2, 1);
    allocator.failNth(n);
    Status status = run(*loaded, call);
    if (!status.isOk()) {
      ASSERT_EQ(status.code(), StatusCode::ResourceExhausted);
      // Nothing half-made is kept.
      ASSERT_TRUE(run(*loaded, call).isOk());
      ASSERT_TRUE(call.isRight());
      continue;
    }
    EXPECT_GT(n, 3);
    return;
  }
  FAIL() << "never ran";
}

Ref<ProgramShape> shapeOf(int64_t n) {
  return *ProgramShape::create({}, std::span(&n, 1), systemAllocator());
}

TEST(ShapeCacheTest, LeasedShapesStay) {
  ShapeCache cache;
  ASSERT_TRUE(cache.allocate(systemAllocator()));
  std::vector<ShapeLease> leases;
  constexpr int64_t kCount = 4 * ShapeCache::kSets * ShapeCache::kWays;
  for (int64_t n = 0; n < kCount; ++n)
    leases.push_back(cache.insert(shapeOf(n)));
  size_t kept = 0;
  for (int64_t n = 0; n < kCount; ++n) {
    EXPECT_EQ(leases[static_cast<size_t>(n)]->symbols()[0], n);
    kept += cache.find(std::span(&n, 1)) ? 1 : 0;
  }
  EXPECT_EQ(kept, ShapeCache::kSets * ShapeCache::kWays);
  leases.clear();
  // Now they may go.
  for (int64_t n = kCount; n < 2 * kCount; ++n)
    cache.insert(shapeOf(n));
  for (int64_t n = 0; n < kCount; ++n)
    EXPECT_FALSE(cache.find(std::span(&n, 1)));
}

TEST(ShapeCacheTest, TheLeastRecentlyUsedGoes) {
  ShapeCache cache;
  ASSERT_TRUE(cache.allocate(systemAllocator()));
  int64_t hot = -1;
  cache.insert(shapeOf(hot));
  for (int64_t n = 0; n < 10000; ++n) {
    cache.insert(shapeOf(n));
    ASSERT_TRUE(cache.find(std::span(&hot, 1))) << n;
  }
}

} // namespace
} // namespace fusilli::vm
