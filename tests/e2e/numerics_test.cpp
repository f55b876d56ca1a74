// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Special values: infinities and not-a-numbers propagate, subnormals are kept,
// integers wrap; with operands that hold them in between ordinary numbers.

#include "reference/element.h"
#include "tests/e2e/shapes.h"

#include <cmath>
#include <limits>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;

const std::vector<Mode> kModes = {
#define FUSILLI_MODE(NAME) Mode::NAME,
    FUSILLI_POINTWISE_OPS(FUSILLI_MODE)
#undef FUSILLI_MODE
};

class SpecialValuesTest : public testing::TestWithParam<Mode> {};

TEST_P(SpecialValuesTest, Pointwise) {
  const Mode mode = GetParam();
  for (DataType dtype : kFloatTypes) {
    const bool toBoolean = kPointwiseForcedDataTypes.contains(mode);
    Case c(PointwiseAttr::kModeToStr.at(mode) + " " + toString(dtype) +
           " special values");
    std::vector<TensorPtr> in;
    for (int k = 0; k < PointwiseAttr::kModeToRequiredInputCount.at(mode); ++k)
      in.push_back(c.input(
          "in" + std::to_string(k),
          mode == Mode::BINARY_SELECT && k == 0 ? DataType::Boolean : dtype,
          {4, 65}, Data::Special));
    c.output(c.pointwise(mode, in, toBoolean ? DataType::Boolean : dtype), "y");
    EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
  }
}

