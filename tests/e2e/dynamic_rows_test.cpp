// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions, softmax and normalizations of any number of rows of any length:
// held against the reference, and where only the number of rows is dynamic,
// against the static graph bit for bit.

#include "tests/e2e/dynamic_cases.h"
#include "tests/e2e/norm_cases.h"

#include <algorithm>
#include <functional>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;
using Reduce = ReductionAttr::Mode;

const RunOptions kOptions = {.threads = {1, 3}, .repeats = 1};
const std::vector<int64_t> kExtents = {1, 2, 7, 16, 17, 33, 67, 300};

Dims with(Dims dims, size_t dim, int64_t extent) {
  dims[dim] = extent;
  return dims;
}

/// Marks what has kN among the dims, if the graph is to be dynamic.
TensorPtr mark(TensorPtr tensor, const Dims &dims, bool isDynamic = true) {
  for (size_t d = 0; isDynamic && d < dims.size(); ++d)
    if (dims[d] == kN)
      tensor->setDynamicDim(d);
  return tensor;
}

/// softmax(x) over `over`; the dims that have kN are dynamic.
void addSoftmax(Case &c, DataType dtype, const Dims &dims, const Dims &strides,
                const std::vector<size_t> &over, bool isDynamic) {
  Dims one = dims;
  for (size_t d : over)
    one[d] = 1;
  const auto marked = [&](TensorPtr tensor, const Dims &shape) {
    return mark(std::move(tensor), shape, isDynamic);
  };
  const DataType wide =
      dtype == DataType::Double ? DataType::Double : DataType::Float;
  auto x = marked(c.input("x", dtype, dims, strides, Data::Normal), dims);
  auto max = marked(c.reduction(Reduce::MAX, x, one, wide), one);
  auto sub = marked(c.pointwise(Mode::SUB, {x, max}, wide), dims);
  auto exp = marked(c.pointwise(Mode::EXP, {sub}, wide), dims);
  auto sum = marked(c.reduction(Reduce::SUM, exp, one, wide), one);
  auto y = marked(c.pointwise(Mode::DIV, {exp, sum}, dtype), dims);
  c.output(y, "y", strides);
}

TEST(DynamicRowsTest, SoftmaxOfAnyShape) {
  size_t number = 0;
  for (const Dims &dims : {Dims{kN, 40}, Dims{40, kN}, Dims{kN, kN},
                           Dims{3, kN, 20}, Dims{kN, 5, 33}})
    for (size_t over = 0; over < dims.size(); ++over)
      for (DataType dtype : {DataType::Float, kFloatTypes[1 + number++ % 3]}) {
        Case c("dynamic softmax " + toString(dtype) + " " + toString(dims) +
               " over " + std::to_string(over));
        addSoftmax(c, dtype, dims, rowMajorStrides(dims), {over}, true);
        EXPECT_TRUE(c.runShapes(rowsFrom(c, kExtents), kOptions));
      }
}

TEST(DynamicRowsTest, SoftmaxOverTwoDimsOfAnyLayout) {
  for (const Dims &dims : {Dims{4, kN, 12}, Dims{4, 12, kN}, Dims{kN, 12, 4}})
    for (const Dims &strides :
         {rowMajorStrides(dims), channelsLastStrides(dims)}) {
      Case c("dynamic softmax over two dims " + toString(dims) + " " +
             toString(strides));
      addSoftmax(c, DataType::Float, dims, strides, {1, 2}, true);
      EXPECT_TRUE(c.runShapes(rowsFrom(c, kExtents), kOptions));
    }
}

// Rows that fit in no buffer are computed again in each phase.
TEST(DynamicRowsTest, LongRows) {
  for (DataType dtype : {DataType::Float, DataType::BFloat16}) {
    Case c("dynamic softmax of long rows " + toString(dtype));
    addSoftmax(c, dtype, {2, kN}, {kN, 1}, {1}, true);
    EXPECT_TRUE(c.runShapes(rowsFrom(c, {5, 40000, 524288, 700001, 100}),
                            {.threads = {1, 2}, .repeats = 1, .samples = 500}));
  }
  Case side("dynamic softmax of long rows side by side");
  addSoftmax(side, DataType::Float, {kN, 40}, {40, 1}, {0}, true);
  EXPECT_TRUE(
      side.runShapes(rowsFrom(side, {5, 9000, 40001}),
                     {.threads = {1, 2}, .repeats = 1, .samples = 500}));
}

