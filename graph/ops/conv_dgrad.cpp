// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradient of a convolution's data: validation, inference, builder, GraphDef
// form.

#include "graph/ops/conv_common.h"
#include "graph/ops/op.h"

#include <utility>

namespace fusilli {

using namespace graph;

ConvDGradNode::ConvDGradNode(ConvDGradAttr &&attr, const Context &ctx)
    : NodeCRTP<ConvDGradNode>(ctx), convDGradAttr(std::move(attr)) {}

ConvDGradNode::~ConvDGradNode() = default;

ErrorObject ConvDGradNode::preValidateNode() const {
  const ConvDGradAttr &attr = convDGradAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(requireConvLists(name, convLists(attr)));
  TensorPtr dy = attr.getDY();
  TensorPtr w = attr.getW();
  TensorPtr dx = attr.getDX();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{dy, "DY"}, {w, "W"}, {dx, "DX"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, dy, "DY", 3));
  FUSILLI_CHECK_ERROR(requireMinRank(name, w, "W", 3));
  FUSILLI_CHECK_ERROR(
      checkConvListLengths(name, convLists(attr), dy->getDim().size() - 2));
  // The dims of DX cannot be inferred: several fit.
  FUSILLI_RETURN_ERROR_IF(dx->getDim().empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeDimsUnset, name, "DX"));
  FUSILLI_CHECK_ERROR(requireMinRank(name, dx, "DX", 2));
  FUSILLI_CHECK_ERROR(
      checkConvGroups(name, dx->getDim()[1], w->getDim()[1], w->getDim()[0]));
  return checkConvListValues(name, convLists(attr));
}

ErrorObject ConvDGradNode::inferPropertiesNode() {
  convDGradAttr.fillFromContext(context);
  TensorPtr dy = convDGradAttr.getDY();
  TensorPtr w = convDGradAttr.getW();
  TensorPtr dx = convDGradAttr.getDX();
  FUSILLI_CHECK_ERROR(
      requireTensors(getName(), {{dy, "DY"}, {w, "W"}, {dx, "DX"}}));
  FUSILLI_RETURN_ERROR_IF(dx->getDim().empty(), ErrorCode::AttributeNotSet,
                          message(Msg::NodeDimsUnset, getName(), "DX"));
  if (dx->getStride().empty())
    dx->setStride(stridesLike(dx->getDim(), *dy));
  return ok();
}

ErrorObject ConvDGradNode::postValidateNode() const {
  const ConvDGradAttr &attr = convDGradAttr;
  const std::string &name = getName();
  TensorPtr dy = attr.getDY();
  TensorPtr w = attr.getW();
  TensorPtr dx = attr.getDX();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{dy, "DY"}, {w, "W"}, {dx, "DX"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, dx, "DX", 3));
  FUSILLI_CHECK_ERROR(requireSameRank(name, dy, "DY", dx, "DX"));
  return requireConvDims(name, dx, w, dy, "DY", convLists(attr));
}

Graph::TensorPtr Graph::convDGrad(const TensorPtr &dy, const TensorPtr &w,
                                  ConvDGradAttr &attr) {
  attr.setName(nodeName(attr.getName(), "conv_dgrad_"));
  nameIfUnnamed(dy, attr.getName(), "DY");
  nameIfUnnamed(w, attr.getName(), "W");
  TensorPtr dx = addOutput(attr.getName(), "DX");
  attr.setDY(dy).setW(w).setDX(dx);
  subNodes_.push_back(
      std::make_shared<ConvDGradNode>(std::move(attr), context));
  return dx;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *conv = dynamic_cast<const ConvDGradNode *>(&node);
  if (!conv)
    return false;
  encodeSlots(conv->convDGradAttr, conv_dgradOp(), op);
  op.attrs.Set(encodeConvLists<fbs::ConvDGradAttrsT>(conv->convDGradAttr));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  auto attr = decodeSlots<ConvDGradAttr>(op);
  decodeConvLists(*op.attrs.AsConvDGradAttrs(), attr);
  return std::make_shared<ConvDGradNode>(std::move(attr), context);
}

} // namespace

const OpInfo &conv_dgradOp() {
  static const OpInfo info = {.name = "conv_dgrad",
                              .attrs = fbs::OpAttrs::ConvDGradAttrs,
                              .inputSlots = {"DY", "W"},
                              .outputSlots = {"DX"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
