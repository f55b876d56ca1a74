// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions against values computed by hand.

#include "reference/test_graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fusilli::reference {
namespace {

using Mode = ReductionAttr::Mode;
using Values = std::vector<double>;
using Dims = std::vector<int64_t>;

Values run(Mode mode, DataType in, DataType out, const Dims &x, const Dims &y,
           const Values &values, ErrorCode expected = ErrorCode::OK) {
  TestGraph graph;
  graph.reduction(mode, graph.input("x", in, x), graph.output("y", out, y));
  Inputs inputs;
  inputs.emplace("x", makeTensor("x", in, x, values));
  auto result = evaluate(graph.bytes(), inputs);
  EXPECT_EQ(ErrorObject(result).getCode(), expected);
  return isError(result) ? Values() : valuesOf(result->at("y"));
}

Values rows(Mode mode, DataType type) {
  return run(mode, type, type, {2, 3}, {2, 1}, {1, -2, 3, 4, 0, -6});
}

TEST(ReductionTest, AllModesOverRows) {
  for (DataType type : {DataType::Float, DataType::Half, DataType::Int32}) {
    EXPECT_EQ(rows(Mode::ADD, type), (Values{2, -2}));
    EXPECT_EQ(rows(Mode::SUM, type), (Values{2, -2}));
    EXPECT_EQ(rows(Mode::MUL, type), (Values{-6, 0}));
    EXPECT_EQ(rows(Mode::MUL_NO_ZEROS, type), (Values{-6, -24}));
    EXPECT_EQ(rows(Mode::MIN, type), (Values{-2, -6}));
    EXPECT_EQ(rows(Mode::MAX, type), (Values{3, 4}));
    EXPECT_EQ(rows(Mode::AMAX, type), (Values{3, 6}));
    EXPECT_EQ(rows(Mode::NORM1, type), (Values{6, 10}));
  }
  const Values norms = rows(Mode::NORM2, DataType::Float);
  EXPECT_NEAR(norms[0], 3.7416573868, 1e-6);
  EXPECT_NEAR(norms[1], 7.2111025509, 1e-6);
  EXPECT_EQ(rows(Mode::NORM2, DataType::Int32), (Values{4, 7}));
  EXPECT_NEAR(rows(Mode::AVG, DataType::Float)[0], 2.0 / 3.0, 1e-7);
  run(Mode::AVG, DataType::Int32, DataType::Int32, {2}, {1}, {1, 2},
      ErrorCode::NotImplemented);
}

TEST(ReductionTest, AnySetOfDims) {
  Values x(24);
  for (size_t k = 0; k < 24; ++k)
    x[k] = static_cast<double>(k);
  const DataType type = DataType::Float;
  EXPECT_EQ(run(Mode::ADD, type, type, {2, 3, 4}, {1, 3, 1}, x),
            (Values{60, 92, 124}));
  EXPECT_EQ(run(Mode::ADD, type, type, {2, 3, 4}, {2, 1, 4}, x),
            (Values{12, 15, 18, 21, 48, 51, 54, 57}));
  EXPECT_EQ(run(Mode::ADD, type, type, {2, 3, 4}, {1, 1, 1}, x), (Values{276}));
}

TEST(ReductionTest, NarrowIntegersAccumulateWide) {
  const DataType i8 = DataType::Int8;
  EXPECT_EQ(run(Mode::ADD, i8, i8, {3}, {1}, {100, 100, 100}), (Values{44}));
  EXPECT_EQ(run(Mode::ADD, i8, DataType::Int32, {3}, {1}, {100, 100, 100}),
            (Values{300}));
  EXPECT_EQ(run(Mode::AMAX, i8, DataType::Int32, {2}, {1}, {-128, 100}),
            (Values{128}));
}

TEST(ReductionTest, NotANumberPropagates) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (Mode mode : {Mode::ADD, Mode::MUL, Mode::MIN, Mode::MAX, Mode::AMAX,
                    Mode::AVG, Mode::NORM1, Mode::NORM2, Mode::MUL_NO_ZEROS}) {
    const Values y =
        run(mode, DataType::Float, DataType::Float, {3}, {1}, {1.0, nan, 2.0});
    EXPECT_TRUE(std::isnan(y[0])) << ReductionAttr::kModeToStr.at(mode);
  }
}

} // namespace
} // namespace fusilli::reference
