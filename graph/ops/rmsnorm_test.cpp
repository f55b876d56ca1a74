// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of root-mean-square normalization.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;
RmsnormAttr rmsnormInference() {
  return RmsnormAttr()
      .setForwardPhase(NormFwdPhase::INFERENCE)
      .setX(tensor({2, 4, 3, 3}))
      .setSCALE(tensor())
      .setY(tensor())
      .setEpsilon(scalar());
}

TEST(RmsNormNodeTest, Rules) {
  using A = RmsnormAttr;
  checkRules<RmsNormNode, A>(
      rmsnormInference,
      {{"phase", [](A &a) { a.setForwardPhase(NormFwdPhase::NOT_SET); },
        Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"Y", [](A &a) { a.setY(nullptr); }, Code::AttributeNotSet},
       {"rank", [](A &a) { a.setX(tensor({4})); }, Code::InvalidAttribute},
       {"layout", [](A &a) { a.setX(oddLayout()); }, Code::OK},
       {"SCALE dims", [](A &a) { a.setSCALE(tensor({4, 3, 3})); },
        Code::InvalidAttribute},
       {"SCALE layout",
        [](A &a) { a.setSCALE(strided({1, 4, 3, 3}, {1, 1, 4, 12})); },
        Code::OK},
       {"INV_RMS", [](A &a) { a.setINV_RMS(tensor()); },
        Code::InvalidAttribute},
       {"training, no INV_RMS",
        [](A &a) { a.setForwardPhase(NormFwdPhase::TRAINING); },
        Code::AttributeNotSet},
       {"epsilon", [](A &a) { a.setEpsilon(nullptr); }, Code::AttributeNotSet},
       {"epsilon tensor", [](A &a) { a.setEpsilon(tensor({1})); },
        Code::InvalidAttribute}},
      {{"Y dims", [](A &a) { a.setY(tensor({2, 4, 3, 2})); },
        Code::InvalidAttribute},
       {"Y layout", [](A &a) { a.setY(oddLayout()); }, Code::OK}});
}

TEST(RmsNormNodeTest, TrainingIsCheckedButNotSupported) {
  auto training = [] {
    return rmsnormInference().setForwardPhase(NormFwdPhase::TRAINING);
  };
  EXPECT_EQ(pre<RmsNormNode>(training().setINV_RMS(tensor())), Code::OK);
  EXPECT_EQ(post<RmsNormNode>(training().setINV_RMS(tensor())),
            Code::NotImplemented);
  EXPECT_EQ(post<RmsNormNode>(training().setINV_RMS(tensor({2}))),
            Code::InvalidAttribute);
  EXPECT_EQ(post<RmsNormNode>(
                training().setINV_RMS(strided({2, 1, 1, 1}, {1, 2, 2, 2}))),
            Code::InvalidAttribute);
}

} // namespace
} // namespace fusilli
