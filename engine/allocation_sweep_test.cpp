// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every public entry point, with the first, the second, ... allocation that
// the runtime makes inside it refused, until it succeeds. A refusal is an error
// that says so, leaves exactly the objects and bytes that were there before,
// and what the call was made on still works.
#include "engine/test/test_engine.h"

#include "engine/status_error.h"
#include "support/host_allocator.h"
#include "support/ref.h"

#include <iree/runtime/api.h>

#include <array>
#include <functional>
#include <ostream>

namespace fusilli::test {
namespace {

// All of the runtime's memory in this process; never destroyed.
CountingAllocator &counting() {
  static CountingAllocator &allocator = *new CountingAllocator();
  return allocator;
}

// Everything that a call could leave behind.
struct Balance {
  std::array<int64_t, static_cast<size_t>(ObjectKind::Count)> objects{};
  int64_t blocks = 0;
  int64_t bytes = 0;
  int64_t statusRecords = 0;

  static Balance now() {
    Balance balance;
    for (size_t i = 0; i < balance.objects.size(); ++i)
      balance.objects[i] = liveObjects(static_cast<ObjectKind>(i));
    AllocationCounts counts = counting().counts();
    balance.blocks = counts.liveBlocks;
    balance.bytes = counts.liveBytes;
    balance.statusRecords = liveStatusRecords();
    return balance;
  }
  friend bool operator==(const Balance &, const Balance &) = default;
  friend void PrintTo(const Balance &balance, std::ostream *os) {
    for (size_t i = 0; i < balance.objects.size(); ++i)
      *os << objectKindName(static_cast<ObjectKind>(i)) << " "
          << balance.objects[i] << ", ";
    *os << balance.blocks << " blocks, " << balance.bytes << " bytes, "
        << balance.statusRecords << " status records";
  }
};

class AllocationFailureTest : public EngineTest {
protected:
  void SetUp() override {
    replaceSystemAllocator(&counting());
    atStart_ = Balance::now();
    EngineTest::SetUp();
    ASSERT_OK(g_.graph.validate());
    ErrorOr<std::vector<uint8_t>> bytes =
        g_.graph.compileToArtifact(Backend::CPU, true);
    ASSERT_OK(bytes);
    artifact_ = std::move(*bytes);
  }
  void TearDown() override {
    // A reference too many shows when its object should go.
    g_.graph = Graph();
    handle_.reset();
    EXPECT_EQ(Balance::now(), atStart_);
    replaceSystemAllocator(nullptr);
    EngineTest::TearDown();
  }

  /// Runs `call` with one more allocation granted each time. It keeps nothing
  /// of what it makes, or `undo` drops it. `works` is run after each failure.
  void sweep(
      uint64_t leastAllocations, const std::function<ErrorObject()> &call,
      const std::function<void()> &works = [] {},
      const std::function<void()> &undo = [] {}) {
    const Balance before = Balance::now();
    for (uint64_t n = 1; n < 1000; ++n) {
      SCOPED_TRACE(testing::Message() << "allocation " << n << " refused");
      counting().failNth(n);
      ErrorObject status = call();
      const bool unused = counting().failurePending();
      counting().failNth(0);
      if (unused)
        undo();
      EXPECT_EQ(Balance::now(), before);
      if (unused) {
        EXPECT_OK(status);
        EXPECT_GE(n - 1, leastAllocations);
        RecordProperty("allocations", static_cast<int>(n - 1));
        return;
      }
      EXPECT_CODE(status, RuntimeFailure, "RESOURCE_EXHAUSTED");
      works();
      if (HasFailure())
        return;
    }
    FAIL() << "never succeeded";
  }

  void load(AddGraph &g) {
    ASSERT_OK(g.graph.loadFromArtifact(*handle_, artifact_));
    ASSERT_OK(g.graph.getWorkspaceSize());
  }
  Pack makeTestPack() { return makePack(g_, {1, 2, 3, 4}, {10, 20, 30, 40}); }
  void expectSum(const Pack &pack) {
    EXPECT_THAT(contents(*handle_, pack.at(g_.out)),
                testing::ElementsAre(11, 22, 33, 44));
  }

