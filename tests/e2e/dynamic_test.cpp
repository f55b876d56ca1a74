// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graphs with dynamic dims: one artifact serves any extents, held against the
// reference for each; workspaces, relations, repeated shapes.

#include "tests/e2e/dynamic_cases.h"
#include "tests/e2e/guarded_buffer.h"
#include "tests/e2e/shapes.h"

#include "support/testing/count_new.h"

#include <algorithm>
#include <atomic>
#include <gmock/gmock.h>
#include <thread>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;
using Reduce = ReductionAttr::Mode;
using testing::HasSubstr;

const RunOptions kOptions = {.threads = {1, 3}, .repeats = 2};

TEST(DynamicTest, PointwiseRows) {
  for (DataType dtype : {DataType::Float, DataType::BFloat16, DataType::Half,
                         DataType::Double, DataType::Int32})
    for (int64_t columns : {1, 7, 64}) {
      Case problem("dynamic rows " + toString(dtype) + " " +
                   std::to_string(columns));
      auto x = dynamic(problem.input("x", dtype, {kN, columns}), {0});
      auto b = problem.input("b", dtype, {1, columns});
      auto sum = dynamic(problem.pointwise(Mode::ADD, {x, b}, dtype), {0});
      auto y = dynamic(problem.pointwise(Mode::RELU_FWD, {sum}, dtype), {0});
      problem.output(y, "y");
      EXPECT_TRUE(problem.runShapes(rowsFrom(problem, upTo(67)), kOptions));
    }
}

TEST(DynamicTest, PointwiseInnermostAndTransposed) {
  for (const Dims &strides : {Dims{kN, 1}, Dims{1, 5}})
    for (const Dims &out : {Dims{kN, 1}, Dims{1, 5}}) {
      Case problem("dynamic columns " + toString(strides) + " to " +
                   toString(out));
      auto x = dynamic(
          problem.input("x", DataType::Float, {5, kN}, strides, Data::Normal),
          {1});
      auto y =
          dynamic(problem.pointwise(Mode::TANH_FWD, {x}, DataType::Float), {1});
      problem.output(y, "y", out);
      EXPECT_TRUE(problem.runShapes(rowsFrom(problem, upTo(67)), kOptions));
    }
}

TEST(DynamicTest, LargeExtents) {
  Case problem("dynamic large");
  auto x = dynamic(problem.input("x", DataType::Float, {kN, 33}), {0});
  auto y =
      dynamic(problem.pointwise(Mode::SIGMOID_FWD, {x}, DataType::Float), {0});
  problem.output(y, "y");
  EXPECT_TRUE(problem.runShapes(rowsFrom(problem, {1, 4096, 3, 50001}),
                                {.threads = {1, 2, 3}, .samples = 5000}));
}

TEST(DynamicTest, TwoSymbolsInThreeDims) {
  Case problem("dynamic twice");
  auto x = dynamic(problem.input("x", DataType::Float, {kN, 3, kM},
                                 {3, 1, 3 * kN}, Data::Normal),
                   {0, 2});
  auto b = dynamic(problem.input("b", DataType::Float, {1, 3, kM}), {2});
  auto sum =
      dynamic(problem.pointwise(Mode::MUL, {x, b}, DataType::Float), {0, 2});
  problem.output(sum, "y");
  std::vector<reference::Inputs> shapes;
  for (int64_t n : {1, 2, 17, 24, 16})
    for (int64_t m : {1, 5, 16, 40})
      shapes.push_back(problem.inputsOf({{kN, n}, {kM, m}}, Data::Normal));
  EXPECT_TRUE(problem.runShapes(shapes, kOptions));
}

