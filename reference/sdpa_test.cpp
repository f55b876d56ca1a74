// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention against values computed by hand and by naive loops.

#include "reference/test_graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace fusilli::reference {
namespace {

using Values = std::vector<double>;
using Dims = std::vector<int64_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();

struct Given {
  Dims q = {}, k = {}, v = {};
  Values qv = {}, kv = {}, vv = {};
  bool causal = false;
  std::optional<float> scale = {};
  Dims mask = {};
  Values maskValues = {};
  DataType maskType = DataType::Float;
  DataType dtype = DataType::Float;
  float dropout = 0.0f;
};

ErrorOr<Expected> attention(const Given &g) {
  TestGraph graph;
  Inputs inputs;
  std::vector<int> tensors;
  const auto add = [&](const std::string &name, DataType type, const Dims &dims,
                       const Values &values) {
    tensors.push_back(graph.input(name, type, dims));
    inputs.emplace(name, makeTensor(name, type, dims, values));
  };
  add("q", g.dtype, g.q, g.qv);
  add("k", g.dtype, g.k, g.kv);
  add("v", g.dtype, g.v, g.vv);
  if (!g.mask.empty())
    add("mask", g.maskType, g.mask, g.maskValues);
  const int o = graph.output("o", g.dtype, {g.q[0], g.q[1], g.q[2], g.v[3]});
  fbs::SdpaAttrsT &attrs = graph.sdpa(tensors, o);
  attrs.is_causal = g.causal;
  attrs.has_scale = g.scale.has_value();
  attrs.scale = g.scale.value_or(0.0f);
  attrs.dropout = g.dropout;
  FUSILLI_ASSIGN_OR_RETURN(auto outputs,
                           evaluateWithBounds(graph.bytes(), inputs));
  return outputs.at("o");
}

Values random(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Values out(static_cast<size_t>(count));
  for (double &value : out)
    value = static_cast<float>(normal(generator));
  return out;
}

/// What the definition says, head by head, with nothing shared.
Values naive(const Given &g, double scale) {
  Values out;
  const int64_t keys = g.k[2], depth = g.q[3], width = g.v[3];
  for (int64_t b = 0; b < g.q[0]; ++b)
    for (int64_t h = 0; h < g.q[1]; ++h)
      for (int64_t i = 0; i < g.q[2]; ++i) {
        Values weights;
        const int64_t kh = h * g.k[1] / g.q[1], vh = h * g.v[1] / g.q[1];
        double total = 0.0;
        for (int64_t j = 0; j < keys && (!g.causal || j <= i); ++j) {
          double s = 0.0;
          for (int64_t d = 0; d < depth; ++d)
            s += g.qv[size_t(((b * g.q[1] + h) * g.q[2] + i) * depth + d)] *
                 g.kv[size_t(((b * g.k[1] + kh) * keys + j) * depth + d)];
          weights.push_back(std::exp(s * scale));
          total += weights.back();
        }
        for (int64_t e = 0; e < width; ++e) {
          double sum = 0.0;
          for (size_t j = 0; j < weights.size(); ++j)
            sum += weights[j] *
                   g.vv[size_t(((b * g.v[1] + vh) * keys + int64_t(j)) * width +
                               e)];
          out.push_back(sum / total);
        }
      }
  return out;
}

TEST(SdpaTest, EqualScoresAverage) {
  auto o = attention({.q = {1, 1, 1, 2},
                      .k = {1, 1, 4, 2},
                      .v = {1, 1, 4, 1},
                      .qv = {0, 0},
                      .kv = {1, 2, 3, 4, 5, 6, 7, 8},
                      .vv = {1, 2, 3, 6}});
  ASSERT_EQ(ErrorObject(o).getCode(), ErrorCode::OK);
  EXPECT_EQ(o->values, (Values{3}));
  EXPECT_GT(o->bounds[0], 0.0);
  EXPECT_LT(o->bounds[0], 2e-5);
}

TEST(SdpaTest, ByHandWithScaleAndMask) {
  // Scores 0.5 * 2 + mask = 1 + {0, ln 3}: weights 1/4 and 3/4.
  auto o = attention({.q = {1, 1, 1, 1},
                      .k = {1, 1, 2, 1},
                      .v = {1, 1, 2, 1},
                      .qv = {2},
                      .kv = {1, 1},
                      .vv = {4, 8},
                      .scale = 0.5f,
                      .mask = {1, 1, 1, 2},
                      .maskValues = {0, std::log(3.0)}});
  ASSERT_EQ(ErrorObject(o).getCode(), ErrorCode::OK);
  EXPECT_NEAR(o->values[0], 7.0, o->bounds[0]);
  EXPECT_LT(o->bounds[0], 1e-4);
}

TEST(SdpaTest, GroupedHeadsCausalAgainstNaiveLoops) {
  Given g{.q = {2, 6, 5, 3}, .k = {2, 3, 7, 3}, .v = {2, 2, 7, 4}};
  g.qv = random(2 * 6 * 5 * 3, 1);
  g.kv = random(2 * 3 * 7 * 3, 2);
  g.vv = random(2 * 2 * 7 * 4, 3);
  for (bool causal : {false, true}) {
    g.causal = causal;
    auto o = attention(g);
    ASSERT_EQ(ErrorObject(o).getCode(), ErrorCode::OK);
    const Values expected = naive(g, 1.0 / std::sqrt(3.0));
    ASSERT_EQ(o->values.size(), expected.size());
    for (size_t k = 0; k < expected.size(); ++k)
      EXPECT_NEAR(o->values[k], expected[k], 1e-6) << k;
  }
}

TEST(SdpaTest, BooleanMaskKeepsWhatIsTrue) {
  auto o = attention({.q = {1, 1, 2, 1},
                      .k = {1, 1, 2, 1},
                      .v = {1, 1, 2, 1},
                      .qv = {1, 1},
                      .kv = {5, 9},
                      .vv = {3, 4},
                      .mask = {1, 1, 2, 2},
                      .maskValues = {1, 0, 0, 0},
                      .maskType = DataType::Boolean});
  ASSERT_EQ(ErrorObject(o).getCode(), ErrorCode::OK);
  EXPECT_NEAR(o->values[0], 3.0, 1e-6);
  // Nothing is visible: exactly zero.
  EXPECT_EQ(o->values[1], 0.0);
  EXPECT_EQ(o->bounds[1], 0.0);
}

TEST(SdpaTest, InfiniteAndUndefinedScores) {
  Given g{.q = {1, 1, 1, 1},
          .k = {1, 1, 2, 1},
          .v = {1, 1, 2, 1},
          .qv = {1},
          .kv = {1, 1},
          .vv = {3, 4},
          .mask = {1, 1, 1, 2},
          .maskValues = {-kInf, -kInf}};
  auto o = attention(g);
  ASSERT_EQ(ErrorObject(o).getCode(), ErrorCode::OK);
  EXPECT_EQ(o->values[0], 0.0);
  EXPECT_EQ(o->bounds[0], 0.0);
  g.maskValues = {0, kInf};
  auto undefined = attention(g);
  ASSERT_EQ(ErrorObject(undefined).getCode(), ErrorCode::OK);
  EXPECT_TRUE(std::isnan(undefined->values[0]));
  EXPECT_EQ(undefined->bounds[0], 0.0);
}

TEST(SdpaTest, NarrowWeightsAreInTheBoundOfBFloat16Only) {
  Given g{.q = {1, 1, 1, 1},
          .k = {1, 1, 2, 1},
          .v = {1, 1, 2, 1},
          .qv = {1},
          .kv = {1, 2},
          .vv = {1, 1}};
  const auto boundOf = [&](DataType type) {
    g.dtype = type;
    return attention(g)->bounds[0];
  };
  EXPECT_LT(boundOf(DataType::Half), 1e-4);
  EXPECT_GT(boundOf(DataType::BFloat16), 1e-3);
  EXPECT_LT(boundOf(DataType::BFloat16), 1e-2);
  EXPECT_LT(boundOf(DataType::Double), 1e-12);
}

TEST(SdpaTest, RefusesDropoutAndShapesThatDoNotFit) {
  Given g{.q = {1, 1, 1, 1},
          .k = {1, 1, 2, 1},
          .v = {1, 1, 2, 1},
          .qv = {1},
          .kv = {1, 2},
          .vv = {1, 1}};
  g.dropout = 0.5f;
  EXPECT_EQ(ErrorObject(attention(g)).getCode(), ErrorCode::NotImplemented);
  g.dropout = 0.0f;
  g.v = {1, 1, 1, 1};
  g.vv = {1};
  EXPECT_EQ(ErrorObject(attention(g)).getCode(), ErrorCode::InvalidArgument);
}

} // namespace
} // namespace fusilli::reference
