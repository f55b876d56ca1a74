// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chains that fuse: contractions with epilogues, reductions with producers and
// consumers, several outputs, diamonds, one tensor used twice.

#include "tests/e2e/shapes.h"

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;
using Reduce = ReductionAttr::Mode;

const std::vector<DataType> kTypes = {DataType::Float, DataType::Half,
                                      DataType::BFloat16};

TEST(FusionTest, MatmulBiasActivation) {
  for (DataType dtype : kTypes)
    for (Mode activation : {Mode::GELU_FWD, Mode::RELU_FWD, Mode::SIGMOID_FWD,
                            Mode::GELU_APPROX_TANH_FWD, Mode::SWISH_FWD})
      for (const Dims &mnk : {Dims{37, 65, 41}, Dims{128, 96, 64},
                              Dims{1, 33, 70}, Dims{61, 1, 20}}) {
        Case c("matmul+bias+" + PointwiseAttr::kModeToStr.at(activation) + " " +
               toString(dtype) + " " + toString(mnk));
        const auto a = c.input("a", dtype, {mnk[0], mnk[2]});
        const auto b = c.input("b", dtype, {mnk[2], mnk[1]});
        const auto bias = c.input("bias", dtype, {1, mnk[1]});
        const auto product = c.matmul(a, b, dtype);
        const auto sum = c.pointwise(Mode::ADD, {product, bias}, dtype);
        c.output(c.pointwise(activation, {sum}, dtype), "y");
        EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
      }
}

