// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of matmul, pointwise and reduction.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

//===-- Matmul ------------------------------------------------------------===//

MatmulAttr matmul(const TensorPtr &a, const TensorPtr &b,
                  const TensorPtr &c = tensor()) {
  return MatmulAttr().setA(a).setB(b).setC(c);
}

TensorPtr typed(TensorPtr t, DataType type) {
  t->setDataType(type);
  return t;
}

TEST(MatmulShapeTest, Formula) {
  EXPECT_EQ(getMatmulInferredOutputShape({2, 3}, {3, 4}), (Dims{2, 4}));
  EXPECT_EQ(getMatmulInferredOutputShape({5, 1, 2, 3}, {1, 6, 3, 4}),
            (Dims{5, 6, 2, 4}));
  EXPECT_EQ(getMatmulInferredOutputShape({2}, {2}), Dims());
  EXPECT_EQ(getMatmulInferredOutputShape({2, 3}, {1, 3, 4}), Dims());
}

TEST(MatmulNodeTest, PreRules) {
  auto check = [](const MatmulAttr &attr) { return pre<MatmulNode>(attr); };
  auto a = tensor({4, 2, 3});
  auto b = tensor({4, 3, 5});
  EXPECT_EQ(check(matmul(a, b)), Code::OK);
  EXPECT_EQ(check(matmul(nullptr, b)), Code::AttributeNotSet);
  EXPECT_EQ(check(matmul(a, nullptr)), Code::AttributeNotSet);
  EXPECT_EQ(check(matmul(a, b, nullptr)), Code::AttributeNotSet);
  EXPECT_EQ(check(matmul(tensor({3}), b)), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({3}))), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({3, 5}))), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({4, 7, 5}))), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({3, 3, 5}))), Code::InvalidAttribute);
  // Validation accepts extents of which one divides the other.
  EXPECT_EQ(check(matmul(a, tensor({2, 3, 5}))), Code::OK);
  EXPECT_EQ(check(matmul(a, tensor({1, 3, 5}))), Code::OK);
}

TEST(MatmulNodeTest, StridesMayTransposeButNotMoveTheBatch) {
  auto check = [](const MatmulAttr &attr) { return pre<MatmulNode>(attr); };
  auto a = tensor({4, 2, 3});
  EXPECT_EQ(check(matmul(a, strided({4, 3, 5}, {15, 1, 3}))), Code::OK);
  EXPECT_EQ(check(matmul(a, strided({4, 3, 5}, {1, 20, 4}))),
            Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(strided({4, 2, 3}, {1, 12, 4}), tensor({4, 3, 5}))),
            Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(tensor({2, 3}), strided({3, 5}, {1, 3}))), Code::OK);
}

TEST(MatmulNodeTest, MixedTypes) {
  auto check = [](const MatmulAttr &attr) { return pre<MatmulNode>(attr); };
  auto half = [](const Dims &dims) {
    return typed(tensor(dims), DataType::Half);
  };
  EXPECT_EQ(check(matmul(half({2, 3}), tensor({3, 4}))),
            Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(half({1, 2, 3}), tensor({1, 3, 4}))), Code::OK);
  EXPECT_EQ(check(matmul(half({2, 2, 3}), tensor({1, 3, 4}))),
            Code::InvalidAttribute);
  // Before the context fills in types, one that is not set counts as mixed.
  EXPECT_EQ(
      check(matmul(typed(tensor({2, 3}), DataType::NotSet), tensor({3, 4}))),
      Code::InvalidAttribute);
}

TEST(MatmulNodeTest, InferenceAndPostRules) {
  MatmulAttr attr = matmul(tensor({4, 2, 3}), tensor({1, 3, 5}));
  EXPECT_EQ(post<MatmulNode>(attr), Code::OK);
  EXPECT_EQ(attr.getC()->getDim(), (Dims{4, 2, 5}));
  EXPECT_TRUE(attr.getC()->isContiguous());
  auto check = [](const TensorPtr &c) {
    return post<MatmulNode>(matmul(tensor({4, 2, 3}), tensor({4, 3, 5}), c));
  };
  EXPECT_EQ(check(strided({4, 2, 5}, {10, 1, 2})), Code::OK);
  EXPECT_EQ(check(tensor({4})), Code::InvalidAttribute);
  EXPECT_EQ(check(tensor({4, 2, 4})), Code::InvalidAttribute);
  EXPECT_EQ(check(strided({4, 2, 5}, {1, 20, 4})), Code::InvalidAttribute);
}

