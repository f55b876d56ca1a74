// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs declared constant, with programs that the compiler made: what depends
// on them alone is computed at the first execute. Content that changes against
// the promise shows what was computed when.
#include "tests/e2e/guarded_buffer.h"
#include "tests/e2e/harness.h"

#include "engine/access.h"
#include "support/ref.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <unistd.h>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;
using Pack = std::unordered_map<TensorPtr, std::shared_ptr<Buffer>>;

constexpr int64_t kRows = 33, kInner = 47, kColumns = 29;

/// y = relu(x (w s)+ + b): w, s and b are constant, (w s)+ is prepared.
class ConstantsTest : public testing::Test {
protected:
  void SetUp() override {
    Settings::get(); // the compiler of this build
    auto handle = Handle::create(Backend::CPU, HandleOptions{.numThreads = 2});
    ASSERT_TRUE(isOk(handle)) << ErrorObject(handle);
    handle_.emplace(std::move(*handle));
    graph_.setName("constants")
        .setIODataType(DataType::Float)
        .setIntermediateDataType(DataType::Float);
    auto input = [&](const char *name, const Dims &dims, bool isConstant) {
      return graph_.tensor(TensorAttr()
                               .setName(name)
                               .setDim(dims)
                               .setStride(rowMajorStrides(dims))
                               .setConstant(isConstant));
    };
    x_ = input("x", {kRows, kInner}, false);
    w_ = input("w", {kInner, kColumns}, true);
    s_ = input("s", {1, kColumns}, true);
    b_ = input("b", {1, kColumns}, true);
    auto mode = [](Mode m) { return PointwiseAttr().setMode(m); };
    auto mul = mode(Mode::MUL), clip = mode(Mode::RELU_FWD),
         add = mode(Mode::ADD), act = mode(Mode::RELU_FWD);
    auto product = MatmulAttr();
    auto scaled = graph_.pointwise(graph_.pointwise(w_, s_, mul), clip);
    // The operands of a product have one type, both given or neither.
    x_->setDataType(DataType::Float);
    scaled->setDataType(DataType::Float);
    y_ = graph_.pointwise(
        graph_.pointwise(graph_.matmul(x_, scaled, product), b_, add), act);
    y_->setName("y").setOutput(true);
    ErrorObject status = graph_.validate();
    ASSERT_TRUE(isOk(status)) << status;
    status = graph_.compile(*handle_, /*remove=*/true);
    ASSERT_TRUE(isOk(status)) << status;
    auto size = graph_.getWorkspaceSize();
    ASSERT_TRUE(isOk(size) && size->has_value());
    EXPECT_EQ(**size, 0u); // what is prepared is no workspace
  }

  std::shared_ptr<Buffer> make(const TensorPtr &tensor, float value) {
    std::vector<size_t> shape(tensor->getDim().begin(), tensor->getDim().end());
    std::vector<float> values(static_cast<size_t>(tensor->getVolume()), value);
    auto buffer = Buffer::allocate(*handle_, shape, values);
    EXPECT_TRUE(isOk(buffer)) << ErrorObject(buffer);
    return std::make_shared<Buffer>(std::move(*buffer));
  }
  Pack makePack(float x, float w, float s, float b) {
    return {{x_, make(x_, x)},
            {w_, make(w_, w)},
            {s_, make(s_, s)},
            {b_, make(b_, b)},
            {y_, make(y_, -1)}};
  }
  static void fill(const std::shared_ptr<Buffer> &buffer, float value) {
    auto *memory = detail::EngineAccess::view(*buffer)->buffer();
    auto *data = reinterpret_cast<float *>(memory->hostPointer());
    std::fill_n(data, memory->byteLength() / sizeof(float), value);
  }
  /// Executes; all elements of y must be this.
  void expectResult(const Pack &pack, float value) {
    ErrorObject status = graph_.execute(*handle_, pack, nullptr);
    ASSERT_TRUE(isOk(status)) << status;
    std::vector<float> result;
    status = pack.at(y_)->read(*handle_, result);
    ASSERT_TRUE(isOk(status)) << status;
    EXPECT_EQ(result, std::vector<float>(result.size(), value));
  }
  /// Executes, and gives the number of dispatches that ran.
  int countDispatches(const Pack &pack) {
    std::string path = std::filesystem::temp_directory_path() /
                       ("fusilli-constants-" + std::to_string(getpid()));
    EXPECT_TRUE(isOk(startTrace()));
    EXPECT_TRUE(isOk(graph_.execute(*handle_, pack, nullptr)));
    EXPECT_TRUE(isOk(stopTrace(path)));
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    std::filesystem::remove(path);
    std::string trace = text.str(), mark = "\"cat\":\"dispatch\"";
    int count = 0;
    for (size_t at = 0; (at = trace.find(mark, at)) != std::string::npos; ++at)
      ++count;
    return count;
  }

