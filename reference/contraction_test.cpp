// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmul and convolution against values computed by hand and by naive loops.

#include "reference/test_graph.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace fusilli::reference {
namespace {

using Values = std::vector<double>;
using Dims = std::vector<int64_t>;

Values numbers(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  Values out(static_cast<size_t>(count));
  for (double &value : out)
    value = static_cast<double>(static_cast<int>(random() % 17)) - 8.0;
  return out;
}

int64_t volume(const Dims &dims) {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

struct Operand {
  Dims dims, strides;
  DataType dtype = DataType::Float;
};

ErrorOr<std::map<std::string, Expected>>
matmul(const Operand &a, const Values &av, const Operand &b, const Values &bv,
       const Dims &c, DataType type, int64_t samples = 0) {
  TestGraph graph;
  const int ta = graph.input("a", a.dtype, a.dims, a.strides);
  const int tb = graph.input("b", b.dtype, b.dims, b.strides);
  graph.matmul(ta, tb, graph.output("c", type, c));
  Inputs inputs;
  inputs.emplace("a", makeTensor("a", a.dtype, a.dims, av, a.strides));
  inputs.emplace("b", makeTensor("b", b.dtype, b.dims, bv, b.strides));
  return evaluateWithBounds(graph.bytes(), inputs, {samples});
}

TEST(MatmulTest, ByHandWithTransposedOperand) {
  auto c = matmul({{2, 3}, {}}, {1, 2, 3, 4, 5, 6}, {{3, 2}, {1, 3}},
                  {1, 0, 0, 1, 1, 1}, {2, 2}, DataType::Float);
  ASSERT_EQ(ErrorObject(c).getCode(), ErrorCode::OK);
  EXPECT_EQ(c->at("c").values, (Values{4, 5, 10, 11}));
  EXPECT_EQ(c->at("c").bounds, (Values{0, 0, 0, 0}));
}

TEST(MatmulTest, BatchesBroadcast) {
  const Values a = numbers(2 * 3 * 4 * 5, 1), b = numbers(3 * 5 * 2, 2);
  auto c = matmul({{2, 3, 4, 5}, {}}, a, {{1, 3, 5, 2}, {}}, b, {2, 3, 4, 2},
                  DataType::Float);
  ASSERT_EQ(ErrorObject(c).getCode(), ErrorCode::OK);
  for (size_t n = 0; n < 6; ++n)
    for (size_t i = 0; i < 4; ++i)
      for (size_t j = 0; j < 2; ++j) {
        double sum = 0.0;
        for (size_t k = 0; k < 5; ++k)
          sum += a[(n * 4 + i) * 5 + k] * b[(n % 3 * 5 + k) * 2 + j];
        EXPECT_EQ(c->at("c").values[(n * 4 + i) * 2 + j], sum);
      }
}

TEST(MatmulTest, BoundGrowsWithLengthAndCoversFloat) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const int64_t k = 2000;
  Values a(static_cast<size_t>(k)), b(static_cast<size_t>(k));
  float actual = 0.0f;
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = normal(random);
    b[i] = normal(random);
    actual += static_cast<float>(a[i]) * static_cast<float>(b[i]);
  }
  auto c = matmul({{1, k}, {}}, a, {{k, 1}, {}}, b, {1, 1}, DataType::Float);
  ASSERT_EQ(ErrorObject(c).getCode(), ErrorCode::OK);
  const Expected &y = c->at("c");
  EXPECT_LE(std::abs(actual - y.values[0]), y.bounds[0]);
  EXPECT_GT(y.bounds[0], 0.0);
  EXPECT_LT(y.bounds[0], 0.1);
}

TEST(MatmulTest, SampledElementsEqualAllElements) {
  const Values a = numbers(7 * 9, 4), b = numbers(9 * 5, 5);
  auto all = matmul({{7, 9}, {}}, a, {{9, 5}, {}}, b, {7, 5}, DataType::Float);
  auto some =
      matmul({{7, 9}, {}}, a, {{9, 5}, {}}, b, {7, 5}, DataType::Float, 6);
  ASSERT_EQ(ErrorObject(some).getCode(), ErrorCode::OK);
  const Expected &sampled = some->at("c");
  ASSERT_EQ(sampled.index.size(), 6u);
  EXPECT_EQ(sampled.index.back(), 34);
  for (size_t k = 0; k < 6; ++k)
    EXPECT_EQ(sampled.values[k],
              all->at("c").values[static_cast<size_t>(sampled.index[k])]);
}

