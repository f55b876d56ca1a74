// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules of execution on programs that the compiler made: the order of the
// arguments, workspaces, a million executes of one element.

#include "tests/e2e/guarded_buffer.h"
#include "tests/e2e/shapes.h"

#include "artifact/reader.h"
#include "support/ref.h"

#include <algorithm>
#include <gmock/gmock.h>

#include <pthread.h>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;

/// y = (a b) c: the first product is in the workspace.
struct Product {
  Product(const std::string &name, int64_t m, int64_t n)
      : problem(name + " f32") {
    const auto a = problem.input("a", DataType::Float, {m, n}, Data::Integers);
    const auto b = problem.input("b", DataType::Float, {n, m}, Data::Integers);
    const auto c = problem.input("c", DataType::Float, {m, n}, Data::Integers);
    y = problem.matmul(problem.matmul(a, b, DataType::Float), c,
                       DataType::Float);
    problem.output(y, "y");
    tensors = {a, b, c};
  }
  void compile(const Handle &handle) {
    ErrorObject status = problem.graph.validate();
    ASSERT_TRUE(isOk(status)) << status;
    status = problem.graph.compile(handle, /*remove=*/true);
    ASSERT_TRUE(isOk(status)) << status;
    auto size = problem.graph.getWorkspaceSize();
    ASSERT_TRUE(isOk(size) && size->has_value());
    workspaceSize = **size;
    ASSERT_GT(workspaceSize, 0u);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(**problem.graph.getWorkspaceSize(), workspaceSize);
    for (const TensorPtr &tensor : tensors) {
      const auto bytes = problem.inputs.at(tensor->getName()).bytes();
      GuardedBuffer memory(bytes.size(), 0);
      std::ranges::copy(bytes, memory.content().begin());
      auto buffer = memory.makeBuffer(handle, *tensor);
      ASSERT_TRUE(isOk(buffer)) << ErrorObject(buffer);
      pack[tensor] = *buffer;
    }
    output.emplace(static_cast<size_t>(y->getVolume()) * sizeof(float), 0);
    auto buffer = output->makeBuffer(handle, *y);
    ASSERT_TRUE(isOk(buffer)) << ErrorObject(buffer);
    pack[y] = *buffer;
  }
  /// Executes, and holds the result against the reference.
  void check(const Handle &handle, const std::shared_ptr<Buffer> &workspace) {
    std::ranges::fill(output->content(), uint8_t{0xff});
    ErrorObject status = problem.graph.execute(handle, pack, workspace);
    ASSERT_TRUE(isOk(status)) << status;
    if (expected.empty()) {
      auto bytes = problem.graph.serialize();
      ASSERT_TRUE(isOk(bytes));
      auto evaluated = reference::evaluateWithBounds(*bytes, problem.inputs);
      ASSERT_TRUE(isOk(evaluated)) << ErrorObject(evaluated);
      expected = std::move(*evaluated);
    }
    auto verdict = reference::check(expected.at("y"), output->content());
    ASSERT_TRUE(isOk(verdict));
    EXPECT_TRUE(verdict->passed) << verdict->toString();
  }

  Case problem;
  std::vector<TensorPtr> tensors;
  TensorPtr y;
  size_t workspaceSize = 0;
  std::optional<GuardedBuffer> output;
  std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> pack;
  std::map<std::string, reference::Expected> expected;
};

/// A workspace of exactly `size` bytes, all `value`, between guards.
std::shared_ptr<Buffer> makeWorkspace(const Handle &handle,
                                      GuardedBuffer &memory, uint8_t value) {
  std::ranges::fill(memory.content(), value);
  TensorAttr bytes;
  bytes.setDim({static_cast<int64_t>(memory.content().size())})
      .setStride({1})
      .setDataType(DataType::Int8);
  auto buffer = memory.makeBuffer(handle, bytes);
  EXPECT_TRUE(isOk(buffer)) << ErrorObject(buffer);
  return *buffer;
}