TEST(DynamicTest, Reductions) {
  for (Reduce mode : {Reduce::SUM, Reduce::AVG, Reduce::MAX, Reduce::MUL,
                      Reduce::NORM2, Reduce::AMAX})
    for (const Dims &y : {Dims{1, 12}, Dims{kN, 1}, Dims{1, 1}}) {
      Case problem("dynamic reduction " + ReductionAttr::kModeToStr.at(mode) +
                   " to " + toString(y));
      auto x = dynamic(problem.input("x", DataType::Float, {kN, 12}), {0});
      auto sum = problem.reduction(mode, x, y, DataType::Float);
      if (y[0] == kN)
        dynamic(sum, {0});
      problem.output(sum, "y");
      EXPECT_TRUE(problem.runShapes(
          rowsFrom(problem, {1, 2, 3, 15, 16, 17, 67}, Data::Positive),
          kOptions));
    }
}

TEST(DynamicTest, SoftmaxOverTheDynamicDim) {
  for (size_t dim : {0, 1}) {
    Case problem("dynamic softmax " + std::to_string(dim));
    const Dims dims = dim == 0 ? Dims{kN, 9} : Dims{9, kN};
    Dims one = dims;
    one[dim] = 1;
    auto x = dynamic(problem.input("x", DataType::Float, dims), {dim});
    auto max = problem.reduction(Reduce::MAX, x, one, DataType::Float);
    auto sub =
        dynamic(problem.pointwise(Mode::SUB, {x, max}, DataType::Float), {dim});
    auto exp =
        dynamic(problem.pointwise(Mode::EXP, {sub}, DataType::Float), {dim});
    auto sum = problem.reduction(Reduce::SUM, exp, one, DataType::Float);
    auto y = dynamic(problem.pointwise(Mode::DIV, {exp, sum}, DataType::Float),
                     {dim});
    problem.output(y, "y");
    EXPECT_TRUE(
        problem.runShapes(rowsFrom(problem, {1, 2, 16, 17, 67}), kOptions));
  }
}

TEST(DynamicTest, MatmulRowsColumnsBatchAndContracted) {
  for (DataType dtype : {DataType::Float, DataType::BFloat16}) {
    Case rows("dynamic matmul rows " + toString(dtype));
    auto a = dynamic(rows.input("a", dtype, {kN, 20}), {0});
    auto b = rows.input("b", dtype, {20, 9});
    rows.output(dynamic(rows.matmul(a, b, DataType::Float), {0}), "c");
    EXPECT_TRUE(rows.runShapes(rowsFrom(rows, upTo(67)), kOptions));

    Case inner("dynamic matmul contracted " + toString(dtype));
    a = dynamic(inner.input("a", dtype, {7, kN}), {1});
    b = dynamic(inner.input("b", dtype, {kN, 9}, {1, kN}, Data::Normal), {0});
    inner.output(inner.matmul(a, b, DataType::Float), "c");
    EXPECT_TRUE(inner.runShapes(rowsFrom(inner, {1, 2, 15, 33, 67}), kOptions));

    Case batch("dynamic matmul batch " + toString(dtype));
    a = dynamic(batch.input("a", dtype, {kN, 5, 6}), {0});
    b = dynamic(batch.input("b", dtype, {kN, 6, kM}), {0, 2});
    batch.output(dynamic(batch.matmul(a, b, DataType::Float), {0, 2}), "c");
    std::vector<reference::Inputs> shapes;
    for (int64_t n : {1, 3, 20})
      for (int64_t m : {1, 24, 50})
        shapes.push_back(batch.inputsOf({{kN, n}, {kM, m}}, Data::Normal));
    EXPECT_TRUE(batch.runShapes(shapes, kOptions));
  }
}

