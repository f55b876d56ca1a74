// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of batch normalization.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

BatchnormAttr batchnormInference() {
  return BatchnormAttr()
      .setForwardPhase(NormFwdPhase::INFERENCE)
      .setX(tensor({2, 4, 3, 3}))
      .setSCALE(tensor())
      .setBIAS(tensor())
      .setMEAN(tensor())
      .setVAR(tensor())
      .setY(tensor())
      .setEpsilon(scalar())
      .setMomentum(scalar());
}

BatchnormAttr batchnormTraining() {
  return batchnormInference()
      .setForwardPhase(NormFwdPhase::TRAINING)
      .setMEAN(nullptr)
      .setVAR(nullptr)
      .setSAVED_MEAN(tensor())
      .setSAVED_INV_VARIANCE(tensor());
}

TEST(BatchNormNodeTest, InferenceRules) {
  using A = BatchnormAttr;
  checkRules<BatchNormNode, A>(
      batchnormInference,
      {{"phase", [](A &a) { a.setForwardPhase(NormFwdPhase::NOT_SET); },
        Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"Y", [](A &a) { a.setY(nullptr); }, Code::AttributeNotSet},
       {"rank", [](A &a) { a.setX(tensor({4})); }, Code::InvalidAttribute},
       {"layout", [](A &a) { a.setX(oddLayout()); }, Code::OK},
       {"MEAN", [](A &a) { a.setMEAN(nullptr); }, Code::AttributeNotSet},
       {"VAR", [](A &a) { a.setVAR(nullptr); }, Code::AttributeNotSet},
       {"SAVED_MEAN", [](A &a) { a.setSAVED_MEAN(tensor()); },
        Code::InvalidAttribute},
       {"SAVED_INV_VARIANCE", [](A &a) { a.setSAVED_INV_VARIANCE(tensor()); },
        Code::InvalidAttribute},
       {"epsilon", [](A &a) { a.setEpsilon(nullptr); }, Code::AttributeNotSet},
       {"epsilon tensor", [](A &a) { a.setEpsilon(tensor({1})); },
        Code::InvalidAttribute},
       {"momentum", [](A &a) { a.setMomentum(nullptr); },
        Code::AttributeNotSet},
       {"momentum tensor", [](A &a) { a.setMomentum(tensor({1})); },
        Code::InvalidAttribute},
       {"no scale", [](A &a) { a.setSCALE(nullptr); }, Code::OK}},
      {{"Y dims", [](A &a) { a.setY(tensor({2, 4, 3, 2})); },
        Code::InvalidAttribute},
       {"Y layout", [](A &a) { a.setY(oddLayout()); }, Code::OK},
       {"SCALE dims", [](A &a) { a.setSCALE(tensor({3})); },
        Code::InvalidAttribute},
       {"VAR strides", [](A &a) { a.setVAR(strided({4}, {2})); },
        Code::InvalidAttribute}});
}

TEST(BatchNormNodeTest, TrainingRules) {
  using A = BatchnormAttr;
  checkRules<BatchNormNode, A>(
      batchnormTraining,
      {{"SAVED_MEAN", [](A &a) { a.setSAVED_MEAN(nullptr); },
        Code::AttributeNotSet},
       {"SAVED_INV_VARIANCE", [](A &a) { a.setSAVED_INV_VARIANCE(nullptr); },
        Code::AttributeNotSet}},
      {{"SAVED_MEAN dims", [](A &a) { a.setSAVED_MEAN(tensor({3})); },
        Code::InvalidAttribute}});
}

TEST(BatchNormNodeTest, Infers) {
  BatchnormAttr attr = batchnormTraining().setX(channelsLast({2, 4, 3, 3}));
  EXPECT_EQ(post<BatchNormNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getY()->isChannelsLast());
  for (const TensorPtr &t :
       {attr.getSCALE(), attr.getSAVED_MEAN(), attr.getSAVED_INV_VARIANCE()}) {
    EXPECT_EQ(t->getDim(), Dims{4});
    EXPECT_EQ(t->getStride(), Dims{1});
  }
}

} // namespace
} // namespace fusilli
