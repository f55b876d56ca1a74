// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's weights: validation, inference, builder, GraphDef
// form.

#include "graph/ops/conv_common.h"
#include "graph/ops/op.h"

#include <utility>

namespace fusilli {

using namespace graph;

ConvWGradNode::ConvWGradNode(ConvWGradAttr &&attr, const Context &ctx)
    : NodeCRTP<ConvWGradNode>(ctx), convWGradAttr(std::move(attr)) {}

ConvWGradNode::~ConvWGradNode() = default;

ErrorObject ConvWGradNode::preValidateNode() const {
  const ConvWGradAttr &attr = convWGradAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(requireConvLists(name, convLists(attr)));
  TensorPtr dy = attr.getDY();
  TensorPtr x = attr.getX();
  TensorPtr dw = attr.getDW();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{dy, "DY"}, {x, "X"}, {dw, "DW"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, dy, "DY", 3));
  FUSILLI_CHECK_ERROR(requireMinRank(name, x, "X", 3));
  FUSILLI_CHECK_ERROR(requireSameRank(name, dy, "DY", x, "X"));
  FUSILLI_CHECK_ERROR(
      checkConvListLengths(name, convLists(attr), dy->getDim().size() - 2));
  // The dims of DW cannot be inferred: several fit.
  FUSILLI_RETURN_ERROR_IF(dw->getDim().empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeDimsUnset, name, "DW"));
  FUSILLI_CHECK_ERROR(requireMinRank(name, dw, "DW", 2));
  FUSILLI_CHECK_ERROR(
      checkConvGroups(name, x->getDim()[1], dw->getDim()[1], dy->getDim()[1]));
  return checkConvListValues(name, convLists(attr));
}

ErrorObject ConvWGradNode::inferPropertiesNode() {
  convWGradAttr.fillFromContext(context);
  TensorPtr dy = convWGradAttr.getDY();
  TensorPtr x = convWGradAttr.getX();
  TensorPtr dw = convWGradAttr.getDW();
  FUSILLI_CHECK_ERROR(
      requireTensors(getName(), {{dy, "DY"}, {x, "X"}, {dw, "DW"}}));
  FUSILLI_RETURN_ERROR_IF(dw->getDim().empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeDimsUnset, getName(), "DW"));
  if (dw->getStride().empty())
    dw->setStride(stridesLike(dw->getDim(), *dy));
  return ok();
}

ErrorObject ConvWGradNode::postValidateNode() const {
  const ConvWGradAttr &attr = convWGradAttr;
  const std::string &name = getName();
  TensorPtr dy = attr.getDY();
  TensorPtr x = attr.getX();
  TensorPtr dw = attr.getDW();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{dy, "DY"}, {x, "X"}, {dw, "DW"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, dw, "DW", 3));
  return requireConvDims(name, x, dw, dy, "DY", convLists(attr));
}

Graph::TensorPtr Graph::convWGrad(const TensorPtr &dy, const TensorPtr &x,
                                  ConvWGradAttr &attr) {
  attr.setName(nodeName(attr.getName(), "conv_wgrad_"));
  nameIfUnnamed(dy, attr.getName(), "DY");
  nameIfUnnamed(x, attr.getName(), "X");
  TensorPtr dw = addOutput(attr.getName(), "DW");
  attr.setDY(dy).setX(x).setDW(dw);
  subNodes_.push_back(
      std::make_shared<ConvWGradNode>(std::move(attr), context));
  return dw;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *conv = dynamic_cast<const ConvWGradNode *>(&node);
  if (!conv)
    return false;
  encodeSlots(conv->convWGradAttr, conv_wgradOp(), op);
  op.attrs.Set(encodeConvLists<fbs::ConvWGradAttrsT>(conv->convWGradAttr));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  auto attr = decodeSlots<ConvWGradAttr>(op);
  decodeConvLists(*op.attrs.AsConvWGradAttrs(), attr);
  return std::make_shared<ConvWGradNode>(std::move(attr), context);
}

} // namespace

const OpInfo &conv_wgradOp() {
  static const OpInfo info = {.name = "conv_wgrad",
                              .attrs = fbs::OpAttrs::ConvWGradAttrs,
                              .inputSlots = {"DY", "X"},
                              .outputSlots = {"DW"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