TEST(MatmulTest, InfinityIsCertainAndZeroTimesItIsNot) {
  const double inf = std::numeric_limits<double>::infinity();
  auto c = matmul({{1, 2}, {}}, {inf, 1}, {{2, 2}, {}}, {1, 0, 1, 1}, {1, 2},
                  DataType::Float);
  ASSERT_EQ(ErrorObject(c).getCode(), ErrorCode::OK);
  EXPECT_EQ(c->at("c").values[0], inf);
  EXPECT_TRUE(std::isnan(c->at("c").values[1]));
}

TEST(MatmulTest, IntegersWrapAndMixedTypesConvert) {
  const DataType i8 = DataType::Int8;
  auto c = matmul({{1, 2}, {}, i8}, {100, 100}, {{2, 1}, {}, i8}, {2, 1},
                  {1, 1}, i8);
  ASSERT_EQ(ErrorObject(c).getCode(), ErrorCode::OK);
  EXPECT_EQ(c->at("c").integers, std::vector<int64_t>{44});
  auto mixed = matmul({{1, 1, 2}, {}, DataType::Int4}, {-8, 7},
                      {{1, 2, 1}, {}, DataType::Half}, {0.5, 2.0}, {1, 1, 1},
                      DataType::Half);
  ASSERT_EQ(ErrorObject(mixed).getCode(), ErrorCode::OK);
  EXPECT_EQ(mixed->at("c").values, Values{10.0});
}

TEST(ConvFPropTest, ByHandWithPadding) {
  TestGraph graph;
  const int x = graph.input("x", DataType::Float, {1, 1, 3});
  const int w = graph.input("w", DataType::Float, {1, 1, 3});
  graph.conv(x, w, graph.output("y", DataType::Float, {1, 1, 3}), {1}, {1},
             {1});
  Inputs inputs;
  inputs.emplace("x", makeTensor("x", DataType::Float, {1, 1, 3}, {1, 2, 3}));
  inputs.emplace("w",
                 makeTensor("w", DataType::Float, {1, 1, 3}, {1, 10, 100}));
  auto y = evaluate(graph.bytes(), inputs);
  ASSERT_EQ(ErrorObject(y).getCode(), ErrorCode::OK);
  EXPECT_EQ(valuesOf(y->at("y")), (Values{210, 321, 32}));
}

// Groups, stride, dilation, padding, channels-last input and output.
TEST(ConvFPropTest, AgainstNaiveLoops) {
  const Dims xd = {2, 4, 7, 6}, wd = {6, 2, 3, 2}, yd = {2, 6, 4, 6};
  const Dims xs = {168, 1, 24, 4}, ys = {144, 1, 36, 6};
  const Values x = numbers(volume(xd), 6), w = numbers(volume(wd), 7);
  TestGraph graph;
  const int tx = graph.input("x", DataType::Float, xd, xs);
  const int tw = graph.input("w", DataType::Float, wd);
  const int ty = graph.output("y", DataType::Float, yd, ys);
  graph.conv(tx, tw, ty, {2, 1}, {2, 1}, {2, 2});
  Inputs inputs;
  inputs.emplace("x", makeTensor("x", DataType::Float, xd, x, xs));
  inputs.emplace("w", makeTensor("w", DataType::Float, wd, w));
  auto all = evaluateWithBounds(graph.bytes(), inputs);
  auto some = evaluateWithBounds(graph.bytes(), inputs, {10});
  ASSERT_EQ(ErrorObject(all).getCode(), ErrorCode::OK);
  ASSERT_EQ(ErrorObject(some).getCode(), ErrorCode::OK);
  const auto at = [](const Values &v, const Dims &d, int64_t a, int64_t b,
                     int64_t c, int64_t e) {
    if (c < 0 || c >= d[2] || e < 0 || e >= d[3])
      return 0.0;
    return v[static_cast<size_t>(((a * d[1] + b) * d[2] + c) * d[3] + e)];
  };
  const Values &y = all->at("y").values;
  for (int64_t i = 0; i < volume(yd); ++i) {
    const int64_t ow = i % 6, oh = i / 6 % 4, k = i / 24 % 6, n = i / 144;
    double sum = 0.0;
    for (int64_t c = 0; c < 2; ++c)
      for (int64_t r = 0; r < 3; ++r)
        for (int64_t s = 0; s < 2; ++s)
          sum +=
              at(x, xd, n, k / 3 * 2 + c, oh * 2 + r * 2 - 2, ow + s * 2 - 1) *
              at(w, wd, k, c, r, s);
    EXPECT_EQ(y[static_cast<size_t>(i)], sum) << i;
  }
  const Expected &sampled = some->at("y");
  for (size_t k = 0; k < sampled.index.size(); ++k)
    EXPECT_EQ(sampled.values[k], y[static_cast<size_t>(sampled.index[k])]);
}

} // namespace
} // namespace fusilli::reference
