// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution in every dtype and target: ranks 3 to 5, groups, strides,
// dilation, padding, channels-first and channels-last in every mix.

#include "tests/e2e/shapes.h"

namespace fusilli::e2e {
namespace {

struct Problem {
  int64_t n, c, k, groups;
  Dims x, w, padding, stride, dilation; // spatial
  int channelsLast = 0;                 // bit 0: X, bit 1: W, bit 2: Y
};

const std::vector<DataType> kTypes = {DataType::Float, DataType::Half,
                                      DataType::BFloat16, DataType::Double};

Dims stridesFor(const Dims &dims, bool channelsLast) {
  return channelsLast ? channelsLastStrides(dims) : rowMajorStrides(dims);
}

void run(DataType dtype, DataType out, const Problem &p, Data data,
         const RunOptions &options = {.threads = {1, 2}, .repeats = 1}) {
  Case c("conv_fprop " + toString(dtype) + " " + toString(out) + " n" +
         std::to_string(p.n) + " c" + std::to_string(p.c) + " k" +
         std::to_string(p.k) + " g" + std::to_string(p.groups) + " x" +
         toString(p.x) + " w" + toString(p.w) + " pad" + toString(p.padding) +
         " stride" + toString(p.stride) + " dilation" + toString(p.dilation) +
         " channels-last " + std::to_string(p.channelsLast));
  Dims x = {p.n, p.c}, w = {p.k, p.c / p.groups};
  x.insert(x.end(), p.x.begin(), p.x.end());
  w.insert(w.end(), p.w.begin(), p.w.end());
  const auto tx =
      c.input("x", dtype, x, stridesFor(x, p.channelsLast & 1), data);
  const auto tw =
      c.input("w", dtype, w, stridesFor(w, p.channelsLast & 2), data);
  const auto y = c.conv(tx, tw, p.padding, p.stride, p.dilation, out);
  c.output(y, "y", stridesFor(y->getDim(), p.channelsLast & 4));
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
  const std::vector<Problem> problems = {
      {1, 1, 1, 1, {1}, {1}, {0}, {1}, {1}},
      {2, 3, 4, 1, {19}, {3}, {1}, {2}, {1}},
      {1, 4, 6, 1, {20}, {4}, {2}, {1}, {3}},
      {1, 16, 32, 1, {8, 8}, {1, 1}, {0, 0}, {1, 1}, {1, 1}},
      {2, 8, 16, 1, {13, 10}, {3, 3}, {1, 1}, {2, 2}, {1, 1}},
      {1, 3, 17, 1, {15, 16}, {5, 3}, {2, 1}, {2, 1}, {1, 2}},
      {1, 6, 8, 1, {12, 12}, {3, 3}, {2, 2}, {1, 1}, {2, 2}},
      {1, 3, 64, 1, {23, 23}, {7, 7}, {3, 3}, {2, 2}, {1, 1}},
      {2, 4, 6, 1, {5, 6, 7}, {3, 2, 3}, {1, 0, 1}, {1, 2, 1}, {1, 1, 1}},
      {1, 2, 3, 1, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}, {2, 2, 2}, {1, 1, 2}},
      {1, 2, 3, 1, {4, 5}, {4, 5}, {0, 0}, {1, 1}, {1, 1}},
      {1, 2, 3, 1, {2, 2}, {3, 3}, {4, 4}, {3, 3}, {1, 1}}};
  for (DataType dtype : kTypes)
    for (Problem problem : problems)
      for (int layout : {0, 7}) {
        problem.channelsLast = layout;
        run(dtype, dtype, problem, Data::Integers);
      }
}

TEST(ConvFPropTest, Groups) {
  const std::vector<Problem> problems = {
      {2, 8, 8, 8, {9, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {1, 8, 16, 8, {7, 9}, {3, 3}, {1, 1}, {2, 2}, {1, 1}},
      {1, 12, 6, 3, {9, 8}, {3, 1}, {0, 0}, {1, 1}, {1, 1}},
      {2, 32, 64, 2, {6, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {1, 64, 64, 64, {10, 33}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {1, 6, 9, 3, {21}, {5}, {2}, {1}, {1}}};
  for (DataType dtype : kTypes)
    for (Problem problem : problems)
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
  const Problem p = {1, 9, 10, 1, {8, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 7};
  run(DataType::Half, DataType::Float, p, Data::Normal);
  run(DataType::BFloat16, DataType::Float, p, Data::Normal);
  run(DataType::Int8, DataType::Int32, p, Data::Normal);
  run(DataType::Int32, DataType::Int32, p, Data::Normal);
}

TEST(ConvFPropTest, RandomProblems) {
  Random random = makeRandom("conv random problems");
  for (int64_t number = 0; number < Settings::get().count(40); ++number) {
    Problem p;
    const int64_t rank = pick(random, 1, 3);
    p.groups = pick(random, 1, 3);
    p.n = pick(random, 1, 3);
    p.c = p.groups * pick(random, 1, 9);
    p.k = p.groups * pick(random, 1, 12);
    for (int64_t d = 0; d < rank; ++d) {
      const int64_t tap = pick(random, 1, 4), dilation = pick(random, 1, 2);
      const int64_t padding = pick(random, 0, 2);
      const int64_t least =
          std::max<int64_t>(1, dilation * (tap - 1) + 1 - 2 * padding);
      p.w.push_back(tap);
      p.dilation.push_back(dilation);
      p.padding.push_back(padding);
      p.stride.push_back(pick(random, 1, 3));
      p.x.push_back(least + pick(random, 0, 12));
    }
    p.channelsLast = static_cast<int>(pick(random, 0, 7));
    run(pick(random, kTypes), pick(random, kFloatTypes), p, Data::Integers);
  }
}

} // namespace
} // namespace fusilli::e2e
