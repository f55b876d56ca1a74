// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of Graph::execute, each by its error code, and its costs.
#include "engine/test/test_engine.h"

#include "runtime/vm/context.h"
#include "support/ref.h"
#include "support/testing/count_new.h"

#include <chrono>
#include <thread>

namespace fusilli::test {
namespace {

class GraphExecuteTest : public EngineTest {
protected:
  void SetUp() override {
    EngineTest::SetUp();
    ASSERT_OK(g_.graph.validate());
  }
  void load() {
    ASSERT_OK(g_.graph.compile(*handle_, true));
    ASSERT_OK(g_.graph.getWorkspaceSize());
  }
  AddGraph g_;
};

TEST_F(GraphExecuteTest, Adds) {
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {10, 20, 30, 40});
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(g_.graph.execute(*handle_, pack, nullptr));
    EXPECT_THAT(contents(*handle_, pack[g_.out]),
                testing::ElementsAre(11, 22, 33, 44));
  }
}

TEST_F(GraphExecuteTest, NeedsALoadedProgram) {
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  EXPECT_CODE(g_.graph.execute(*handle_, pack, nullptr), NotCompiled,
              "compile()");
  ErrorOr<std::optional<size_t>> size = g_.graph.getWorkspaceSize();
  ASSERT_OK(size);
  EXPECT_FALSE(size->has_value());
}

TEST_F(GraphExecuteTest, NeedsAHandleThatIsNotMovedFrom) {
  load();
  Handle moved(std::move(*handle_));
  EXPECT_CODE(g_.graph.execute(*handle_, {}, nullptr), InternalError, "add");
  handle_.emplace(std::move(moved));
}

TEST_F(GraphExecuteTest, NeedsTheWorkspaceToBeQueriedAfterEachLoad) {
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(g_.graph.compile(*handle_, true));
    EXPECT_CODE(g_.graph.execute(*handle_, pack, nullptr), InvalidArgument,
                "getWorkspaceSize");
    ErrorOr<std::optional<size_t>> size = g_.graph.getWorkspaceSize();
    ASSERT_OK(size);
    EXPECT_EQ(*size, std::optional<size_t>(0));
    EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
  }
}

TEST_F(GraphExecuteTest, NamesMissingTensors) {
  load();
  Pack full = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  auto without = [&](const TensorPtr &tensor) {
    Pack pack = full;
    pack.erase(tensor);
    return pack;
  };
  EXPECT_CODE(g_.graph.execute(*handle_, without(g_.out), nullptr),
              VariantPackError, "output 'y'");
  EXPECT_CODE(g_.graph.execute(*handle_, without(g_.inA), nullptr),
              VariantPackError, "input 'a'");
  EXPECT_CODE(g_.graph.execute(*handle_, without(g_.inB), nullptr),
              VariantPackError, "input 'b'");
  EXPECT_CODE(g_.graph.execute(*handle_, {}, nullptr), VariantPackError,
              "output 'y'"); // outputs first
  Pack null = full;
  null[g_.inA] = nullptr;
  EXPECT_CODE(g_.graph.execute(*handle_, null, nullptr), VariantPackError,
              "null buffer");
  // The same attributes in another object are another tensor.
  Pack copy = without(g_.inA);
  copy[std::make_shared<TensorAttr>(*g_.inA)] = full[g_.inA];
  EXPECT_CODE(g_.graph.execute(*handle_, copy, nullptr), VariantPackError,
              "input 'a'");
}

TEST_F(GraphExecuteTest, IgnoresUnrelatedTensors) {
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  pack[std::make_shared<TensorAttr>()] = pack[g_.inA];
  ASSERT_OK(g_.graph.execute(*handle_, pack, nullptr));
  EXPECT_THAT(contents(*handle_, pack[g_.out]),
              testing::ElementsAre(2, 4, 6, 8));
}

