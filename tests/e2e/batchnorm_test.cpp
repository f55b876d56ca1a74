// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalization for inference and training: every layout and dtype, with
// and without scale, bias and running statistics, and fused with others.

#include "tests/e2e/norm_cases.h"

namespace fusilli::e2e {
namespace {

TensorPtr addBatchnorm(Case &c, const NormCase &n, const TensorPtr &x,
                       bool running, const std::string &yName) {
  const Dims channels = {n.dims[1]};
  const auto perChannel = [&](const std::string &name, bool given, Data data) {
    return given ? c.input(name, n.statisticType(), channels, data) : nullptr;
  };
  auto attr = BatchnormAttr().setForwardPhase(n.phase());
  attr.setEpsilon(c.constant("epsilon", 1e-5f));
  attr.setMomentum(c.constant("momentum", 0.1f));
  const auto scale = perChannel("scale", n.scale, Data::Normal);
  const auto bias = perChannel("bias", n.bias, Data::Normal);
  const auto mean = perChannel("mean", running, Data::Normal);
  const auto variance = perChannel("variance", running, Data::Positive);
  auto [y, savedMean, savedInverse] =
      c.graph.batchnorm(x, scale, bias, mean, variance, attr);
  y->setDataType(n.dtype);
  if (!yName.empty())
    c.output(y, yName);
  if (n.training) {
    for (const TensorPtr &tensor : {savedMean, savedInverse})
      tensor->setDataType(n.statisticType());
    c.output(savedMean, "saved_mean");
    c.output(savedInverse, "saved_inverse");
  }
  return y;
}

void runCase(const NormCase &n, bool running) {
  Case c(n.label("batchnorm"));
  const auto x = c.input("x", n.dtype, n.dims, n.strides(), Data::Normal);
  addBatchnorm(c, n, x, running, "y");
  EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
}

TEST(BatchnormTest, Inference) {
  forEachNormCase(false, [](const NormCase &n) { runCase(n, true); });
}

TEST(BatchnormTest, Training) {
  forEachNormCase(true, [](const NormCase &n) { runCase(n, false); });
}

TEST(BatchnormTest, RunningStatisticsHaveNoEffectInTraining) {
  runCase({DataType::Float, {4, 6, 5, 5}, false, true, true, true}, true);
}

TEST(BatchnormTest, LargeMeanAndManyElements) {
  for (bool channelsLast : {false, true}) {
    NormCase n{
        DataType::Float, {16, 5, 41, 37}, channelsLast, true, false, false};
    Case c(n.label("batchnorm around 1e4"));
    const auto x = c.input("x", n.dtype, n.dims, n.strides(), Data::Normal);
    fillAround(c, "x", 1e4);
    addBatchnorm(c, n, x, false, "y");
    EXPECT_TRUE(c.run({.threads = {1, 2},
                       .repeats = 1,
                       .bounds = {{"y", 4e-6},
                                  {"saved_mean", 5e-4},
                                  {"saved_inverse", 1e-5}}}));
  }
}

TEST(BatchnormTest, AfterAConvolutionAndBeforeRelu) {
  for (bool training : {false, true}) {
    NormCase n{DataType::Float, {2, 8, 9, 7}, true, training, true, true};
    Case c(n.label("conv, batchnorm, relu"));
    const Dims xDims = {2, 4, 9, 7}, wDims = {8, 4, 3, 3};
    const auto x =
        c.input("x", n.dtype, xDims, channelsLastStrides(xDims), Data::Normal);
    const auto w =
        c.input("w", n.dtype, wDims, channelsLastStrides(wDims), Data::Normal);
    const auto y = c.conv(x, w, {1, 1}, {1, 1}, {1, 1}, n.dtype);
    y->setStride(n.strides());
    const auto z = addBatchnorm(c, n, y, !training, "");
    c.output(c.pointwise(PointwiseAttr::Mode::RELU_FWD, {z}, n.dtype), "z");
    EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
  }
}

} // namespace
} // namespace fusilli::e2e
