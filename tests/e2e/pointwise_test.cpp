// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every pointwise mode, dtype and target, over random shapes, layouts and
// broadcasts.

#include "tests/e2e/shapes.h"

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;

const std::vector<Mode> kModes = {
#define FUSILLI_MODE(NAME) Mode::NAME,
    FUSILLI_POINTWISE_OPS(FUSILLI_MODE)
#undef FUSILLI_MODE
};

std::string nameOf(Mode mode) { return PointwiseAttr::kModeToStr.at(mode); }

bool givesBoolean(Mode mode) {
  return kPointwiseForcedDataTypes.contains(mode);
}

/// Modes with a meaning for integers beyond that of their float function.
bool takesIntegers(Mode mode) {
  switch (mode) {
  case Mode::ABS:
  case Mode::NEG:
  case Mode::IDENTITY:
  case Mode::RELU_FWD:
  case Mode::ADD:
  case Mode::SUB:
  case Mode::MUL:
  case Mode::ADD_SQUARE:
  case Mode::DIV:
  case Mode::MAX_OP:
  case Mode::MIN_OP:
  case Mode::BINARY_SELECT:
    return true;
  default:
    return givesBoolean(mode);
  }
}

Data dataFor(Mode mode) {
  return mode == Mode::LOG || mode == Mode::SQRT || mode == Mode::RSQRT
             ? Data::Positive
             : Data::Normal;
}

/// One node of `mode` over random layouts; operands after the first may
/// broadcast.
void runMode(Mode mode, DataType dtype, int number) {
  Case c(nameOf(mode) + " " + toString(dtype) + " case " +
         std::to_string(number));
  const Dims dims = randomDims(c.random, pick(c.random, 1, 4));
  const bool layouts = number > 0;
  const Data data = number % 2 ? Data::Integers : dataFor(mode);
  std::vector<TensorPtr> in;
  const int operands = PointwiseAttr::kModeToRequiredInputCount.at(mode);
  for (int k = 0; k < operands; ++k) {
    const bool condition = mode == Mode::BINARY_SELECT && k == 0;
    const Dims shape =
        k > 0 && layouts ? randomBroadcastFrom(c.random, dims) : dims;
    const Dims strides =
        layouts ? randomStrides(c.random, shape, true) : rowMajorStrides(shape);
    in.push_back(c.input("in" + std::to_string(k),
                         condition ? DataType::Boolean : dtype, shape, strides,
                         data));
  }
  const TensorPtr y =
      c.pointwise(mode, in, givesBoolean(mode) ? DataType::Boolean : dtype);
  c.output(y, "y", layouts ? randomStrides(c.random, dims) : Dims());
  EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
}

class PointwiseModeTest : public testing::TestWithParam<Mode> {};

TEST_P(PointwiseModeTest, Floats) {
  for (DataType dtype : kFloatTypes)
    for (int number = 0; number < Settings::get().count(2); ++number)
      runMode(GetParam(), dtype, number);
}

TEST_P(PointwiseModeTest, Integers) {
  if (!takesIntegers(GetParam()))
    GTEST_SKIP() << "no integer form";
  for (DataType dtype : kIntegerTypes)
    for (int number = 0; number < Settings::get().count(2); ++number)
      runMode(GetParam(), dtype, number);
  for (int number = 0; number < Settings::get().count(2); ++number)
    runMode(GetParam(), DataType::Boolean, number);
}

INSTANTIATE_TEST_SUITE_P(Modes, PointwiseModeTest, testing::ValuesIn(kModes),
                         [](const auto &info) { return nameOf(info.param); });

TEST(PointwiseShapeTest, RanksOneToSix) {
  for (int64_t rank = 1; rank <= 6; ++rank)
    for (int64_t n = 0; n < Settings::get().count(3); ++n) {
      Case c("ADD f32 rank " + std::to_string(rank) + " case " +
             std::to_string(n));
      const Dims dims = randomDims(c.random, rank);
      const auto a = c.input("a", DataType::Float, dims,
                             randomStrides(c.random, dims, true), Data::Normal);
      const auto b = c.input("b", DataType::Float, dims,
                             randomStrides(c.random, dims, true), Data::Normal);
      c.output(c.pointwise(Mode::ADD, {a, b}, DataType::Float), "y",
               randomStrides(c.random, dims));
      EXPECT_TRUE(c.run());
    }
}

TEST(PointwiseShapeTest, OneElementAndTails) {
  for (DataType dtype : kFloatTypes)
    for (int64_t n : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 1000003}) {
      if (n > 100000 && dtype != DataType::Float)
        continue;
      Case c("MUL " + toString(dtype) + " " + std::to_string(n));
      const auto a = c.input("a", dtype, {n});
      const auto b = c.input("b", dtype, {n});
      c.output(c.pointwise(Mode::MUL, {a, b}, dtype), "y");
      EXPECT_TRUE(c.run({.misalignment = static_cast<int>(n % 3)}));
    }
}

TEST(PointwiseShapeTest, TransposedLargeMatrix) {
  for (DataType dtype : {DataType::Float, DataType::BFloat16}) {
    Case c("ADD " + toString(dtype) + " transposed");
    const auto a = c.input("a", dtype, {515, 389}, {1, 515}, Data::Normal);
    const auto b = c.input("b", dtype, {515, 389});
    c.output(c.pointwise(Mode::ADD, {a, b}, dtype), "y");
    EXPECT_TRUE(c.run());
  }
}