TEST(DynamicTest, MatmulRowsOverManyBlocks) {
  // Fewer rows than a tile, around one and two tiles, several workgroups; one
  // and several blocks of k; columns that are whole panels and not.
  const std::vector<int64_t> rows = {1,  2,   3,   5,   6,   7,   8,   12, 13,
                                     95, 255, 256, 257, 258, 259, 511, 700};
  for (auto [in, out] : {std::pair(DataType::Float, DataType::Float),
                         std::pair(DataType::Half, DataType::Float),
                         std::pair(DataType::BFloat16, DataType::BFloat16),
                         std::pair(DataType::Int8, DataType::Int32)})
    for (auto [k, n] : {std::pair<int64_t, int64_t>(70, 200), {1100, 139}})
      for (bool isConstant : {false, true}) {
        Case c("dynamic matmul blocks " + toString(in) + " k" +
               std::to_string(k) + (isConstant ? " constant" : ""));
        auto a = dynamic(c.input("a", in, {kN, k}, Data::Integers), {0});
        auto b = c.input("b", in, {k, n}, Data::Integers);
        b->setConstant(isConstant);
        c.output(dynamic(c.matmul(a, b, out), {0}), "c");
        EXPECT_TRUE(c.runShapes(rowsFrom(c, rows, Data::Integers), kOptions));
      }
}

TEST(DynamicTest, ConvolutionBatchWithEpilogue) {
  for (bool channelsLast : {false, true}) {
    Case problem(std::string("dynamic conv batch ") +
                 (channelsLast ? "nhwc" : "nchw"));
    const Dims dims = {kN, 3, 9, 8};
    auto x = dynamic(problem.input("x", DataType::Float, dims,
                                   channelsLast ? channelsLastStrides(dims)
                                                : rowMajorStrides(dims),
                                   Data::Normal),
                     {0});
    auto w = problem.input("w", DataType::Float, {5, 3, 3, 3});
    auto b = problem.input("b", DataType::Float, {1, 5, 1, 1});
    auto conv = dynamic(
        problem.conv(x, w, {1, 1}, {1, 1}, {1, 1}, DataType::Float), {0});
    auto sum =
        dynamic(problem.pointwise(Mode::ADD, {conv, b}, DataType::Float), {0});
    auto y =
        dynamic(problem.pointwise(Mode::RELU_FWD, {sum}, DataType::Float), {0});
    problem.output(y, "y");
    EXPECT_TRUE(problem.runShapes(rowsFrom(problem, {1, 2, 4, 17}), kOptions));
  }
}

/// z = (x w1) w2 with any number of rows: the first product is in the
/// workspace.
struct TwoProducts {
  explicit TwoProducts(const std::string &name) : problem(name) {
    x = dynamic(problem.input("x", DataType::Float, {kN, 8}), {0});
    auto w1 = problem.input("w1", DataType::Float, {8, 6});
    auto w2 = problem.input("w2", DataType::Float, {6, 4});
    auto h = dynamic(problem.matmul(x, w1, DataType::Float), {0});
    z = dynamic(problem.matmul(h, w2, DataType::Float), {0});
    problem.output(z, "z");
  }
  /// Validated, compiled, loaded.
  void load(const Handle &handle) {
    ErrorObject status = problem.graph.validate();
    ASSERT_TRUE(isOk(status)) << status;
    status = problem.graph.compile(handle, /*remove=*/true);
    ASSERT_TRUE(isOk(status)) << status;
  }
  Case problem;
  TensorPtr x, z;
};

/// The buffers of one call, with zeros.
struct Pack {
  Pack(const Handle &handle, Case &problem, int64_t n,
       std::initializer_list<const char *> names = {"x", "w1", "w2", "z"}) {
    for (const char *name : names) {
      TensorPtr tensor = problem.graph.getTensor(name);
      std::vector<int64_t> dims = tensor->getDim();
      for (size_t dim : tensor->getDynamicDims())
        dims[dim] = n;
      TensorAttr shape;
      shape.setDataType(DataType::Float)
          .setDim(dims)
          .setStride(rowMajorStrides(dims));
      auto &memory = memories.emplace_back(
          static_cast<size_t>(shape.getVolume()) * sizeof(float), 0);
      buffers[tensor] = *memory.makeBuffer(handle, shape);
    }
  }
  std::vector<GuardedBuffer> memories;
  std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> buffers;
};