//===-- Pointwise ---------------------------------------------------------===//

using Mode = PointwiseAttr::Mode;

PointwiseAttr pointwise(Mode mode, const std::vector<TensorPtr> &inputs,
                        const TensorPtr &out = tensor()) {
  PointwiseAttr attr;
  attr.setMode(mode).setOUT_0(out);
  for (size_t i = 0; i < inputs.size(); ++i)
    attr.setInput(static_cast<PointwiseAttr::InputNames>(i), inputs[i]);
  return attr;
}

TEST(PointwiseAttrTest, Tables) {
  EXPECT_EQ(PointwiseAttr::kModeToStr.size(), 43u);
  EXPECT_EQ(PointwiseAttr::kModeToRequiredInputCount.size(), 43u);
  EXPECT_EQ(PointwiseAttr::kModeToStr.at(Mode::GELU_APPROX_TANH_BWD),
            "GELU_APPROX_TANH_BWD");
  EXPECT_FALSE(PointwiseAttr::kModeToStr.contains(Mode::NOT_SET));
  EXPECT_EQ(kPointwiseForcedDataTypes.size(), 9u);
  PointwiseAttr attr;
  EXPECT_EQ(attr.getMode(), Mode::NOT_SET);
  EXPECT_EQ(attr.getEluAlpha(), 1.0f);
  EXPECT_EQ(attr.getSoftplusBeta(), 1.0f);
  EXPECT_EQ(attr.getSoftplusThreshold(), 20.0f);
  EXPECT_EQ(attr.getSwishBeta(), 1.0f);
  EXPECT_TRUE(attr.inputs.empty() && attr.outputs.empty());
}

TEST(PointwiseNodeTest, InputCountOfEveryMode) {
  for (const auto &[mode, required] : PointwiseAttr::kModeToRequiredInputCount)
    for (int given = 0; given <= 3; ++given) {
      std::vector<TensorPtr> inputs(static_cast<size_t>(given), tensor({2}));
      Code expected = given < required   ? Code::AttributeNotSet
                      : given > required ? Code::InvalidAttribute
                                         : Code::OK;
      EXPECT_EQ(pre<PointwiseNode>(pointwise(mode, inputs)), expected)
          << PointwiseAttr::kModeToStr.at(mode) << given;
    }
}

TEST(PointwiseNodeTest, PreRules) {
  EXPECT_EQ(pre<PointwiseNode>(pointwise(Mode::NOT_SET, {tensor({2})})),
            Code::AttributeNotSet);
  EXPECT_EQ(
      pre<PointwiseNode>(pointwise(static_cast<Mode>(200), {tensor({2})})),
      Code::AttributeNotSet);
  EXPECT_EQ(pre<PointwiseNode>(pointwise(Mode::ABS, {tensor({2})}, nullptr)),
            Code::AttributeNotSet);
  std::string text = preText<PointwiseNode>(pointwise(Mode::ADD, {}));
  EXPECT_NE(text.find("ADD"), std::string::npos);
  EXPECT_NE(text.find("IN_0"), std::string::npos);
}

TEST(PointwiseNodeTest, InfersTypeDimsStrides) {
  PointwiseAttr attr = pointwise(Mode::CMP_LT, {tensor({2, 3}), tensor({3})});
  EXPECT_EQ(post<PointwiseNode>(attr), Code::OK);
  EXPECT_EQ(attr.getOUT_0()->getDataType(), DataType::Boolean);
  EXPECT_EQ(attr.getOUT_0()->getDim(), (Dims{2, 3}));
  EXPECT_EQ(attr.getOUT_0()->getStride(), (Dims{3, 1}));
  // The first input with the output's dims gives the strides.
  attr =
      pointwise(Mode::ADD, {tensor({1, 4, 1, 1}), channelsLast({2, 4, 3, 3})});
  EXPECT_EQ(post<PointwiseNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getOUT_0()->isChannelsLast());
}

