// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors that are views of larger buffers: inputs with gaps, moved and
// overlapping dims, outputs whose gaps stay as they were. Each gives what
// contiguous copies of the same numbers give.

#include "tests/e2e/shapes.h"

#include "reference/element.h"

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;
using Reduce = ReductionAttr::Mode;

const RunOptions kRun = {.threads = {1, 2}, .repeats = 1};

struct Layout {
  Dims dims, strides;
};

/// A node of two operands, on views.
struct Problem {
  std::string name;
  Layout first, second;
  Dims output;       ///< strides; empty: contiguous
  Dims padding = {}; ///< of a convolution; a matmul has none
};

TensorPtr build(Case &c, const Problem &p, const TensorPtr &a,
                const TensorPtr &b, DataType dtype) {
  if (p.padding.empty())
    return c.matmul(a, b, dtype);
  const Dims ones(p.padding.size(), 1);
  return c.conv(a, b, p.padding, ones, ones, dtype);
}

/// The elements of a result in logical order.
std::vector<double> elementsOf(const Case &c, const TensorPtr &y) {
  auto tensor = reference::Tensor::create(
      {"y", y->getDataType(), y->getDim(), y->getStride()},
      c.results().at("y"));
  EXPECT_FALSE(isError(tensor));
  std::vector<double> values;
  for (int64_t i = 0; i < tensor->spec().volume(); ++i)
    values.push_back(tensor->value(i));
  return values;
}

/// Views against the reference, and, where sums are exact, bit for bit against
/// contiguous copies.
void runProblem(const Problem &p, DataType dtype, Data data) {
  const std::string label = p.name + " " + toString(dtype);
  Case view(label);
  const TensorPtr a =
      view.input("a", dtype, p.first.dims, p.first.strides, data);
  const TensorPtr b =
      view.input("b", dtype, p.second.dims, p.second.strides, data);
  const TensorPtr y = build(view, p, a, b, dtype);
  view.output(y, "y", p.output);
  RunOptions options = kRun;
  options.samples = data == Data::Integers ? 0 : 1000;
  ASSERT_TRUE(view.run(options));
  if (data != Data::Integers)
    return;
  Case copy(label + " copied");
  const TensorPtr ca = copy.input("a", dtype, p.first.dims);
  const TensorPtr cb = copy.input("b", dtype, p.second.dims);
  for (const char *name : {"a", "b"}) {
    reference::Tensor &to = copy.inputs.at(name);
    for (int64_t i = 0; i < to.spec().volume(); ++i)
      to.setValue(i, view.inputs.at(name).value(i));
  }
  const TensorPtr cy = build(copy, p, ca, cb, dtype);
  copy.output(cy, "y");
  ASSERT_TRUE(copy.run(kRun));
  EXPECT_EQ(elementsOf(view, y), elementsOf(copy, cy)) << label;
}

const std::vector<Problem> kProblems = {
    {"heads inside",
     {{2, 8, 128, 64}, {65536, 64, 512, 1}},
     {{2, 8, 64, 128}, {65536, 64, 1, 512}},
     {}},
    {"packed qkv",
     {{2, 8, 128, 64}, {196608, 64, 1536, 1}},
     {{2, 8, 64, 128}, {196608, 64, 1, 1536}},
     {}},
    {"heads inside the result",
     {{2, 4, 33, 40}, {5280, 1320, 40, 1}},
     {{2, 4, 40, 24}, {3840, 960, 24, 1}},
     {33 * 4 * 24, 24, 4 * 24, 1}},
    {"padded rows", {{100, 64}, {80, 1}}, {{64, 96}, {100, 1}}, {128, 1}},
    {"padded columns", {{37, 53}, {1, 40}}, {{53, 29}, {1, 64}}, {1, 48}},
    {"every second element", {{17, 31}, {62, 2}}, {{31, 19}, {57, 3}}, {76, 4}},
    {"one row, any stride", {{1, 64}, {7, 1}}, {{64, 33}, {40, 1}}, {999, 1}},
    {"one column", {{65, 48}, {48, 1}}, {{48, 1}, {3, 11}}, {5, 2}},
    {"moved batch", {{5, 16, 24}, {24, 120, 1}}, {{5, 24, 8}, {8, 40, 1}}, {}},
    {"result with moved batch",
     {{5, 16, 24}, {384, 24, 1}},
     {{5, 24, 8}, {192, 8, 1}},
     {8, 40, 1}},
    {"broadcast batch and gaps",
     {{6, 9, 20}, {0, 32, 1}},
     {{6, 20, 7}, {200, 9, 1}},
     {}},
    {"overlapping rows", {{30, 16}, {1, 1}}, {{16, 20}, {20, 1}}, {}},
    {"image of one",
     {{1, 64, 56, 56}, {1, 3136, 56, 1}},
     {{16, 64, 3, 3}, {576, 9, 3, 1}},
     {},
     {1, 1}},
    {"filter of one",
     {{1, 64, 14, 14}, {12544, 196, 14, 1}},
     {{64, 64, 1, 1}, {64, 1, 777, 5}},
     {},
     {0, 0}},
    {"flat volume",
     {{13, 4, 1, 15, 15}, {900, 225, 900, 15, 1}},
     {{8, 4, 1, 3, 3}, {36, 9, 7, 3, 1}},
     {},
     {0, 1, 1}},
    {"cropped image",
     {{2, 8, 12, 10}, {8 * 20 * 20, 400, 20, 1}},
     {{16, 8, 3, 3}, {80, 10, 3, 1}},
     {16 * 12 * 16, 12 * 16, 16, 1},
     {1, 1}},
    {"channels of a wider image",
     {{2, 8, 9, 9}, {9 * 9 * 32, 1, 9 * 32, 32}},
     {{24, 8, 3, 3}, {72, 1, 24, 8}},
     {9 * 9 * 64, 1, 9 * 64, 64},
     {1, 1}},
    {"images in any order",
     {{3, 8, 7, 9}, {1, 3, 24, 168}},
     {{6, 8, 3, 2}, {48, 6, 1, 3}},
     {},
     {1, 0}},
};