std::shared_ptr<Buffer> workspaceOf(const Handle &handle, size_t bytes) {
  if (bytes == 0)
    return nullptr;
  auto buffer = Buffer::allocateRaw(handle, bytes);
  EXPECT_TRUE(isOk(buffer)) << ErrorObject(buffer);
  return std::make_shared<Buffer>(std::move(*buffer));
}

TEST(DynamicTest, WorkspaceOfAShape) {
  const Handle &handle = handleWithThreads(1);
  TwoProducts two("dynamic workspace");
  two.load(handle);
  auto fixed = two.problem.graph.getWorkspaceSize();
  EXPECT_EQ(ErrorObject(fixed).getCode(), ErrorCode::NotImplemented);
  EXPECT_THAT(ErrorObject(fixed).getMessage(), HasSubstr("dynamic"));
  for (int64_t n : {1, 8, 9, 1000}) {
    Pack pack(handle, two.problem, n);
    auto size = two.problem.graph.getWorkspaceSize(pack.buffers);
    ASSERT_TRUE(isOk(size)) << ErrorObject(size);
    EXPECT_EQ(*size, static_cast<size_t>((n * 6 * 4 + 63) / 64 * 64));
    ErrorObject status =
        two.problem.graph.execute(handle, pack.buffers, nullptr);
    EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument);
    EXPECT_THAT(status.getMessage(),
                HasSubstr("workspace of " + std::to_string(*size)));
    status = two.problem.graph.execute(handle, pack.buffers,
                                       workspaceOf(handle, *size - 1));
    EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument);
    status = two.problem.graph.execute(handle, pack.buffers,
                                       workspaceOf(handle, *size));
    EXPECT_TRUE(isOk(status)) << status;
  }
  EXPECT_TRUE(two.problem.runShapes(rowsFrom(two.problem, {1, 5, 64, 65, 3}),
                                    kOptions));
}

// Which of the intermediates is the larger one changes from shape to shape.
TEST(DynamicTest, IntermediatesOfSeveralSymbolsDoNotOverlap) {
  constexpr DataType f32 = DataType::Float;
  Case problem("dynamic intermediates");
  auto x = dynamic(problem.input("x", f32, {kN, 8}, Data::Integers), {0});
  auto z = dynamic(problem.input("z", f32, {8, kM}, Data::Integers), {1});
  auto k = dynamic(problem.input("k", f32, {kM, 8}, Data::Integers), {0});
  auto w1 = problem.input("w1", f32, {8, 12}, Data::Integers);
  auto w2 = problem.input("w2", f32, {12, 8}, Data::Integers);
  auto w3 = problem.input("w3", f32, {8, 5}, Data::Integers);
  auto p = dynamic(problem.matmul(x, w1, f32), {0});   // N x 12
  auto t = dynamic(problem.matmul(w2, z, f32), {1});   // 12 x M
  auto s = dynamic(problem.matmul(p, t, f32), {0, 1}); // N x M
  auto u = dynamic(problem.matmul(k, w3, f32), {0});   // M x 5
  auto v = dynamic(problem.matmul(s, u, f32), {0});    // N x 5
  auto q = dynamic(problem.matmul(p, w2, f32), {0});   // N x 8
  auto r = dynamic(problem.matmul(q, w3, f32), {0});   // N x 5
  problem.output(dynamic(problem.pointwise(Mode::ADD, {v, r}, f32), {0}), "y");
  std::vector<reference::Inputs> shapes;
  for (auto [n, m] : {std::pair{1, 100}, {100, 1}, {16, 24}, {24, 16}, {3, 3}})
    shapes.push_back(problem.inputsOf({{kN, n}, {kM, m}}, Data::Integers));
  EXPECT_TRUE(problem.runShapes(shapes, kOptions));
}

