// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values are reproducible and in range, and a sampled problem holds the right
// elements: its result, computed from its inputs, is part of the large one.

#include "benchmarks/data.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fusilli::bench {
namespace {

Problem parsed(const std::string &line) {
  std::string error;
  std::optional<Problem> problem = parseProblem(line, error);
  EXPECT_TRUE(problem) << error;
  return problem.value_or(Problem{});
}

/// The result of a contraction, convolution (no padding) or sum, by loops.
BigBuffer compute(const ProblemData &data) {
  const Problem &p = data.problem;
  BigBuffer out(static_cast<size_t>(p.outputElements()) * 4);
  auto in = [&](size_t i, int64_t at) {
    return loadElement(p.type, data.inputs[i].data(), at);
  };
  auto *to = out.as<float>();
  if (p.kind == ProblemKind::Pointwise) {
    for (int64_t i = 0; i < p.outputElements(); ++i)
      to[i] = float(in(0, i) + in(1, i));
  } else if (p.kind == ProblemKind::Reduce) {
    for (int64_t i = 0; i < p.inputElements(); ++i)
      to[i / p.dims[1]] += float(in(0, i));
  } else if (p.kind == ProblemKind::Conv) {
    const ConvShape &c = p.conv; // 1x1, channels last
    for (int64_t i = 0; i < c.n * c.h * c.w; ++i)
      for (int64_t k = 0; k < c.k; ++k)
        for (int64_t j = 0; j < c.c; ++j)
          to[i * c.k + k] += float(in(0, i * c.c + j) * in(1, k * c.c + j));
  } else {
    for (int64_t b = 0; b < p.batch; ++b)
      for (int64_t m = 0; m < p.m; ++m)
        for (int64_t n = 0; n < p.n; ++n) {
          double sum = p.bias ? in(2, n) : 0;
          for (int64_t k = 0; k < p.k; ++k)
            sum +=
                in(0, (b * p.m + m) * p.k + k) * in(1, (b * p.k + k) * p.n + n);
          to[(b * p.m + m) * p.n + n] = float(sum);
        }
  }
  return out;
}

class SamplingTest : public testing::TestWithParam<const char *> {};

TEST_P(SamplingTest, SmallerProblemHasTheSameResults) {
  ProblemData data = makeData(parsed(GetParam()), 3);
  BigBuffer result = compute(data);
  SampledProblem sample = sampleProblem(data, result.data(), 2000);
  EXPECT_LT(sample.data.problem.outputElements(),
            data.problem.outputElements());
  BigBuffer expected = compute(sample.data);
  for (int64_t i = 0; i < sample.data.problem.outputElements(); ++i)
    EXPECT_FLOAT_EQ(sample.result.as<float>()[i], expected.as<float>()[i]) << i;
  SampledProblem whole = sampleProblem(data, result.data(), 1e9);
  EXPECT_EQ(whole.data.problem.outputElements(), data.problem.outputElements());
}

INSTANTIATE_TEST_SUITE_P(Kinds, SamplingTest,
                         testing::Values("matmul 33x41x17 f32 bias",
                                         "batch_matmul 3x33x21x17 f32",
                                         "conv n2c7h9w5 k12r1s1 f32 nhwc",
                                         "pointwise 101x67 f32 add",
                                         "reduce 101x67 f32 sum axis1"));

TEST(DataTest, EqualSeedsGiveEqualValues) {
  Problem problem = parsed("matmul 8x8x8 f16");
  ProblemData a = makeData(problem, 1), b = makeData(problem, 1),
              c = makeData(problem, 2);
  auto first = [](const ProblemData &d, size_t i) {
    return loadElement(ElementType::F16, d.inputs[i].data(), 5);
  };
  EXPECT_EQ(first(a, 0), first(b, 0));
  EXPECT_NE(first(a, 0), first(c, 0));
  EXPECT_NE(first(a, 0), first(a, 1));
}

TEST(DataTest, RangesFitTheOps) {
  ProblemData logs = makeData(parsed("pointwise 1000 f32 log"), 1);
  ProblemData ints = makeData(parsed("pointwise 1000 i32 add"), 1);
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_GT(loadElement(ElementType::F32, logs.inputs[0].data(), i), 0);
    double value = loadElement(ElementType::I32, ints.inputs[0].data(), i);
    EXPECT_LE(std::abs(value), 4);
  }
}

TEST(DataTest, ChannelsLastStrides) {
  auto specs = inputSpecs(parsed("conv n2c3h5w7 k4r3s3 f32 nhwc bias"));
  ASSERT_EQ(specs.size(), 3u);
  EXPECT_EQ(specs[0].strides, (std::vector<int64_t>{105, 1, 21, 3}));
  EXPECT_EQ(specs[1].strides, (std::vector<int64_t>{27, 1, 9, 3}));
  EXPECT_EQ(specs[2].dims, (std::vector<int64_t>{1, 4, 1, 1}));
  EXPECT_EQ(outputSpec(parsed("reduce 4x5x6 f32 sum axis1")).dims,
            (std::vector<int64_t>{4, 1, 6}));
}

} // namespace
} // namespace fusilli::bench