  std::optional<Handle> handle_;
  Graph graph_;
  TensorPtr x_, w_, s_, b_, y_;
};

TEST_F(ConstantsTest, ComputedAtTheFirstExecuteOnly) {
  Pack pack = makePack(1, 2, 3, 5);
  const size_t bytes = kInner * kColumns * sizeof(float);
  // The scaled weights, and them again as the product reads them, in whole
  // vectors of columns.
  const size_t packed = kInner * (kColumns + 63) / 64 * 64 * sizeof(float);
  ASSERT_TRUE(isOk(graph_.getConstantsSize()));
  EXPECT_GE(**graph_.getConstantsSize(), 2 * bytes);
  EXPECT_LT(**graph_.getConstantsSize(), bytes + packed + 128);
  EXPECT_EQ(graph_.getConstantsInUse(), 0u);
  EXPECT_EQ(countDispatches(pack), 3); // scales, packs, multiplies
  EXPECT_EQ(graph_.getConstantsInUse(), **graph_.getConstantsSize());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(countDispatches(pack), 1);
  expectResult(pack, kInner * 6 + 5);
}

TEST_F(ConstantsTest, ContentThatChangedIsSeenAfterARelease) {
  Pack pack = makePack(1, 2, 3, 5);
  expectResult(pack, kInner * 6 + 5);
  fill(pack.at(w_), 4);
  fill(pack.at(x_), 2); // not constant: always seen
  expectResult(pack, kInner * 12 + 5);
  EXPECT_EQ(graph_.releaseConstants(), **graph_.getConstantsSize());
  EXPECT_EQ(graph_.getConstantsInUse(), 0u);
  expectResult(pack, kInner * 24 + 5);
  // Of a constant that only the kernels of each execute read, at once.
  fill(pack.at(b_), 6);
  expectResult(pack, kInner * 24 + 6);
}

TEST_F(ConstantsTest, OtherBuffersAreOtherConstants) {
  Pack pack = makePack(1, 2, 3, 5);
  expectResult(pack, kInner * 6 + 5);
  pack[w_] = make(w_, 1);
  expectResult(pack, kInner * 3 + 5);
  pack[s_] = make(s_, -1);
  expectResult(pack, 5);
  pack[x_] = make(x_, 7); // no constant
  EXPECT_EQ(countDispatches(pack), 1);
}

TEST_F(ConstantsTest, AConstantIsNeverAnOutputsBuffer) {
  Pack pack = makePack(1, 2, 3, 5);
  Graph graph;
  graph.setName("in_place").setIODataType(DataType::Float);
  auto a = graph.tensor(TensorAttr()
                            .setName("a")
                            .setDim({kInner, kColumns})
                            .setStride({kColumns, 1})
                            .setConstant(true));
  auto attr = PointwiseAttr().setMode(Mode::RELU_FWD);
  auto out = graph.pointwise(a, attr);
  out->setName("out").setOutput(true);
  ASSERT_TRUE(isOk(graph.validate()));
  ASSERT_TRUE(isOk(graph.compile(*handle_, true)));
  ASSERT_TRUE(isOk(graph.getWorkspaceSize()));
  EXPECT_EQ(**graph.getConstantsSize(), 0u); // an output is written each time
  ErrorObject status =
      graph.execute(*handle_, {{a, pack.at(w_)}, {out, pack.at(w_)}}, nullptr);
  EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument) << status;
}