TEST(WorkspaceTest, ExactSizeWorksAndOneByteLessFails) {
  const Handle &handle = handleWithThreads(2);
  Product product("exact workspace", 33, 47);
  product.compile(handle);
  for (uint8_t value : {0xff, 0x00, 0x7f}) {
    GuardedBuffer memory(product.workspaceSize, 0);
    product.check(handle, makeWorkspace(handle, memory, value));
    EXPECT_TRUE(memory.guardsIntact());
  }
  GuardedBuffer memory(product.workspaceSize - 1, 0);
  ErrorObject status = product.problem.graph.execute(
      handle, product.pack, makeWorkspace(handle, memory, 0));
  EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument) << status;
  for (size_t bytes : {product.workspaceSize, product.workspaceSize - 1})
    EXPECT_THAT(status.getMessage(),
                testing::HasSubstr(std::to_string(bytes) + " bytes"));
  status = product.problem.graph.execute(handle, product.pack, nullptr);
  EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument) << status;
}

TEST(WorkspaceTest, OneServesSeveralGraphsInTurn) {
  const Handle &handle = handleWithThreads(2);
  Product products[] = {{"shared workspace 1", 33, 47},
                        {"shared workspace 2", 8, 8},
                        {"shared workspace 3", 70, 20}};
  size_t size = 0;
  for (Product &product : products) {
    product.compile(handle);
    size = std::max(size, product.workspaceSize);
  }
  GuardedBuffer memory(size, 0);
  auto workspace = makeWorkspace(handle, memory, 0xff);
  for (int round = 0; round < 3; ++round)
    for (Product &product : products)
      product.check(handle, workspace);
  EXPECT_TRUE(memory.guardsIntact());
}

TEST(SignatureTest, OutputsByNameThenInputsByName) {
  Graph graph;
  graph.setName("signature")
      .setIODataType(DataType::Float)
      .setIntermediateDataType(DataType::Float);
  const auto input = [&](const char *name) {
    return graph.tensor(
        TensorAttr().setName(name).setDim({4, 5}).setStride({5, 1}));
  };
  const auto m = input("m"), z = input("z"), b = input("b");
  const auto scalar = graph.tensor(TensorAttr(2.0f).setName("a"));
  auto add = PointwiseAttr().setMode(Mode::ADD);
  const auto first = graph.pointwise(m, z, add);
  first->setName("y2").setOutput(true);
  const auto hidden = graph.pointwise(first, scalar, add);
  hidden->setName("c");
  graph.pointwise(hidden, b, add)->setName("y1").setOutput(true);
  ASSERT_TRUE(isOk(graph.validate()));
  auto bytes = graph.compileToArtifact(Backend::CPU, /*remove=*/true);
  ASSERT_TRUE(isOk(bytes)) << ErrorObject(bytes);
  auto reader = artifact::Reader::open(*bytes, /*copy=*/true);
  ASSERT_TRUE(reader.isOk()) << reader.status().toString();
  std::vector<std::string> names;
  for (const fbs::Arg *arg : *reader->artifact().args())
    names.push_back((arg->kind() == fbs::ArgKind::Output ? "out " : "in ") +
                    arg->name()->str());
  EXPECT_THAT(names,
              testing::ElementsAre("out y1", "out y2", "in b", "in m", "in z"));
}

