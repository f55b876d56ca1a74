// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer normalization for inference and training: every layout and dtype, with
// and without scale and bias, large means, long samples, and fused with others.

#include "tests/e2e/norm_cases.h"

namespace fusilli::e2e {
namespace {

/// Adds the node and its outputs to a case; Y is virtual if `yName` is empty.
TensorPtr addLayernorm(Case &c, const NormCase &n, const TensorPtr &x,
                       const std::string &yName) {
  Dims affine = n.dims;
  affine[0] = 1;
  const Dims strides =
      n.channelsLast ? channelsLastStrides(affine) : rowMajorStrides(affine);
  auto attr = LayernormAttr().setForwardPhase(n.phase());
  attr.setEpsilon(c.constant("epsilon", 1e-5f));
  const auto scale =
      n.scale ? c.input("scale", n.dtype, affine, strides, Data::Normal)
              : nullptr;
  const auto bias =
      n.bias ? c.input("bias", n.dtype, affine, strides, Data::Normal)
             : nullptr;
  auto [y, mean, inverse] = c.graph.layernorm(x, scale, bias, attr);
  y->setDataType(n.dtype);
  if (!yName.empty())
    c.output(y, yName);
  if (n.training) {
    for (const TensorPtr &tensor : {mean, inverse})
      tensor->setDataType(n.statisticType());
    c.output(mean, "mean");
    c.output(inverse, "inverse");
  }
  return y;
}

void runCase(const NormCase &n) {
  Case c(n.label("layernorm"));
  const auto x = c.input("x", n.dtype, n.dims, n.strides(), Data::Normal);
  addLayernorm(c, n, x, "y");
  EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
}

TEST(LayernormTest, Inference) { forEachNormCase(false, runCase); }

TEST(LayernormTest, Training) { forEachNormCase(true, runCase); }

TEST(LayernormTest, LargeMean) {
  for (const Dims &dims : {Dims{3, 4096}, Dims{2, 100, 77}, Dims{2, 100003}}) {
    NormCase n{DataType::Float, dims, false, true, false, false};
    Case c(n.label("layernorm around 1e4"));
    const auto x = c.input("x", n.dtype, n.dims);
    fillAround(c, "x", 1e4);
    addLayernorm(c, n, x, "y");
    // The mean is stored in Float: half a unit in the last place of 1e4.
    EXPECT_TRUE(
        c.run({.threads = {1, 2},
               .repeats = 1,
               .bounds = {{"y", 4e-6}, {"mean", 5e-4}, {"inverse", 1e-5}}}));
  }
}

TEST(LayernormTest, EqualValues) {
  NormCase n{DataType::Float, {2, 1000}, false, true, true, true};
  Case c(n.label("layernorm of equal values"));
  const auto x = c.input("x", n.dtype, n.dims);
  fillAround(c, "x", 3.7, 0.0);
  addLayernorm(c, n, x, "y");
  EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
}

TEST(LayernormTest, ResidualBeforeAndActivationAfter) {
  for (DataType dtype : kFloatTypes) {
    NormCase n{dtype, {6, 19, 24}, false, false, true, true};
    Case c(n.label("residual, layernorm, gelu"));
    const auto a = c.input("a", dtype, n.dims);
    const auto b = c.input("b", dtype, n.dims);
    const auto sum = c.pointwise(PointwiseAttr::Mode::ADD, {a, b}, dtype);
    c.output(sum, "sum");
    const auto y = addLayernorm(c, n, sum, "");
    c.output(c.pointwise(PointwiseAttr::Mode::GELU_FWD, {y}, dtype), "y");
    EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
  }
}

} // namespace
} // namespace fusilli::e2e
