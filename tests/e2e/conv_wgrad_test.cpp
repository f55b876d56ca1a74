// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's weights in every dtype and target: ranks 3 to 5,
// groups, strides, dilation, padding, channels-first and channels-last in every
// mix.

#include "tests/e2e/conv_problems.h"

namespace fusilli::e2e {
namespace {

void run(DataType dtype, DataType out, const ConvProblem &p, Data data,
         const RunOptions &options = {.threads = {1, 2}, .repeats = 1}) {
  Case c("conv_wgrad " + toString(dtype) + " " + toString(out) + " " +
         p.toString());
  const auto dy =
      c.input("dy", dtype, p.yDims(), p.strides(p.yDims(), 4), data);
  const auto x = c.input("x", dtype, p.xDims(), p.strides(p.xDims(), 1), data);
  const auto dw =
      c.convWGrad(dy, x, p.wDims(), p.padding, p.stride, p.dilation, out);
  c.output(dw, "dw", p.strides(p.wDims(), 2));
  EXPECT_TRUE(c.run(options));
}

TEST(ConvWGradTest, EveryLayoutMix) {
  for (DataType dtype : kFloatTypes)
    for (int layout = 0; layout < 8; ++layout)
      run(dtype, dtype,
          {2, 5, 7, 1, {9, 11}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, layout},
          Data::Integers);
}

TEST(ConvWGradTest, RanksStridesDilationsPaddings) {
  for (DataType dtype : kFloatTypes)
    for (ConvProblem problem : kConvProblems)
      for (int layout : {0, 7}) {
        problem.channelsLast = layout;
        run(dtype, dtype, problem, Data::Integers);
      }
}

TEST(ConvWGradTest, Groups) {
  for (DataType dtype : kFloatTypes)
    for (ConvProblem problem : kGroupedConvProblems)
      for (int layout : {0, 3, 7}) {
        problem.channelsLast = layout;
        run(dtype, dtype, problem, Data::Integers);
      }
}

TEST(ConvWGradTest, LargerChannelsLast) {
  const RunOptions options{.threads = {1, 2, 3}, .repeats = 1, .samples = 4000};
  for (DataType dtype : kFloatTypes) {
    run(dtype, dtype,
        {1, 64, 64, 1, {28, 28}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 7},
        Data::Normal, options);
    run(dtype, dtype,
        {1, 37, 64, 1, {29, 27}, {3, 3}, {1, 1}, {2, 2}, {1, 1}, 7},
        Data::Integers, options);
    run(dtype, dtype,
        {1, 3, 96, 1, {32, 32}, {4, 4}, {0, 0}, {4, 4}, {1, 1}, 7},
        Data::Normal, options);
  }
}

TEST(ConvWGradTest, OutputTypes) {
  const ConvProblem p = {1,      9,      10,     1,      {8, 9},
                         {3, 3}, {1, 1}, {1, 1}, {1, 1}, 7};
  run(DataType::Half, DataType::Float, p, Data::Normal);
  run(DataType::BFloat16, DataType::Float, p, Data::Normal);
  run(DataType::Int8, DataType::Int32, p, Data::Normal);
  run(DataType::Int32, DataType::Int32, p, Data::Normal);
}

TEST(ConvWGradTest, EpilogueIsPartOfTheGraph) {
  const ConvProblem p = {2,      8,      12,     1,      {9, 7},
                         {3, 3}, {1, 1}, {1, 1}, {1, 1}, 7};
  Case c("conv_wgrad sgd step");
  const auto dy = c.input("dy", DataType::Float, p.yDims());
  const auto x = c.input("x", DataType::Float, p.xDims());
  const auto w = c.input("w", DataType::Float, p.wDims());
  const auto dw = c.convWGrad(dy, x, p.wDims(), p.padding, p.stride, p.dilation,
                              DataType::Float);
  const auto step =
      c.pointwise(PointwiseAttr::Mode::MUL, {dw, c.constant("rate", 0.125f)},
                  DataType::Float);
  c.output(c.pointwise(PointwiseAttr::Mode::SUB, {w, step}, DataType::Float),
           "z");
  EXPECT_TRUE(c.run());
}

TEST(ConvWGradTest, RandomProblems) {
  Random random = makeRandom("conv_wgrad random problems");
  for (int64_t number = 0; number < Settings::get().count(40); ++number)
    run(pick(random, kFloatTypes), pick(random, kFloatTypes),
        randomConvProblem(random), Data::Integers);
}

} // namespace
} // namespace fusilli::e2e
