// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pointwise modes against values computed by hand.

#include "reference/test_graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fusilli::reference {
namespace {

using Mode = PointwiseAttr::Mode;
using Values = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Result of one mode on operands of one type, all of `in[0].size()` elements.
Values run(Mode mode, DataType in, DataType out,
           const std::vector<Values> &values,
           ErrorCode expected = ErrorCode::OK) {
  TestGraph graph;
  Inputs inputs;
  std::vector<int> operands;
  const auto n = static_cast<int64_t>(values[0].size());
  for (size_t k = 0; k < values.size(); ++k) {
    const std::string name = "in" + std::to_string(k);
    operands.push_back(graph.input(name, in, {n}));
    inputs.emplace(name, makeTensor(name, in, {n}, values[k]));
  }
  graph.pointwise(mode, operands, graph.output("y", out, {n}));
  auto result = evaluate(graph.bytes(), inputs);
  EXPECT_EQ(ErrorObject(result).getCode(), expected);
  return isError(result) ? Values() : valuesOf(result->at("y"));
}

void expectNear(const Values &actual, const Values &expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t k = 0; k < actual.size(); ++k)
    EXPECT_NEAR(actual[k], expected[k], 1e-6) << k;
}

constexpr DataType kF32 = DataType::Float;

TEST(PointwiseTest, UnaryModes) {
  const auto unary = [](Mode mode, const Values &in, const Values &out) {
    SCOPED_TRACE(PointwiseAttr::kModeToStr.at(mode));
    expectNear(run(mode, kF32, kF32, {in}), out);
  };
  unary(Mode::ABS, {-1.5, 2.0}, {1.5, 2.0});
  unary(Mode::NEG, {-1.5, 2.0}, {1.5, -2.0});
  unary(Mode::IDENTITY, {-1.5}, {-1.5});
  unary(Mode::CEIL, {-1.5, 1.5}, {-1.0, 2.0});
  unary(Mode::FLOOR, {-1.5, 1.5}, {-2.0, 1.0});
  unary(Mode::EXP, {0.0, 1.0}, {1.0, 2.718281828});
  unary(Mode::LOG, {1.0, 10.0}, {0.0, 2.302585093});
  unary(Mode::SQRT, {4.0, 2.0}, {2.0, 1.414213562});
  unary(Mode::RSQRT, {4.0}, {0.5});
  unary(Mode::RECIPROCAL, {4.0}, {0.25});
  unary(Mode::ERF, {0.0, 0.5}, {0.0, 0.5204998778});
  unary(Mode::SIN, {0.5}, {0.4794255386});
  unary(Mode::TAN, {0.5}, {0.5463024898});
  unary(Mode::TANH_FWD, {0.5}, {0.4621171573});
  unary(Mode::SIGMOID_FWD, {0.0, 1.0}, {0.5, 0.7310585786});
  unary(Mode::RELU_FWD, {-1.0, 1.0}, {0.0, 1.0});
  unary(Mode::ELU_FWD, {-1.0, 1.0}, {-0.6321205588, 1.0});
  unary(Mode::GELU_FWD, {1.0, -1.0}, {0.8413447461, -0.1586552539});
  unary(Mode::GELU_APPROX_TANH_FWD, {1.0}, {0.8411919906});
  unary(Mode::SOFTPLUS_FWD, {0.0, 30.0}, {0.6931471806, 30.0});
  unary(Mode::SWISH_FWD, {1.0}, {0.7310585786});
}

TEST(PointwiseTest, BinaryModes) {
  const auto binary = [](Mode mode, const Values &out) {
    SCOPED_TRACE(PointwiseAttr::kModeToStr.at(mode));
    expectNear(run(mode, kF32, kF32, {{3.0, -2.0}, {2.0, 0.5}}), out);
  };
  binary(Mode::ADD, {5.0, -1.5});
  binary(Mode::SUB, {1.0, -2.5});
  binary(Mode::MUL, {6.0, -1.0});
  binary(Mode::DIV, {1.5, -4.0});
  binary(Mode::ADD_SQUARE, {7.0, -1.75});
  binary(Mode::MAX_OP, {3.0, 0.5});
  binary(Mode::MIN_OP, {2.0, -2.0});
}

TEST(PointwiseTest, BackwardModesAreDerivatives) {
  // d/dx of the forward mode by a central difference, times dy.
  const auto check = [](Mode forward, Mode backward) {
    SCOPED_TRACE(PointwiseAttr::kModeToStr.at(backward));
    for (double x : {-2.0, -0.3, 0.4, 1.7}) {
      const double h = 1e-5, dy = 0.5;
      const Values ends =
          run(forward, DataType::Double, DataType::Double, {{x + h, x - h}});
      const Values slope =
          run(backward, DataType::Double, DataType::Double, {{dy}, {x}});
      EXPECT_NEAR(slope[0], dy * (ends[0] - ends[1]) / (2 * h), 1e-8) << x;
    }
  };
  check(Mode::RELU_FWD, Mode::RELU_BWD);
  check(Mode::TANH_FWD, Mode::TANH_BWD);
  check(Mode::SWISH_FWD, Mode::SWISH_BWD);
  check(Mode::GELU_FWD, Mode::GELU_BWD);
  check(Mode::GELU_APPROX_TANH_FWD, Mode::GELU_APPROX_TANH_BWD);
  EXPECT_EQ(run(Mode::RELU_BWD, kF32, kF32, {{3.0}, {0.0}}), Values{0.0});
}

