// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of Graph::execute, bind and executeAsync: each error with its code
// and words and with nothing left alive, the workspace, and a million executes
// that allocate nothing. Section 7 of docs/runtime-contract.md.
#include "engine/access.h"
#include "engine/graph_arguments.h"
#include "engine/test/test_engine.h"

#include "runtime/vm/context.h"
#include "support/host_allocator.h"
#include "support/ref.h"
#include "support/testing/count_new.h"

#include <functional>
#include <sstream>

namespace fusilli::test {
namespace {

/// The runtime's memory of this process; never destroyed.
CountingAllocator &counting() {
  static CountingAllocator &allocator = *new CountingAllocator();
  return allocator;
}

/// Everything that a call could leave behind.
struct Alive {
  std::array<int64_t, static_cast<size_t>(ObjectKind::Count)> objects{};
  int64_t statuses = liveStatusRecords();
  int64_t blocks = counting().counts().liveBlocks;
  int64_t bytes = counting().counts().liveBytes;
  Alive() {
    for (size_t i = 0; i < objects.size(); ++i)
      objects[i] = liveObjects(static_cast<ObjectKind>(i));
  }
  bool operator==(const Alive &) const = default;
};

/// y = relu(x * 2), y and x of {4}, with a scalar and a virtual tensor.
struct ChainGraph {
  ChainGraph() {
    graph.setName("chain")
        .setIODataType(DataType::Float)
        .setIntermediateDataType(DataType::Float);
    in = graph.tensor(TensorAttr().setName("x").setDim({4}).setStride({1}));
    two = graph.tensor(TensorAttr(2.0f).setName("two"));
    auto mul = PointwiseAttr().setMode(PointwiseAttr::Mode::MUL);
    middle = graph.pointwise(in, two, mul);
    middle->setName("middle");
    auto relu = PointwiseAttr().setMode(PointwiseAttr::Mode::RELU_FWD);
    out = graph.pointwise(middle, relu);
    out->setName("y").setOutput(true);
  }
  Graph graph;
  TensorPtr in, two, middle, out;
};

class ExecuteRulesTest : public EngineTest {
protected:
  void SetUp() override {
    replaceSystemAllocator(&counting());
    EngineTest::SetUp();
  }
  void TearDown() override {
    EngineTest::TearDown();
    handle_.reset();
    replaceSystemAllocator(nullptr);
  }
  void load(Graph &graph, bool needsWorkspace = false) {
    ASSERT_OK(graph.validate());
    setEnv("FAKE_COMPILER_WORKSPACE", needsWorkspace ? "1" : "0");
    ErrorObject status = graph.compile(*handle_, true);
    unsetEnv("FAKE_COMPILER_WORKSPACE");
    ASSERT_OK(status);
    ASSERT_OK(graph.getWorkspaceSize());
  }
  BufferPtr raw(size_t bytes) {
    ErrorOr<Buffer> buffer = Buffer::allocateRaw(*handle_, bytes);
    EXPECT_OK(buffer);
    return std::make_shared<Buffer>(std::move(*buffer));
  }

