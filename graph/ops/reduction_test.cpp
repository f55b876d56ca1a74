// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the reductions.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

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
