// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution: validation, inference, builder, GraphDef form.

#include "graph/ops/conv_common.h"
#include "graph/ops/op.h"

#include <utility>

namespace fusilli {

using namespace graph;

ConvFPropNode::ConvFPropNode(ConvFPropAttr &&attr, const Context &ctx)
    : NodeCRTP<ConvFPropNode>(ctx), convFPropAttr(std::move(attr)) {}

ConvFPropNode::~ConvFPropNode() = default;

ErrorObject ConvFPropNode::preValidateNode() const {
  const ConvFPropAttr &attr = convFPropAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(requireConvLists(name, convLists(attr)));
  TensorPtr x = attr.getX();
  TensorPtr w = attr.getW();
  TensorPtr y = attr.getY();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{x, "X"}, {w, "W"}, {y, "Y"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, x, "X", 3));
  FUSILLI_CHECK_ERROR(requireSameRank(name, x, "X", w, "W"));
  FUSILLI_CHECK_ERROR(
      checkConvListLengths(name, convLists(attr), x->getDim().size() - 2));
  FUSILLI_CHECK_ERROR(
      checkConvGroups(name, x->getDim()[1], w->getDim()[1], w->getDim()[0]));
  return checkConvListValues(name, convLists(attr));
}

ErrorObject ConvFPropNode::inferPropertiesNode() {
  convFPropAttr.fillFromContext(context);
  TensorPtr x = convFPropAttr.getX();
  TensorPtr w = convFPropAttr.getW();
  TensorPtr y = convFPropAttr.getY();
  FUSILLI_CHECK_ERROR(
      requireTensors(getName(), {{x, "X"}, {w, "W"}, {y, "Y"}}));
  if (y->getDim().empty())
    y->setDim(getConvInferredOutputShape(
        x->getDim(), w->getDim(), convFPropAttr.getDilation(),
        convFPropAttr.getPadding(), convFPropAttr.getStride()));
  if (y->getStride().empty())
    y->setStride(stridesLike(y->getDim(), *x));
  return ok();
}

ErrorObject ConvFPropNode::postValidateNode() const {
  const ConvFPropAttr &attr = convFPropAttr;
  const std::string &name = getName();
  TensorPtr x = attr.getX();
  TensorPtr w = attr.getW();
  TensorPtr y = attr.getY();
  FUSILLI_CHECK_ERROR(requireTensors(name, {{x, "X"}, {w, "W"}, {y, "Y"}}));
  FUSILLI_CHECK_ERROR(requireMinRank(name, y, "Y", 3));
  FUSILLI_CHECK_ERROR(requireSameRank(name, y, "Y", x, "X"));
  return requireConvDims(name, x, w, y, "Y", convLists(attr));
}

Graph::TensorPtr Graph::convFProp(const TensorPtr &x, const TensorPtr &w,
                                  ConvFPropAttr &attr) {
  attr.setName(nodeName(attr.getName(), "conv_fprop_"));
  nameIfUnnamed(x, attr.getName(), "X");
  nameIfUnnamed(w, attr.getName(), "W");
  TensorPtr y = addOutput(attr.getName(), "Y");
  attr.setX(x).setW(w).setY(y);
  subNodes_.push_back(
      std::make_shared<ConvFPropNode>(std::move(attr), context));
  return y;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *conv = dynamic_cast<const ConvFPropNode *>(&node);
  if (!conv)
    return false;
  encodeSlots(conv->convFPropAttr, conv_fpropOp(), op);
  op.attrs.Set(encodeConvLists<fbs::ConvFPropAttrsT>(conv->convFPropAttr));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  auto attr = decodeSlots<ConvFPropAttr>(op);
  decodeConvLists(*op.attrs.AsConvFPropAttrs(), attr);
  return std::make_shared<ConvFPropNode>(std::move(attr), context);
}

} // namespace

const OpInfo &conv_fpropOp() {
  static const OpInfo info = {.name = "conv_fprop",
                              .attrs = fbs::OpAttrs::ConvFPropAttrs,
                              .inputSlots = {"X", "W"},
                              .outputSlots = {"Y"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
