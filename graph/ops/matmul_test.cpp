// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of the matrix product.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

MatmulAttr matmul(const TensorPtr &a, const TensorPtr &b,
                  const TensorPtr &c = tensor()) {
  return MatmulAttr().setA(a).setB(b).setC(c);
}

TensorPtr typed(TensorPtr t, DataType type) {
  t->setDataType(type);
  return t;
}

TEST(MatmulShapeTest, Formula) {
  EXPECT_EQ(getMatmulInferredOutputShape({2, 3}, {3, 4}), (Dims{2, 4}));
  EXPECT_EQ(getMatmulInferredOutputShape({5, 1, 2, 3}, {1, 6, 3, 4}),
            (Dims{5, 6, 2, 4}));
  EXPECT_EQ(getMatmulInferredOutputShape({2}, {2}), Dims());
  EXPECT_EQ(getMatmulInferredOutputShape({2, 3}, {1, 3, 4}), Dims());
}

TEST(MatmulNodeTest, PreRules) {
  auto check = [](const MatmulAttr &attr) { return pre<MatmulNode>(attr); };
  auto a = tensor({4, 2, 3});
  auto b = tensor({4, 3, 5});
  EXPECT_EQ(check(matmul(a, b)), Code::OK);
  EXPECT_EQ(check(matmul(nullptr, b)), Code::AttributeNotSet);
  EXPECT_EQ(check(matmul(a, nullptr)), Code::AttributeNotSet);
  EXPECT_EQ(check(matmul(a, b, nullptr)), Code::AttributeNotSet);
  EXPECT_EQ(check(matmul(tensor({3}), b)), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({3}))), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({3, 5}))), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({4, 7, 5}))), Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(a, tensor({3, 3, 5}))), Code::InvalidAttribute);
  // Validation accepts extents of which one divides the other.
  EXPECT_EQ(check(matmul(a, tensor({2, 3, 5}))), Code::OK);
  EXPECT_EQ(check(matmul(a, tensor({1, 3, 5}))), Code::OK);
}

TEST(MatmulNodeTest, StridesMayBeAny) {
  auto check = [](const MatmulAttr &attr) { return pre<MatmulNode>(attr); };
  auto a = tensor({4, 2, 3});
  EXPECT_EQ(check(matmul(a, strided({4, 3, 5}, {15, 1, 3}))), Code::OK);
  EXPECT_EQ(check(matmul(a, strided({4, 3, 5}, {1, 20, 4}))), Code::OK);
  EXPECT_EQ(check(matmul(strided({4, 2, 3}, {1, 12, 4}), tensor({4, 3, 5}))),
            Code::OK);
  EXPECT_EQ(check(matmul(strided({4, 2, 3}, {80, 10, 2}), tensor({4, 3, 5}))),
            Code::OK);
  EXPECT_EQ(check(matmul(tensor({2, 3}), strided({3, 5}, {1, 3}))), Code::OK);
}

TEST(MatmulNodeTest, MixedTypes) {
  auto check = [](const MatmulAttr &attr) { return pre<MatmulNode>(attr); };
  auto half = [](const Dims &dims) {
    return typed(tensor(dims), DataType::Half);
  };
  EXPECT_EQ(check(matmul(half({2, 3}), tensor({3, 4}))),
            Code::InvalidAttribute);
  EXPECT_EQ(check(matmul(half({1, 2, 3}), tensor({1, 3, 4}))), Code::OK);
  EXPECT_EQ(check(matmul(half({2, 2, 3}), tensor({1, 3, 4}))),
            Code::InvalidAttribute);
  // Before the context fills in types, one that is not set counts as mixed.
  EXPECT_EQ(
      check(matmul(typed(tensor({2, 3}), DataType::NotSet), tensor({3, 4}))),
      Code::InvalidAttribute);
}

TEST(MatmulNodeTest, InferenceAndPostRules) {
  MatmulAttr attr = matmul(tensor({4, 2, 3}), tensor({1, 3, 5}));
  EXPECT_EQ(post<MatmulNode>(attr), Code::OK);
  EXPECT_EQ(attr.getC()->getDim(), (Dims{4, 2, 5}));
  EXPECT_TRUE(attr.getC()->isContiguous());
  auto check = [](const TensorPtr &c) {
    return post<MatmulNode>(matmul(tensor({4, 2, 3}), tensor({4, 3, 5}), c));
  };
  EXPECT_EQ(check(strided({4, 2, 5}, {10, 1, 2})), Code::OK);
  EXPECT_EQ(check(tensor({4})), Code::InvalidAttribute);
  EXPECT_EQ(check(tensor({4, 2, 4})), Code::InvalidAttribute);
  EXPECT_EQ(check(strided({4, 2, 5}, {1, 20, 4})), Code::OK);
}

} // namespace
} // namespace fusilli
