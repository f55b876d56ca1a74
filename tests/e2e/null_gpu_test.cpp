// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The seams, end to end: graphs through the public interface on a backend that
// has nothing of the CPU's: a target of its own in the compiler, executables of
// its own format, memory that the host reaches by transfers only.
#include "tests/e2e/harness.h"

#include "engine/access.h"
#include "support/ref.h"

#include <gmock/gmock.h>

#include <numeric>
#include <thread>

namespace fusilli::e2e {
namespace {

using ::testing::HasSubstr;
using Mode = PointwiseAttr::Mode;
using Pack = std::unordered_map<TensorPtr, std::shared_ptr<Buffer>>;

class NullGpuTest : public testing::Test {
protected:
  void SetUp() override {
    Settings::get(); // the compiler of this build
    auto handle = Handle::create(Backend::NullGPU);
    ASSERT_TRUE(isOk(handle)) << ErrorObject(handle);
    handle_.emplace(std::move(*handle));
  }

  std::shared_ptr<Buffer> upload(const TensorPtr &tensor,
                                 std::span<const uint8_t> bytes) {
    std::vector<int64_t> dims = tensor->getPhysicalDim();
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    auto buffer = Buffer::allocate(
        *handle_, std::vector<size_t>(dims.begin(), dims.end()), values);
    EXPECT_TRUE(isOk(buffer)) << ErrorObject(buffer);
    return std::make_shared<Buffer>(std::move(*buffer));
  }
  std::shared_ptr<Buffer> makeOutput(const TensorPtr &tensor) {
    std::vector<float> values(static_cast<size_t>(tensor->getVolume()), -7);
    return upload(tensor, std::as_bytes(std::span(values)));
  }
  std::shared_ptr<Buffer> upload(const TensorPtr &tensor,
                                 std::span<const std::byte> bytes) {
    return upload(tensor,
                  std::span(reinterpret_cast<const uint8_t *>(bytes.data()),
                            bytes.size()));
  }

  /// Compiles for the device.
  void compile(Case &problem) {
    ErrorObject status = problem.graph.validate();
    ASSERT_TRUE(isOk(status)) << status;
    status = problem.graph.compile(*handle_, /*remove=*/true);
    ASSERT_TRUE(isOk(status)) << status;
    auto size = problem.graph.getWorkspaceSize();
    ASSERT_TRUE(isOk(size) && size->has_value());
    workspace_.reset();
    if (**size > 0) {
      auto buffer = Buffer::allocateRaw(*handle_, **size);
      ASSERT_TRUE(isOk(buffer)) << ErrorObject(buffer);
      workspace_ = std::make_shared<Buffer>(std::move(*buffer));
    }
  }
  Pack makePack(Case &problem, const std::vector<TensorPtr> &inputs,
                const TensorPtr &output) {
    Pack pack;
    for (const TensorPtr &tensor : inputs)
      pack[tensor] =
          upload(tensor, problem.inputs.at(tensor->getName()).bytes());
    pack[output] = makeOutput(output);
    return pack;
  }
  /// Holds the content of an output against the reference.
  void check(Case &problem, const TensorPtr &output,
             const std::shared_ptr<Buffer> &buffer) {
    std::vector<float> result;
    ErrorObject status = buffer->read(*handle_, result);
    ASSERT_TRUE(isOk(status)) << status;
    auto bytes = problem.graph.serialize();
    ASSERT_TRUE(isOk(bytes));
    auto expected = reference::evaluateWithBounds(*bytes, problem.inputs);
    ASSERT_TRUE(isOk(expected)) << ErrorObject(expected);
    std::span<const uint8_t> content(
        reinterpret_cast<const uint8_t *>(result.data()),
        result.size() * sizeof(float));
    auto verdict = reference::check(expected->at(output->getName()), content);
    ASSERT_TRUE(isOk(verdict));
    EXPECT_TRUE(verdict->passed) << verdict->toString();
  }