TEST(DynamicRowsTest, ReductionsAllModesAndTypes) {
  std::vector<DataType> types = kFloatTypes;
  types.insert(types.end(), kIntegerTypes.begin(), kIntegerTypes.end());
  size_t number = 0;
  for (DataType dtype : types)
    for (Reduce mode :
         {Reduce::SUM, Reduce::MAX, Reduce::MIN, Reduce::AMAX, Reduce::NORM1,
          Reduce::NORM2, Reduce::MUL, Reduce::MUL_NO_ZEROS, Reduce::AVG}) {
      const bool isFloat = std::ranges::count(kFloatTypes, dtype) != 0;
      if (mode == Reduce::AVG && !isFloat)
        continue;
      for (const auto &[dims, over] : {std::pair{Dims{kN, 21}, 0},
                                       {Dims{kN, 21}, 1},
                                       {Dims{21, kN}, 0},
                                       {Dims{21, kN}, 1}}) {
        if (number++ % 3 != 0) // each mode, type and place; not all of all
          continue;
        Case c("dynamic reduction " + ReductionAttr::kModeToStr.at(mode) + " " +
               toString(dtype) + " " + toString(dims) + " over " +
               std::to_string(over));
        const auto x = c.input("x", dtype, dims);
        mark(x, dims);
        const Dims one = with(dims, static_cast<size_t>(over), 1);
        const auto y = c.reduction(mode, x, one, dtype);
        mark(y, one);
        c.output(y, "y");
        const bool isProduct =
            mode == Reduce::MUL || mode == Reduce::MUL_NO_ZEROS;
        EXPECT_TRUE(c.runShapes(
            rowsFrom(c, {1, 5, 16, 35, 67},
                     isFloat && isProduct ? Data::Positive : Data::Integers),
            {.threads = {1, 2}, .repeats = 1}));
      }
    }
}

// Columns are summed in stretches; the last row of a block of four varies.
TEST(DynamicRowsTest, SumsOfColumns) {
  for (const Dims &dims : {Dims{kN, 640}, Dims{3, kN, 300}, Dims{kN, 3, 300}}) {
    Case c("dynamic column sums " + toString(dims));
    const auto x = c.input("x", DataType::Float, dims);
    mark(x, dims);
    Dims one = dims;
    for (size_t d = 0; d + 1 < one.size(); ++d)
      one[d] = 1;
    c.output(c.reduction(Reduce::SUM, x, one, DataType::Float), "y");
    EXPECT_TRUE(c.runShapes(rowsFrom(c, {1, 2, 3, 4, 5, 63, 257, 1030, 5001}),
                            {.threads = {1, 2}, .repeats = 1}));
  }
}

// The bound of a long sum grows with no accumulator's length.
TEST(DynamicRowsTest, LongSums) {
  for (const Dims &dims : {Dims{1, kN}, Dims{kN, 3}}) {
    Case c("dynamic long sums " + toString(dims));
    const auto x = c.input("x", DataType::Float, dims);
    mark(x, dims);
    const size_t over = dims[0] == kN ? 0 : 1;
    c.output(c.reduction(Reduce::SUM, x, with(dims, over, 1), DataType::Float),
             "y");
    std::vector<reference::Inputs> shapes;
    for (int64_t n : {100, 3000000}) {
      shapes.push_back(c.inputsOf({{kN, n}}, Data::Positive));
      reference::Tensor &values = shapes.back().at("x");
      for (int64_t i = 0; i < values.spec().storageCount(); ++i)
        values.setValue(i, 0.1f);
    }
    // Three levels of sums, 256 additions at each.
    const double bound = 3 * 256 * 0x1p-24 * 3e5;
    EXPECT_TRUE(c.runShapes(
        shapes, {.threads = {1, 2}, .repeats = 1, .bounds = {{"y", bound}}}));
  }
}

/// Adds a normalization of `x`; what has kN is dynamic.
using AddNorm = std::function<void(Case &, const NormCase &, bool isDynamic)>;