  AddGraph g_;
  std::vector<uint8_t> artifact_;
  Balance atStart_;
};

TEST_F(AllocationFailureTest, FirstHandle) {
  handle_.reset();
  EXPECT_EQ(liveObjects(), 0);
  EXPECT_EQ(counting().counts().liveBlocks, 0);
  sweep(
      6, [] { return ErrorObject(Handle::create(Backend::CPU)); },
      [] { EXPECT_OK(Handle::create(Backend::CPU)); });
}

TEST_F(AllocationFailureTest, FurtherHandle) {
  sweep(
      4, [] { return ErrorObject(Handle::create(Backend::CPU)); },
      [&] { EXPECT_OK(Buffer::allocateRaw(*handle_, 8)); });
}

TEST_F(AllocationFailureTest, HandleWithItsOwnWorkers) {
  sweep(
      6,
      [] {
        return ErrorObject(
            Handle::create(Backend::CPU, HandleOptions{.numThreads = 3}));
      },
      [&] { EXPECT_OK(Buffer::allocateRaw(*handle_, 8)); });
}

TEST_F(AllocationFailureTest, Trace) {
  const std::string file = base_ / "trace.json";
  sweep(
      1,
      [&]() -> ErrorObject {
        FUSILLI_CHECK_ERROR(startTrace(100));
        return stopTrace(file);
      },
      [&] { EXPECT_CODE(stopTrace(file), InternalError, "no trace"); });
}

TEST_F(AllocationFailureTest, BufferAllocate) {
  const std::vector<float> data = {1, 2, 3, 4, 5, 6};
  sweep(
      3, [&] { return ErrorObject(Buffer::allocate(*handle_, {2, 3}, data)); },
      [&] { EXPECT_EQ(contents(*handle_, makeBuffer(*handle_, data)), data); });
  const std::vector<Int4> packed(9, Int4(3));
  sweep(3, [&] {
    return ErrorObject(Buffer::allocate(*handle_, {3, 3}, packed));
  });
  // As large as pages of 2 MiB.
  const std::vector<float> large(1 << 20, 1.0f);
  sweep(3, [&] {
    return ErrorObject(Buffer::allocate(*handle_, {large.size()}, large));
  });
}

TEST_F(AllocationFailureTest, BufferAllocateRaw) {
  sweep(
      3, [&] { return ErrorObject(Buffer::allocateRaw(*handle_, 1000)); },
      [&] { EXPECT_OK(Buffer::allocateRaw(*handle_, 1000)); });
}

TEST_F(AllocationFailureTest, BufferImportAndRead) {
  BufferPtr buffer = makeBuffer(*handle_, {1, 2, 3});
  sweep(0, [&] { return ErrorObject(Buffer::import(*buffer)); });
  sweep(0, [&] {
    std::vector<float> out;
    return buffer->read(*handle_, out);
  });
}

TEST_F(AllocationFailureTest, ForeignMemory) {
  alignas(64) float memory[4] = {1, 2, 3, 4};
  int released = 0;
  iree_hal_buffer_params_t params = {};
  params.usage = IREE_HAL_BUFFER_USAGE_DEFAULT;
  params.access = IREE_HAL_MEMORY_ACCESS_ALL;
  params.type = IREE_HAL_MEMORY_TYPE_DEVICE_LOCAL;
  iree_hal_external_buffer_t external = {};
  external.type = IREE_HAL_EXTERNAL_BUFFER_TYPE_HOST_ALLOCATION;
  external.size = sizeof(memory);
  external.handle.host_allocation.ptr = memory;
  iree_hal_buffer_release_callback_t callback = {
      [](void *count, iree_hal_buffer_t *) { ++*static_cast<int *>(count); },
      &released};
  int expected = 0;
  auto import = [&]() -> ErrorObject {
    iree_hal_buffer_t *buffer = nullptr;
    FUSILLI_CHECK_ERROR(
        iree_hal_allocator_import_buffer(iree_hal_device_allocator(*handle_),
                                         params, &external, callback, &buffer));
    iree_hal_dim_t dims[] = {4};
    iree_hal_buffer_view_t *view = nullptr;
    ErrorObject status = iree_hal_buffer_view_create(
        buffer, 1, dims, IREE_HAL_ELEMENT_TYPE_FLOAT_32,
        IREE_HAL_ENCODING_TYPE_DENSE_ROW_MAJOR, iree_allocator_system(), &view);
    iree_hal_buffer_release(buffer);
    ++expected; // imported, and so released by now or with the view
    EXPECT_EQ(view == nullptr, isError(status));
    FUSILLI_CHECK_ERROR(status);
    EXPECT_EQ(released, expected - 1);
    iree_hal_buffer_view_release(view);
    return ok();
  };
  // A failed import calls nothing back, a failed view drops its buffer.
  sweep(3, import, [&] { EXPECT_EQ(released, expected); });
  EXPECT_EQ(released, expected);
}

TEST_F(AllocationFailureTest, LoadFromArtifact) {
  sweep(10, [&] {
    AddGraph g;
    FUSILLI_CHECK_ERROR(g.graph.validate());
    return g.graph.loadFromArtifact(*handle_, artifact_);
  });
}

TEST_F(AllocationFailureTest, ReloadLeavesNothingLoadedAndTheGraphUsable) {
  Pack pack = makeTestPack();
  auto unload = [&] {
    EXPECT_TRUE(isError(g_.graph.loadFromArtifact(*handle_, {})));
  };
  auto works = [&] {
    ErrorOr<std::optional<size_t>> size = g_.graph.getWorkspaceSize();
    ASSERT_OK(size);
    EXPECT_FALSE(size->has_value());
    EXPECT_CODE(g_.graph.execute(*handle_, pack, nullptr), NotCompiled, "add");
    load(g_);
    EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
    expectSum(pack);
    unload();
  };
  sweep(
      10, [&] { return g_.graph.loadFromArtifact(*handle_, artifact_); }, works,
      unload);
}

TEST_F(AllocationFailureTest, Compile) {
  auto call = [&]() -> ErrorObject {
    AddGraph g("other");
    FUSILLI_CHECK_ERROR(g.graph.validate());
    return g.graph.compile(*handle_, /*remove=*/true);
  };
  sweep(10, call);
  // These use the C++ library's memory only.
  ErrorOr<std::string> text = g_.graph.emitAsm();
  ASSERT_OK(text);
  sweep(0, [&]() -> ErrorObject {
    AddGraph g("other");
    FUSILLI_CHECK_ERROR(g.graph.validate());
    FUSILLI_CHECK_ERROR(
        g.graph.compileToArtifact(Backend::CPU, /*remove=*/true));
    FUSILLI_CHECK_ERROR(
        g.graph.readCompilationCacheFile(CachedAssetsType::Output));
    return g.graph.getCompiledArtifact(Backend::CPU, *text, /*remove=*/true);
  });
}

TEST_F(AllocationFailureTest, SerializeAndDeserialize) {
  ErrorOr<std::vector<uint8_t>> bytes = g_.graph.serialize();
  ASSERT_OK(bytes);
  sweep(0, [&] { return ErrorObject(g_.graph.serialize()); });
  sweep(0, [&] { return ErrorObject(Graph::deserialize(*bytes)); });
  sweep(0, [&] { return ErrorObject(g_.graph.emitAsm()); });
}

TEST_F(AllocationFailureTest, WorkspaceSizeAndExecute) {
  load(g_);
  Pack pack = makeTestPack();
  sweep(0, [&] { return ErrorObject(g_.graph.getWorkspaceSize()); });
  // The first execution of a thread, too, on a device that never ran.
  sweep(0, [&] { return g_.graph.execute(*handle_, pack, nullptr); });
  expectSum(pack);
}

TEST_F(AllocationFailureTest, ExecuteWithManyArguments) {
  Graph graph;
  graph.setName("many").setIODataType(DataType::Float);
  std::vector<TensorPtr> inputs;
  Pack pack;
  for (int i = 0; i < 100; ++i) {
    inputs.push_back(graph.tensor(TensorAttr()
                                      .setName("in" + std::to_string(100 + i))
                                      .setDim({1})
                                      .setStride({1})
                                      .setDataType(DataType::Float)));
    pack[inputs.back()] = makeBuffer(*handle_, {static_cast<float>(i)});
  }
  auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
  TensorPtr out = graph.pointwise(inputs.front(), inputs.back(), attr);
  out->setName("out").setOutput(true);
  pack[out] = makeBuffer(*handle_, {0});
  ASSERT_OK(graph.validate());
  ASSERT_OK(graph.compile(*handle_, true));
  ASSERT_OK(graph.getWorkspaceSize());
  sweep(0, [&] { return graph.execute(*handle_, pack, nullptr); });
  EXPECT_THAT(contents(*handle_, pack[out]), testing::ElementsAre(99));
}

TEST_F(AllocationFailureTest, BindAndBoundCall) {
  load(g_);
  Pack pack = makeTestPack();
  sweep(
      3, [&] { return ErrorObject(g_.graph.bind(*handle_, pack, nullptr)); },
      [&] {
        EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
        expectSum(pack);
      });
  ErrorOr<BoundCall> call = g_.graph.bind(*handle_, pack, nullptr);
  ASSERT_OK(call);
  sweep(0, [&] { return call->execute(); });
  BufferPtr other = makeBuffer(*handle_, {0, 0, 0, 0});
  sweep(0, [&]() -> ErrorObject {
    FUSILLI_CHECK_ERROR(call->setBuffer(g_.inA, other));
    return call->setBuffer(g_.inA, pack[g_.inA]);
  });
  EXPECT_OK(call->execute());
  expectSum(pack);
}

TEST_F(AllocationFailureTest, Fences) {
  sweep(
      3, [] { return ErrorObject(Fence::create()); },
      [] { EXPECT_OK(Fence::create()); });
  ErrorOr<Fence> a = Fence::create();
  ErrorOr<Fence> b = Fence::create();
  ASSERT_OK(a);
  ASSERT_OK(b);
  const Fence both[] = {*a, *b};
  sweep(
      2, [&] { return ErrorObject(Fence::join(both)); },
      [&] { EXPECT_FALSE(*a->isReached()); });
  ErrorOr<Fence> joined = Fence::join(both);
  ASSERT_OK(joined);
  sweep(0, [&] { return ErrorObject(joined->isReached()); });
  EXPECT_CODE(joined->waitFor(std::chrono::nanoseconds(0)), RuntimeFailure,
              "DEADLINE_EXCEEDED");
  sweep(0, [&]() -> ErrorObject {
    FUSILLI_CHECK_ERROR(a->signal());
    FUSILLI_CHECK_ERROR(b->signal());
    return joined->wait();
  });
}

TEST_F(AllocationFailureTest, ExecuteAsync) {
  load(g_);
  Pack pack = makeTestPack();
  ErrorOr<Fence> gate = Fence::create();
  ASSERT_OK(gate);
  ASSERT_OK(gate->signal());
  ErrorOr<Fence> done = Fence::create();
  ASSERT_OK(done);
  // Each try on the same fence: a call that failed did not touch it. The last
  // one is awaited, so that nothing of it is alive when it is counted.
  auto call = [&]() -> ErrorObject {
    FUSILLI_CHECK_ERROR(
        g_.graph.executeAsync(*handle_, pack, nullptr, *gate, *done));
    return done->wait();
  };
  sweep(3, call, [&] {
    EXPECT_FALSE(*done->isReached());
    EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
  });
  expectSum(pack);
}

TEST_F(AllocationFailureTest, RefusedCallsAllocateNothing) {
  load(g_);
  Pack pack = makeTestPack();
  Pack missing = pack;
  missing.erase(g_.inA);
  Pack small = pack;
  small[g_.inA] = makeBuffer(*handle_, {1});
  const Balance before = Balance::now();
  const uint64_t calls = counting().counts().calls;
  EXPECT_TRUE(isError(g_.graph.execute(*handle_, missing, nullptr)));
  EXPECT_TRUE(isError(g_.graph.execute(*handle_, small, nullptr)));
  EXPECT_TRUE(isError(g_.graph.bind(*handle_, small, nullptr)));
  EXPECT_TRUE(isError(
      g_.graph.executeAsync(*handle_, small, nullptr, Fence(), Fence())));
  EXPECT_TRUE(isError(Buffer::allocateRaw(*handle_, 0)));
  EXPECT_TRUE(isError(Buffer::import(nullptr)));
  EXPECT_TRUE(isError(Handle::create(Backend::AMDGPU)));
  EXPECT_EQ(counting().counts().calls, calls);
  EXPECT_EQ(Balance::now(), before);
}

} // namespace
} // namespace fusilli::test