TEST_F(GraphExecuteTest, RefusesVirtualTensorsAndScalarsInThePack) {
  Graph graph;
  graph.setName("s")
      .setIODataType(DataType::Float)
      .setIntermediateDataType(DataType::Float);
  auto x = graph.tensor(TensorAttr().setName("x").setDim({4}).setStride({1}));
  auto two = graph.tensor(TensorAttr(2.0f).setName("two"));
  auto mul = PointwiseAttr().setMode(PointwiseAttr::Mode::MUL);
  auto middle = graph.pointwise(x, two, mul);
  auto relu = PointwiseAttr().setMode(PointwiseAttr::Mode::RELU_FWD);
  auto y = graph.pointwise(middle, relu);
  y->setName("y").setOutput(true);
  ASSERT_OK(graph.validate());
  ASSERT_OK(graph.compile(*handle_, true));
  ASSERT_OK(graph.getWorkspaceSize());
  BufferPtr buffer = makeBuffer(*handle_, {1, 2, 3, 4});
  Pack pack = {{x, buffer}, {y, makeBuffer(*handle_, {0, 0, 0, 0})}};
  EXPECT_OK(graph.execute(*handle_, pack, nullptr));
  Pack bad = pack;
  bad[middle] = buffer;
  EXPECT_CODE(graph.execute(*handle_, bad, nullptr), VariantPackError,
              "virtual");
  bad = pack;
  bad[two] = buffer;
  EXPECT_CODE(graph.execute(*handle_, bad, nullptr), VariantPackError,
              "scalar 'two'");
}

TEST_F(GraphExecuteTest, ChecksTheWorkspace) {
  setEnv("FAKE_COMPILER_WORKSPACE", "1");
  ErrorObject status = g_.graph.compile(*handle_, true);
  unsetEnv("FAKE_COMPILER_WORKSPACE");
  ASSERT_OK(status);
  for (int i = 0; i < 2; ++i) {
    ErrorOr<std::optional<size_t>> size = g_.graph.getWorkspaceSize();
    ASSERT_OK(size);
    EXPECT_EQ(*size, std::optional<size_t>(16));
  }
  auto workspace = [&](size_t bytes) {
    ErrorOr<Buffer> buffer = Buffer::allocateRaw(*handle_, bytes);
    EXPECT_OK(buffer);
    return std::make_shared<Buffer>(std::move(*buffer));
  };
  Pack pack = makePack(g_, {1, 2, 3, 4}, {10, 20, 30, 40});
  EXPECT_CODE(g_.graph.execute(*handle_, pack, nullptr), InvalidArgument,
              "16 bytes");
  EXPECT_CODE(g_.graph.execute(*handle_, pack, workspace(15)), InvalidArgument,
              "15 bytes");
  for (size_t bytes : {16, 100}) {
    ASSERT_OK(g_.graph.execute(*handle_, pack, workspace(bytes)));
    EXPECT_THAT(contents(*handle_, pack[g_.out]),
                testing::ElementsAre(21, 42, 63, 84));
  }
}

TEST_F(GraphExecuteTest, IgnoresAWorkspaceThatIsNotNeeded) {
  load();
  ErrorOr<Buffer> raw = Buffer::allocateRaw(*handle_, 8);
  ASSERT_OK(raw);
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  EXPECT_OK(g_.graph.execute(*handle_, pack,
                             std::make_shared<Buffer>(std::move(*raw))));
}

TEST_F(GraphExecuteTest, WrongShapesAndTypesAreRuntimeFailures) {
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  Pack bad = pack;
  bad[g_.inA] = makeBuffer(*handle_, {1, 2, 3});
  EXPECT_CODE(g_.graph.execute(*handle_, bad, nullptr), RuntimeFailure, "a");
  ErrorOr<Buffer> ints =
      Buffer::allocate(*handle_, {4}, std::vector<int>{1, 2, 3, 4});
  ASSERT_OK(ints);
  bad = pack;
  bad[g_.out] = std::make_shared<Buffer>(std::move(*ints));
  EXPECT_CODE(g_.graph.execute(*handle_, bad, nullptr), RuntimeFailure, "y");
  EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
}

