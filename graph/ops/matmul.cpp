// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix product: validation, inference, builder, GraphDef form.

#include "graph/checked_math.h"
#include "graph/messages.h"
#include "graph/ops/checks.h"
#include "graph/ops/op.h"

#include <algorithm>
#include <utility>

namespace fusilli {

using namespace graph;

MatmulNode::MatmulNode(MatmulAttr &&attr, const Context &ctx)
    : NodeCRTP<MatmulNode>(ctx), matmulAttr(std::move(attr)) {}

MatmulNode::~MatmulNode() = default;

std::vector<int64_t>
getMatmulInferredOutputShape(const std::vector<int64_t> &aDim,
                             const std::vector<int64_t> &bDim) {
  size_t rank = aDim.size();
  if (rank < 2 || bDim.size() != rank)
    return {};
  std::vector<int64_t> cDim;
  for (size_t i = 0; i + 2 < rank; ++i)
    cDim.push_back(std::max(aDim[i], bDim[i]));
  cDim.push_back(aDim[rank - 2]);
  cDim.push_back(bDim[rank - 1]);
  return cDim;
}

namespace {

ErrorObject checkMatmulExtents(const std::string &node,
                               const std::vector<int64_t> &aDim,
                               const std::vector<int64_t> &bDim) {
  size_t rank = aDim.size();
  FUSILLI_RETURN_ERROR_IF(
      aDim[rank - 1] != bDim[rank - 2], ErrorCode::InvalidAttribute,
      message(Msg::MatmulInner, node, aDim[rank - 1], bDim[rank - 2]));
  for (size_t i = 0; i + 2 < rank; ++i)
    FUSILLI_RETURN_ERROR_IF(
        !isDivisible(aDim[i], bDim[i]) && !isDivisible(bDim[i], aDim[i]),
        ErrorCode::InvalidAttribute,
        message(Msg::MatmulBatch, node, i, aDim[i], bDim[i]));
  return ok();
}

} // namespace

ErrorObject MatmulNode::preValidateNode() const {
  const std::string &name = getName();
  TensorPtr a = matmulAttr.getA();
  TensorPtr b = matmulAttr.getB();
  TensorPtr c = matmulAttr.getC();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{a, "A"}, {b, "B"}, {c, "C"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, a, "A", 2));
  FUSILLI_CHECK_ERROR(requireMinRank(name, b, "B", 2));
  FUSILLI_CHECK_ERROR(requireSameRank(name, a, "A", b, "B"));
  FUSILLI_CHECK_ERROR(checkMatmulExtents(name, a->getDim(), b->getDim()));
  // Types as given, before the context fills them in: an explicit type against
  // one that is not set counts as different.
  if (a->getDataType() != b->getDataType()) {
    size_t rank = a->getDim().size();
    FUSILLI_RETURN_ERROR_IF(rank != 3, ErrorCode::InvalidAttribute,
                            message(Msg::MatmulMixedRank, name, rank));
    FUSILLI_RETURN_ERROR_IF(
        a->getDim()[0] != b->getDim()[0], ErrorCode::InvalidAttribute,
        message(Msg::MatmulMixedBatch, name, a->getDim()[0], b->getDim()[0]));
  }
  return ok();
}

ErrorObject MatmulNode::inferPropertiesNode() {
  matmulAttr.fillFromContext(context);
  TensorPtr a = matmulAttr.getA();
  TensorPtr b = matmulAttr.getB();
  TensorPtr c = matmulAttr.getC();
  FUSILLI_CHECK_ERROR(
      requireTensors(getName(), {{a, "A"}, {b, "B"}, {c, "C"}}));
  if (c->getDim().empty())
    c->setDim(getMatmulInferredOutputShape(a->getDim(), b->getDim()));
  if (c->getStride().empty())
    c->setStride(contiguousStrides(c->getDim()));
  return ok();
}

ErrorObject MatmulNode::postValidateNode() const {
  const std::string &name = getName();
  TensorPtr a = matmulAttr.getA();
  TensorPtr b = matmulAttr.getB();
  TensorPtr c = matmulAttr.getC();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{a, "A"}, {b, "B"}, {c, "C"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, c, "C", 2));
  return requireDims(name, c, "C",
                     getMatmulInferredOutputShape(a->getDim(), b->getDim()));
}

Graph::TensorPtr Graph::matmul(const TensorPtr &a, const TensorPtr &b,
                               MatmulAttr &attr) {
  attr.setName(nodeName(attr.getName(), "matmul_"));
  nameIfUnnamed(a, attr.getName(), "A");
  nameIfUnnamed(b, attr.getName(), "B");
  TensorPtr c = addOutput(attr.getName(), "C");
  attr.setA(a).setB(b).setC(c);
  subNodes_.push_back(std::make_shared<MatmulNode>(std::move(attr), context));
  return c;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const MatmulNode *>(&node);
  if (!typed)
    return false;
  const MatmulAttr &attr = typed->matmulAttr;
  encodeSlots(attr, matmulOp(), op);
  fbs::MatmulAttrsT attrs;
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  auto attr = decodeSlots<MatmulAttr>(op);
  return std::make_shared<MatmulNode>(std::move(attr), context);
}

} // namespace

const OpInfo &matmulOp() {
  static const OpInfo info = {.name = "matmul",
                              .attrs = fbs::OpAttrs::MatmulAttrs,
                              .inputSlots = {"A", "B"},
                              .outputSlots = {"C"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
