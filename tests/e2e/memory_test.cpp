// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory at execution: outputs that share a buffer with an input, buffers at
// odd addresses, many executions at once.

#include "tests/e2e/guarded_buffer.h"
#include "tests/e2e/shapes.h"

#include <algorithm>
#include <thread>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;

TEST(InPlaceTest, ElementwiseUpdates) {
  for (DataType dtype : kFloatTypes) {
    Case c("w - rate * gradient in place " + toString(dtype));
    const auto w = c.input("w", dtype, {61, 47});
    const auto gradient = c.input("gradient", dtype, {61, 47});
    const auto rate = c.constant("rate", 0.25f);
    const auto step = c.pointwise(Mode::MUL, {gradient, rate}, dtype);
    c.output(c.pointwise(Mode::SUB, {w, step}, dtype), "updated");
    EXPECT_TRUE(c.run({.inPlace = {{"updated", "w"}}}));
  }
}

TEST(InPlaceTest, LargeTensorOnSeveralThreads) {
  Case c("in place over threads f32");
  const auto w = c.input("w", DataType::Float, {1000, 301});
  c.output(c.pointwise(Mode::ADD_SQUARE, {w, w}, DataType::Float), "y");
  EXPECT_TRUE(c.run({.inPlace = {{"y", "w"}}}));
}

/// Compiles for the host; asserts that it works.
void compile(Case &c, const Handle &handle) {
  ErrorObject status = c.graph.validate();
  ASSERT_TRUE(isOk(status)) << status;
  status = c.graph.compile(handle, /*remove=*/true);
  ASSERT_TRUE(isOk(status)) << status;
  ASSERT_TRUE(isOk(c.graph.getWorkspaceSize()));
}

/// A buffer for each tensor by name; equal second names share one.
struct Memory {
  std::map<std::string, GuardedBuffer> buffers;
  std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> pack;

  void add(const Handle &handle, const TensorPtr &tensor,
           const std::string &name, size_t bytes) {
    auto at = buffers.try_emplace(name, bytes, 0).first;
    auto buffer = at->second.makeBuffer(handle, *tensor);
    ASSERT_TRUE(isOk(buffer)) << ErrorObject(buffer);
    pack[tensor] = *buffer;
  }
};

std::shared_ptr<Buffer> workspaceFor(Case &c, const Handle &handle) {
  auto size = c.graph.getWorkspaceSize();
  if (isError(size) || !size->has_value() || **size == 0)
    return nullptr;
  auto buffer = Buffer::allocateRaw(handle, **size);
  return isError(buffer) ? nullptr
                         : std::make_shared<Buffer>(std::move(*buffer));
}

// What may not be computed in place is refused or right, never silently wrong.
TEST(OverlapTest, MatmulIntoItsOperandIsRefusedOrRight) {
  const Handle &handle = handleWithThreads(1);
  Case c("matmul into its operand f32");
  const auto a = c.input("a", DataType::Float, {24, 24}, Data::Integers);
  const auto b = c.input("b", DataType::Float, {24, 24}, Data::Integers);
  const auto y = c.matmul(a, b, DataType::Float);
  c.output(y, "c");
  compile(c, handle);
  auto bytes = c.graph.serialize();
  ASSERT_TRUE(isOk(bytes));
  auto expected = reference::evaluateWithBounds(*bytes, c.inputs);
  ASSERT_TRUE(isOk(expected)) << ErrorObject(expected);
  for (const char *shared : {"a", "b"}) {
    Memory memory;
    const size_t size = 24 * 24 * sizeof(float);
    memory.add(handle, a, "a", size);
    memory.add(handle, b, "b", size);
    memory.add(handle, y, shared, size);
    for (const char *name : {"a", "b"})
      std::copy(c.inputs.at(name).bytes().begin(),
                c.inputs.at(name).bytes().end(),
                memory.buffers.at(name).content().begin());
    const ErrorObject status =
        c.graph.execute(handle, memory.pack, workspaceFor(c, handle));
    if (isError(status)) {
      EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument) << status;
      continue;
    }
    auto verdict = reference::check(expected->at("c"),
                                    memory.buffers.at(shared).content());
    ASSERT_TRUE(isOk(verdict));
    EXPECT_TRUE(verdict->passed) << verdict->toString();
  }
}

