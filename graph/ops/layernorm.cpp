// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer normalization: validation, inference, builder, GraphDef form.

#include "graph/messages.h"
#include "graph/ops/checks.h"
#include "graph/ops/norm_common.h"
#include "graph/ops/op.h"

#include <utility>

namespace fusilli {

using namespace graph;

LayerNormNode::LayerNormNode(LayernormAttr &&attr, const Context &ctx)
    : NodeCRTP<LayerNormNode>(ctx), layernormAttr(std::move(attr)) {}

LayerNormNode::~LayerNormNode() = default;

ErrorObject LayerNormNode::preValidateNode() const {
  const LayernormAttr &attr = layernormAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(
      checkNormCommon(name, attr.getForwardPhase(), attr.getX(), attr.getY()));
  std::vector<int64_t> dims =
      norm_utils::getScaleBiasDim(attr.getX()->getDim());
  FUSILLI_CHECK_ERROR(checkAffineDims(name, attr.getSCALE(), "SCALE", dims));
  FUSILLI_CHECK_ERROR(checkAffineDims(name, attr.getBIAS(), "BIAS", dims));
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING) {
    FUSILLI_CHECK_ERROR(requireTensor(name, attr.getMEAN(), "MEAN"));
    FUSILLI_CHECK_ERROR(
        requireTensor(name, attr.getINV_VARIANCE(), "INV_VARIANCE"));
  } else {
    FUSILLI_CHECK_ERROR(forbidStatistic(name, attr.getMEAN(), "MEAN"));
    FUSILLI_CHECK_ERROR(
        forbidStatistic(name, attr.getINV_VARIANCE(), "INV_VARIANCE"));
  }
  return requireScalar(name, attr.getEpsilon(), "epsilon");
}

ErrorObject LayerNormNode::inferPropertiesNode() {
  layernormAttr.fillFromContext(context);
  const LayernormAttr &attr = layernormAttr;
  TensorPtr x = attr.getX();
  FUSILLI_CHECK_ERROR(requireTensor(getName(), x, "X"));
  FUSILLI_CHECK_ERROR(requireTensor(getName(), attr.getY(), "Y"));
  norm_utils::inferScaleBiasDimAndStride(attr.getSCALE(), x->getDim(),
                                         x->getStride());
  norm_utils::inferScaleBiasDimAndStride(attr.getBIAS(), x->getDim(),
                                         x->getStride());
  norm_utils::inferDimAndStride(attr.getY(), x->getDim(),
                                resultStridesLike(*x));
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING) {
    auto [dims, strides] =
        norm_utils::getTrainingForwardOutputDimAndStride(x->getDim());
    norm_utils::inferDimAndStride(attr.getMEAN(), dims, strides);
    norm_utils::inferDimAndStride(attr.getINV_VARIANCE(), dims, strides);
  }
  return ok();
}

ErrorObject LayerNormNode::postValidateNode() const {
  const LayernormAttr &attr = layernormAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(checkNormOutput(name, attr.getX(), attr.getY()));
  if (attr.getForwardPhase() != NormFwdPhase::TRAINING)
    return ok();
  TensorPtr mean = attr.getMEAN();
  TensorPtr invVariance = attr.getINV_VARIANCE();
  FUSILLI_CHECK_ERROR(
      requireTensors(name, {{mean, "MEAN"}, {invVariance, "INV_VARIANCE"}}));
  auto [dims, strides] =
      norm_utils::getTrainingForwardOutputDimAndStride(attr.getX()->getDim());
  FUSILLI_CHECK_ERROR(requireDims(name, mean, "MEAN", dims));
  FUSILLI_CHECK_ERROR(requireDims(name, invVariance, "INV_VARIANCE", dims));
  FUSILLI_CHECK_ERROR(requireStrides(name, mean, "MEAN", strides));
  return requireStrides(name, invVariance, "INV_VARIANCE", strides);
}

std::array<Graph::TensorPtr, 3> Graph::layernorm(const TensorPtr &x,
                                                 const TensorPtr &scale,
                                                 const TensorPtr &bias,
                                                 LayernormAttr &attr) {
  attr.setName(nodeName(attr.getName(), "layernorm_"));
  const std::string name = attr.getName();
  nameIfUnnamed(x, name, "X");
  nameIfUnnamed(scale, name, "SCALE");
  nameIfUnnamed(bias, name, "BIAS");
  nameIfUnnamed(attr.getEpsilon(), name, "EPSILON");
  std::array<TensorPtr, 3> results = {addOutput(name, "Y"), nullptr, nullptr};
  attr.setX(x).setSCALE(scale).setBIAS(bias).setY(results[0]);
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING) {
    results[1] = addOutput(name, "MEAN");
    results[2] = addOutput(name, "INV_VARIANCE");
    attr.setMEAN(results[1]).setINV_VARIANCE(results[2]);
  }
  subNodes_.push_back(
      std::make_shared<LayerNormNode>(std::move(attr), context));
  return results;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const LayerNormNode *>(&node);
  if (!typed)
    return false;
  const LayernormAttr &attr = typed->layernormAttr;
  encodeSlots(attr, layernormOp(), op);
  fbs::LayernormAttrsT attrs;
  attrs.phase = static_cast<uint8_t>(attr.getForwardPhase());
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  const fbs::LayernormAttrsT &attrs = *op.attrs.AsLayernormAttrs();
  auto attr = decodeSlots<LayernormAttr>(op);
  FUSILLI_ASSIGN_OR_RETURN(NormFwdPhase phase, decodePhase(attrs.phase));
  attr.setForwardPhase(phase);
  return std::make_shared<LayerNormNode>(std::move(attr), context);
}

} // namespace

const OpInfo &layernormOp() {
  static const OpInfo info = {.name = "layernorm",
                              .attrs = fbs::OpAttrs::LayernormAttrs,
                              .inputSlots = {"X", "SCALE", "BIAS", "EPSILON"},
                              .outputSlots = {"Y", "MEAN", "INV_VARIANCE"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
