// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradients of a convolution against values computed by hand and against
// central differences of the forward convolution.

#include "reference/test_graph.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace fusilli::reference {
namespace {

using Values = std::vector<double>;
using Dims = std::vector<int64_t>;

int64_t volume(const Dims &dims) {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

Values numbers(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  Values out(static_cast<size_t>(count));
  for (double &value : out)
    value = static_cast<double>(static_cast<int>(random() % 17)) - 8.0;
  return out;
}

/// A convolution's shapes and lists; the strides are those of each tensor.
struct Conv {
  Dims x, w, y, padding, stride, dilation;
};

enum class Kind { Forward, Data, Weights };

/// The convolution or a gradient of it, on row-major tensors of `type`.
ErrorOr<std::map<std::string, Expected>>
evaluateConv(Kind kind, const Conv &conv, const Values &a, const Values &b,
             DataType type = DataType::Double, int64_t samples = 0) {
  const Dims &da = kind == Kind::Forward ? conv.x : conv.y;
  const Dims &db = kind == Kind::Weights ? conv.x : conv.w;
  const Dims &out = kind == Kind::Forward ? conv.y
                    : kind == Kind::Data  ? conv.x
                                          : conv.w;
  TestGraph graph;
  const int ta = graph.input("a", type, da), tb = graph.input("b", type, db);
  const int to = graph.output("out", type, out);
  if (kind == Kind::Forward)
    graph.conv(ta, tb, to, conv.padding, conv.stride, conv.dilation);
  else if (kind == Kind::Data)
    graph.convDGrad(ta, tb, to, conv.padding, conv.stride, conv.dilation);
  else
    graph.convWGrad(ta, tb, to, conv.padding, conv.stride, conv.dilation);
  Inputs inputs;
  inputs.emplace("a", makeTensor("a", type, da, a));
  inputs.emplace("b", makeTensor("b", type, db, b));
  return evaluateWithBounds(graph.bytes(), inputs, {samples});
}

Values valuesOfConv(Kind kind, const Conv &conv, const Values &a,
                    const Values &b) {
  auto out = evaluateConv(kind, conv, a, b);
  EXPECT_EQ(ErrorObject(out).getCode(), ErrorCode::OK)
      << ErrorObject(out).getMessage();
  return isError(out) ? Values() : out->at("out").values;
}

/// Every element of the gradient of sum(y dy), by whole numbers, for which
/// central differences of a linear function are exact.
void checkAgainstDifferences(Kind kind, const Conv &conv) {
  Values x = numbers(volume(conv.x), 1), w = numbers(volume(conv.w), 2);
  const Values dy = numbers(volume(conv.y), 3);
  const Values gradient =
      valuesOfConv(kind, conv, dy, kind == Kind::Data ? w : x);
  Values &moved = kind == Kind::Data ? x : w;
  ASSERT_EQ(gradient.size(), moved.size());
  const auto loss = [&] {
    const Values y = valuesOfConv(Kind::Forward, conv, x, w);
    double sum = 0.0;
    for (size_t i = 0; i < y.size(); ++i)
      sum += y[i] * dy[i];
    return sum;
  };
  for (size_t i = 0; i < moved.size(); ++i) {
    const double before = moved[i];
    moved[i] = before + 1.0;
    const double above = loss();
    moved[i] = before - 1.0;
    const double below = loss();
    moved[i] = before;
    EXPECT_EQ(gradient[i], (above - below) / 2.0) << i;
  }
}

const std::vector<Conv> kConvs = {
    {{2, 3, 7}, {4, 3, 3}, {2, 4, 7}, {1}, {1}, {1}},
    {{1, 2, 9}, {2, 2, 2}, {1, 2, 4}, {0}, {2}, {2}},
    {{1, 4, 6}, {6, 2, 3}, {1, 6, 3}, {1}, {2}, {1}},
    {{2, 4, 5, 6}, {6, 2, 3, 2}, {2, 6, 3, 4}, {1, 1}, {2, 2}, {1, 1}},
    {{1, 3, 5, 5}, {3, 1, 3, 3}, {1, 3, 5, 5}, {1, 1}, {1, 1}, {1, 1}},
    {{1, 2, 8, 7}, {2, 1, 2, 3}, {1, 2, 4, 2}, {1, 0}, {2, 3}, {3, 1}},
    {{1, 2, 5, 3}, {1, 2, 1, 1}, {1, 1, 2, 1}, {0, 0}, {3, 3}, {1, 1}},
    {{1, 2, 3, 4, 3},
     {2, 1, 2, 3, 1},
     {1, 2, 2, 4, 2},
     {0, 1, 0},
     {1, 1, 2},
     {1, 1, 1}},
    {{1, 1, 2, 2}, {1, 1, 3, 3}, {1, 1, 3, 3}, {4, 4}, {3, 3}, {1, 1}}};

TEST(ConvDGradTest, IsTheDifferenceQuotientOfTheForwardConvolution) {
  for (const Conv &conv : kConvs)
    checkAgainstDifferences(Kind::Data, conv);
}

TEST(ConvWGradTest, IsTheDifferenceQuotientOfTheForwardConvolution) {
  for (const Conv &conv : kConvs)
    checkAgainstDifferences(Kind::Weights, conv);
}

const Conv kByHand = {{1, 1, 4}, {1, 1, 3}, {1, 1, 2}, {1}, {2}, {1}};

TEST(ConvDGradTest, ByHandWithStrideAndPadding) {
  // Output 0 reads inputs -1, 0, 1; output 1 reads 1, 2, 3.
  EXPECT_EQ(valuesOfConv(Kind::Data, kByHand, {5, 7}, {1, 10, 100}),
            (Values{50, 500 + 7, 70, 700}));
}

TEST(ConvWGradTest, ByHandWithStrideAndPadding) {
  EXPECT_EQ(valuesOfConv(Kind::Weights, kByHand, {5, 7}, {1, 2, 3, 4}),
            (Values{7 * 2, 5 * 1 + 7 * 3, 5 * 2 + 7 * 4}));
}

TEST(ConvDGradTest, WhatNoOutputReadsIsZero) {
  const Conv conv = {{1, 1, 6}, {1, 1, 1}, {1, 1, 2}, {0}, {3}, {1}};
  EXPECT_EQ(valuesOfConv(Kind::Data, conv, {2, 3}, {10}),
            (Values{20, 0, 0, 30, 0, 0}));
}

TEST(ConvGradientTest, SampledElementsEqualAllElements) {
  const Conv &conv = kConvs[3];
  for (Kind kind : {Kind::Data, Kind::Weights}) {
    const Values a = numbers(volume(conv.y), 5);
    const Values b = numbers(volume(kind == Kind::Data ? conv.w : conv.x), 6);
    auto all = evaluateConv(kind, conv, a, b);
    auto some = evaluateConv(kind, conv, a, b, DataType::Double, 9);
    ASSERT_EQ(ErrorObject(some).getCode(), ErrorCode::OK);
    const Expected &sampled = some->at("out");
    ASSERT_EQ(sampled.index.size(), 9u);
    for (size_t k = 0; k < 9; ++k)
      EXPECT_EQ(sampled.values[k],
                all->at("out").values[static_cast<size_t>(sampled.index[k])]);
  }
}

TEST(ConvGradientTest, IntegersWrap) {
  auto dx =
      evaluateConv(Kind::Data, kByHand, {100, 1}, {2, 100, 3}, DataType::Int8);
  ASSERT_EQ(ErrorObject(dx).getCode(), ErrorCode::OK);
  EXPECT_EQ(dx->at("out").integers, (std::vector<int64_t>{16, 46, 100, 3}));
  auto dw = evaluateConv(Kind::Weights, kByHand, {100, 1}, {3, 1, 2, 3},
                         DataType::Int8);
  ASSERT_EQ(ErrorObject(dw).getCode(), ErrorCode::OK);
  EXPECT_EQ(dw->at("out").integers, (std::vector<int64_t>{1, 46, 103}));
}

TEST(ConvGradientTest, InfinityIsCertainAndTimesPaddingIsNot) {
  const double inf = std::numeric_limits<double>::infinity();
  // W's first tap reaches input 1 only; others may be multiplied by a zero.
  auto dx =
      evaluateConv(Kind::Data, kByHand, {5, 7}, {inf, 1, 1}, DataType::Float);
  ASSERT_EQ(ErrorObject(dx).getCode(), ErrorCode::OK);
  EXPECT_EQ(dx->at("out").values[1], inf);
  EXPECT_EQ(dx->at("out").bounds[1], 0.0);
  EXPECT_EQ(dx->at("out").bounds[0], inf);
  // Output 0 reads padding through tap 0, and inputs through the others.
  auto dw = evaluateConv(Kind::Weights, kByHand, {inf, 7}, {1, 2, 3, 4},
                         DataType::Float);
  ASSERT_EQ(ErrorObject(dw).getCode(), ErrorCode::OK);
  EXPECT_EQ(dw->at("out").bounds[0], inf);
  EXPECT_EQ(dw->at("out").values[1], inf);
  EXPECT_EQ(dw->at("out").bounds[1], 0.0);
}

TEST(ConvGradientTest, ShapesThatDoNotFitAreRefused) {
  Conv conv = kByHand;
  conv.x = {1, 1, 6};
  auto dx = evaluateConv(Kind::Data, conv, {5, 7}, {1, 2, 3});
  EXPECT_EQ(ErrorObject(dx).getCode(), ErrorCode::InvalidArgument);
  auto dw = evaluateConv(Kind::Weights, conv, {5, 7}, numbers(6, 1));
  EXPECT_EQ(ErrorObject(dw).getCode(), ErrorCode::InvalidArgument);
}

} // namespace
} // namespace fusilli::reference