  std::optional<Handle> handle_;
  std::shared_ptr<Buffer> workspace_;
};

TEST_F(NullGpuTest, MemoryIsTheDevicesAlone) {
  auto buffer = Buffer::allocate(*handle_, {3}, std::vector<float>{1, 2, 3});
  ASSERT_TRUE(isOk(buffer));
  const hal::Buffer &memory = *detail::EngineAccess::view(*buffer)->buffer();
  EXPECT_EQ(memory.hostPointer(), nullptr);
  EXPECT_GE(memory.devicePointer(), uint64_t{1} << 60);
  std::vector<float> back;
  ASSERT_TRUE(isOk(buffer->read(*handle_, back)));
  EXPECT_EQ(back, (std::vector<float>{1, 2, 3}));
}

// Broadcasts, layouts, transcendental functions, comparisons with selection.
TEST_F(NullGpuTest, PointwiseGraphsAgreeWithTheReference) {
  const std::vector<Mode> unary = {
      Mode::RELU_FWD, Mode::SIGMOID_FWD, Mode::TANH_FWD, Mode::GELU_FWD,
      Mode::ELU_FWD,  Mode::SWISH_FWD,   Mode::EXP,      Mode::ERF,
      Mode::ABS,      Mode::NEG,         Mode::SQRT,     Mode::SOFTPLUS_FWD};
  for (size_t i = 0; i < unary.size(); ++i) {
    Case problem("null_gpu unary " + std::to_string(i));
    const Dims dims = {3, 5, 7, 11};
    const Data data = unary[i] == Mode::SQRT ? Data::Positive : Data::Normal;
    auto x = problem.input("x", DataType::Float, dims,
                           channelsLastStrides(dims), data);
    auto b = problem.input("b", DataType::Float, {1, 5, 1, 1}, Data::Positive);
    auto sum = problem.pointwise(Mode::MUL, {x, b}, DataType::Float);
    auto y = problem.pointwise(unary[i], {sum}, DataType::Float);
    problem.output(y, "y");
    compile(problem);
    Pack pack = makePack(problem, {x, b}, y);
    ErrorObject status = problem.graph.execute(*handle_, pack, workspace_);
    ASSERT_TRUE(isOk(status)) << status;
    check(problem, y, pack.at(y));
  }
}

// Artifacts name their backend; handles of another one refuse them.
TEST_F(NullGpuTest, TheProgramSaysWhoseItIs) {
  Case problem("null_gpu artifact");
  auto x = problem.input("x", DataType::Float, {16, 9});
  auto y = problem.pointwise(Mode::RELU_FWD, {x}, DataType::Float);
  problem.output(y, "y");
  compile(problem);
  auto explained = problem.graph.explain();
  ASSERT_TRUE(isOk(explained)) << ErrorObject(explained);
  EXPECT_EQ(explained->backend, "NULL_GPU");
  EXPECT_EQ(explained->target, "null-gpu");
  ASSERT_EQ(explained->kernels.size(), 1u);
  EXPECT_EQ(explained->kernels[0].strategy, "interpret");
  EXPECT_EQ(explained->kernels[0].workgroups[0], 1u);
  auto artifact = problem.graph.compileToArtifact(Backend::NullGPU, true);
  ASSERT_TRUE(isOk(artifact));
  // Another backend's handle refuses it, and this one the CPU's.
  auto cpu = Handle::create(Backend::CPU);
  ASSERT_TRUE(isOk(cpu));
  EXPECT_THAT(
      problem.graph.loadFromArtifact(*cpu, *artifact).getMessage(),
      HasSubstr("is for backend 'NULL_GPU', the handle's backend is 'CPU'"));
  auto other = problem.graph.compileToArtifact(Backend::CPU, true);
  ASSERT_TRUE(isOk(other));
  EXPECT_THAT(problem.graph.loadFromArtifact(*handle_, *other).getMessage(),
              HasSubstr("is for backend 'CPU'"));
  EXPECT_TRUE(isOk(problem.graph.loadFromArtifact(*handle_, *artifact)));
}

TEST_F(NullGpuTest, WhatTheTargetCannotIsRefusedByName) {
  Case product("null_gpu matmul");
  auto a = product.input("a", DataType::Float, {4, 8});
  auto b = product.input("b", DataType::Float, {8, 4});
  product.output(product.matmul(a, b, DataType::Float), "y");
  ASSERT_TRUE(isOk(product.graph.validate()));
  ErrorObject status = product.graph.compile(*handle_, true);
  EXPECT_EQ(status.getCode(), ErrorCode::CompileFailure) << status;
  EXPECT_THAT(status.getMessage(), HasSubstr("a reduction or a product"));
  EXPECT_THAT(status.getMessage(), HasSubstr("null-gpu"));
  Case half("null_gpu half");
  auto x = half.input("x", DataType::Half, {4});
  half.output(half.pointwise(Mode::RELU_FWD, {x}, DataType::Half), "y");
  ASSERT_TRUE(isOk(half.graph.validate()));
  EXPECT_THAT(half.graph.compile(*handle_, true).getMessage(),
              HasSubstr("not f32"));
}

TEST_F(NullGpuTest, OverlapsAreFoundByDeviceAddress) {
  Case problem("null_gpu overlap");
  auto x = problem.input("x", DataType::Float, {1, 64});
  auto w = problem.input("w", DataType::Float, {64, 1});
  auto y = problem.pointwise(Mode::ADD, {x, w}, DataType::Float);
  problem.output(y, "y");
  compile(problem);
  Pack pack = makePack(problem, {x, w}, y);
  ASSERT_TRUE(isOk(problem.graph.execute(*handle_, pack, workspace_)));
  check(problem, y, pack.at(y));
  // x seen inside y's memory: no call may use both.
  auto *memory = detail::EngineAccess::view(*pack.at(y))->buffer();
  const hal::DeviceSize dims[] = {1, 64};
  auto view = hal::BufferView::create(Ref<hal::Buffer>::share(memory), dims,
                                      hal::ElementType::Float32);
  ASSERT_TRUE(view.isOk());
  pack[x] = std::make_shared<Buffer>(
      detail::EngineAccess::makeBuffer(*std::move(view)));
  ErrorObject status = problem.graph.execute(*handle_, pack, workspace_);
  EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument) << status;
  EXPECT_THAT(status.getMessage(), HasSubstr("overlaps"));
}

TEST_F(NullGpuTest, QueuedWorkAndConstants) {
  Case problem("null_gpu constants");
  auto x = problem.input("x", DataType::Float, {6, 50});
  auto w = problem.input("w", DataType::Float, {6, 50});
  w->setConstant(true);
  auto e = problem.pointwise(Mode::EXP, {w}, DataType::Float);
  auto y = problem.pointwise(Mode::ADD, {x, e}, DataType::Float);
  problem.output(y, "y");
  compile(problem);
  EXPECT_GT(**problem.graph.getConstantsSize(), 0u);
  Pack pack = makePack(problem, {x, w}, y);
  auto go = Fence::create(), done = Fence::create();
  ASSERT_TRUE(isOk(go) && isOk(done));
  ErrorObject status =
      problem.graph.executeAsync(*handle_, pack, workspace_, *go, *done);
  ASSERT_TRUE(isOk(status)) << status;
  std::thread later([&] { EXPECT_TRUE(isOk(go->signal())); });
  ASSERT_TRUE(isOk(done->wait()));
  later.join();
  check(problem, y, pack.at(y));
  pack[y] = makeOutput(y);
  ASSERT_TRUE(isOk(problem.graph.execute(*handle_, pack, workspace_)));
  check(problem, y, pack.at(y));
  EXPECT_GT(problem.graph.getConstantsInUse(), 0u);
}

TEST_F(NullGpuTest, NothingStaysBehind) {
  const int64_t before = liveObjects();
  {
    auto handle = Handle::create(Backend::NullGPU);
    ASSERT_TRUE(isOk(handle));
    auto buffer = Buffer::allocate(*handle, {2}, std::vector<float>{1, 2});
    ASSERT_TRUE(isOk(buffer));
  }
  EXPECT_EQ(liveObjects(), before);
}

} // namespace
} // namespace fusilli::e2e
