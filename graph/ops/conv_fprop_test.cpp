// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the forward convolution.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

TEST(ConvShapeTest, Formula) {
  EXPECT_EQ(getConvInferredOutputShape({2, 3, 10, 12}, {8, 3, 3, 5}, {1, 2},
                                       {1, 0}, {2, 1}),
            (Dims{2, 8, 5, 4}));
  EXPECT_EQ(getConvInferredOutputShape({1, 1, 7}, {1, 1, 3}, {1}, {1}, {1}),
            (Dims{1, 1, 7}));
  // Nothing that a caller passes may crash.
  EXPECT_EQ(getConvInferredOutputShape({1, 1, 7}, {1, 1, 3}, {1}, {1}, {0}),
            (Dims{1, 1, 0}));
  EXPECT_EQ(getConvInferredOutputShape({}, {}, {}, {}, {}), Dims());
  EXPECT_EQ(getConvInferredOutputShape({1, 1, INT64_MAX}, {1, 1, INT64_MIN},
                                       {INT64_MAX}, {INT64_MAX}, {1})
                .size(),
            3u);
}

ConvFPropAttr fprop() {
  return lists(ConvFPropAttr())
      .setX(tensor({2, 4, 8, 8}))
      .setW(tensor({6, 4, 3, 3}))
      .setY(tensor());
}

TEST(ConvFPropNodeTest, PreRules) {
  using A = ConvFPropAttr;
  checkRules<ConvFPropNode, A>(
      fprop,
      {{"padding", [](A &a) { a.setPadding({}); }, Code::AttributeNotSet},
       {"stride", [](A &a) { a.setStride({}); }, Code::AttributeNotSet},
       {"dilation", [](A &a) { a.setDilation({}); }, Code::AttributeNotSet},
       {"X", [](A &a) { a.setX(nullptr); }, Code::AttributeNotSet},
       {"W", [](A &a) { a.setW(nullptr); }, Code::AttributeNotSet},
       {"Y", [](A &a) { a.setY(nullptr); }, Code::AttributeNotSet},
       {"rank", [](A &a) { a.setX(tensor({4, 4})); }, Code::InvalidAttribute},
       {"no dims", [](A &a) { a.setX(tensor()); }, Code::InvalidAttribute},
       {"ranks", [](A &a) { a.setW(tensor({6, 4, 3})); },
        Code::InvalidAttribute},
       {"padding length", [](A &a) { a.setPadding({1}); },
        Code::InvalidAttribute},
       {"stride length", [](A &a) { a.setStride({1, 1, 1}); },
        Code::InvalidAttribute},
       {"dilation length", [](A &a) { a.setDilation({1}); },
        Code::InvalidAttribute},
       {"X layout", [](A &a) { a.setX(strided({2, 4, 8, 8}, {1, 2, 8, 64})); },
        Code::OK},
       {"W layout", [](A &a) { a.setW(strided({6, 4, 3, 3}, {1, 6, 24, 72})); },
        Code::OK},
       {"channels", [](A &a) { a.setW(tensor({6, 3, 3, 3})); },
        Code::InvalidAttribute},
       {"zero channels",
        [](A &a) { a.setW(strided({6, 0, 3, 3}, {0, 9, 3, 1})); },
        Code::InvalidAttribute},
       {"more groups than outputs", [](A &a) { a.setW(tensor({3, 1, 3, 3})); },
        Code::InvalidAttribute},
       {"outputs by groups", [](A &a) { a.setW(tensor({6, 1, 3, 3})); },
        Code::InvalidAttribute},
       {"zero stride", [](A &a) { a.setStride({1, 0}); },
        Code::InvalidAttribute},
       {"negative padding", [](A &a) { a.setPadding({-1, 0}); },
        Code::InvalidAttribute},
       {"zero dilation", [](A &a) { a.setDilation({0, 1}); },
        Code::InvalidAttribute}},
      {});
}

TEST(ConvFPropNodeTest, ReportsInOrder) {
  ConvFPropAttr none;
  EXPECT_NE(preText<ConvFPropNode>(none).find("padding"), std::string::npos);
  none.setPadding({1});
  EXPECT_NE(preText<ConvFPropNode>(none).find("stride"), std::string::npos);
  none.setStride({1}).setDilation({1});
  EXPECT_NE(preText<ConvFPropNode>(none).find("tensor X"), std::string::npos);
}

TEST(ConvFPropNodeTest, Infers) {
  auto run = [](ConvFPropAttr attr) {
    TensorPtr y = attr.getY();
    auto n = node<ConvFPropNode>(std::move(attr));
    EXPECT_TRUE(isOk(n.inferPropertiesNode()));
    return *y;
  };
  TensorAttr y = run(fprop());
  EXPECT_EQ(y.getDim(), (Dims{2, 6, 8, 8}));
  EXPECT_TRUE(y.isContiguous());
  y = run(fprop().setX(channelsLast({2, 4, 8, 8})));
  EXPECT_TRUE(y.isChannelsLast());
  y = run(fprop().setY(dimsOnly({1, 2, 3, 4})));
  EXPECT_EQ(y.getDim(), (Dims{1, 2, 3, 4}));
}

TEST(ConvFPropNodeTest, GroupsAndRanks) {
  EXPECT_EQ(pre<ConvFPropNode>(fprop().setW(tensor({6, 2, 3, 3}))), Code::OK);
  auto rank3 = ConvFPropAttr().setPadding({0}).setStride({1}).setDilation({1});
  rank3.setX(tensor({1, 2, 5})).setW(tensor({2, 2, 3})).setY(tensor());
  EXPECT_EQ(pre<ConvFPropNode>(rank3), Code::OK);
  EXPECT_EQ(post<ConvFPropNode>(rank3), Code::OK);
}

TEST(ConvFPropNodeTest, PostRules) {
  EXPECT_EQ(post<ConvFPropNode>(fprop()), Code::OK);
  EXPECT_EQ(post<ConvFPropNode>(fprop().setY(channelsLast({2, 6, 8, 8}))),
            Code::OK);
  EXPECT_EQ(post<ConvFPropNode>(fprop().setY(tensor({2, 6}))),
            Code::InvalidAttribute);
  EXPECT_EQ(post<ConvFPropNode>(fprop().setY(tensor({2, 6, 8}))),
            Code::InvalidAttribute);
  EXPECT_EQ(post<ConvFPropNode>(fprop().setY(tensor({2, 6, 8, 7}))),
            Code::InvalidAttribute);
  EXPECT_EQ(
      post<ConvFPropNode>(fprop().setY(strided({2, 6, 8, 8}, {1, 2, 12, 96}))),
      Code::OK);
}

} // namespace
} // namespace fusilli
