// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the gradient of a convolution's weights.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;
ConvWGradAttr wgrad() {
  return lists(ConvWGradAttr())
      .setDY(tensor({2, 6, 8, 8}))
      .setX(tensor({2, 4, 8, 8}))
      .setDW(dimsOnly({6, 4, 3, 3}));
}

TEST(ConvWGradNodeTest, PreRules) {
  using A = ConvWGradAttr;
  checkRules<ConvWGradNode, A>(
      wgrad,
      {{"padding", [](A &a) { a.setPadding({}); }, Code::AttributeNotSet},
       {"stride", [](A &a) { a.setStride({}); }, Code::AttributeNotSet},
       {"dilation", [](A &a) { a.setDilation({}); }, Code::AttributeNotSet},
       {"DY", [](A &a) { a.setDY(nullptr); }, Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"DW", [](A &a) { a.setDW(nullptr); }, Code::AttributeNotSet},
       {"DY rank", [](A &a) { a.setDY(tensor({2, 6})); },
        Code::InvalidAttribute},
       {"X rank", [](A &a) { a.setX(tensor({2, 4})); }, Code::InvalidAttribute},
       {"ranks", [](A &a) { a.setX(tensor({2, 4, 8})); },
        Code::InvalidAttribute},
       {"length", [](A &a) { a.setStride({1}); }, Code::InvalidAttribute},
       {"DY layout",
        [](A &a) { a.setDY(strided({2, 6, 8, 8}, {1, 2, 12, 96})); }, Code::OK},
       {"X layout", [](A &a) { a.setX(strided({2, 4, 8, 8}, {1, 2, 8, 64})); },
        Code::OK},
       {"DW dims", [](A &a) { a.setDW(tensor()); }, Code::AttributeNotSet},
       {"channels", [](A &a) { a.setDW(dimsOnly({6, 3, 3, 3})); },
        Code::InvalidAttribute},
       {"groups", [](A &a) { a.setDW(dimsOnly({6, 1, 3, 3})); },
        Code::InvalidAttribute}},
      {});
}

TEST(ConvWGradNodeTest, InferenceAndPostRules) {
  ConvWGradAttr attr = wgrad().setDY(channelsLast({2, 6, 8, 8}));
  EXPECT_EQ(post<ConvWGradNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getDW()->isChannelsLast());
  attr = wgrad();
  EXPECT_EQ(post<ConvWGradNode>(attr), Code::OK);
  EXPECT_TRUE(attr.getDW()->isContiguous());
  EXPECT_EQ(post<ConvWGradNode>(wgrad().setDW(dimsOnly({6, 4}))),
            Code::InvalidAttribute);
  EXPECT_EQ(post<ConvWGradNode>(wgrad().setDW(dimsOnly({6, 4, 5, 5}))),
            Code::InvalidAttribute);
  EXPECT_EQ(
      post<ConvWGradNode>(wgrad().setDW(strided({6, 4, 3, 3}, {1, 6, 24, 72}))),
      Code::OK);
  EXPECT_EQ(node<ConvWGradNode>(wgrad().setDW(tensor()))
                .inferPropertiesNode()
                .getCode(),
            Code::AttributeNotSet);
}

} // namespace
} // namespace fusilli