TEST(ViewTest, GiveWhatContiguousCopiesGive) {
  for (const Problem &p : kProblems)
    runProblem(p, DataType::Float, Data::Integers);
}

TEST(ViewTest, EveryTypeIsWithinItsBound) {
  for (const Problem &p : kProblems)
    for (DataType dtype : {DataType::Float, DataType::Half, DataType::BFloat16,
                           DataType::Double, DataType::Int8, DataType::Int32})
      runProblem(p, dtype, Data::Normal);
}

TEST(ViewTest, ElementwiseOverRandomViews) {
  for (int64_t n = 0; n < Settings::get().count(80); ++n) {
    Case c("view elementwise case " + std::to_string(n));
    const DataType dtype = pick(c.random, kAllTypes);
    const bool isBoolean = dtype == DataType::Boolean;
    const Dims dims = randomDims(c.random, pick(c.random, 1, 4), 4000);
    const Dims other = randomBroadcastFrom(c.random, dims);
    const TensorPtr a =
        c.input("a", dtype, dims, randomViewStrides(c.random, dims, true),
                Data::Normal);
    const TensorPtr b =
        c.input("b", dtype, other, randomViewStrides(c.random, other, true),
                Data::Normal);
    TensorPtr y =
        c.pointwise(isBoolean ? Mode::LOGICAL_AND : Mode::SUB, {a, b}, dtype);
    if (!isBoolean && pick(c.random, 0, 1)) // an intermediate of the group
      y = c.pointwise(Mode::MUL, {y, a}, dtype);
    c.output(y, "y", randomViewStrides(c.random, dims, false));
    EXPECT_TRUE(c.run(kRun));
  }
}

TEST(ViewTest, ReductionsOverRandomViews) {
  for (int64_t n = 0; n < Settings::get().count(60); ++n) {
    Case c("view reduction case " + std::to_string(n));
    const DataType dtype = pick(c.random, kFloatTypes);
    const Dims dims = randomDims(c.random, pick(c.random, 1, 4), 8000);
    Dims y = dims;
    for (int64_t &dim : y)
      if (pick(c.random, 0, 1))
        dim = 1;
    if (y == dims)
      continue;
    const TensorPtr x =
        c.input("x", dtype, dims, randomViewStrides(c.random, dims, true),
                Data::Normal);
    const TensorPtr sum = c.reduction(
        pick(c.random, 0, 1) ? Reduce::ADD : Reduce::MAX, x, y, dtype);
    c.output(sum, "y", randomViewStrides(c.random, y, false));
    if (pick(c.random, 0, 1)) // with its users, as softmax has them
      c.output(c.pointwise(Mode::SUB, {x, sum}, dtype), "z",
               randomViewStrides(c.random, dims, false));
    EXPECT_TRUE(c.run(kRun));
  }
}

TEST(ViewTest, MatmulsOverRandomViews) {
  for (int64_t n = 0; n < Settings::get().count(60); ++n) {
    Case c("view matmul case " + std::to_string(n));
    const DataType dtype = pick(c.random, kFloatTypes);
    const Dims batch = randomDims(c.random, pick(c.random, 0, 2), 6);
    const int64_t m = pick(c.random, 1, 40), k = pick(c.random, 1, 70),
                  p = pick(c.random, 1, 40);
    Dims aDims = batch, bDims = batch, yDims = batch;
    aDims.insert(aDims.end(), {m, k});
    bDims.insert(bDims.end(), {k, p});
    yDims.insert(yDims.end(), {m, p});
    const TensorPtr a =
        c.input("a", dtype, aDims, randomViewStrides(c.random, aDims, true),
                Data::Normal);
    const TensorPtr b =
        c.input("b", dtype, bDims, randomViewStrides(c.random, bDims, true),
                Data::Normal);
    TensorPtr y = c.matmul(a, b, dtype);
    if (pick(c.random, 0, 1))
      y = c.pointwise(Mode::RELU_FWD, {y}, dtype);
    c.output(y, "y", randomViewStrides(c.random, yDims, false));
    EXPECT_TRUE(c.run(kRun));
  }
}

// The update of a padded matrix in its own memory.
TEST(ViewTest, InPlaceLeavesTheGaps) {
  Case c("view in place");
  const Dims dims = {33, 50}, strides = {64, 1};
  const TensorPtr w =
      c.input("w", DataType::Float, dims, strides, Data::Normal);
  const TensorPtr g = c.input("g", DataType::Float, dims);
  c.output(c.pointwise(Mode::SUB, {w, g}, DataType::Float), "y", strides);
  RunOptions options = kRun;
  options.inPlace = {{"y", "w"}};
  EXPECT_TRUE(c.run(options));
}

TEST(ViewTest, OverlappingResultsAreRefused) {
  Case c("view overlap");
  const TensorPtr x = c.input("x", DataType::Float, {4, 3});
  c.output(c.pointwise(Mode::ABS, {x}, DataType::Float), "y", {2, 1});
  ErrorObject status = c.graph.validate();
  EXPECT_EQ(status.getCode(), ErrorCode::InvalidAttribute) << status;
}

} // namespace
} // namespace fusilli::e2e
