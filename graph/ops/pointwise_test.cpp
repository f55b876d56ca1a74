// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the elementwise ops.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

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

TEST(PointwiseNodeTest, ResultsOfViewsAreDense) {
  PointwiseAttr attr = pointwise(Mode::ABS, {strided({2, 4, 3}, {100, 2, 10})});
  EXPECT_EQ(post<PointwiseNode>(attr), Code::OK);
  EXPECT_EQ(attr.getOUT_0()->getStride(), (Dims{12, 1, 4}));
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

} // namespace
} // namespace fusilli