  /// Runs the three ways to execute: the same error with the same words, and
  /// nothing more alive than before, in particular no view of `pack`.
  void expectError(const Graph &graph, const Pack &pack,
                   const BufferPtr &workspace, ErrorCode code,
                   const std::vector<std::string> &words) {
    const std::pair<const char *, std::function<ErrorObject()>> ways[] = {
        {"execute", [&] { return graph.execute(*handle_, pack, workspace); }},
        {"bind",
         [&] { return ErrorObject(graph.bind(*handle_, pack, workspace)); }},
        {"executeAsync",
         [&] {
           return graph.executeAsync(*handle_, pack, workspace, Fence(),
                                     Fence());
         }},
    };
    for (const auto &[way, call] : ways) {
      SCOPED_TRACE(way);
      const Alive before;
      {
        ErrorObject status = call();
        EXPECT_EQ(status.getCode(), code) << status;
        for (const std::string &word : words)
          EXPECT_THAT(status.getMessage(), testing::HasSubstr(word));
      }
      EXPECT_TRUE(Alive() == before);
      for (const auto &[tensor, buffer] : pack)
        if (buffer && detail::EngineAccess::view(*buffer)) {
          EXPECT_EQ(detail::EngineAccess::view(*buffer)->refCount(), 1u);
        }
    }
  }
};

TEST_F(ExecuteRulesTest, NotLoaded) {
  ChainGraph g;
  expectError(g.graph, {}, nullptr, ErrorCode::NotCompiled,
              {"'chain'", "compile()", "loadFromArtifact()"});
  ASSERT_OK(g.graph.validate());
  expectError(g.graph, {}, nullptr, ErrorCode::NotCompiled, {"'chain'"});
}

TEST_F(ExecuteRulesTest, HandleOfAnotherBackend) {
  AddGraph g;
  load(g.graph);
  // No other backend has a device here: say that it was loaded for one.
  auto *loaded = const_cast<engine::LoadedGraph *>(engine::loadedOf(g.graph));
  loaded->backend = Backend::AMDGPU;
  Pack pack = makePack(g, {1, 2, 3, 4}, {1, 2, 3, 4});
  expectError(g.graph, pack, nullptr, ErrorCode::InvalidArgument,
              {"'add'", "loaded for backend AMDGPU", "handle of backend CPU"});
  loaded->backend = Backend::CPU;
  EXPECT_OK(g.graph.execute(*handle_, pack, nullptr));
  // What runs on which entry point.
  EXPECT_FALSE(kBackendExecuteAsync.at(Backend::CPU));
  EXPECT_TRUE(kBackendExecuteAsync.at(Backend::AMDGPU));
}

TEST_F(ExecuteRulesTest, WorkspaceNeverQueried) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  ASSERT_OK(g.graph.compile(*handle_, true));
  Pack pack = makePack(g, {1, 2, 3, 4}, {1, 2, 3, 4});
  expectError(g.graph, pack, nullptr, ErrorCode::InvalidArgument,
              {"'add'", "getWorkspaceSize()"});
}

TEST_F(ExecuteRulesTest, TensorsThatDoNotBelongInThePack) {
  ChainGraph g;
  load(g.graph);
  BufferPtr extra = makeBuffer(*handle_, {1, 2, 3, 4});
  Pack pack = {{g.in, makeBuffer(*handle_, {1, 2, 3, 4})},
               {g.out, makeBuffer(*handle_, {0, 0, 0, 0})}};
  ASSERT_OK(g.graph.execute(*handle_, pack, nullptr));
  Pack bad = pack;
  bad[g.middle] = extra;
  expectError(g.graph, bad, nullptr, ErrorCode::VariantPackError,
              {"virtual tensor 'middle'", "'chain'"});
  bad = pack;
  bad[g.two] = extra;
  expectError(g.graph, bad, nullptr, ErrorCode::VariantPackError,
              {"scalar 'two'", "'chain'"});
}

TEST_F(ExecuteRulesTest, MissingTensors) {
  AddGraph g;
  load(g.graph);
  const Pack full = makePack(g, {1, 2, 3, 4}, {1, 2, 3, 4});
  const std::pair<TensorPtr, const char *> cases[] = {
      {g.out, "output 'y'"}, {g.inA, "input 'a'"}, {g.inB, "input 'b'"}};
  for (const auto &[tensor, name] : cases) {
    Pack pack = full;
    pack.erase(tensor);
    expectError(g.graph, pack, nullptr, ErrorCode::VariantPackError,
                {name, "missing", "'add'"});
    pack[tensor] = nullptr;
    expectError(g.graph, pack, nullptr, ErrorCode::VariantPackError,
                {name, "null"});
    pack[tensor] = raw(16);
    Buffer taken = std::move(*pack[tensor]);
    expectError(g.graph, pack, nullptr, ErrorCode::VariantPackError,
                {name, "moved from"});
  }
}

TEST_F(ExecuteRulesTest, RefusedByTheRuntime) {
  AddGraph g;
  load(g.graph);
  const Pack full = makePack(g, {1, 2, 3, 4}, {1, 2, 3, 4});
  Pack pack = full;
  pack[g.inB] = makeBuffer(*handle_, {1, 2, 3});
  expectError(g.graph, pack, nullptr, ErrorCode::RuntimeFailure,
              {"'add'", "input 'b'", "of 3", "expected 4"});
  pack = full;
  ErrorOr<Buffer> ints =
      Buffer::allocate(*handle_, {4}, std::vector<int>{1, 2, 3, 4});
  ASSERT_OK(ints);
  pack[g.out] = std::make_shared<Buffer>(std::move(*ints));
  expectError(g.graph, pack, nullptr, ErrorCode::RuntimeFailure,
              {"output 'y'", "i32", "f32"});
  pack = full;
  pack[g.out] = pack[g.inA];
  expectError(g.graph, pack, nullptr, ErrorCode::InvalidArgument,
              {"output 'y'", "input 'a'"});
  EXPECT_OK(g.graph.execute(*handle_, full, nullptr));
}

TEST_F(ExecuteRulesTest, WorkspaceSizes) {
  AddGraph g;
  ASSERT_OK(g.graph.validate());
  EXPECT_EQ(*g.graph.getWorkspaceSize(), std::nullopt);
  load(g.graph, /*needsWorkspace=*/true);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(*g.graph.getWorkspaceSize(), std::optional<size_t>(16));
  Pack pack = makePack(g, {1, 2, 3, 4}, {10, 20, 30, 40});
  expectError(g.graph, pack, nullptr, ErrorCode::InvalidArgument,
              {"'add'", "16 bytes", "none"});
  expectError(g.graph, pack, raw(15), ErrorCode::InvalidArgument,
              {"'add'", "16 bytes", "15 bytes"});
  ASSERT_OK(g.graph.execute(*handle_, pack, raw(16)));
  ErrorOr<Buffer> dirty =
      Buffer::allocate(*handle_, {16}, std::vector<int8_t>(16, -1));
  ASSERT_OK(dirty);
  ASSERT_OK(g.graph.execute(*handle_, pack,
                            std::make_shared<Buffer>(std::move(*dirty))));
  EXPECT_THAT(contents(*handle_, pack[g.out]),
              testing::ElementsAre(21, 42, 63, 84));
  // The size is the loaded program's, not an earlier one's.
  AddGraph other;
  {
    ScopedEnv cache("FUSILLI_CACHE_DIR", base_ / "other");
    ASSERT_OK(other.graph.validate());
    ErrorOr<std::vector<uint8_t>> artifact =
        other.graph.compileToArtifact(Backend::CPU, true);
    ASSERT_OK(artifact);
    ASSERT_OK(g.graph.loadFromArtifact(*handle_, *artifact));
  }
  EXPECT_EQ(*g.graph.getWorkspaceSize(), std::optional<size_t>(0));
  EXPECT_OK(g.graph.execute(*handle_, pack, nullptr));
  const std::vector<uint8_t> garbage(64, 7);
  EXPECT_TRUE(isError(g.graph.loadFromArtifact(*handle_, garbage)));
  EXPECT_EQ(*g.graph.getWorkspaceSize(), std::nullopt);
}

TEST_F(ExecuteRulesTest, UnneededWorkspaceIsIgnoredWithAWarning) {
  AddGraph g;
  load(g.graph);
  Pack pack = makePack(g, {1, 2, 3, 4}, {10, 20, 30, 40});
  BufferPtr workspace = raw(24);
  getLogger(); // reads the environment once
  const bool enabled = std::exchange(isLoggingEnabled(), true);
  std::ostringstream log;
  std::streambuf *before = getStream().rdbuf(log.rdbuf());
  ErrorObject status = g.graph.execute(*handle_, pack, workspace);
  getStream().rdbuf(before);
  isLoggingEnabled() = enabled;
  EXPECT_OK(status);
  for (const char *word : {"warning", "'add'", "24 bytes", "ignored"})
    EXPECT_THAT(log.str(), testing::HasSubstr(word));
  EXPECT_THAT(contents(*handle_, pack[g.out]),
              testing::ElementsAre(11, 22, 33, 44));
}

// Outputs by name, inputs by name, whatever the order of their making; no
// scalars, no virtual tensors.
TEST_F(ExecuteRulesTest, ArgumentsAreSortedByName) {
  Graph graph;
  graph.setName("sorted")
      .setIODataType(DataType::Float)
      .setIntermediateDataType(DataType::Float);
  auto input = [&](const char *name) {
    return graph.tensor(TensorAttr().setName(name).setDim({4}).setStride({1}));
  };
  auto m = input("m"), z = input("z"), b = input("b");
  auto scalar = graph.tensor(TensorAttr(2.0f).setName("a"));
  auto add = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
  auto first = graph.pointwise(m, z, add);
  first->setName("y2").setOutput(true);
  auto hidden = graph.pointwise(first, scalar, add);
  hidden->setName("c");
  auto second = graph.pointwise(hidden, b, add);
  second->setName("y1").setOutput(true);
  load(graph);
  const engine::LoadedGraph &loaded = *engine::loadedOf(graph);
  std::vector<std::string> names;
  for (const vm::ProgramArg &arg : loaded.program->args())
    names.push_back((arg.isOutput ? "out " : "in ") + std::string(arg.name));
  EXPECT_THAT(names,
              testing::ElementsAre("out y1", "out y2", "in b", "in m", "in z"));
  EXPECT_THAT(loaded.arguments, testing::ElementsAre(second, first, b, m, z));
  EXPECT_EQ(loaded.outputCount, 2u);
}

//===-- A million executes ------------------------------------------------===//

class MillionExecutesTest : public ExecuteRulesTest {
protected:
#ifdef FUSILLI_COUNTS_NEW
  static constexpr int kRuns = 1'000'000;
#else
  static constexpr int kRuns = 20'000;
#endif
  void SetUp() override {
    ExecuteRulesTest::SetUp();
    load(g_.graph);
    pack_ = makePack(g_, {1}, {10});
  }
  /// `call` often, and nothing allocated, alive or looked up after it.
  void run(const std::function<ErrorObject()> &call) {
    for (int i = 0; i < 100; ++i)
      ASSERT_OK(call());
    const Alive before;
    const uint64_t lookups = vm::Context::lookupCount();
    const uint64_t allocations = counting().counts().calls;
    uint64_t created = 0;
    for (size_t i = 0; i < static_cast<size_t>(ObjectKind::Count); ++i)
      created += createdObjects(static_cast<ObjectKind>(i));
    const uint64_t calls = heap::newCalls;
    int failures = 0;
    for (int i = 0; i < kRuns; ++i)
      failures += isError(call());
    EXPECT_EQ(heap::newCalls, calls);
    EXPECT_EQ(counting().counts().calls, allocations);
    EXPECT_EQ(vm::Context::lookupCount(), lookups);
    EXPECT_EQ(failures, 0);
    for (size_t i = 0; i < static_cast<size_t>(ObjectKind::Count); ++i)
      created -= createdObjects(static_cast<ObjectKind>(i));
    EXPECT_EQ(created, 0u);
    EXPECT_TRUE(Alive() == before);
    EXPECT_GT(allocations, 0u); // the counts work
#ifdef FUSILLI_COUNTS_NEW
    EXPECT_GT(calls, 0u);
#endif
    EXPECT_THAT(contents(*handle_, pack_[g_.out]), testing::ElementsAre(11));
  }
  AddGraph g_{"one", 1};
  Pack pack_;
};

TEST_F(MillionExecutesTest, Execute) {
  const std::shared_ptr<Buffer> none;
  run([&] { return g_.graph.execute(*handle_, pack_, none); });
}

TEST_F(MillionExecutesTest, BoundCall) {
  ErrorOr<BoundCall> call = g_.graph.bind(*handle_, pack_, nullptr);
  ASSERT_OK(call);
  run([&] { return call->execute(); });
}

} // namespace
} // namespace fusilli::test
