// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules of custom ops and the placeholders of their text.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

CustomOpNode custom(const std::string &text, std::vector<TensorPtr> inputs,
                    std::vector<TensorPtr> outputs) {
  CustomOpAttr attr;
  attr.setName("mine").setMlir(text);
  CustomOpNode node(std::move(attr), Context());
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  return node;
}

TEST(CustomOpNodeTest, Rules) {
  auto check = [](const CustomOpNode &n) {
    return n.preValidateNode().getCode();
  };
  auto t = tensor({2});
  EXPECT_EQ(check(custom("x", {t, t}, {t})), Code::OK);
  EXPECT_EQ(check(custom("", {t}, {t})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {}, {t})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t}, {})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t, nullptr}, {t})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t}, {nullptr})), Code::AttributeNotSet);
  EXPECT_EQ(check(custom("x", {t, scalar()}, {t})), Code::InvalidAttribute);
  EXPECT_EQ(check(custom("x", {t}, {t, scalar()})), Code::InvalidAttribute);
}

TEST(CustomOpNodeTest, InfersTypesOfInputsOnly) {
  auto in = std::make_shared<TensorAttr>();
  auto out = std::make_shared<TensorAttr>();
  CustomOpNode node(CustomOpAttr(), Context().setIODataType(DataType::Half));
  node.inputs = {in};
  node.outputs = {out};
  EXPECT_TRUE(isOk(node.inferPropertiesNode()));
  EXPECT_EQ(in->getDataType(), DataType::Half);
  EXPECT_EQ(out->getDataType(), DataType::NotSet);
}

TEST(CustomOpNodeTest, ResolvesPlaceholders) {
  auto in = strided({2, 3}, {1, 2});
  auto out = tensor({4, 5});
  out->setDataType(DataType::Half).setDynamicDim(1);
  CustomOpNode node =
      custom("@{FUNC_NAME} {IN0_TYPE} {IN0_DTYPE} {IN0_DIM1} {OUT0_TYPE} "
             "{OUT0_DIM0} {OUT0_DIM1} {IN1_TYPE} {IN0_TYPE}",
             {in}, {out});
  EXPECT_EQ(node.resolveMlirPlaceholders(),
            "@mine !torch.vtensor<[2,3],f32> f32 3 !torch.vtensor<[4,?],f16> "
            "4 ? {IN1_TYPE} !torch.vtensor<[2,3],f32>");
}

} // namespace
} // namespace fusilli
