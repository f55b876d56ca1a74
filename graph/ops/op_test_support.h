// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Helpers for the tests of nodes: tensors on one line, and the code that each
// phase of validation gives.

#ifndef GRAPH_OPS_OP_TEST_SUPPORT_H
#define GRAPH_OPS_OP_TEST_SUPPORT_H

#include <fusilli/graph/graph.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fusilli::testing_support {

using Dims = std::vector<int64_t>;
using TensorPtr = std::shared_ptr<TensorAttr>;

/// A row-major float tensor; empty dims leave dims and strides open.
inline TensorPtr tensor(const Dims &dims = {}, const std::string &name = "t") {
  auto result = std::make_shared<TensorAttr>();
  result->setName(name).setDataType(DataType::Float);
  if (!dims.empty())
    result->setDim(dims).setStride(
        generateStrideFromDim(dims, getContiguousStrideOrder(dims.size())));
  return result;
}

/// A float tensor with these strides.
inline TensorPtr strided(const Dims &dims, const Dims &strides) {
  TensorPtr result = tensor();
  result->setDim(dims).setStride(strides);
  return result;
}

/// A channels-last float tensor.
inline TensorPtr channelsLast(const Dims &dims) {
  return strided(dims, generateStrideFromDim(
                           dims, getChannelsLastStrideOrder(dims.size())));
}

/// A float tensor with only dims.
inline TensorPtr dimsOnly(const Dims &dims) {
  TensorPtr result = tensor();
  result->setDim(dims);
  return result;
}

inline TensorPtr scalar(float value = 1e-5f) {
  return std::make_shared<TensorAttr>(value);
}

/// A node with attribute `attr` in an empty context.
template <typename Node, typename Attr> Node node(Attr attr) {
  attr.setName("n");
  return Node(std::move(attr), Context());
}

/// Code of the pre-validation of a node with this attribute.
template <typename Node, typename Attr> ErrorCode pre(Attr attr) {
  return node<Node>(std::move(attr)).preValidateNode().getCode();
}

/// Code of the post-validation after inference, which must succeed.
template <typename Node, typename Attr> ErrorCode post(Attr attr) {
  Node n = node<Node>(std::move(attr));
  ErrorObject inferred = n.inferPropertiesNode();
  return isOk(inferred) ? n.postValidateNode().getCode()
                        : ErrorCode::InternalError;
}

/// Text of the pre-validation.
template <typename Node, typename Attr> std::string preText(Attr attr) {
  return node<Node>(std::move(attr)).preValidateNode().getMessage();
}

/// A tensor that is neither contiguous nor channels-last.
inline TensorPtr oddLayout() { return strided({2, 4, 3, 3}, {1, 2, 8, 24}); }

/// Parameter lists of a 2-D convolution with 3x3 filters that keeps extents.
template <typename Attr> Attr lists(Attr attr) {
  attr.setPadding({1, 1}).setStride({1, 1}).setDilation({1, 1});
  return attr;
}

/// One rule: a change of a legal attribute, and the code that it must give.
template <typename Attr> struct Rule {
  const char *what;
  std::function<void(Attr &)> change;
  ErrorCode code;
};

/// Checks a legal attribute and then each rule, before or after inference.
/// `make` makes a new attribute with new tensors at each call.
template <typename Node, typename Attr>
void checkRules(const std::function<Attr()> &make,
                const std::vector<Rule<Attr>> &preRules,
                const std::vector<Rule<Attr>> &postRules) {
  EXPECT_EQ(pre<Node>(make()), ErrorCode::OK);
  EXPECT_EQ(post<Node>(make()), ErrorCode::OK);
  for (const Rule<Attr> &rule : preRules) {
    Attr attr = make();
    rule.change(attr);
    EXPECT_EQ(pre<Node>(attr), rule.code) << "before inference: " << rule.what;
  }
  for (const Rule<Attr> &rule : postRules) {
    Attr attr = make();
    rule.change(attr);
    EXPECT_EQ(post<Node>(attr), rule.code) << "after inference: " << rule.what;
  }
}

} // namespace fusilli::testing_support

#endif // GRAPH_OPS_OP_TEST_SUPPORT_H
