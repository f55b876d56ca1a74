// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Root-mean-square normalization: validation, inference, builder, GraphDef
// form.

#include "graph/messages.h"
#include "graph/ops/checks.h"
#include "graph/ops/norm_common.h"
#include "graph/ops/op.h"

#include <utility>

namespace fusilli {

using namespace graph;

RmsNormNode::RmsNormNode(RmsnormAttr &&attr, const Context &ctx)
    : NodeCRTP<RmsNormNode>(ctx), rmsnormAttr(std::move(attr)) {}

RmsNormNode::~RmsNormNode() = default;

ErrorObject RmsNormNode::preValidateNode() const {
  const RmsnormAttr &attr = rmsnormAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(
      checkNormCommon(name, attr.getForwardPhase(), attr.getX(), attr.getY()));
  std::vector<int64_t> dims =
      norm_utils::getScaleBiasDim(attr.getX()->getDim());
  FUSILLI_CHECK_ERROR(checkAffineDims(name, attr.getSCALE(), "SCALE", dims));
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING)
    FUSILLI_CHECK_ERROR(requireTensor(name, attr.getINV_RMS(), "INV_RMS"));
  else
    FUSILLI_CHECK_ERROR(forbidStatistic(name, attr.getINV_RMS(), "INV_RMS"));
  return requireScalar(name, attr.getEpsilon(), "epsilon");
}

ErrorObject RmsNormNode::inferPropertiesNode() {
  rmsnormAttr.fillFromContext(context);
  const RmsnormAttr &attr = rmsnormAttr;
  TensorPtr x = attr.getX();
  FUSILLI_CHECK_ERROR(requireTensor(getName(), x, "X"));
  FUSILLI_CHECK_ERROR(requireTensor(getName(), attr.getY(), "Y"));
  norm_utils::inferScaleBiasDimAndStride(attr.getSCALE(), x->getDim(),
                                         x->getStride());
  norm_utils::inferDimAndStride(attr.getY(), x->getDim(),
                                resultStridesLike(*x));
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING) {
    auto [dims, strides] =
        norm_utils::getTrainingForwardOutputDimAndStride(x->getDim());
    norm_utils::inferDimAndStride(attr.getINV_RMS(), dims, strides);
  }
  return ok();
}

ErrorObject RmsNormNode::postValidateNode() const {
  const RmsnormAttr &attr = rmsnormAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(checkNormOutput(name, attr.getX(), attr.getY()));
  if (attr.getForwardPhase() != NormFwdPhase::TRAINING)
    return ok();
  TensorPtr invRms = attr.getINV_RMS();
  FUSILLI_CHECK_ERROR(requireTensor(name, invRms, "INV_RMS"));
  auto [dims, strides] =
      norm_utils::getTrainingForwardOutputDimAndStride(attr.getX()->getDim());
  FUSILLI_CHECK_ERROR(requireDims(name, invRms, "INV_RMS", dims));
  FUSILLI_CHECK_ERROR(requireStrides(name, invRms, "INV_RMS", strides));
  return error(ErrorCode::NotImplemented,
               message(Msg::NormTrainingUnsupported, name));
}

std::array<Graph::TensorPtr, 2>
Graph::rmsnorm(const TensorPtr &x, const TensorPtr &scale, RmsnormAttr &attr) {
  attr.setName(nodeName(attr.getName(), "rmsnorm_"));
  const std::string name = attr.getName();
  nameIfUnnamed(x, name, "X");
  nameIfUnnamed(scale, name, "SCALE");
  nameIfUnnamed(attr.getEpsilon(), name, "EPSILON");
  std::array<TensorPtr, 2> results = {addOutput(name, "Y"), nullptr};
  attr.setX(x).setSCALE(scale).setY(results[0]);
  if (attr.getForwardPhase() == NormFwdPhase::TRAINING) {
    results[1] = addOutput(name, "INV_RMS");
    attr.setINV_RMS(results[1]);
  }
  subNodes_.push_back(std::make_shared<RmsNormNode>(std::move(attr), context));
  return results;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const RmsNormNode *>(&node);
  if (!typed)
    return false;
  const RmsnormAttr &attr = typed->rmsnormAttr;
  encodeSlots(attr, rmsnormOp(), op);
  fbs::RmsnormAttrsT attrs;
  attrs.phase = static_cast<uint8_t>(attr.getForwardPhase());
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  const fbs::RmsnormAttrsT &attrs = *op.attrs.AsRmsnormAttrs();
  auto attr = decodeSlots<RmsnormAttr>(op);
  FUSILLI_ASSIGN_OR_RETURN(NormFwdPhase phase, decodePhase(attrs.phase));
  attr.setForwardPhase(phase);
  return std::make_shared<RmsNormNode>(std::move(attr), context);
}

} // namespace

const OpInfo &rmsnormOp() {
  static const OpInfo info = {.name = "rmsnorm",
                              .attrs = fbs::OpAttrs::RmsnormAttrs,
                              .inputSlots = {"X", "SCALE", "EPSILON"},
                              .outputSlots = {"Y", "INV_RMS"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