TEST_F(ConstantsTest, ThreadsShareWhatTheFirstOneComputed) {
  std::atomic<int> wrong{0};
  Pack shared = makePack(1, 2, 3, 5);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    Pack pack = shared;
    pack[y_] = make(y_, -1);
    threads.emplace_back([this, pack, t, &wrong] {
      for (int i = 0; i < 100; ++i) {
        std::vector<float> result;
        if (!isOk(graph_.execute(*handle_, pack, nullptr)) ||
            !isOk(pack.at(y_)->read(*handle_, result)) ||
            result != std::vector<float>(result.size(), kInner * 6 + 5))
          ++wrong;
        if (t == 0 && i % 10 == 9)
          graph_.releaseConstants();
      }
    });
  }
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ConstantsTest, BoundCallsAndLoadsKeepTheRules) {
  Pack pack = makePack(1, 2, 3, 5);
  auto call = graph_.bind(*handle_, pack, nullptr);
  ASSERT_TRUE(isOk(call)) << ErrorObject(call);
  auto expect = [&](float value) {
    ASSERT_TRUE(isOk(call->execute()));
    std::vector<float> result;
    ASSERT_TRUE(isOk(pack.at(y_)->read(*handle_, result)));
    EXPECT_EQ(result, std::vector<float>(result.size(), value));
  };
  expect(kInner * 6 + 5);
  fill(pack.at(w_), 4);
  expect(kInner * 6 + 5);
  graph_.releaseConstants();
  expect(kInner * 12 + 5);
  ASSERT_TRUE(isOk(call->setBuffer(w_, make(w_, 1))));
  expect(kInner * 3 + 5);
  // A program that was loaded again has computed nothing yet.
  auto artifact = graph_.compileToArtifact(Backend::CPU, true);
  ASSERT_TRUE(isOk(artifact));
  ASSERT_TRUE(isOk(graph_.loadFromArtifact(*handle_, *artifact)));
  ASSERT_TRUE(isOk(graph_.getWorkspaceSize()));
  EXPECT_EQ(graph_.getConstantsInUse(), 0u);
  expectResult(pack, kInner * 12 + 5);
}

TEST_F(ConstantsTest, NothingStaysBehind) {
  const int64_t before = liveObjects();
  {
    auto handle = Handle::create(Backend::CPU);
    ASSERT_TRUE(isOk(handle));
    Graph graph;
    auto bytes = graph_.serialize();
    ASSERT_TRUE(isOk(bytes));
    auto copy = Graph::deserialize(*bytes);
    ASSERT_TRUE(isOk(copy));
    EXPECT_TRUE(copy->getTensor("w")->isConstant());
    EXPECT_FALSE(copy->getTensor("x")->isConstant());
    ASSERT_TRUE(isOk(copy->compile(*handle, true)));
    ASSERT_TRUE(isOk(copy->getWorkspaceSize()));
    Pack pack;
    for (const char *name : {"x", "w", "s", "b", "y"})
      pack[copy->getTensor(name)] = make(copy->getTensor(name), 1);
    for (int i = 0; i < 3; ++i)
      ASSERT_TRUE(isOk(copy->execute(*handle, pack, nullptr)));
    EXPECT_GT(copy->getConstantsInUse(), 0u);
  }
  EXPECT_EQ(liveObjects(), before);
}

} // namespace
} // namespace fusilli::e2e
