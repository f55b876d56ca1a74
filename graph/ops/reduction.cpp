// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions: validation, inference, builder, GraphDef form.

#include "graph/messages.h"
#include "graph/ops/checks.h"
#include "graph/ops/op.h"

#include <utility>

namespace fusilli {

using namespace graph;

ReductionNode::ReductionNode(ReductionAttr &&attr, const Context &ctx)
    : NodeCRTP<ReductionNode>(ctx), reductionAttr(std::move(attr)) {}

ReductionNode::~ReductionNode() = default;

ErrorObject ReductionNode::preValidateNode() const {
  const std::string &name = getName();
  TensorPtr x = reductionAttr.getX();
  FUSILLI_RETURN_ERROR_IF(reductionAttr.getMode() ==
                              ReductionAttr::Mode::NOT_SET,
                          ErrorCode::AttributeNotSet,
                          message(Msg::NodeAttributeMissing, name, "mode"));
  FUSILLI_CHECK_ERROR(requireTensor(name, x, "X"));
  FUSILLI_CHECK_ERROR(requireTensor(name, reductionAttr.getY(), "Y"));
  FUSILLI_RETURN_ERROR_IF(x->getDim().empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeDimsUnset, name, "X"));
  return ok();
}

ErrorObject ReductionNode::inferPropertiesNode() {
  reductionAttr.fillFromContext(context);
  TensorPtr x = reductionAttr.getX();
  TensorPtr y = reductionAttr.getY();
  FUSILLI_CHECK_ERROR(requireTensors(getName(), {{x, "X"}, {y, "Y"}}));
  if (y->getDim().empty())
    y->setDim(x->getDim());
  if (y->getStride().empty())
    y->setStride(contiguousStrides(y->getDim()));
  return ok();
}

ErrorObject ReductionNode::postValidateNode() const {
  const std::string &name = getName();
  TensorPtr x = reductionAttr.getX();
  TensorPtr y = reductionAttr.getY();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{x, "X"}, {y, "Y"}}));
  FUSILLI_CHECK_ERROR(requireSameRank(name, x, "X", y, "Y"));
  FUSILLI_RETURN_ERROR_IF(reductionAttr.getMode() == ReductionAttr::Mode::AVG &&
                              (isIntegralOrBoolType(x->getDataType()) ||
                               isIntegralOrBoolType(y->getDataType())),
                          ErrorCode::InvalidAttribute,
                          message(Msg::ReductionAvgInteger, name));
  for (size_t i = 0; i < x->getDim().size(); ++i)
    FUSILLI_RETURN_ERROR_IF(
        y->getDim()[i] != 1 && y->getDim()[i] != x->getDim()[i],
        ErrorCode::InvalidAttribute,
        message(Msg::ReductionExtent, name, i, y->getDim()[i], x->getDim()[i]));
  FUSILLI_RETURN_ERROR_IF(getReductionDims().empty(),
                          ErrorCode::InvalidAttribute,
                          message(Msg::ReductionNothing, name));
  return ok();
}

std::vector<int64_t> ReductionNode::getReductionDims() const {
  TensorPtr x = reductionAttr.getX();
  TensorPtr y = reductionAttr.getY();
  std::vector<int64_t> dims;
  if (!x || !y || x->getDim().size() != y->getDim().size())
    return dims;
  for (size_t i = 0; i < x->getDim().size(); ++i)
    if (y->getDim()[i] == 1 && x->getDim()[i] > 1)
      dims.push_back(static_cast<int64_t>(i));
  return dims;
}

Graph::TensorPtr Graph::reduction(const TensorPtr &x, ReductionAttr &attr) {
  attr.setName(nodeName(attr.getName(), "reduction_"));
  nameIfUnnamed(x, attr.getName(), "X");
  TensorPtr y = addOutput(attr.getName(), "Y");
  attr.setX(x).setY(y);
  subNodes_.push_back(
      std::make_shared<ReductionNode>(std::move(attr), context));
  return y;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const ReductionNode *>(&node);
  if (!typed)
    return false;
  const ReductionAttr &attr = typed->reductionAttr;
  encodeSlots(attr, reductionOp(), op);
  fbs::ReductionAttrsT attrs;
  attrs.mode = static_cast<uint16_t>(attr.getMode());
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  const fbs::ReductionAttrsT &attrs = *op.attrs.AsReductionAttrs();
  auto attr = decodeSlots<ReductionAttr>(op);
  FUSILLI_RETURN_ERROR_IF(
      attrs.mode > static_cast<uint16_t>(ReductionAttr::Mode::MUL_NO_ZEROS),
      ErrorCode::InvalidArgument,
      message(Msg::GraphDefValue, "reduction mode", attrs.mode));
  attr.setMode(static_cast<ReductionAttr::Mode>(attrs.mode));
  return std::make_shared<ReductionNode>(std::move(attr), context);
}

} // namespace

const OpInfo &reductionOp() {
  static const OpInfo info = {.name = "reduction",
                              .attrs = fbs::OpAttrs::ReductionAttrs,
                              .inputSlots = {"X"},
                              .outputSlots = {"Y"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