TEST(ResidueTest, AMillionExecutesOfOneElement) {
  const Handle &handle = handleWithThreads(2);
  Case c("one element f32");
  const auto a = c.input("a", DataType::Float, {1});
  const auto b = c.input("b", DataType::Float, {1});
  const auto y = c.pointwise(Mode::ADD, {a, b}, DataType::Float);
  c.output(y, "y");
  ASSERT_TRUE(isOk(c.graph.validate()));
  ASSERT_TRUE(isOk(c.graph.compile(handle, /*remove=*/true)));
  ASSERT_EQ(*c.graph.getWorkspaceSize(), std::optional<size_t>(0));
  std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> pack;
  for (const auto &[tensor, value] :
       {std::pair(a, 1.5f), std::pair(b, 2.0f), std::pair(y, -1.0f)}) {
    auto buffer = Buffer::allocate(handle, {1}, std::vector<float>{value});
    ASSERT_TRUE(isOk(buffer));
    pack[tensor] = std::make_shared<Buffer>(std::move(*buffer));
  }
  const std::shared_ptr<Buffer> none;
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(isOk(c.graph.execute(handle, pack, none)));
  const int64_t objects = liveObjects();
  const int64_t statuses = liveStatusRecords();
  uint64_t created = 0;
  for (size_t i = 0; i < static_cast<size_t>(ObjectKind::Count); ++i)
    created += createdObjects(static_cast<ObjectKind>(i));
  int failures = 0;
  for (int i = 0; i < 1'000'000; ++i)
    failures += isError(c.graph.execute(handle, pack, none));
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(liveObjects(), objects);
  EXPECT_EQ(liveStatusRecords(), statuses);
  for (size_t i = 0; i < static_cast<size_t>(ObjectKind::Count); ++i)
    created -= createdObjects(static_cast<ObjectKind>(i));
  EXPECT_EQ(created, 0u);
  std::vector<float> result;
  ASSERT_TRUE(isOk(pack[y]->read(handle, result)));
  EXPECT_THAT(result, testing::ElementsAre(3.5f));
}

// A server may call from threads with small stacks; the compiler has its own.
TEST(StackTest, LongGraphsCompileAndRunOnASmallStack) {
  Settings::get(); // the compiler of this build, also by hand
  const Handle &handle = handleWithThreads(2);
  for (int64_t length : {256, 2000}) {
    std::vector<float> result;
    auto body = [&] {
      Graph graph;
      graph.setName("long").setIODataType(DataType::Float);
      auto x =
          graph.tensor(TensorAttr().setName("x").setDim({8}).setStride({1}));
      TensorPtr last = x;
      for (int64_t i = 0; i < length; ++i) {
        auto attr = PointwiseAttr().setMode(Mode::ADD);
        last = graph.pointwise(last, x, attr);
        last->setDataType(DataType::Float);
      }
      last->setName("y").setOutput(true);
      ErrorObject status = graph.validate();
      ASSERT_TRUE(isOk(status)) << status;
      status = graph.compile(handle, /*remove=*/true);
      ASSERT_TRUE(isOk(status)) << status;
      auto size = graph.getWorkspaceSize();
      ASSERT_TRUE(isOk(size) && size->has_value());
      auto allocate = [&](const std::vector<float> &values) {
        auto buffer = Buffer::allocate(handle, {values.size()}, values);
        EXPECT_TRUE(isOk(buffer)) << ErrorObject(buffer);
        return std::make_shared<Buffer>(std::move(*buffer));
      };
      auto y = allocate(std::vector<float>(8));
      auto workspace = allocate(std::vector<float>(**size / sizeof(float) + 1));
      status = graph.execute(
          handle, {{x, allocate({1, 2, 3, 4, 5, 6, 7, 8})}, {last, y}},
          **size ? workspace : nullptr);
      ASSERT_TRUE(isOk(status)) << status;
      ASSERT_TRUE(isOk(y->read(handle, result)));
    };
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, 128 << 10), 0);
    pthread_t thread;
    ASSERT_EQ(pthread_create(
                  &thread, &attributes,
                  [](void *call) -> void * {
                    (*static_cast<decltype(body) *>(call))();
                    return nullptr;
                  },
                  &body),
              0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    std::vector<float> expected;
    for (int i = 1; i <= 8; ++i)
      expected.push_back(static_cast<float>(i * (length + 1)));
    EXPECT_EQ(result, expected);
  }
}

} // namespace
} // namespace fusilli::e2e