TEST(PointwiseTest, ComparisonsAndLogic) {
  const std::vector<Values> in = {{1, 2, 2, kNan}, {2, 2, 1, 1}};
  const auto compare = [&](Mode mode) {
    return run(mode, kF32, DataType::Boolean, in);
  };
  EXPECT_EQ(compare(Mode::CMP_EQ), (Values{0, 1, 0, 0}));
  EXPECT_EQ(compare(Mode::CMP_NEQ), (Values{1, 0, 1, 1}));
  EXPECT_EQ(compare(Mode::CMP_LT), (Values{1, 0, 0, 0}));
  EXPECT_EQ(compare(Mode::CMP_LE), (Values{1, 1, 0, 0}));
  EXPECT_EQ(compare(Mode::CMP_GT), (Values{0, 0, 1, 0}));
  EXPECT_EQ(compare(Mode::CMP_GE), (Values{0, 1, 1, 0}));
  const std::vector<Values> bits = {{0, 0, 5, 5}, {0, 2, 0, 2}};
  EXPECT_EQ(run(Mode::LOGICAL_AND, DataType::Int32, DataType::Boolean, bits),
            (Values{0, 0, 0, 1}));
  EXPECT_EQ(run(Mode::LOGICAL_OR, DataType::Int32, DataType::Boolean, bits),
            (Values{0, 1, 1, 1}));
  EXPECT_EQ(
      run(Mode::LOGICAL_NOT, DataType::Int32, DataType::Boolean, {{0, 3}}),
      (Values{1, 0}));
}

TEST(PointwiseTest, IntegersWrapAndDivideByZeroGivesZero) {
  const DataType i8 = DataType::Int8;
  EXPECT_EQ(run(Mode::ADD, i8, i8, {{127, -128}, {1, -1}}),
            (Values{-128, 127}));
  EXPECT_EQ(run(Mode::MUL, i8, i8, {{100}, {3}}), (Values{44}));
  EXPECT_EQ(run(Mode::DIV, i8, i8, {{-7, 7, -128, 5}, {2, 0, -1, -2}}),
            (Values{-3, 0, -128, -2}));
  EXPECT_EQ(run(Mode::ABS, i8, i8, {{-128, -5}}), (Values{-128, 5}));
  EXPECT_EQ(run(Mode::ADD_SQUARE, i8, i8, {{1}, {12}}), (Values{-111}));
  EXPECT_EQ(run(Mode::EXP, DataType::Int32, DataType::Int32, {{2, -1, 40}}),
            (Values{7, 0, 2147483647}));
}

TEST(PointwiseTest, BooleanArithmeticIsLogic) {
  const DataType i1 = DataType::Boolean;
  const std::vector<Values> in = {{0, 0, 1, 1}, {0, 1, 0, 1}};
  EXPECT_EQ(run(Mode::ADD, i1, i1, in), (Values{0, 1, 1, 1}));
  EXPECT_EQ(run(Mode::SUB, i1, i1, in), (Values{0, 1, 1, 0}));
  EXPECT_EQ(run(Mode::MUL, i1, i1, in), (Values{0, 0, 0, 1}));
  run(Mode::EXP, i1, i1, {{1}}, ErrorCode::NotImplemented);
}

TEST(PointwiseTest, SelectAndMixedTypes) {
  TestGraph graph;
  const int c = graph.input("c", DataType::Boolean, {2});
  const int a = graph.input("a", DataType::Int32, {2});
  const int b = graph.input("b", DataType::Half, {2});
  graph.pointwise(Mode::BINARY_SELECT, {c, a, b},
                  graph.output("y", DataType::Float, {2}));
  graph.pointwise(Mode::ADD, {a, b}, graph.output("z", DataType::Half, {2}));
  Inputs inputs;
  inputs.emplace("c", makeTensor("c", DataType::Boolean, {2}, {1, 0}));
  inputs.emplace("a", makeTensor("a", DataType::Int32, {2}, {7, 8}));
  inputs.emplace("b", makeTensor("b", DataType::Half, {2}, {0.5, 0.25}));
  auto result = evaluate(graph.bytes(), inputs);
  ASSERT_EQ(ErrorObject(result).getCode(), ErrorCode::OK);
  EXPECT_EQ(valuesOf(result->at("y")), (Values{7.0, 0.25}));
  EXPECT_EQ(valuesOf(result->at("z")), (Values{7.5, 8.25}));
}

TEST(PointwiseTest, BroadcastsRightAlignedAcrossLayouts) {
  TestGraph graph;
  const int a = graph.input("a", kF32, {2, 3}, {1, 2});
  const int b = graph.input("b", kF32, {3});
  const int two = graph.constant("two", 2.0f);
  const int sum = graph.intermediate("s", kF32, {2, 3});
  graph.pointwise(Mode::ADD, {a, b}, sum);
  graph.pointwise(Mode::MUL, {sum, two}, graph.output("y", kF32, {2, 3}));
  Inputs inputs;
  inputs.emplace("a",
                 makeTensor("a", kF32, {2, 3}, {1, 2, 3, 4, 5, 6}, {1, 2}));
  inputs.emplace("b", makeTensor("b", kF32, {3}, {10, 20, 30}));
  auto result = evaluate(graph.bytes(), inputs);
  ASSERT_EQ(ErrorObject(result).getCode(), ErrorCode::OK);
  EXPECT_EQ(valuesOf(result->at("y")), (Values{22, 44, 66, 28, 50, 72}));
}

} // namespace
} // namespace fusilli::reference