TEST(PointwiseTypesTest, EveryConversion) {
  for (DataType from : kAllTypes)
    for (DataType to : kAllTypes) {
      Case c("IDENTITY " + toString(from) + " to " + toString(to));
      const auto x = c.input("x", from, {5, 67}, Data::Normal);
      c.output(c.pointwise(Mode::IDENTITY, {x}, to), "y");
      EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
    }
}

TEST(PointwiseTypesTest, MixedOperands) {
  const auto check = [](Mode mode, DataType a, DataType b, DataType y) {
    Case c(nameOf(mode) + " " + toString(a) + " " + toString(b) + " to " +
           toString(y));
    const auto ta = c.input("a", a, {6, 33}, Data::Normal);
    const auto tb = c.input("b", b, {33}, Data::Normal);
    c.output(c.pointwise(mode, {ta, tb}, y), "y");
    EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
  };
  check(Mode::ADD, DataType::Int32, DataType::Half, DataType::Half);
  check(Mode::MUL, DataType::Half, DataType::Float, DataType::Float);
  check(Mode::MUL, DataType::BFloat16, DataType::Float, DataType::BFloat16);
  check(Mode::SUB, DataType::Float, DataType::Double, DataType::Double);
  check(Mode::SUB, DataType::Double, DataType::Float, DataType::Float);
  check(Mode::ADD, DataType::Int8, DataType::Int32, DataType::Int64);
  check(Mode::MUL, DataType::Boolean, DataType::Float, DataType::Float);
  check(Mode::CMP_LT, DataType::Int32, DataType::Float, DataType::Boolean);
  check(Mode::CMP_GE, DataType::Int8, DataType::Int64, DataType::Boolean);
  check(Mode::CMP_EQ, DataType::Half, DataType::BFloat16, DataType::Boolean);
  check(Mode::LOGICAL_AND, DataType::Float, DataType::Int8, DataType::Boolean);
}

TEST(PointwiseTypesTest, WhatHasNoMeaningIsRefused) {
  const auto check = [](Mode mode, DataType dtype) {
    Case c(nameOf(mode) + " " + toString(dtype) + " is refused");
    const auto x = c.input("x", dtype, {8});
    const bool unary = PointwiseAttr::kModeToRequiredInputCount.at(mode) == 1;
    c.output(
        c.pointwise(mode, unary ? std::vector{x} : std::vector{x, x}, dtype),
        "y");
    const ErrorObject valid = c.graph.validate();
    ASSERT_TRUE(isOk(valid)) << valid;
    Settings::get();
    const ErrorObject status =
        c.graph.compileToArtifact(Backend::CPU, /*remove=*/true);
    EXPECT_EQ(status.getCode(), ErrorCode::NotImplemented) << status;
  };
  check(Mode::EXP, DataType::Boolean);
  check(Mode::EXP, DataType::Int32);
  check(Mode::GELU_BWD, DataType::Int8);
}

TEST(PointwiseTypesTest, ScalarConstants) {
  for (DataType dtype : kFloatTypes)
    for (Mode mode : {Mode::ADD, Mode::MUL, Mode::DIV, Mode::MAX_OP}) {
      Case c(nameOf(mode) + " " + toString(dtype) + " with a constant");
      const auto x = c.input("x", dtype, {3, 50});
      const auto k = c.constant("k", 1.7f);
      c.output(c.pointwise(mode, {x, k}, dtype), "y");
      EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
    }
}

TEST(PointwiseParametersTest, Attributes) {
  const auto check = [](const std::string &what, PointwiseAttr attr,
                        int operands) {
    for (DataType dtype : {DataType::Float, DataType::Half}) {
      Case c(what + " " + toString(dtype));
      std::vector<TensorPtr> in;
      for (int k = 0; k < operands; ++k)
        in.push_back(
            c.input("in" + std::to_string(k), dtype, {4, 61}, Data::Normal));
      c.output(c.pointwise(attr, in, dtype), "y");
      EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
    }
  };
  check("ELU_FWD alpha 0.3",
        PointwiseAttr().setMode(Mode::ELU_FWD).setEluAlpha(0.3f), 1);
  check("SOFTPLUS_FWD beta 3 threshold 2",
        PointwiseAttr()
            .setMode(Mode::SOFTPLUS_FWD)
            .setSoftplusBeta(3.0f)
            .setSoftplusThreshold(2.0f),
        1);
  check("SWISH_FWD beta 1.7",
        PointwiseAttr().setMode(Mode::SWISH_FWD).setSwishBeta(1.7f), 1);
  check("SWISH_BWD beta 0.6",
        PointwiseAttr().setMode(Mode::SWISH_BWD).setSwishBeta(0.6f), 2);
}

TEST(PointwiseParametersTest, SameTensorTwice) {
  for (Mode mode : {Mode::ADD, Mode::SUB, Mode::MUL, Mode::DIV,
                    Mode::ADD_SQUARE, Mode::CMP_EQ}) {
    Case c(nameOf(mode) + " f32 x, x");
    const auto x = c.input("x", DataType::Float, {7, 45}, Data::Positive);
    c.output(
        c.pointwise(mode, {x, x},
                    givesBoolean(mode) ? DataType::Boolean : DataType::Float),
        "y");
    EXPECT_TRUE(c.run());
  }
}

} // namespace
} // namespace fusilli::e2e