TEST(DynamicTest, ExtentsThatDoNotBelongTogether) {
  const Handle &handle = handleWithThreads(1);
  TwoProducts two("dynamic relation");
  two.load(handle);
  Pack pack(handle, two.problem, 5), other(handle, two.problem, 6);
  ASSERT_TRUE(isOk(two.problem.graph.getWorkspaceSize(pack.buffers)));
  pack.buffers[two.x] = other.buffers[two.x];
  ErrorObject status = two.problem.graph.execute(handle, pack.buffers,
                                                 workspaceOf(handle, 4096));
  EXPECT_EQ(status.getCode(), ErrorCode::RuntimeFailure);
  EXPECT_THAT(status.getMessage(),
              HasSubstr("input 'x' has dim 0 of 6, expected 5 as dim 0 of "
                        "output 'z'"));
  EXPECT_FALSE(isOk(two.problem.graph.getWorkspaceSize(pack.buffers)));
}

TEST(DynamicTest, TheOutputMustBeMarked) {
  Case problem("dynamic unmarked");
  auto x = dynamic(problem.input("x", DataType::Float, {kN, 4}), {0});
  auto y = problem.pointwise(Mode::ABS, {x}, DataType::Float);
  problem.output(y, "y");
  ASSERT_TRUE(isOk(problem.graph.validate()));
  auto artifact = problem.graph.compileToArtifact(Backend::CPU, true);
  EXPECT_EQ(ErrorObject(artifact).getCode(), ErrorCode::CompileFailure);
  EXPECT_THAT(ErrorObject(artifact).getMessage(),
              HasSubstr("dim 0 of tensor 'y' is not dynamic"));
}

TEST(DynamicTest, OtherMarksDoNotFitAnArtifact) {
  const Handle &handle = handleWithThreads(1);
  auto build = [](Case &problem, bool isDynamic, int64_t rows) {
    auto x = problem.input("x", DataType::Float, {rows, 4});
    auto y = problem.pointwise(Mode::ABS, {x}, DataType::Float);
    if (isDynamic) {
      dynamic(x, {0});
      dynamic(y, {0});
    }
    problem.output(y, "y");
    EXPECT_TRUE(isOk(problem.graph.validate()));
  };
  Case marked("dynamic marked"), unmarked("static"), larger("dynamic larger");
  build(marked, true, kN);
  build(unmarked, false, kN);
  build(larger, true, 2 * kN);
  auto artifact = marked.graph.compileToArtifact(Backend::CPU, true);
  ASSERT_TRUE(isOk(artifact)) << ErrorObject(artifact);
  EXPECT_TRUE(isOk(larger.graph.loadFromArtifact(handle, *artifact)));
  ErrorObject status = unmarked.graph.loadFromArtifact(handle, *artifact);
  EXPECT_EQ(status.getCode(), ErrorCode::InvalidArgument);
  EXPECT_THAT(status.getMessage(), HasSubstr("dim 0 of tensor 'y'"));
}

TEST(DynamicTest, ARepeatedShapeAllocatesNothing) {
  const Handle &handle = handleWithThreads(1);
  TwoProducts two("dynamic repeated");
  two.load(handle);
  std::vector<Pack> packs;
  for (int64_t n = 1; n <= 20; ++n)
    packs.emplace_back(handle, two.problem, n);
  auto workspace = workspaceOf(handle, 4096);
  auto runAll = [&] {
    for (const Pack &pack : packs)
      ASSERT_TRUE(
          isOk(two.problem.graph.execute(handle, pack.buffers, workspace)));
  };
  ASSERT_TRUE(isOk(two.problem.graph.getWorkspaceSize(packs[0].buffers)));
  runAll();
  runAll();
  const uint64_t before = heap::newCalls;
  for (int i = 0; i < 20; ++i)
    runAll();
  EXPECT_EQ(heap::newCalls, before);
}

