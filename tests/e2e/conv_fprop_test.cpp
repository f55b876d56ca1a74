// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution in every dtype and target: ranks 3 to 5, groups, strides,
// dilation, padding, channels-first and channels-last in every mix.

#include "tests/e2e/conv_problems.h"

namespace fusilli::e2e {
namespace {

const std::vector<DataType> kTypes = {DataType::Float, DataType::Half,
                                      DataType::BFloat16, DataType::Double};

/// Every second problem declares its filter constant, so that it is packed
/// once.
void run(DataType dtype, DataType out, const ConvProblem &p, Data data,
         const RunOptions &options = {.threads = {1, 2}, .repeats = 1}) {
  static bool isConstant = false;
  isConstant = !isConstant;
  Case c("conv_fprop " + toString(dtype) + " " + toString(out) + " " +
         p.toString() + (isConstant ? " constant" : ""));
  const auto x = c.input("x", dtype, p.xDims(), p.strides(p.xDims(), 1), data);
  const auto w = c.input("w", dtype, p.wDims(), p.strides(p.wDims(), 2), data);
  w->setConstant(isConstant);
  const auto y = c.conv(x, w, p.padding, p.stride, p.dilation, out);
  c.output(y, "y", p.strides(y->getDim(), 4));
  EXPECT_TRUE(c.run(options));
}

TEST(ConvFPropTest, EveryLayoutMix) {
  for (DataType dtype : kTypes)
    for (int layout = 0; layout < 8; ++layout)
      run(dtype, dtype,
          {2, 5, 7, 1, {9, 11}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, layout},
          Data::Integers);
}

TEST(ConvFPropTest, RanksStridesDilationsPaddings) {
  for (DataType dtype : kTypes)
    for (ConvProblem problem : kConvProblems)
      for (int layout : {0, 7}) {
        problem.channelsLast = layout;
        run(dtype, dtype, problem, Data::Integers);
      }
}

TEST(ConvFPropTest, Groups) {
  for (DataType dtype : kTypes)
    for (ConvProblem problem : kGroupedConvProblems)
      for (int layout : {0, 3, 7}) {
        problem.channelsLast = layout;
        run(dtype, dtype, problem, Data::Integers);
      }
}

TEST(ConvFPropTest, LargerChannelsLast) {
  const RunOptions options{.threads = {1, 2, 3}, .repeats = 1, .samples = 4000};
  for (DataType dtype : kTypes) {
    run(dtype, dtype,
        {1, 64, 64, 1, {28, 28}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 7},
        Data::Normal, options);
    run(dtype, dtype,
        {1, 64, 61, 1, {29, 27}, {3, 3}, {1, 1}, {2, 2}, {1, 1}, 7},
        Data::Integers, options);
    run(dtype, dtype,
        {1, 128, 96, 1, {14, 14}, {1, 1}, {0, 0}, {1, 1}, {1, 1}, 0},
        Data::Normal, options);
  }
}

TEST(ConvFPropTest, OutputTypes) {
  const ConvProblem p = {1,      9,      10,     1,      {8, 9},
                         {3, 3}, {1, 1}, {1, 1}, {1, 1}, 7};
  run(DataType::Half, DataType::Float, p, Data::Normal);
  run(DataType::BFloat16, DataType::Float, p, Data::Normal);
  run(DataType::Int8, DataType::Int32, p, Data::Normal);
  run(DataType::Int32, DataType::Int32, p, Data::Normal);
}

TEST(ConvFPropTest, RandomProblems) {
  Random random = makeRandom("conv random problems");
  for (int64_t number = 0; number < Settings::get().count(40); ++number)
    run(pick(random, kTypes), pick(random, kFloatTypes),
        randomConvProblem(random), Data::Integers);
}

} // namespace
} // namespace fusilli::e2e
