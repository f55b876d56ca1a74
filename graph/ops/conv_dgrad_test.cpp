// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the gradient of a convolution's data.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;
ConvDGradAttr dgrad() {
  return lists(ConvDGradAttr())
      .setDY(tensor({2, 6, 8, 8}))
      .setW(tensor({6, 4, 3, 3}))
      .setDX(dimsOnly({2, 4, 8, 8}));
}

TEST(ConvDGradNodeTest, PreRules) {
  using A = ConvDGradAttr;
  checkRules<ConvDGradNode, A>(
      dgrad,
      {{"padding", [](A &a) { a.setPadding({}); }, Code::AttributeNotSet},
       {"stride", [](A &a) { a.setStride({}); }, Code::AttributeNotSet},
       {"dilation", [](A &a) { a.setDilation({}); }, Code::AttributeNotSet},
       {"DY", [](A &a) { a.setDY(nullptr); }, Code::AttributeNotSet},
       {"W", [](A &a) { a.setW(nullptr); }, Code::AttributeNotSet},
       {"DX", [](A &a) { a.setDX(nullptr); }, Code::AttributeNotSet},
       {"DY rank", [](A &a) { a.setDY(tensor({2, 6})); },
        Code::InvalidAttribute},
       {"W rank", [](A &a) { a.setW(tensor({6, 4})); }, Code::InvalidAttribute},
       {"length", [](A &a) { a.setPadding({1}); }, Code::InvalidAttribute},
       {"DY layout",
        [](A &a) { a.setDY(strided({2, 6, 8, 8}, {1, 2, 12, 96})); }, Code::OK},
       {"W layout", [](A &a) { a.setW(strided({6, 4, 3, 3}, {1, 6, 24, 72})); },
        Code::OK},
       {"DX dims", [](A &a) { a.setDX(tensor()); }, Code::AttributeNotSet},
       {"channels", [](A &a) { a.setDX(dimsOnly({2, 5, 8, 8})); },
        Code::InvalidAttribute},
       {"groups", [](A &a) { a.setDX(dimsOnly({2, 16, 8, 8})); },
        Code::InvalidAttribute}},
      {});
}

TEST(ConvDGradNodeTest, InferenceAndPostRules) {
  ConvDGradAttr attr = dgrad().setDY(channelsLast({2, 6, 8, 8}));
  EXPECT_EQ(post<ConvDGradNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getDX()->isChannelsLast());
  EXPECT_EQ(post<ConvDGradNode>(dgrad()), Code::OK);
  EXPECT_EQ(post<ConvDGradNode>(dgrad().setDX(dimsOnly({2, 4}))),
            Code::InvalidAttribute);
  EXPECT_EQ(post<ConvDGradNode>(dgrad().setDX(dimsOnly({2, 4, 8}))),
            Code::InvalidAttribute);
  EXPECT_EQ(post<ConvDGradNode>(dgrad().setDX(dimsOnly({2, 4, 9, 8}))),
            Code::InvalidAttribute);
  EXPECT_EQ(
      post<ConvDGradNode>(dgrad().setDX(strided({2, 4, 8, 8}, {1, 2, 8, 64}))),
      Code::OK);
}

TEST(ConvDGradNodeTest, RankOfWIsNotComparedBeforePost) {
  auto attr =
      ConvDGradAttr().setPadding({0, 0, 0}).setStride({1, 1, 1}).setDilation(
          {1, 1, 1});
  attr.setDY(tensor({2, 6, 4, 4, 4}))
      .setW(tensor({6, 4, 1, 1}))
      .setDX(dimsOnly({2, 4, 4, 4, 4}));
  EXPECT_EQ(pre<ConvDGradNode>(attr), Code::OK);
  EXPECT_EQ(post<ConvDGradNode>(attr), Code::InvalidAttribute);
}

} // namespace
} // namespace fusilli