TEST_F(GraphExecuteTest, OverlapOfAnOutputIsInvalidOrRight) {
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {10, 20, 30, 40});
  pack[g_.out] = pack[g_.inA];
  // The fake compiler allows no update in place.
  EXPECT_CODE(g_.graph.execute(*handle_, pack, nullptr), InvalidArgument, "y");
  EXPECT_THAT(contents(*handle_, pack[g_.inA]),
              testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(GraphExecuteTest, ReleasesNothingAndKeepsNothing) {
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  int64_t before = liveObjects();
  for (int i = 0; i < 100; ++i) {
    EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
    EXPECT_CODE(g_.graph.execute(*handle_, {}, nullptr), VariantPackError, "");
  }
  EXPECT_EQ(liveObjects(), before);
}

TEST_F(GraphExecuteTest, ProgramOutlivesTheHandle) {
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  handle_.reset();
  ErrorOr<Handle> other = Handle::create(Backend::CPU);
  ASSERT_OK(other);
  EXPECT_OK(g_.graph.execute(*other, pack, nullptr));
}

TEST_F(GraphExecuteTest, OneGraphOnEightThreads) {
  load();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      float x = static_cast<float>(t);
      Pack pack = makePack(g_, {x, x, x, x}, {1, 2, 3, 4});
      for (int i = 0; i < 1000; ++i)
        EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
      EXPECT_THAT(contents(*handle_, pack[g_.out]),
                  testing::ElementsAre(x + 1, x + 2, x + 3, x + 4));
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(GraphExecuteTest, TraceHoldsCompileLoadAndExecute) {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("fusilli-execute-trace-" + std::to_string(getpid())))
                         .string();
  EXPECT_CODE(stopTrace(path), InternalError, "no trace");
  ASSERT_OK(startTrace());
  EXPECT_CODE(startTrace(), InternalError, "already");
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {1, 2, 3, 4});
  EXPECT_OK(g_.graph.execute(*handle_, pack, nullptr));
  ASSERT_OK(stopTrace(path));
  std::ifstream file(path);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::filesystem::remove(path);
  for (const char *category : {"compile", "load", "dispatch"})
    EXPECT_THAT(
        text, testing::HasSubstr("\"cat\":\"" + std::string(category) + "\""));
  ASSERT_OK(startTrace(1));
  EXPECT_CODE(stopTrace("/nowhere/trace.json"), FileSystemFailure, "/nowhere");
}

TEST_F(GraphExecuteTest, AllocatesNothingAndLooksUpNothing) {
  load();
  Pack pack = makePack(g_, {1, 2, 3, 4}, {10, 20, 30, 40});
  std::shared_ptr<Buffer> none;
  for (int i = 0; i < 10; ++i)
    ASSERT_OK(g_.graph.execute(*handle_, pack, none));
  uint64_t lookups = vm::Context::lookupCount();
  uint64_t created = 0;
  for (int kind = 0; kind < static_cast<int>(ObjectKind::Count); ++kind)
    created += createdObjects(static_cast<ObjectKind>(kind));
  uint64_t calls = heap::newCalls;
  int failures = 0;
  constexpr int kRuns = 200000;
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRuns; ++i)
    failures += isError(g_.graph.execute(*handle_, pack, none));
  std::chrono::duration<double, std::nano> time =
      std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(heap::newCalls, calls);
  EXPECT_EQ(vm::Context::lookupCount(), lookups);
  EXPECT_EQ(failures, 0);
  uint64_t createdAfter = 0;
  for (int kind = 0; kind < static_cast<int>(ObjectKind::Count); ++kind)
    createdAfter += createdObjects(static_cast<ObjectKind>(kind));
  EXPECT_EQ(createdAfter, created);
  RecordProperty("nanoseconds", std::to_string(time.count() / kRuns));
  std::cout << "execute: " << time.count() / kRuns << " ns\n";
#ifdef FUSILLI_COUNTS_NEW
  EXPECT_GT(calls, 0u); // the count works
#endif
}

TEST_F(GraphExecuteTest, ManyArguments) {
  Graph graph;
  graph.setName("many").setIODataType(DataType::Float);
  Pack pack;
  std::vector<TensorPtr> inputs;
  for (int i = 0; i < 100; ++i) {
    inputs.push_back(graph.tensor(TensorAttr()
                                      .setName("in" + std::to_string(100 + i))
                                      .setDim({1})
                                      .setStride({1})
                                      .setDataType(DataType::Float)));
    pack[inputs.back()] = makeBuffer(*handle_, {static_cast<float>(i)});
  }
  auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
  auto out = graph.pointwise(inputs.front(), inputs.back(), attr);
  out->setName("out").setOutput(true);
  pack[out] = makeBuffer(*handle_, {0});
  ASSERT_OK(graph.validate());
  ASSERT_OK(graph.compile(*handle_, true));
  ASSERT_OK(graph.getWorkspaceSize());
  ASSERT_OK(graph.execute(*handle_, pack, nullptr));
  EXPECT_THAT(contents(*handle_, pack[out]), testing::ElementsAre(99));
}

} // namespace
} // namespace fusilli::test
