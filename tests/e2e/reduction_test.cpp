// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every reduction mode, dtype and target, over random shapes, sets of reduced
// dims and layouts.

#include "tests/e2e/shapes.h"

namespace fusilli::e2e {
namespace {

using Mode = ReductionAttr::Mode;

const std::vector<Mode> kModes = {
    Mode::ADD,  Mode::SUM, Mode::MUL,   Mode::MIN,   Mode::MAX,
    Mode::AMAX, Mode::AVG, Mode::NORM1, Mode::NORM2, Mode::MUL_NO_ZEROS};

std::string nameOf(Mode mode) { return ReductionAttr::kModeToStr.at(mode); }

/// Random non-empty set of the dims above 1 reduced to 1.
Dims reducedDims(Random &random, const Dims &x) {
  for (;;) {
    Dims y = x;
    for (int64_t &dim : y)
      if (pick(random, 0, 1))
        dim = 1;
    if (y != x)
      return y;
  }
}

Dims shapeToReduce(Random &random, Mode mode) {
  const bool product = mode == Mode::MUL || mode == Mode::MUL_NO_ZEROS;
  for (;;) {
    const Dims dims =
        randomDims(random, pick(random, 1, 4), product ? 400 : 20000);
    for (int64_t dim : dims)
      if (dim > 1)
        return dims;
  }
}

void runMode(Mode mode, DataType dtype, int64_t number) {
  Case c("reduction " + nameOf(mode) + " " + toString(dtype) + " case " +
         std::to_string(number));
  const Dims dims = shapeToReduce(c.random, mode);
  const bool layouts = number > 0;
  const Data data = number % 2 ? Data::Integers : Data::Normal;
  const auto x = c.input("x", dtype, dims,
                         layouts ? randomStrides(c.random, dims, true)
                                 : rowMajorStrides(dims),
                         data);
  const Dims yDims = reducedDims(c.random, dims);
  c.output(c.reduction(mode, x, yDims, dtype), "y",
           layouts ? randomStrides(c.random, yDims) : Dims());
  EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
}

class ReductionModeTest : public testing::TestWithParam<Mode> {};

TEST_P(ReductionModeTest, Floats) {
  for (DataType dtype : kFloatTypes)
    for (int64_t number = 0; number < Settings::get().count(5); ++number)
      runMode(GetParam(), dtype, number);
}

TEST_P(ReductionModeTest, Integers) {
  if (GetParam() == Mode::AVG)
    GTEST_SKIP() << "AVG is for floats";
  for (DataType dtype : kIntegerTypes)
    for (int64_t number = 0; number < Settings::get().count(2); ++number)
      runMode(GetParam(), dtype, number);
}

INSTANTIATE_TEST_SUITE_P(Modes, ReductionModeTest, testing::ValuesIn(kModes),
                         [](const auto &info) { return nameOf(info.param); });

struct Shape {
  Dims x, y;
};

TEST(ReductionShapeTest, RowsColumnsAndAll) {
  const std::vector<Shape> shapes = {{{1, 1000}, {1, 1}},
                                     {{1000, 1}, {1, 1}},
                                     {{513, 257}, {513, 1}},
                                     {{513, 257}, {1, 257}},
                                     {{513, 257}, {1, 1}},
                                     {{3, 100003}, {3, 1}},
                                     {{100003, 3}, {1, 3}},
                                     {{7, 11, 13}, {7, 1, 13}},
                                     {{7, 11, 13}, {1, 11, 1}},
                                     {{2, 3, 4, 5, 6}, {1, 3, 1, 5, 1}},
                                     {{2, 1, 4, 1, 6, 3}, {2, 1, 1, 1, 6, 1}}};
  for (DataType dtype :
       {DataType::Float, DataType::Half, DataType::BFloat16, DataType::Int32})
    for (const Shape &shape : shapes)
      for (Mode mode : {Mode::ADD, Mode::MAX}) {
        Case c("reduction " + nameOf(mode) + " " + toString(dtype) + " " +
               toString(shape.x) + " to " + toString(shape.y));
        const auto x = c.input("x", dtype, shape.x);
        c.output(c.reduction(mode, x, shape.y, dtype), "y");
        EXPECT_TRUE(c.run({.repeats = 1}));
      }
}

TEST(ReductionTypesTest, NarrowToWideAndBack) {
  const auto check = [](Mode mode, DataType in, DataType out) {
    Case c("reduction " + nameOf(mode) + " " + toString(in) + " to " +
           toString(out));
    const auto x = c.input("x", in, {13, 77}, Data::Normal);
    c.output(c.reduction(mode, x, {13, 1}, out), "y");
    EXPECT_TRUE(c.run({.threads = {1}, .repeats = 1}));
  };
  check(Mode::ADD, DataType::Half, DataType::Float);
  check(Mode::ADD, DataType::BFloat16, DataType::Float);
  check(Mode::ADD, DataType::Float, DataType::Half);
  check(Mode::ADD, DataType::Float, DataType::Double);
  check(Mode::ADD, DataType::Int8, DataType::Int32);
  check(Mode::NORM2, DataType::Half, DataType::Float);
  check(Mode::MAX, DataType::Int32, DataType::Float);
  check(Mode::ADD, DataType::Int32, DataType::Float);
}

} // namespace
} // namespace fusilli::e2e
