// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalization: validation, inference, builder, GraphDef form.

#include "graph/messages.h"
#include "graph/ops/checks.h"
#include "graph/ops/norm_common.h"
#include "graph/ops/op.h"

#include <array>
#include <utility>

namespace fusilli {

using namespace graph;

BatchNormNode::BatchNormNode(BatchnormAttr &&attr, const Context &ctx)
    : NodeCRTP<BatchNormNode>(ctx), batchnormAttr(std::move(attr)) {}

BatchNormNode::~BatchNormNode() = default;

ErrorObject BatchNormNode::preValidateNode() const {
  const BatchnormAttr &attr = batchnormAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(
      checkNormCommon(name, attr.getForwardPhase(), attr.getX(), attr.getY()));
  if (attr.getForwardPhase() == NormFwdPhase::INFERENCE) {
    FUSILLI_CHECK_ERROR(requireTensor(name, attr.getMEAN(), "MEAN"));
    FUSILLI_CHECK_ERROR(requireTensor(name, attr.getVAR(), "VAR"));
    FUSILLI_CHECK_ERROR(
        forbidStatistic(name, attr.getSAVED_MEAN(), "SAVED_MEAN"));
    FUSILLI_CHECK_ERROR(forbidStatistic(name, attr.getSAVED_INV_VARIANCE(),
                                        "SAVED_INV_VARIANCE"));
  } else {
    FUSILLI_CHECK_ERROR(
        requireTensor(name, attr.getSAVED_MEAN(), "SAVED_MEAN"));
    FUSILLI_CHECK_ERROR(requireTensor(name, attr.getSAVED_INV_VARIANCE(),
                                      "SAVED_INV_VARIANCE"));
  }
  FUSILLI_CHECK_ERROR(requireScalar(name, attr.getEpsilon(), "epsilon"));
  return requireScalar(name, attr.getMomentum(), "momentum");
}

ErrorObject BatchNormNode::inferPropertiesNode() {
  batchnormAttr.fillFromContext(context);
  const BatchnormAttr &attr = batchnormAttr;
  TensorPtr x = attr.getX();
  FUSILLI_CHECK_ERROR(requireTensor(getName(), x, "X"));
  FUSILLI_CHECK_ERROR(requireTensor(getName(), attr.getY(), "Y"));
  FUSILLI_CHECK_ERROR(requireMinRank(getName(), x, "X", 2));
  std::vector<int64_t> channels = {x->getDim()[1]};
  for (const TensorPtr &tensor :
       {attr.getSCALE(), attr.getBIAS(), attr.getMEAN(), attr.getVAR()})
    norm_utils::inferDimAndStride(tensor, channels, {1});
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING) {
    norm_utils::inferDimAndStride(attr.getSAVED_MEAN(), channels, {1});
    norm_utils::inferDimAndStride(attr.getSAVED_INV_VARIANCE(), channels, {1});
  }
  norm_utils::inferDimAndStride(attr.getY(), x->getDim(),
                                resultStridesLike(*x));
  return ok();
}

ErrorObject BatchNormNode::postValidateNode() const {
  const BatchnormAttr &attr = batchnormAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(checkNormOutput(name, attr.getX(), attr.getY()));
  FUSILLI_CHECK_ERROR(requireMinRank(name, attr.getX(), "X", 2));
  std::vector<int64_t> channels = {attr.getX()->getDim()[1]};
  const std::array<std::pair<const char *, TensorPtr>, 6> tensors = {
      {{"SCALE", attr.getSCALE()},
       {"BIAS", attr.getBIAS()},
       {"MEAN", attr.getMEAN()},
       {"VAR", attr.getVAR()},
       {"SAVED_MEAN", attr.getSAVED_MEAN()},
       {"SAVED_INV_VARIANCE", attr.getSAVED_INV_VARIANCE()}}};
  for (const auto &[slot, tensor] : tensors) {
    if (!tensor)
      continue;
    FUSILLI_CHECK_ERROR(requireDims(name, tensor, slot, channels));
    FUSILLI_CHECK_ERROR(requireStrides(name, tensor, slot, {1}));
  }
  return ok();
}

std::array<Graph::TensorPtr, 3>
Graph::batchnorm(const TensorPtr &x, const TensorPtr &scale,
                 const TensorPtr &bias, const TensorPtr &mean,
                 const TensorPtr &var, BatchnormAttr &attr) {
  attr.setName(nodeName(attr.getName(), "batchnorm_"));
  const std::string name = attr.getName();
  nameIfUnnamed(x, name, "X");
  nameIfUnnamed(scale, name, "SCALE");
  nameIfUnnamed(bias, name, "BIAS");
  nameIfUnnamed(mean, name, "MEAN");
  nameIfUnnamed(var, name, "VAR");
  nameIfUnnamed(attr.getEpsilon(), name, "EPSILON");
  nameIfUnnamed(attr.getMomentum(), name, "MOMENTUM");
  std::array<TensorPtr, 3> results = {addOutput(name, "Y"), nullptr, nullptr};
  attr.setX(x).setSCALE(scale).setBIAS(bias).setMEAN(mean).setVAR(var);
  attr.setY(results[0]);
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING) {
    results[1] = addOutput(name, "SAVED_MEAN");
    results[2] = addOutput(name, "SAVED_INV_VARIANCE");
    attr.setSAVED_MEAN(results[1]).setSAVED_INV_VARIANCE(results[2]);
  }
  subNodes_.push_back(
      std::make_shared<BatchNormNode>(std::move(attr), context));
  return results;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const BatchNormNode *>(&node);
  if (!typed)
    return false;
  const BatchnormAttr &attr = typed->batchnormAttr;
  encodeSlots(attr, batchnormOp(), op);
  fbs::BatchnormAttrsT attrs;
  attrs.phase = static_cast<uint8_t>(attr.getForwardPhase());
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  const fbs::BatchnormAttrsT &attrs = *op.attrs.AsBatchnormAttrs();
  auto attr = decodeSlots<BatchnormAttr>(op);
  FUSILLI_ASSIGN_OR_RETURN(NormFwdPhase phase, decodePhase(attrs.phase));
  attr.setForwardPhase(phase);
  return std::make_shared<BatchNormNode>(std::move(attr), context);
}

} // namespace

const OpInfo &batchnormOp() {
  static const OpInfo info = {
      .name = "batchnorm",
      .attrs = fbs::OpAttrs::BatchnormAttrs,
      .inputSlots = {"X", "SCALE", "BIAS", "MEAN", "VAR", "EPSILON",
                     "MOMENTUM"},
      .outputSlots = {"Y", "SAVED_MEAN", "SAVED_INV_VARIANCE"},
      .encode = encode,
      .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
