// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Root-mean-square normalization: every layout and dtype, with and without
// scale, long samples, and several in a graph.

#include "tests/e2e/norm_cases.h"

namespace fusilli::e2e {
namespace {

TensorPtr addRmsnorm(Case &c, const NormCase &n, const TensorPtr &x,
                     const std::string &name) {
  Dims affine = n.dims;
  affine[0] = 1;
  const Dims strides =
      n.channelsLast ? channelsLastStrides(affine) : rowMajorStrides(affine);
  auto attr = RmsnormAttr().setForwardPhase(n.phase());
  attr.setEpsilon(c.constant(name + "_epsilon", 1e-6f));
  const auto scale =
      n.scale ? c.input(name + "_scale", n.dtype, affine, strides, Data::Normal)
              : nullptr;
  TensorPtr y = c.graph.rmsnorm(x, scale, attr)[0];
  y->setDataType(n.dtype);
  return y;
}

void runCase(const NormCase &n) {
  Case c(n.label("rmsnorm"));
  const auto x = c.input("x", n.dtype, n.dims, n.strides(), Data::Normal);
  c.output(addRmsnorm(c, n, x, "y"), "y");
  EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
}

TEST(RmsnormTest, Inference) { forEachNormCase(false, runCase); }

TEST(RmsnormTest, LongSamples) {
  for (const Dims &dims : {Dims{3, 50021}, Dims{1, 1000003}}) {
    NormCase n{DataType::Float, dims, false, false, true, false};
    Case c(n.label("rmsnorm"));
    const auto x = c.input("x", n.dtype, dims);
    c.output(addRmsnorm(c, n, x, "y"), "y");
    EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1, .samples = 20000}));
  }
}

TEST(RmsnormTest, OneAfterTheOther) {
  NormCase n{DataType::BFloat16, {7, 129}, false, false, true, false};
  Case c(n.label("rmsnorm twice"));
  const auto x = c.input("x", n.dtype, n.dims);
  const auto y = addRmsnorm(c, n, x, "first");
  const auto sum = c.pointwise(PointwiseAttr::Mode::ADD, {x, y}, n.dtype);
  c.output(addRmsnorm(c, n, sum, "second"), "y");
  EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
}

TEST(RmsnormTest, WideRange) {
  NormCase n{DataType::Float, {16, 333}, false, false, true, false};
  Case c(n.label("rmsnorm of wide range"));
  const auto x =
      c.input("x", n.dtype, n.dims, rowMajorStrides(n.dims), Data::Wide);
  c.output(addRmsnorm(c, n, x, "y"), "y");
  EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
}

} // namespace
} // namespace fusilli::e2e