TEST(PointwiseNodeTest, StridesWithoutAMatchingInput) {
  auto infer = [](PointwiseAttr attr) {
    return node<PointwiseNode>(std::move(attr)).inferPropertiesNode().getCode();
  };
  // Not virtual: cannot be inferred.
  EXPECT_EQ(infer(pointwise(Mode::ADD, {tensor({2, 1}), tensor({1, 3})})),
            Code::InvalidAttribute);
  TensorPtr out = tensor();
  out->setIsVirtual(true);
  EXPECT_EQ(infer(pointwise(Mode::ADD, {tensor({2, 1}), tensor({1, 3})}, out)),
            Code::OK);
  EXPECT_EQ(out->getDim(), (Dims{2, 3}));
  // Strides {1, 1} of IN_0 keep index order: dim 0 is the fastest.
  EXPECT_EQ(out->getStride(), (Dims{1, 2}));
  EXPECT_EQ(infer(pointwise(Mode::ADD, {tensor({2, 3}), tensor({2, 4})})),
            Code::InvalidAttribute);
}

TEST(PointwiseNodeTest, GivenDimsMustBeReachable) {
  auto check = [](const Dims &in, const Dims &out) {
    return post<PointwiseNode>(pointwise(Mode::ABS, {tensor(in)}, tensor(out)));
  };
  EXPECT_EQ(check({3}, {2, 3}), Code::OK);
  EXPECT_EQ(check({2, 3}, {2, 3}), Code::OK);
  EXPECT_EQ(check({2, 3}, {3}), Code::InvalidAttribute);
  EXPECT_EQ(check({2, 3}, {2, 4}), Code::InvalidAttribute);
}

//===-- Reduction ---------------------------------------------------------===//

using RMode = ReductionAttr::Mode;

ReductionAttr reduction(RMode mode, const TensorPtr &x, const TensorPtr &y) {
  return ReductionAttr().setMode(mode).setX(x).setY(y);
}

TEST(ReductionNodeTest, PreRules) {
  auto x = tensor({2, 3});
  auto y = dimsOnly({2, 1});
  auto check = [](const ReductionAttr &a) { return pre<ReductionNode>(a); };
  EXPECT_EQ(check(reduction(RMode::ADD, x, y)), Code::OK);
  EXPECT_EQ(check(reduction(RMode::NOT_SET, x, y)), Code::AttributeNotSet);
  EXPECT_EQ(check(reduction(RMode::ADD, nullptr, y)), Code::AttributeNotSet);
  EXPECT_EQ(check(reduction(RMode::ADD, x, nullptr)), Code::AttributeNotSet);
  EXPECT_EQ(check(reduction(RMode::ADD, tensor(), y)), Code::AttributeNotSet);
  EXPECT_EQ(ReductionAttr::kModeToStr.size(), 11u);
  EXPECT_EQ(ReductionAttr::kModeToStr.at(RMode::NOT_SET), "NOT_SET");
}

TEST(ReductionNodeTest, InferenceAndPostRules) {
  auto x = tensor({2, 3, 4});
  auto check = [&](RMode mode, const TensorPtr &y) {
    return post<ReductionNode>(reduction(mode, x, y));
  };
  TensorPtr y = dimsOnly({2, 1, 4});
  EXPECT_EQ(check(RMode::AVG, y), Code::OK);
  EXPECT_EQ(y->getStride(), (Dims{4, 4, 1}));
  EXPECT_EQ(check(RMode::ADD, dimsOnly({2, 1})), Code::InvalidAttribute);
  EXPECT_EQ(check(RMode::ADD, dimsOnly({2, 2, 4})), Code::InvalidAttribute);
  // Y without dims takes those of X: nothing is reduced.
  EXPECT_EQ(check(RMode::ADD, tensor()), Code::InvalidAttribute);
  TensorPtr integer = dimsOnly({2, 1, 4});
  integer->setDataType(DataType::Int32);
  EXPECT_EQ(check(RMode::AVG, integer), Code::InvalidAttribute);
  EXPECT_EQ(check(RMode::ADD, integer), Code::OK);
  auto n = node<ReductionNode>(reduction(RMode::ADD, x, dimsOnly({1, 3, 1})));
  EXPECT_EQ(n.getReductionDims(), (Dims{0, 2}));
}

} // namespace
} // namespace fusilli