TEST(OverlapTest, TransposedUpdateIsRefusedOrRight) {
  const Handle &handle = handleWithThreads(1);
  Case c("transposing update in place f32");
  const auto x = c.input("x", DataType::Float, {40, 40});
  const auto y = c.pointwise(Mode::NEG, {x}, DataType::Float);
  c.output(y, "y", {1, 40});
  compile(c, handle);
  auto bytes = c.graph.serialize();
  ASSERT_TRUE(isOk(bytes));
  auto expected = reference::evaluateWithBounds(*bytes, c.inputs);
  ASSERT_TRUE(isOk(expected));
  Memory memory;
  memory.add(handle, x, "x", 6400);
  memory.add(handle, y, "x", 6400);
  std::copy(c.inputs.at("x").bytes().begin(), c.inputs.at("x").bytes().end(),
            memory.buffers.at("x").content().begin());
  const ErrorObject status =
      c.graph.execute(handle, memory.pack, workspaceFor(c, handle));
  if (isError(status)) {
    EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument) << status;
    return;
  }
  auto verdict =
      reference::check(expected->at("y"), memory.buffers.at("x").content());
  ASSERT_TRUE(isOk(verdict));
  EXPECT_TRUE(verdict->passed) << verdict->toString();
}

TEST(AlignmentTest, BuffersAtAnyElementAddress) {
  for (DataType dtype : kFloatTypes)
    for (int misalignment : {1, 2, 3, 7}) {
      Case c("matmul+bias at odd addresses " + toString(dtype) + " " +
             std::to_string(misalignment));
      const auto a = c.input("a", dtype, {34, 50});
      const auto b = c.input("b", dtype, {50, 67});
      const auto bias = c.input("bias", dtype, {67});
      c.output(c.pointwise(Mode::ADD, {c.matmul(a, b, dtype), bias}, dtype),
               "y");
      c.output(c.reduction(ReductionAttr::Mode::ADD, a, {1, 50}, dtype), "sum");
      EXPECT_TRUE(c.run({.misalignment = misalignment}));
    }
}

TEST(ConcurrencyTest, OneGraphOnSeveralThreadsAtOnce) {
  const Handle &handle = handleWithThreads(2);
  Case c("concurrent executions f32");
  const auto a = c.input("a", DataType::Float, {70, 60});
  const auto b = c.input("b", DataType::Float, {60, 50});
  const auto product = c.matmul(a, b, DataType::Float);
  const auto e = c.pointwise(Mode::EXP, {product}, DataType::Float);
  const auto y =
      c.reduction(ReductionAttr::Mode::ADD, e, {70, 1}, DataType::Float);
  c.output(y, "y");
  compile(c, handle);
  Memory shared;
  shared.add(handle, a, "a", c.inputs.at("a").bytes().size());
  shared.add(handle, b, "b", c.inputs.at("b").bytes().size());
  for (const char *name : {"a", "b"})
    std::copy(c.inputs.at(name).bytes().begin(),
              c.inputs.at(name).bytes().end(),
              shared.buffers.at(name).content().begin());
  constexpr int kThreads = 4;
  std::vector<Memory> memories(kThreads);
  std::vector<std::shared_ptr<Buffer>> workspaces;
  for (Memory &memory : memories) {
    memory.add(handle, y, "y", 70 * sizeof(float));
    memory.pack.insert(shared.pack.begin(), shared.pack.end());
    workspaces.push_back(workspaceFor(c, handle));
  }
  std::vector<std::thread> threads;
  std::vector<int> failures(kThreads);
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int n = 0; n < 50; ++n)
        failures[t] +=
            isError(c.graph.execute(handle, memories[t].pack, workspaces[t]));
    });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t t = 0; t < kThreads; ++t) {
    EXPECT_EQ(failures[t], 0);
    EXPECT_TRUE(memories[t].buffers.at("y").guardsIntact());
    EXPECT_TRUE(std::ranges::equal(memories[t].buffers.at("y").content(),
                                   memories[0].buffers.at("y").content()));
  }
}

} // namespace
} // namespace fusilli::e2e
