// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Normalizations against numbers by hand, and their bounds.

#include "reference/program.h"
#include "reference/test_graph.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fusilli::reference {
namespace {

using Layernorm = fbs::LayernormAttrsT;
using Rmsnorm = fbs::RmsnormAttrsT;
using Batchnorm = fbs::BatchnormAttrsT;
constexpr auto kInference = NormFwdPhase::INFERENCE;
constexpr auto kTraining = NormFwdPhase::TRAINING;

TEST(NormTest, LayernormWithStatistics) {
  TestGraph g;
  const int x = g.input("x", DataType::Float, {2, 2, 2});
  const int s = g.input("s", DataType::Float, {1, 2, 2});
  const int b = g.input("b", DataType::Float, {1, 2, 2});
  const int e = g.constant("e", 1.0f);
  const int y = g.output("y", DataType::Float, {2, 2, 2});
  const int m = g.output("m", DataType::Float, {2, 1, 1});
  const int v = g.output("v", DataType::Float, {2, 1, 1});
  g.norm<Layernorm>(kTraining, {x, s, b, e}, {y, m, v});
  Inputs in;
  in.emplace("x", makeTensor("x", DataType::Float, {2, 2, 2},
                             {0, 0, 0, 0, 1, 3, 1, 3}));
  in.emplace("s", makeTensor("s", DataType::Float, {1, 2, 2}, {1, 2, 3, 4}));
  in.emplace("b", makeTensor("b", DataType::Float, {1, 2, 2}, {0, 0, 5, 0}));
  const auto out = evaluateWithBounds(g.bytes(), in);
  ASSERT_TRUE(isOk(out));
  EXPECT_EQ(out->at("m").values, (std::vector<double>{0, 2}));
  const double root = 1.0 / std::sqrt(2.0);
  const std::vector<double> inverse = {1.0, root};
  const std::vector<double> expected = {
      0, 0, 5, 0, -root, 2 * root, 5 - 3 * root, 4 * root};
  for (size_t k = 0; k < 2; ++k)
    EXPECT_NEAR(out->at("v").values[k], inverse[k], 1e-15);
  for (size_t k = 0; k < 8; ++k) {
    EXPECT_NEAR(out->at("y").values[k], expected[k], 1e-14);
    EXPECT_LT(out->at("y").bounds[k], 1e-5);
  }
}

TEST(NormTest, RmsnormKeepsTheMean) {
  TestGraph g;
  const int x = g.input("x", DataType::Half, {1, 4});
  const int e = g.constant("e", 0.0f);
  const int y = g.output("y", DataType::Float, {1, 4});
  g.norm<Rmsnorm>(kInference, {x, -1, e}, {y, -1});
  Inputs in;
  in.emplace("x", makeTensor("x", DataType::Half, {1, 4}, {2, 2, -2, 2}));
  const auto out = evaluate(g.bytes(), in);
  ASSERT_TRUE(isOk(out));
  EXPECT_EQ(valuesOf(out->at("y")), (std::vector<double>{1, 1, -1, 1}));
}

TEST(NormTest, BatchnormBothPhases) {
  for (NormFwdPhase phase : {kInference, kTraining}) {
    TestGraph g;
    const int x = g.input("x", DataType::Float, {2, 2, 2});
    const int m = g.input("m", DataType::Float, {2});
    const int v = g.input("v", DataType::Float, {2});
    const int e = g.constant("e", 0.0f);
    const int y = g.output("y", DataType::Float, {2, 2, 2});
    const bool training = phase == kTraining;
    const int sm = training ? g.output("sm", DataType::Float, {2}) : -1;
    const int si = training ? g.output("si", DataType::Float, {2}) : -1;
    g.norm<Batchnorm>(phase, {x, -1, -1, m, v, e, e}, {y, sm, si});
    Inputs in;
    in.emplace("x", makeTensor("x", DataType::Float, {2, 2, 2},
                               {0, 2, 10, 14, 0, 2, 10, 14}));
    in.emplace("m", makeTensor("m", DataType::Float, {2}, {0, 4}));
    in.emplace("v", makeTensor("v", DataType::Float, {2}, {0.25, 4}));
    const auto out = evaluate(g.bytes(), in);
    ASSERT_TRUE(isOk(out));
    EXPECT_EQ(valuesOf(out->at("y")),
              training ? (std::vector<double>{-1, 1, -1, 1, -1, 1, -1, 1})
                       : (std::vector<double>{0, 4, 3, 5, 0, 4, 3, 5}));
    if (training) {
      EXPECT_EQ(valuesOf(out->at("sm")), (std::vector<double>{1, 12}));
      EXPECT_EQ(valuesOf(out->at("si")), (std::vector<double>{1, 0.5}));
    }
  }
}

TEST(NormTest, LargeMeanLeavesVarianceItsBound) {
  // The mean may be off by its rounding; the variance only by the square.
  TestGraph g;
  const int x = g.input("x", DataType::Float, {1, 1024});
  const int e = g.constant("e", 0.0f);
  const int y = g.output("y", DataType::Float, {1, 1024});
  const int m = g.output("m", DataType::Float, {1, 1});
  const int v = g.output("v", DataType::Float, {1, 1});
  g.norm<Layernorm>(kTraining, {x, -1, -1, e}, {y, m, v});
  std::vector<double> values;
  for (int k = 0; k < 1024; ++k)
    values.push_back(1e4 + (k % 2 ? 1.0 : -1.0) + (k % 3) / 1024.0);
  Inputs in;
  in.emplace("x", makeTensor("x", DataType::Float, {1, 1024}, values));
  const auto out = evaluateWithBounds(g.bytes(), in);
  ASSERT_TRUE(isOk(out));
  EXPECT_NEAR(out->at("v").values[0], 1.0, 1e-3);
  EXPECT_LT(out->at("v").bounds[0], 0.1);
}

TEST(NormTest, RefusesWhatDoesNotFit) {
  const auto evaluateNorm = [](std::vector<int64_t> scaleDims, DataType dtype) {
    TestGraph g;
    const int x = g.input("x", dtype, {2, 4});
    const int s = g.input("s", DataType::Float, scaleDims);
    const int e = g.constant("e", 0.0f);
    const int y = g.output("y", DataType::Float, {2, 4});
    g.norm<Rmsnorm>(kInference, {x, s, e}, {y, -1});
    return decodeProgram(g.bytes());
  };
  EXPECT_TRUE(isOk(evaluateNorm({1, 4}, DataType::Float)));
  EXPECT_EQ(ErrorObject(evaluateNorm({4, 1}, DataType::Float)).getCode(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(ErrorObject(evaluateNorm({1, 4}, DataType::Int32)).getCode(),
            ErrorCode::NotImplemented);
}

} // namespace
} // namespace fusilli::reference