// The same where kernels have memory of their own: buffers of rows, packed
// keys.
TEST(DynamicTest, ARepeatedShapeWithLocalMemoryAllocatesNothing) {
  for (int threads : {1, 2}) {
    const Handle &handle = handleWithThreads(threads);
    Case problem("dynamic repeated attention and softmax");
    auto q = dynamic(problem.input("q", DataType::Float, {2, 4, kN, 32}), {2});
    SdpaAttr attr;
    auto o = dynamic(problem.graph.sdpa(q, q, q, nullptr, attr), {2});
    const Dims dims = {2, 4, kN, 32}, one = {2, 4, 1, 32};
    o->setDataType(DataType::Float)
        .setDim(dims)
        .setStride(rowMajorStrides(dims));
    auto exp = dynamic(problem.pointwise(Mode::EXP, {o}, DataType::Float), {2});
    auto sum = problem.reduction(Reduce::SUM, exp, one, DataType::Float);
    problem.output(
        dynamic(problem.pointwise(Mode::DIV, {exp, sum}, DataType::Float), {2}),
        "y");
    ErrorObject status = problem.graph.validate();
    ASSERT_TRUE(isOk(status)) << status;
    status = problem.graph.compile(handle, /*remove=*/true);
    ASSERT_TRUE(isOk(status)) << status;
    std::vector<Pack> packs;
    for (int64_t n : {1, 5, 64, 300})
      packs.emplace_back(handle, problem, n,
                         std::initializer_list<const char *>{"q", "y"});
    auto size = problem.graph.getWorkspaceSize(packs.back().buffers);
    ASSERT_TRUE(isOk(size)) << ErrorObject(size);
    auto workspace = workspaceOf(handle, *size);
    auto runAll = [&] {
      for (const Pack &pack : packs) {
        ErrorObject run =
            problem.graph.execute(handle, pack.buffers, workspace);
        ASSERT_TRUE(isOk(run)) << run;
      }
    };
    runAll();
    runAll();
    const uint64_t before = heap::newCalls;
    for (int i = 0; i < 20; ++i)
      runAll();
    EXPECT_EQ(heap::newCalls, before) << threads << " threads";
  }
}

TEST(DynamicTest, BoundAndConcurrentCalls) {
  const Handle &handle = handleWithThreads(2);
  Case problem("dynamic concurrent");
  auto x = dynamic(problem.input("x", DataType::Float, {kN, 4}), {0});
  auto y = dynamic(problem.pointwise(Mode::ADD, {x, x}, DataType::Float), {0});
  problem.output(y, "y");
  ASSERT_TRUE(isOk(problem.graph.validate()));
  ASSERT_TRUE(isOk(problem.graph.compile(handle, true)));
  ASSERT_EQ(**problem.graph.getWorkspaceSize(), 0u);
  std::atomic<int> wrong{0};
  auto work = [&](uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 200; ++i) {
      const auto n = static_cast<int64_t>(1 + random() % 300);
      TensorAttr shape;
      shape.setDataType(DataType::Float).setDim({n, 4}).setStride({4, 1});
      const size_t bytes = static_cast<size_t>(n) * 16;
      GuardedBuffer in(bytes, 0), out(bytes, 0);
      auto *values = reinterpret_cast<float *>(in.content().data());
      for (int64_t k = 0; k < 4 * n; ++k)
        values[k] = static_cast<float>(k) + static_cast<float>(seed);
      std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> pack = {
          {x, *in.makeBuffer(handle, shape)},
          {y, *out.makeBuffer(handle, shape)}};
      bool right = true;
      if (i % 2 == 0) {
        right = isOk(problem.graph.execute(handle, pack, nullptr));
      } else {
        auto call = problem.graph.bind(handle, pack, nullptr);
        right = isOk(call) && isOk(call->execute());
      }
      const auto *results = reinterpret_cast<float *>(out.content().data());
      for (int64_t k = 0; k < 4 * n; ++k)
        right &= results[k] == 2 * values[k];
      wrong += right && out.guardsIntact() ? 0 : 1;
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t)
    threads.emplace_back(work, t);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

} // namespace
} // namespace fusilli::e2e
