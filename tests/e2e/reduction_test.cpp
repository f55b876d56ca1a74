// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every reduction mode, dtype and target, over random shapes, sets of reduced
// dims and layouts.

#include "tests/e2e/guarded_buffer.h"
#include "tests/e2e/shapes.h"

#include "reference/tolerance.h"

#include <cmath>
#include <cstring>

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

/// The results of a reduction over dim 0 of `rows` equal rows of `columns`
/// times `value`; the rows are one in memory.
std::vector<float> reduceEqualRows(Mode mode, int64_t rows, int64_t columns,
                                   float value) {
  auto handle = Handle::create(Backend::CPU);
  if (isError(handle)) {
    ADD_FAILURE() << ErrorObject(handle);
    return {};
  }
  Graph graph;
  graph.setName("reduction of equal rows").setIODataType(DataType::Float);
  auto x = graph.tensor(TensorAttr()
                            .setName("x")
                            .setDataType(DataType::Float)
                            .setDim({rows, columns})
                            .setStride({0, columns == 1 ? 0 : 1}));
  auto attr = ReductionAttr().setMode(mode);
  TensorPtr y = graph.reduction(x, attr);
  y->setName("y").setDataType(DataType::Float).setOutput(true);
  y->setDim({1, columns}).setStride({columns, 1});
  ErrorObject status = graph.validate();
  if (isOk(status))
    status = graph.compile(*handle, /*remove=*/true);
  EXPECT_TRUE(isOk(status)) << status;
  if (isError(status))
    return {};
  const size_t bytes = static_cast<size_t>(columns) * sizeof(float);
  GuardedBuffer input(bytes, 0), output(bytes, 0);
  const std::vector<float> row(static_cast<size_t>(columns), value);
  std::memcpy(input.content().data(), row.data(), bytes);
  auto in = input.makeBuffer(*handle, *x), out = output.makeBuffer(*handle, *y);
  EXPECT_TRUE(isOk(in) && isOk(out));
  std::shared_ptr<Buffer> workspace;
  auto size = graph.getWorkspaceSize();
  EXPECT_TRUE(isOk(size));
  if (const size_t count = size->value_or(0)) {
    auto allocated = Buffer::allocateRaw(*handle, count);
    EXPECT_TRUE(isOk(allocated));
    workspace = std::make_shared<Buffer>(std::move(*allocated));
  }
  status = graph.execute(*handle, {{x, *in}, {y, *out}}, workspace);
  EXPECT_TRUE(isOk(status)) << status;
  std::vector<float> results(static_cast<size_t>(columns));
  std::memcpy(results.data(), output.content().data(), bytes);
  return results;
}

TEST(ReductionLongSumTest, AverageOfOnesIsOne) {
  for (const std::string &target : Settings::get().targets) {
    setEnv("FUSILLI_TARGET", target.c_str());
    for (int64_t columns : {1, 3})
      for (float result : reduceEqualRows(Mode::AVG, 33554432, columns, 1.0f))
        EXPECT_EQ(result, 1.0f) << target << ", columns " << columns;
  }
}

TEST(ReductionLongSumTest, SumOfTenthsIsWithinTheBound) {
  const auto check = [](int64_t rows, int64_t columns) {
    const double exact = static_cast<double>(0.1f) * static_cast<double>(rows);
    const double bound = reference::reductionUnits(rows) * 0x1p-24 * exact;
    for (float result : reduceEqualRows(Mode::SUM, rows, columns, 0.1f))
      EXPECT_NEAR(result, exact, bound) << rows << "x" << columns;
  };
  for (const std::string &target : Settings::get().targets) {
    setEnv("FUSILLI_TARGET", target.c_str());
    check(20000000, 1);
    check(20000000, 3);
    check(3000001, 300);
  }
}

} // namespace
} // namespace fusilli::e2e
