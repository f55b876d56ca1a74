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
    for (int64_t i = 0; i < c.n * c.image[0] * c.image[1]; ++i)
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

/// Sampled problems keep whole what their results are summed over, and say
/// which rows of a causal attention they took.
TEST(SampledProblemTest, KeepsWhatIsSummedOver) {
  auto sampled = [](const std::string &line, double budget) {
    ProblemData data = makeData(parsed(line), 3);
    BigBuffer result(static_cast<size_t>(outputSpec(data.problem).span()) * 4);
    return sampleProblem(data, result.data(), budget);
  };
  ConvShape dgrad =
      sampled("conv_dgrad n4c16h9w9 k8r3s3 f32 nhwc", 9e3).data.problem.conv;
  EXPECT_EQ(dgrad.k, 8);
  EXPECT_LT(dgrad.n * dgrad.c, 4 * 16);
  ConvShape wgrad =
      sampled("conv_wgrad n4c16h9w9 k8r3s3 f32 nhwc", 9e3).data.problem.conv;
  EXPECT_EQ(wgrad.n, 4);
  EXPECT_LT(wgrad.k * wgrad.c, 8 * 16);
  ConvShape groups =
      sampled("conv n1c16h9w9 k32r3s3 g8 f32 nhwc", 5e3).data.problem.conv;
  EXPECT_LT(groups.groups, 8);
  EXPECT_EQ(groups.c, groups.groups * 2);
  EXPECT_EQ(groups.k, groups.groups * 4);
  EXPECT_EQ(sampled("batchnorm n2c16h9w9 f32 nchw", 400).data.problem.conv.n,
            2);
  Problem rows = sampled("layernorm 4x5x64 f32 axis2", 300).data.problem;
  EXPECT_EQ(rows.dims[2], 64);
  EXPECT_LT(rows.dims[0] * rows.dims[1], 20);

  SampledProblem causal = sampled("sdpa b2hq4hk2s64d16 f32 causal", 1e4);
  const SdpaShape &sdpa = causal.data.problem.sdpa;
  EXPECT_EQ(sdpa.keys, 64);
  EXPECT_LT(sdpa.queries, 64);
  EXPECT_EQ(sdpa.heads, 2 * sdpa.kvHeads);
  ASSERT_TRUE(sdpa.mask && !sdpa.causal);
  ASSERT_EQ(causal.data.inputs.size(), 4u);
  const float *mask = causal.data.inputs[3].as<float>();
  // The first row sees the first key, the last one all of them.
  EXPECT_EQ(mask[0], 0);
  EXPECT_LT(mask[1], -1e4);
  EXPECT_EQ(mask[sdpa.queries * sdpa.keys - 1], 0);
}

TEST(SampledProblemTest, ViewsKeepTheirElements) {
  ProblemData data = makeData(parsed("reduce 33x21 f32 sum axis1 views"), 3);
  BigBuffer result(33 * 4);
  SampledProblem sample = sampleProblem(data, result.data(), 63);
  EXPECT_EQ(sample.data.problem.dims[0], 3);
  const float *from = data.inputs[0].as<float>();
  const float *to = sample.data.inputs[0].as<float>();
  EXPECT_EQ(to[0], from[0]);
  EXPECT_EQ(to[2 * (21 + kRowPadding) + 20],
            from[32 * (21 + kRowPadding) + 20]);
}

TEST(DataTest, StridesOfOtherOperands) {
  auto strides = [](const std::string &line, size_t input) {
    return inputSpecs(parsed(line))[input].strides;
  };
  using Strides = std::vector<int64_t>;
  EXPECT_EQ(strides("matmul 4x5x6 f32 ta tb", 0), (Strides{1, 4}));
  EXPECT_EQ(strides("matmul 4x5x6 f32 ta tb", 1), (Strides{1, 6}));
  EXPECT_EQ(strides("matmul 4x5x6 f32 views", 0), (Strides{22, 1}));
  EXPECT_EQ(strides("matmul 4x5x6 f32 ta views", 0), (Strides{1, 20}));
  EXPECT_EQ(strides("conv n2c3h5w7 k4r3s3 f32 nhwc views", 0),
            (Strides{5 * 7 * 19, 1, 7 * 19, 19}));
  EXPECT_EQ(strides("conv n2c3w7 k4s3 f32 nhwc", 0), (Strides{21, 1, 3}));
  EXPECT_EQ(strides("layernorm 4x5x6 f32 axis2", 0), (Strides{6, 1}));
  EXPECT_EQ(strides("layernorm 4x5x6 f32 axis0", 0), (Strides{1, 30}));
  EXPECT_EQ(inputSpecs(parsed("layernorm 4x5x6 f32 axis0"))[0].dims,
            (std::vector<int64_t>{30, 4}));
  TensorSpec view = inputSpecs(parsed("matmul 4x5x6 f32 views"))[0];
  EXPECT_EQ(view.elements(), 24);
  EXPECT_EQ(view.span(), 3 * 22 + 6);
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