TEST_P(SpecialValuesTest, PointwiseOverManyMagnitudes) {
  const Mode mode = GetParam();
  for (DataType dtype : {DataType::Float, DataType::Double}) {
    const bool toBoolean = kPointwiseForcedDataTypes.contains(mode);
    Case c(PointwiseAttr::kModeToStr.at(mode) + " " + toString(dtype) +
           " magnitudes");
    std::vector<TensorPtr> in;
    for (int k = 0; k < PointwiseAttr::kModeToRequiredInputCount.at(mode); ++k)
      in.push_back(c.input(
          "in" + std::to_string(k),
          mode == Mode::BINARY_SELECT && k == 0 ? DataType::Boolean : dtype,
          {3000}, Data::Wide));
    c.output(c.pointwise(mode, in, toBoolean ? DataType::Boolean : dtype), "y");
    EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, SpecialValuesTest, testing::ValuesIn(kModes),
                         [](const auto &info) {
                           return PointwiseAttr::kModeToStr.at(info.param);
                         });

TEST(SpecialValuesTest, Reductions) {
  using Reduce = ReductionAttr::Mode;
  for (Reduce mode :
       {Reduce::ADD, Reduce::MUL, Reduce::MIN, Reduce::MAX, Reduce::AMAX,
        Reduce::AVG, Reduce::NORM1, Reduce::NORM2, Reduce::MUL_NO_ZEROS})
    for (DataType dtype : kFloatTypes)
      for (const Dims &y : {Dims{300, 1}, Dims{1, 9}}) {
        Case c("reduction " + ReductionAttr::kModeToStr.at(mode) + " " +
               toString(dtype) + " special values to " + toString(y));
        const auto x = c.input("x", dtype, {300, 9}, Data::Special);
        c.output(c.reduction(mode, x, y, dtype), "y");
        EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
      }
}

/// A tensor of zeros and ones with one special value.
void putSpecial(Case &c, const std::string &name, double value) {
  auto &tensor = c.inputs.at(name);
  tensor.setValue(pick(c.random, 0, tensor.spec().volume() - 1), value);
}

TEST(SpecialValuesTest, ContractionsWithOneInfinityOrNan) {
  for (DataType dtype : kFloatTypes)
    for (double value : {std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()}) {
      Case m("matmul " + toString(dtype) + " with " + std::to_string(value));
      const auto a = m.input("a", dtype, {19, 23}, Data::Integers);
      const auto b = m.input("b", dtype, {23, 37}, Data::Integers);
      putSpecial(m, "a", value);
      putSpecial(m, "b", -value);
      m.output(m.matmul(a, b, dtype), "c");
      EXPECT_TRUE(m.run({.threads = {1}, .repeats = 1}));
      Case c("conv " + toString(dtype) + " with " + std::to_string(value));
      const auto x = c.input("x", dtype, {1, 5, 9, 9}, Data::Integers);
      const auto w = c.input("w", dtype, {6, 5, 3, 3}, Data::Integers);
      putSpecial(c, "x", value);
      c.output(c.conv(x, w, {1, 1}, {1, 1}, {1, 1}, dtype), "y");
      EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
    }
}

TEST(SpecialValuesTest, SubnormalsAreKept) {
  for (DataType dtype : {DataType::Float, DataType::Half, DataType::Double}) {
    Case c("subnormals " + toString(dtype));
    const auto x = c.input("x", dtype, {40}, Data::Integers);
    const double quantum = 2.0 * reference::formatOf(dtype).tiny();
    for (int64_t k = 0; k < 40; ++k)
      c.inputs.at("x").setValue(k, static_cast<double>(k) * quantum);
    const auto two = c.constant("two", 2.0f);
    c.output(c.pointwise(Mode::MUL, {x, two}, dtype), "doubled");
    c.output(c.pointwise(Mode::ADD, {x, x}, dtype), "sum");
    c.output(c.reduction(ReductionAttr::Mode::ADD, x, {1}, dtype), "total");
    EXPECT_TRUE(c.run());
  }
}

TEST(IntegerTest, OverflowWrapsAndDivisionIsDefined) {
  for (DataType dtype : kIntegerTypes)
    for (Mode mode : {Mode::ADD, Mode::SUB, Mode::MUL, Mode::ADD_SQUARE,
                      Mode::DIV, Mode::NEG, Mode::ABS, Mode::MAX_OP}) {
      Case c(PointwiseAttr::kModeToStr.at(mode) + " " + toString(dtype) +
             " over the whole range");
      std::vector<TensorPtr> in;
      for (int k = 0; k < PointwiseAttr::kModeToRequiredInputCount.at(mode);
           ++k)
        in.push_back(
            c.input("in" + std::to_string(k), dtype, {6, 71}, Data::Wide));
      const int bits = reference::elementBits(dtype);
      const auto smallest = static_cast<int64_t>(~uint64_t{0} << (bits - 1));
      c.inputs.at("in0").setInteger(5, smallest);
      if (in.size() > 1) {
        c.inputs.at("in1").setInteger(5, -1);
        c.inputs.at("in1").setInteger(6, 0);
      }
      c.output(c.pointwise(mode, in, dtype), "y");
      EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
    }
}

TEST(IntegerTest, MatmulAndReductionsWrap) {
  for (DataType dtype : kIntegerTypes) {
    Case c("matmul and sums wrap " + toString(dtype));
    const auto a = c.input("a", dtype, {9, 33}, Data::Wide);
    const auto b = c.input("b", dtype, {33, 21}, Data::Wide);
    c.output(c.matmul(a, b, dtype), "c");
    using Reduce = ReductionAttr::Mode;
    c.output(c.reduction(Reduce::ADD, a, {9, 1}, dtype), "sum");
    c.output(c.reduction(Reduce::MUL, a, {9, 1}, dtype), "product");
    EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
  }
}

TEST(DeterminismTest, SameBitsForAnyNumberOfThreads) {
  const std::vector<int> threads = {1, 2, 3, 5, 8};
  for (DataType dtype : {DataType::Float, DataType::BFloat16}) {
    Case m("deterministic matmul " + toString(dtype));
    const auto a = m.input("a", dtype, {257, 400});
    const auto b = m.input("b", dtype, {400, 190});
    m.output(m.matmul(a, b, dtype), "c");
    EXPECT_TRUE(m.run({.threads = threads, .repeats = 3, .samples = 3000}));
    for (const Dims &y : {Dims{1, 1}, Dims{1, 3001}, Dims{200, 1}}) {
      Case r("deterministic sum " + toString(dtype) + " " + toString(y));
      const auto x = r.input("x", dtype, {200, 3001});
      r.output(r.reduction(ReductionAttr::Mode::ADD, x, y, dtype), "y");
      EXPECT_TRUE(r.run({.threads = threads, .repeats = 3}));
    }
  }
}

} // namespace
} // namespace fusilli::e2e
