// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of layer normalization, shapes of all
// normalizations.

#include "graph/ops/op_test_support.h"

#include <fusilli/node/norm_utils.h>

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;
TEST(NormUtilsTest, Shapes) {
  using namespace norm_utils;
  EXPECT_EQ(getNormalizedShape({2, 3, 4}), (Dims{3, 4}));
  EXPECT_EQ(getScaleBiasDim({2, 3, 4}), (Dims{1, 3, 4}));
  EXPECT_EQ(getScaleBiasStride({1, 3, 4}, {12, 1, 3}), (Dims{12, 1, 3}));
  auto [dim, stride] = getTrainingForwardOutputDimAndStride({2, 3, 4});
  EXPECT_EQ(dim, (Dims{2, 1, 1}));
  EXPECT_EQ(stride, (Dims{1, 1, 1}));
}

LayernormAttr layernormInference() {
  return LayernormAttr()
      .setForwardPhase(NormFwdPhase::INFERENCE)
      .setX(tensor({2, 4, 3, 3}))
      .setSCALE(tensor())
      .setBIAS(tensor())
      .setY(tensor())
      .setEpsilon(scalar());
}

LayernormAttr layernormTraining() {
  return layernormInference()
      .setForwardPhase(NormFwdPhase::TRAINING)
      .setMEAN(tensor())
      .setINV_VARIANCE(tensor());
}

TEST(LayerNormNodeTest, InferenceRules) {
  using A = LayernormAttr;
  checkRules<LayerNormNode, A>(
      layernormInference,
      {{"phase", [](A &a) { a.setForwardPhase(NormFwdPhase::NOT_SET); },
        Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"Y", [](A &a) { a.setY(nullptr); }, Code::AttributeNotSet},
       {"rank", [](A &a) { a.setX(tensor({4})); }, Code::InvalidAttribute},
       {"layout", [](A &a) { a.setX(oddLayout()); }, Code::OK},
       {"SCALE dims", [](A &a) { a.setSCALE(tensor({4, 3, 3})); },
        Code::InvalidAttribute},
       {"BIAS dims", [](A &a) { a.setBIAS(tensor({2, 4, 3, 3})); },
        Code::InvalidAttribute},
       {"SCALE layout",
        [](A &a) { a.setSCALE(strided({1, 4, 3, 3}, {1, 1, 4, 12})); },
        Code::OK},
       {"MEAN", [](A &a) { a.setMEAN(tensor()); }, Code::InvalidAttribute},
       {"INV_VARIANCE", [](A &a) { a.setINV_VARIANCE(tensor()); },
        Code::InvalidAttribute},
       {"epsilon", [](A &a) { a.setEpsilon(nullptr); }, Code::AttributeNotSet},
       {"epsilon tensor", [](A &a) { a.setEpsilon(tensor({1})); },
        Code::InvalidAttribute}},
      {{"Y dims", [](A &a) { a.setY(tensor({2, 4, 3, 2})); },
        Code::InvalidAttribute},
       {"Y layout", [](A &a) { a.setY(oddLayout()); }, Code::OK}});
}

TEST(LayerNormNodeTest, TrainingRules) {
  using A = LayernormAttr;
  checkRules<LayerNormNode, A>(
      layernormTraining,
      {{"MEAN", [](A &a) { a.setMEAN(nullptr); }, Code::AttributeNotSet},
       {"INV_VARIANCE", [](A &a) { a.setINV_VARIANCE(nullptr); },
        Code::AttributeNotSet}},
      {{"MEAN dims", [](A &a) { a.setMEAN(tensor({2})); },
        Code::InvalidAttribute},
       {"INV_VARIANCE dims", [](A &a) { a.setINV_VARIANCE(tensor({2, 4})); },
        Code::InvalidAttribute},
       {"MEAN strides",
        [](A &a) { a.setMEAN(strided({2, 1, 1, 1}, {1, 2, 2, 2})); },
        Code::InvalidAttribute},
       {"INV_VARIANCE strides",
        [](A &a) { a.setINV_VARIANCE(strided({2, 1, 1, 1}, {1, 2, 2, 2})); },
        Code::InvalidAttribute}});
}

TEST(LayerNormNodeTest, Infers) {
  LayernormAttr attr = layernormTraining().setX(channelsLast({2, 4, 3, 5}));
  EXPECT_EQ(post<LayerNormNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getY()->isChannelsLast());
  EXPECT_EQ(attr.getSCALE()->getDim(), (Dims{1, 4, 3, 5}));
  EXPECT_TRUE(attr.getSCALE()->isChannelsLast());
  EXPECT_EQ(attr.getMEAN()->getDim(), (Dims{2, 1, 1, 1}));
  EXPECT_EQ(attr.getMEAN()->getStride(), (Dims{1, 1, 1, 1}));
}

} // namespace
} // namespace fusilli