void addLayernorm(Case &c, const NormCase &n, bool isDynamic) {
  Dims affine = with(n.dims, 0, 1), samples(n.dims.size(), 1);
  samples[0] = n.dims[0];
  const auto strides = [&](const Dims &dims) {
    return n.channelsLast ? channelsLastStrides(dims) : rowMajorStrides(dims);
  };
  auto attr = LayernormAttr().setForwardPhase(n.phase());
  attr.setEpsilon(c.constant("epsilon", 1e-5f));
  const auto x = c.input("x", n.dtype, n.dims, n.strides(), Data::Normal);
  const auto scale =
      c.input("scale", n.dtype, affine, strides(affine), Data::Normal);
  const auto bias =
      c.input("bias", n.dtype, affine, strides(affine), Data::Normal);
  mark(x, n.dims, isDynamic);
  mark(scale, affine, isDynamic);
  mark(bias, affine, isDynamic);
  auto [y, mean, inverse] = c.graph.layernorm(x, scale, bias, attr);
  y->setDataType(n.dtype);
  c.output(y, "y");
  mark(y, n.dims, isDynamic);
  if (!n.training)
    return;
  for (const TensorPtr &tensor : {mean, inverse}) {
    tensor->setDataType(n.statisticType());
    mark(tensor, samples, isDynamic);
  }
  c.output(mean, "mean");
  c.output(inverse, "inverse");
}

void addRmsnorm(Case &c, const NormCase &n, bool isDynamic) {
  const Dims affine = with(n.dims, 0, 1);
  auto attr = RmsnormAttr().setForwardPhase(n.phase());
  attr.setEpsilon(c.constant("epsilon", 1e-5f));
  const auto x = c.input("x", n.dtype, n.dims, n.strides(), Data::Normal);
  const auto scale = c.input("scale", n.dtype, affine,
                             n.channelsLast ? channelsLastStrides(affine)
                                            : rowMajorStrides(affine),
                             Data::Normal);
  mark(x, n.dims, isDynamic);
  mark(scale, affine, isDynamic);
  const auto y = c.graph.rmsnorm(x, scale, attr)[0];
  y->setDataType(n.dtype);
  c.output(y, "y");
  mark(y, n.dims, isDynamic);
}

void addBatchnorm(Case &c, const NormCase &n, bool isDynamic) {
  auto attr = BatchnormAttr().setForwardPhase(n.phase());
  attr.setEpsilon(c.constant("epsilon", 1e-5f));
  attr.setMomentum(c.constant("momentum", 0.1f));
  const auto x = c.input("x", n.dtype, n.dims, n.strides(), Data::Normal);
  mark(x, n.dims, isDynamic);
  const auto perChannel = [&](const std::string &name, Data data) {
    return c.input(name, n.statisticType(), {n.dims[1]}, data);
  };
  const auto scale = perChannel("scale", Data::Normal);
  const auto bias = perChannel("bias", Data::Normal);
  const auto mean = n.training ? nullptr : perChannel("mean", Data::Normal);
  const auto variance =
      n.training ? nullptr : perChannel("variance", Data::Positive);
  auto [y, savedMean, savedInverse] =
      c.graph.batchnorm(x, scale, bias, mean, variance, attr);
  y->setDataType(n.dtype);
  c.output(y, "y");
  mark(y, n.dims, isDynamic);
  if (!n.training)
    return;
  for (const TensorPtr &tensor : {savedMean, savedInverse})
    tensor->setDataType(n.statisticType());
  c.output(savedMean, "saved_mean");
  c.output(savedInverse, "saved_inverse");
}

void runNorm(const std::string &name, const AddNorm &add, const NormCase &n) {
  Case c(n.label("dynamic " + name));
  add(c, n, true);
  EXPECT_TRUE(c.runShapes(rowsFrom(c, {1, 2, 5, 16, 17, 70}), kOptions));
}

TEST(DynamicRowsTest, NormsOfAnyBatch) {
  size_t number = 0;
  for (bool training : {false, true})
    for (const Dims &dims :
         {Dims{kN, 37}, Dims{kN, 64}, Dims{kN, 6, 5, 7}, Dims{kN, 40, 3, 3}})
      for (bool channelsLast : {false, true})
        for (DataType dtype :
             {DataType::Float, kFloatTypes[1 + number++ % 3]}) {
          if (channelsLast && dims.size() < 3)
            continue;
          const NormCase n{dtype, dims, channelsLast, training};
          runNorm("layernorm", addLayernorm, n);
          runNorm("batchnorm", addBatchnorm, n);
          if (!training)
            runNorm("rmsnorm", addRmsnorm, n);
        }
}

TEST(DynamicRowsTest, NormsOfAnyLength) {
  for (DataType dtype : {DataType::Float, DataType::BFloat16})
    for (bool training : {false, true})
      for (bool channelsLast : {false, true}) {
        NormCase n{dtype, {3, 6, kN, 5}, channelsLast, training};
        runNorm("layernorm", addLayernorm, n);
        runNorm("batchnorm", addBatchnorm, n);
        n.dims = {3, 6, 5, kN};
        runNorm("batchnorm", addBatchnorm, n);
        n.dims = {3, kN};
        n.channelsLast = false;
        runNorm("layernorm", addLayernorm, n);
        if (!training)
          runNorm("rmsnorm", addRmsnorm, n);
      }
}

