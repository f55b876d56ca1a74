// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The local memory that the kernels of each graph take for a worker: at most
// 8 MiB whatever the problem, as Graph::explain() says.

#include "tests/e2e/guarded_buffer.h"
#include "tests/e2e/shapes.h"

#include <cstdlib>

namespace fusilli::e2e {
namespace {

constexpr uint64_t kMostScratchBytes = 8 << 20;

/// Compiles the graph for each target and holds every kernel against the limit.
void expectLittleScratch(Case &c) {
  ErrorObject status = c.graph.validate();
  ASSERT_TRUE(isOk(status)) << c.describe() << ": " << status;
  const Handle &handle = handleWithThreads(1);
  for (const std::string &target : Settings::get().targets) {
    setenv("FUSILLI_TARGET", target.c_str(), 1);
    status = c.graph.compile(handle, /*remove=*/true);
    unsetenv("FUSILLI_TARGET");
    ASSERT_TRUE(isOk(status)) << c.describe() << ": " << status;
    auto explanation = c.graph.explain();
    ASSERT_TRUE(isOk(explanation)) << ErrorObject(explanation);
    EXPECT_FALSE(explanation->kernels.empty());
    for (const KernelExplanation &kernel : explanation->kernels)
      EXPECT_LE(kernel.scratchBytes, kMostScratchBytes)
          << c.describe() << " for " << target << ": " << kernel.schedule;
  }
}

TensorPtr add(Case &c, const std::string &name, const Dims &dims,
              const Dims &strides = {}, DataType dtype = DataType::Float) {
  return c.graph.tensor(
      TensorAttr().setName(name).setDataType(dtype).setDim(dims).setStride(
          strides.empty() ? rowMajorStrides(dims) : strides));
}

TEST(ScratchTest, Products) {
  // m, n, k; 1000003 and 65537 are prime.
  for (const auto &[m, n, k] :
       std::vector<std::array<int64_t, 3>>{{1, 1, 1 << 25},
                                           {1, 1, 33554393},
                                           {1, 3, 1000003},
                                           {2, 5, 1000003},
                                           {64, 64, 1000003},
                                           {1, 1 << 20, 64},
                                           {1 << 20, 1, 64},
                                           {2048, 2048, 65537},
                                           {8, 4096, 65537},
                                           {4096, 8, 65537},
                                           {300, 40, 200000}})
    for (DataType dtype : {DataType::Float, DataType::BFloat16})
      for (int transposes : {0, 3}) {
        Case c("scratch of a product");
        const auto a = add(c, "a", {m, k},
                           transposes & 1 ? Dims{1, m} : Dims{k, 1}, dtype);
        const auto b = add(c, "b", {k, n},
                           transposes & 2 ? Dims{1, k} : Dims{n, 1}, dtype);
        c.output(c.matmul(a, b, dtype), "c");
        expectLittleScratch(c);
      }
}

/// Sums of narrow integers stay whole.
TEST(ScratchTest, NarrowIntegers) {
  for (int64_t k : {30000, 100000}) {
    Case c("scratch of a product of bytes");
    const auto a = add(c, "a", {70, k}, {}, DataType::Int8);
    const auto b = add(c, "b", {k, 300}, {}, DataType::Int8);
    c.output(c.matmul(a, b, DataType::Int8), "c");
    expectLittleScratch(c);
  }
}

TEST(ScratchTest, Convolutions) {
  struct Problem {
    Dims x, w, padding, stride;
  };
  for (const Problem &p : std::vector<Problem>{
           {{1, 4096, 14, 14}, {512, 4096, 3, 3}, {1, 1}, {1, 1}},
           {{1, 3, 512, 512}, {64, 3, 15, 15}, {7, 7}, {1, 1}},
           {{1, 64, 2000, 2000}, {64, 64, 3, 3}, {1, 1}, {1, 1}},
           {{1, 1, 1 << 20}, {8, 1, 4097}, {0}, {1}},
           {{1, 8, 64, 64}, {8, 1, 3, 3}, {1, 1}, {1, 1}},
           {{2, 256, 65536}, {256, 256, 9}, {4}, {1}}})
    for (bool channelsLast : {false, true}) {
      const Dims ones(p.stride.size(), 1);
      auto layout = [&](const Dims &dims) {
        return channelsLast ? channelsLastStrides(dims) : rowMajorStrides(dims);
      };
      Case c("scratch of a convolution");
      const auto x = add(c, "x", p.x, layout(p.x));
      const auto w = add(c, "w", p.w, layout(p.w));
      const auto y = c.conv(x, w, p.padding, p.stride, ones, DataType::Float);
      c.output(y, "y");
      expectLittleScratch(c);
      const Dims dims = y->getDim();
      Case d("scratch of the data's gradient");
      const auto dy = add(d, "dy", dims, layout(dims));
      const auto dw = add(d, "w", p.w, layout(p.w));
      d.output(
          d.convDGrad(dy, dw, p.x, p.padding, p.stride, ones, DataType::Float),
          "dx");
      expectLittleScratch(d);
      Case f("scratch of the filter's gradient");
      const auto fy = add(f, "dy", dims, layout(dims));
      const auto fx = add(f, "x", p.x, layout(p.x));
      f.output(
          f.convWGrad(fy, fx, p.w, p.padding, p.stride, ones, DataType::Float),
          "dw");
      expectLittleScratch(f);
    }
}

TEST(ScratchTest, Attention) {
  for (const auto &[rows, keys, depth] : std::vector<std::array<int64_t, 3>>{
           {1, 131072, 128}, {4096, 65536, 64}, {16, 1000, 2048}}) {
    Case c("scratch of attention");
    const Dims q = {1, 2, rows, depth}, k = {1, 2, keys, depth};
    SdpaAttr attr;
    const auto o = c.graph.sdpa(add(c, "q", q), add(c, "k", k), add(c, "v", k),
                                nullptr, attr);
    o->setDataType(DataType::Float);
    c.output(o, "o");
    expectLittleScratch(c);
  }
}

TEST(ScratchTest, RowsAndReductions) {
  using Mode = PointwiseAttr::Mode;
  using Reduce = ReductionAttr::Mode;
  for (const auto &[rows, length] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1 << 25}, {4, 10000019}, {3000, 50000}, {1 << 22, 9}})
    for (bool transposed : {false, true}) {
      const Dims dims = {rows, length};
      const Dims strides = transposed ? Dims{1, rows} : Dims{length, 1};
      Case sum("scratch of a sum");
      sum.output(sum.reduction(Reduce::ADD, add(sum, "x", dims, strides),
                               {rows, 1}, DataType::Float),
                 "y");
      expectLittleScratch(sum);
      Case c("scratch of a softmax");
      const auto x = add(c, "x", dims, strides);
      const auto top = c.reduction(Reduce::MAX, x, {rows, 1}, DataType::Float);
      const auto e = c.pointwise(
          Mode::EXP, {c.pointwise(Mode::SUB, {x, top}, DataType::Float)},
          DataType::Float);
      const auto total =
          c.reduction(Reduce::ADD, e, {rows, 1}, DataType::Float);
      c.output(c.pointwise(Mode::DIV, {e, total}, DataType::Float), "y",
               strides);
      expectLittleScratch(c);
    }
}

} // namespace
} // namespace fusilli::e2e
