// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Error bounds: certain where they must be, wide enough where an
// implementation may round.

#include "reference/approx.h"
#include "reference/pointwise_formulas.h"

#include <gtest/gtest.h>

#include <random>

namespace fusilli::reference {
namespace {

using A = Approx<F32>;

TEST(ApproxTest, SmallWholeNumbersAreExact) {
  const A sum = A{3.0} + A{4.0}, product = A{1000.0} * A{1001.0};
  EXPECT_EQ(sum.v, 7.0);
  EXPECT_EQ(sum.e, 0.0);
  EXPECT_EQ(product.e, 0.0);
  EXPECT_GT((A{0x1p24} + A{1.0}).e, 0.0);
}

TEST(ApproxTest, OverflowIsCertainOrPossible) {
  EXPECT_EQ((A{3e38} * A{10.0}).v, kInfinity);
  EXPECT_EQ((A{3e38} * A{10.0}).e, 0.0);
  EXPECT_TRUE((A{3.4e38, 1e37} + A{0.0}).isAnything());
  EXPECT_EQ(exp(A{100.0}).v, kInfinity);
  EXPECT_EQ(exp(A{-kInfinity}).v, 0.0);
  EXPECT_EQ(exp(A{-kInfinity}).e, 0.0);
}

TEST(ApproxTest, SpecialValuesPropagate) {
  EXPECT_TRUE(std::isnan((A{kInfinity} - A{kInfinity}).v));
  EXPECT_EQ((A{1.0} / A{0.0}).v, kInfinity);
  EXPECT_EQ((A{1.0} / A{0.0}).e, 0.0);
  EXPECT_TRUE(std::isnan(log(A{-1.0}).v));
  EXPECT_EQ(log(A{0.0}).v, -kInfinity);
  EXPECT_TRUE(std::isnan(relu(A{std::nan("")}).v));
  EXPECT_TRUE(std::isnan(max(A{1.0}, A{std::nan("")}).v));
}

TEST(ApproxTest, UncertainSignsAllowBothAnswers) {
  const A nearZero{1e-8, 1e-7};
  EXPECT_EQ(less(A{0.0}, nearZero), Tri::Either);
  EXPECT_EQ(less(A{0.0}, A{1e-8}), Tri::True);
  EXPECT_TRUE((A{1.0} / nearZero).isAnything());
  EXPECT_TRUE(log(nearZero).isAnything());
  EXPECT_EQ(floor(A{2.0, 1e-6}).e, 1.0);
  EXPECT_EQ(floor(A{2.5, 1e-6}).e, 0.0);
  const A chosen = reluBackward(A{3.0}, nearZero);
  EXPECT_GE(chosen.e, 3.0);
}

// Every formula evaluated in f32 lies within its bound, also with operands
// that are themselves uncertain.
TEST(ApproxTest, BoundsHoldForFloatArithmetic) {
  std::mt19937 random(20240601);
  std::normal_distribution<double> normal;
  for (int n = 0; n < 20000; ++n) {
    const float a = static_cast<float>(normal(random) * 4.0);
    const float b = static_cast<float>(normal(random));
    const float c = a * b + a;
    const A exactC = A{a} * A{b} + A{a};
    ASSERT_LE(std::fabs(c - exactC.v), exactC.e) << a << " " << b;
    const float s = 1.0f / (1.0f + std::exp(-c));
    const A exactS = sigmoid(exactC);
    ASSERT_LE(std::fabs(s - exactS.v), exactS.e) << a << " " << b;
    const float g = c * (0.5f * (1.0f + std::erf(c * 0.70710678f)));
    const A exactG = gelu(exactC);
    ASSERT_LE(std::fabs(g - exactG.v), exactG.e) << a << " " << b;
    const float l = std::log(std::fabs(c));
    const A exactL = log(abs(exactC));
    if (!exactL.isAnything()) {
      ASSERT_LE(std::fabs(l - exactL.v), exactL.e) << a << " " << b;
    }
  }
}

TEST(ApproxTest, BoundsAreTight) {
  EXPECT_LT(exp(A{1.0}).e, 3.0 * 0x1p-22);
  EXPECT_LT((A{0.1, 1e-9} + A{0.2, 1e-9}).e, 3e-8);
  EXPECT_EQ(accumulationUnits(6), 8.0);
  EXPECT_EQ(accumulationUnits(1022), 256.0);
}

} // namespace
} // namespace fusilli::reference