TEST(FusionTest, MatmulWithVariousEpilogueOperands) {
  for (DataType dtype : kTypes) {
    Case c("matmul*column+full,transposed " + toString(dtype));
    const auto a = c.input("a", dtype, {3, 29, 17});
    const auto b = c.input("b", dtype, {3, 17, 50}, {850, 1, 17}, Data::Normal);
    const auto column = c.input("column", dtype, {29, 1});
    const auto full =
        c.input("full", dtype, {3, 29, 50}, {1450, 1, 29}, Data::Normal);
    const auto two = c.constant("two", 2.0f);
    auto y = c.matmul(a, b, dtype);
    y = c.pointwise(Mode::MUL, {y, column}, dtype);
    y = c.pointwise(Mode::ADD, {full, y}, dtype);
    c.output(c.pointwise(Mode::MAX_OP, {y, two}, dtype), "y", {1450, 1, 29});
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, ConvBiasActivation) {
  for (DataType dtype : kTypes)
    for (bool channelsLast : {false, true}) {
      Case c("conv+bias+relu " + toString(dtype) +
             (channelsLast ? " channels-last" : " channels-first"));
      const Dims x = {2, 6, 11, 10}, w = {9, 6, 3, 3}, bias = {1, 9, 1, 1};
      const auto strides = [&](const Dims &dims) {
        return channelsLast ? channelsLastStrides(dims) : rowMajorStrides(dims);
      };
      const auto tx = c.input("x", dtype, x, strides(x), Data::Normal);
      const auto tw = c.input("w", dtype, w, strides(w), Data::Normal);
      const auto tb = c.input("bias", dtype, bias, strides(bias), Data::Normal);
      auto y = c.conv(tx, tw, {1, 1}, {1, 1}, {1, 1}, dtype);
      y->setStride(strides(y->getDim()));
      auto sum = c.pointwise(Mode::ADD, {y, tb}, dtype);
      sum->setStride(strides(sum->getDim()));
      const auto relu = c.pointwise(Mode::RELU_FWD, {sum}, dtype);
      c.output(relu, "y", strides(relu->getDim()));
      EXPECT_TRUE(c.run());
    }
}

TEST(FusionTest, IntermediateResultsAreOutputsToo) {
  for (DataType dtype : kTypes) {
    Case c("matmul+bias+relu, all outputs " + toString(dtype));
    const auto a = c.input("a", dtype, {35, 22});
    const auto b = c.input("b", dtype, {22, 47});
    const auto bias = c.input("bias", dtype, {47});
    const auto product = c.matmul(a, b, dtype);
    const auto sum = c.pointwise(Mode::ADD, {product, bias}, dtype);
    const auto relu = c.pointwise(Mode::RELU_FWD, {sum}, dtype);
    c.output(relu, "relu");
    c.output(product, "product", {1, 35});
    c.output(sum, "sum");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, Softmax) {
  for (DataType dtype :
       {DataType::Float, DataType::Half, DataType::BFloat16, DataType::Double})
    for (const Dims &dims :
         {Dims{7, 33}, Dims{1, 1000}, Dims{64, 10}, Dims{2, 3, 65}}) {
      Case c("softmax " + toString(dtype) + " " + toString(dims));
      Dims row = dims;
      row.back() = 1;
      const auto x = c.input("x", dtype, dims);
      const auto largest = c.reduction(Reduce::MAX, x, row, dtype);
      const auto shifted = c.pointwise(Mode::SUB, {x, largest}, dtype);
      const auto e = c.pointwise(Mode::EXP, {shifted}, dtype);
      const auto sum = c.reduction(Reduce::ADD, e, row, dtype);
      c.output(c.pointwise(Mode::DIV, {e, sum}, dtype), "y");
      const auto logSum = c.pointwise(Mode::LOG, {sum}, dtype);
      c.output(c.pointwise(Mode::ADD, {logSum, largest}, dtype), "lse");
      EXPECT_TRUE(c.run());
    }
}

TEST(FusionTest, NormalisedRows) {
  for (DataType dtype : kTypes) {
    Case c("mean, variance, normalise " + toString(dtype));
    const auto x = c.input("x", dtype, {19, 130});
    const auto mean = c.reduction(Reduce::AVG, x, {19, 1}, dtype);
    const auto centred = c.pointwise(Mode::SUB, {x, mean}, dtype);
    const auto squared = c.pointwise(Mode::MUL, {centred, centred}, dtype);
    const auto variance = c.reduction(Reduce::AVG, squared, {19, 1}, dtype);
    const auto epsilon = c.constant("epsilon", 1e-3f);
    const auto shifted = c.pointwise(Mode::ADD, {variance, epsilon}, dtype);
    const auto scale = c.pointwise(Mode::RSQRT, {shifted}, dtype);
    c.output(c.pointwise(Mode::MUL, {centred, scale}, dtype), "y");
    c.output(variance, "variance");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, ReductionOfProducers) {
  for (DataType dtype : kTypes)
    for (const Dims &y : {Dims{1, 77}, Dims{45, 1}, Dims{1, 1}}) {
      Case c("sum of x*w+b, then exp " + toString(dtype) + " to " +
             toString(y));
      const auto x = c.input("x", dtype, {45, 77});
      const auto w = c.input("w", dtype, {45, 77}, {1, 45}, Data::Normal);
      const auto b = c.input("b", dtype, {77});
      const auto product = c.pointwise(Mode::MUL, {x, w}, dtype);
      const auto sum = c.pointwise(Mode::ADD, {product, b}, dtype);
      const auto reduced = c.reduction(Reduce::AVG, sum, y, dtype);
      c.output(c.pointwise(Mode::TANH_FWD, {reduced}, dtype), "y");
      EXPECT_TRUE(c.run());
    }
}

TEST(FusionTest, SeveralReductionsOfOneInput) {
  Case c("sum, max, norm2 of one input f32");
  const auto x = c.input("x", DataType::Float, {23, 51});
  const auto e = c.pointwise(Mode::ABS, {x}, DataType::Float);
  for (auto [mode, name] :
       {std::pair{Reduce::ADD, "sum"}, std::pair{Reduce::MAX, "max"},
        std::pair{Reduce::NORM2, "norm"}})
    c.output(c.reduction(mode, e, {23, 1}, DataType::Float), name);
  EXPECT_TRUE(c.run());
}

TEST(FusionTest, Diamond) {
  for (DataType dtype : kTypes) {
    Case c("diamond " + toString(dtype));
    const auto x = c.input("x", dtype, {33, 20});
    const auto left = c.pointwise(Mode::EXP, {x}, dtype);
    const auto right = c.pointwise(Mode::NEG, {x}, dtype);
    const auto sum = c.pointwise(Mode::ADD, {left, right}, dtype);
    c.output(c.pointwise(Mode::MUL, {sum, left}, dtype), "y");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, DiamondThroughMatmuls) {
  for (DataType dtype : kTypes) {
    Case c("two matmuls of one input, added " + toString(dtype));
    const auto x = c.input("x", dtype, {18, 25});
    const auto u = c.input("u", dtype, {25, 31});
    const auto v = c.input("v", dtype, {25, 31});
    const auto left = c.matmul(x, u, dtype), right = c.matmul(x, v, dtype);
    const auto gate = c.pointwise(Mode::SIGMOID_FWD, {left}, dtype);
    c.output(c.pointwise(Mode::MUL, {gate, right}, dtype), "y");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, TwoLayerPerceptron) {
  for (DataType dtype : kTypes) {
    Case c("two-layer perceptron " + toString(dtype));
    const auto x = c.input("x", dtype, {32, 64});
    const auto w1 = c.input("w1", dtype, {64, 48});
    const auto w2 = c.input("w2", dtype, {48, 10});
    const auto b1 = c.input("b1", dtype, {48});
    const auto b2 = c.input("b2", dtype, {10});
    auto h = c.pointwise(Mode::ADD, {c.matmul(x, w1, dtype), b1}, dtype);
    h = c.pointwise(Mode::RELU_FWD, {h}, dtype);
    c.output(c.pointwise(Mode::ADD, {c.matmul(h, w2, dtype), b2}, dtype),
             "logits");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, MatmulOfPointwiseProducers) {
  for (DataType dtype : kTypes) {
    Case c("relu(a) x (b*s) " + toString(dtype));
    const auto a = c.input("a", dtype, {21, 40});
    const auto b = c.input("b", dtype, {40, 27});
    const auto s = c.input("s", dtype, {1, 27});
    const auto left = c.pointwise(Mode::RELU_FWD, {a}, dtype);
    const auto right = c.pointwise(Mode::MUL, {b, s}, dtype);
    c.output(c.matmul(left, right, dtype), "y");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, MatmulOfOneTensorWithItself) {
  for (DataType dtype : kTypes) {
    Case c("x times x " + toString(dtype));
    const auto x = c.input("x", dtype, {43, 43});
    c.output(c.matmul(x, x, dtype), "y");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, MixedTypesInOneChain) {
  Case c("f16 matmul, f32 bias, bf16 output, comparison");
  const auto a = c.input("a", DataType::Half, {26, 30});
  const auto b = c.input("b", DataType::Half, {30, 38});
  const auto bias = c.input("bias", DataType::Float, {38});
  const auto product = c.matmul(a, b, DataType::Float);
  const auto sum = c.pointwise(Mode::ADD, {product, bias}, DataType::Float);
  c.output(c.pointwise(Mode::TANH_FWD, {sum}, DataType::BFloat16), "y");
  const auto positive =
      c.pointwise(Mode::CMP_GT, {sum, product}, DataType::Boolean);
  c.output(c.pointwise(Mode::BINARY_SELECT, {positive, sum, product},
                       DataType::Half),
           "z");
  EXPECT_TRUE(c.run());
}

TEST(FusionTest, LongPointwiseChain) {
  for (DataType dtype : kTypes) {
    Case c("chain of 24 pointwise ops " + toString(dtype));
    auto y = c.input("x", dtype, {17, 91});
    const auto b = c.input("b", dtype, {91});
    const std::vector<Mode> unary = {Mode::TANH_FWD, Mode::NEG,
                                     Mode::SIGMOID_FWD, Mode::ABS};
    for (int n = 0; n < 12; ++n) {
      y = c.pointwise(unary[static_cast<size_t>(n) % 4], {y}, dtype);
      y = c.pointwise(n % 2 ? Mode::MUL : Mode::ADD, {y, b}, dtype);
    }
    c.output(y, "y");
    EXPECT_TRUE(c.run());
  }
}

TEST(FusionTest, UnusedInputsAndIndependentParts) {
  Case c("unused input, two independent parts f32");
  const auto x = c.input("x", DataType::Float, {5, 6});
  const auto z = c.input("z", DataType::Int32, {40});
  c.input("unused", DataType::Half, {3});
  c.output(c.pointwise(Mode::EXP, {x}, DataType::Float), "y");
  c.output(c.pointwise(Mode::NEG, {z}, DataType::Int32), "w");
  EXPECT_TRUE(c.run());
}

} // namespace
} // namespace fusilli::e2e