TEST(DynamicRowsTest, NormsOfLargeBatchesAndLongSamples) {
  for (int64_t length : {int64_t{100}, int64_t{40}}) {
    Case c("dynamic layernorm of large batches");
    addLayernorm(c, {DataType::Float, {kN, length}}, true);
    EXPECT_TRUE(c.runShapes(rowsFrom(c, {1, 20000, 3, 4097}),
                            {.threads = {1, 2, 3}, .samples = 2000}));
  }
  Case c("dynamic layernorm of long samples");
  addLayernorm(c, {DataType::Float, {2, kN}}, true);
  EXPECT_TRUE(c.runShapes(rowsFrom(c, {3, 300000, 1000003, 64}),
                          {.threads = {1, 2}, .repeats = 1, .samples = 500}));
}

// Long reductions of few results are cut into parts along a dim that is known.
TEST(DynamicRowsTest, ReductionsInTwoStages) {
  for (bool channelsLast : {false, true})
    for (Reduce mode : {Reduce::AVG, Reduce::MAX, Reduce::NORM1}) {
      const Dims dims = {kN, 8, 57, 64};
      Case c("dynamic reduction in two stages " +
             ReductionAttr::kModeToStr.at(mode) +
             (channelsLast ? " channels last" : ""));
      const auto x = mark(c.input("x", DataType::Float, dims,
                                  channelsLast ? channelsLastStrides(dims)
                                               : rowMajorStrides(dims),
                                  Data::Normal),
                          dims);
      c.output(c.reduction(mode, x, {1, 8, 1, 1}, DataType::Float), "channels");
      c.output(c.reduction(mode, x, {1, 1, 1, 1}, DataType::Float), "all");
      c.output(mark(c.reduction(mode, x, {kN, 1, 1, 1}, DataType::Float),
                    {kN, 1, 1, 1}),
               "samples");
      EXPECT_TRUE(c.runShapes(rowsFrom(c, {1, 16, 3, 41}),
                              {.threads = {1, 3}, .repeats = 1}));
    }
  for (bool channelsLast : {false, true})
    runNorm("batchnorm", addBatchnorm,
            {DataType::Float, {kN, 8, 57, 64}, channelsLast, true});
}

/// The same graph, dynamic and static, on the same inputs.
void expectSameBits(const std::string &label, int64_t n,
                    const std::function<void(Case &, int64_t, bool)> &add) {
  Case any("dynamic " + label), fixed("static " + label);
  add(any, kN, true);
  add(fixed, n, false);
  auto shapes = rowsFrom(any, {3, n});
  ASSERT_TRUE(any.runShapes(shapes, {.threads = {1}, .repeats = 1}));
  fixed.inputs = shapes.back();
  ASSERT_TRUE(fixed.run({.threads = {1}, .repeats = 1}));
  EXPECT_EQ(any.results(), fixed.results()) << label;
}

TEST(DynamicRowsTest, TheSameBitsAsTheStaticGraph) {
  for (DataType dtype : {DataType::Float, DataType::BFloat16})
    for (int64_t n : {9, 131})
      for (int64_t length : {37, 1000}) {
        const std::string what = toString(dtype) + " " + std::to_string(n) +
                                 " of " + std::to_string(length);
        expectSameBits(
            "softmax " + what, n, [&](Case &c, int64_t rows, bool isDynamic) {
              addSoftmax(c, dtype, {rows, length}, {length, 1}, {1}, isDynamic);
            });
        expectSameBits("softmax of columns " + what, n,
                       [&](Case &c, int64_t rows, bool isDynamic) {
                         addSoftmax(c, dtype, {length, rows}, {rows, 1}, {0},
                                    isDynamic);
                       });
        expectSameBits(
            "layernorm " + what, n, [&](Case &c, int64_t rows, bool isDynamic) {
              addLayernorm(c, {dtype, {rows, length}, false, true}, isDynamic);
            });
        expectSameBits("rmsnorm channels last " + what, n,
                       [&](Case &c, int64_t rows, bool isDynamic) {
                         addRmsnorm(c, {dtype, {rows, length, 2, 3}, true},
                                    isDynamic);
                       });
      }
}

} // namespace
} // namespace fusilli::e2e
