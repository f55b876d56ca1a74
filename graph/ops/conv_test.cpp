// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the three convolutions.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

#include <functional>

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

template <typename Attr> Attr lists(Attr attr) {
  attr.setPadding({1, 1}).setStride({1, 1}).setDilation({1, 1});
  return attr;
}

/// One rule: a change of a legal attribute, and the code that it must give.
template <typename Attr> struct Rule {
  const char *what;
  std::function<void(Attr &)> change;
  Code code;
};

template <typename Node, typename Attr>
void checkPre(const Attr &good, const std::vector<Rule<Attr>> &rules) {
  EXPECT_EQ(pre<Node>(good), Code::OK);
  for (const Rule<Attr> &rule : rules) {
    Attr attr = good;
    rule.change(attr);
    EXPECT_EQ(pre<Node>(attr), rule.code) << rule.what;
  }
}

ConvFPropAttr fprop() {
  return lists(ConvFPropAttr())
      .setX(tensor({2, 4, 8, 8}))
      .setW(tensor({6, 4, 3, 3}))
      .setY(tensor());
}

TEST(ConvFPropNodeTest, PreRules) {
  using A = ConvFPropAttr;
  checkPre<ConvFPropNode, A>(
      fprop(),
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
        Code::NotImplemented},
       {"W layout", [](A &a) { a.setW(strided({6, 4, 3, 3}, {1, 6, 24, 72})); },
        Code::NotImplemented},
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
        Code::InvalidAttribute}});
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
      Code::NotImplemented);
}

ConvWGradAttr wgrad() {
  return lists(ConvWGradAttr())
      .setDY(tensor({2, 6, 8, 8}))
      .setX(tensor({2, 4, 8, 8}))
      .setDW(dimsOnly({6, 4, 3, 3}));
}

TEST(ConvWGradNodeTest, PreRules) {
  using A = ConvWGradAttr;
  checkPre<ConvWGradNode, A>(
      wgrad(),
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
        [](A &a) { a.setDY(strided({2, 6, 8, 8}, {1, 2, 12, 96})); },
        Code::NotImplemented},
       {"X layout", [](A &a) { a.setX(strided({2, 4, 8, 8}, {1, 2, 8, 64})); },
        Code::NotImplemented},
       {"DW dims", [](A &a) { a.setDW(tensor()); }, Code::AttributeNotSet},
       {"channels", [](A &a) { a.setDW(dimsOnly({6, 3, 3, 3})); },
        Code::InvalidAttribute},
       {"groups", [](A &a) { a.setDW(dimsOnly({6, 1, 3, 3})); },
        Code::InvalidAttribute}});
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
      Code::NotImplemented);
  EXPECT_EQ(node<ConvWGradNode>(wgrad().setDW(tensor()))
                .inferPropertiesNode()
                .getCode(),
            Code::AttributeNotSet);
}

ConvDGradAttr dgrad() {
  return lists(ConvDGradAttr())
      .setDY(tensor({2, 6, 8, 8}))
      .setW(tensor({6, 4, 3, 3}))
      .setDX(dimsOnly({2, 4, 8, 8}));
}

TEST(ConvDGradNodeTest, PreRules) {
  using A = ConvDGradAttr;
  checkPre<ConvDGradNode, A>(
      dgrad(),
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
        [](A &a) { a.setDY(strided({2, 6, 8, 8}, {1, 2, 12, 96})); },
        Code::NotImplemented},
       {"W layout", [](A &a) { a.setW(strided({6, 4, 3, 3}, {1, 6, 24, 72})); },
        Code::NotImplemented},
       {"DX dims", [](A &a) { a.setDX(tensor()); }, Code::AttributeNotSet},
       {"channels", [](A &a) { a.setDX(dimsOnly({2, 5, 8, 8})); },
        Code::InvalidAttribute},
       {"groups", [](A &a) { a.setDX(dimsOnly({2, 16, 8, 8})); },
        Code::InvalidAttribute}});
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
      Code::NotImplemented);
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
