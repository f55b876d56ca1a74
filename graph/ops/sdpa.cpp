// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention: validation, inference, builder, GraphDef form.

#include "graph/checked_math.h"
#include "graph/messages.h"
#include "graph/ops/checks.h"
#include "graph/ops/op.h"

#include <array>
#include <utility>

namespace fusilli {

using namespace graph;

SdpaNode::SdpaNode(SdpaAttr &&attr, const Context &ctx)
    : NodeCRTP<SdpaNode>(ctx), sdpaAttr(std::move(attr)) {}

SdpaNode::~SdpaNode() = default;

namespace {

using Dims = std::vector<int64_t>;

ErrorObject checkEqual(const std::string &node, const char *what,
                       const char *slotA, int64_t a, const char *slotB,
                       int64_t b) {
  FUSILLI_RETURN_ERROR_IF(
      a != b, ErrorCode::InvalidAttribute,
      message(Msg::SdpaMismatch, node, what, slotA, slotB, a, b));
  return ok();
}

/// Head counts: equal, or with grouping the query's divisible by the other's.
ErrorObject checkHeads(const std::string &node, bool grouped, int64_t heads,
                       int64_t otherHeads, const char *slot) {
  if (!grouped)
    return checkEqual(node, "head counts", "Q", heads, slot, otherHeads);
  FUSILLI_RETURN_ERROR_IF(
      !isDivisible(heads, otherHeads), ErrorCode::InvalidAttribute,
      message(Msg::SdpaHeadsNotDivisible, node, heads, otherHeads, slot));
  return ok();
}

ErrorObject checkMask(const std::string &node, const TensorPtr &mask,
                      const Dims &q, const Dims &k) {
  if (!mask)
    return ok();
  const Dims &dims = mask->getDim();
  FUSILLI_RETURN_ERROR_IF(
      dims.size() != 4, ErrorCode::InvalidAttribute,
      message(Msg::NodeRankWrong, node, "MASK", dims.size(), 4));
  const std::array<int64_t, 4> full = {q[0], q[1], q[2], k[2]};
  for (size_t i = 0; i < full.size(); ++i)
    FUSILLI_RETURN_ERROR_IF(
        dims[i] != 1 && dims[i] != full[i], ErrorCode::InvalidAttribute,
        message(Msg::SdpaMaskDim, node, i, dims[i], full[i]));
  return ok();
}

} // namespace

ErrorObject SdpaNode::preValidateNode() const {
  const SdpaAttr &attr = sdpaAttr;
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(requireTensor(name, attr.getQ(), "Q"));
  FUSILLI_CHECK_ERROR(requireTensor(name, attr.getK(), "K"));
  FUSILLI_CHECK_ERROR(requireTensor(name, attr.getV(), "V"));
  FUSILLI_CHECK_ERROR(requireTensor(name, attr.getO(), "O"));
  const Dims q = attr.getQ()->getDim();
  const Dims k = attr.getK()->getDim();
  const Dims v = attr.getV()->getDim();
  const std::array<std::pair<const char *, size_t>, 3> ranks = {
      {{"Q", q.size()}, {"K", k.size()}, {"V", v.size()}}};
  for (const auto &[slot, rank] : ranks)
    FUSILLI_RETURN_ERROR_IF(rank != 4, ErrorCode::InvalidAttribute,
                            message(Msg::NodeRankWrong, name, slot, rank, 4));
  FUSILLI_CHECK_ERROR(checkEqual(name, "batch sizes", "Q", q[0], "K", k[0]));
  FUSILLI_CHECK_ERROR(checkEqual(name, "batch sizes", "Q", q[0], "V", v[0]));
  FUSILLI_CHECK_ERROR(checkEqual(name, "head dims", "Q", q[3], "K", k[3]));
  FUSILLI_CHECK_ERROR(
      checkEqual(name, "sequence lengths", "K", k[2], "V", v[2]));
  bool grouped = attr.getEnableGqa();
  FUSILLI_CHECK_ERROR(checkHeads(name, grouped, q[1], k[1], "K"));
  FUSILLI_CHECK_ERROR(checkHeads(name, grouped, q[1], v[1], "V"));
  FUSILLI_RETURN_ERROR_IF(attr.getMASK() && attr.getIsCausal(),
                          ErrorCode::InvalidAttribute,
                          message(Msg::SdpaMaskAndCausal, name));
  FUSILLI_CHECK_ERROR(checkMask(name, attr.getMASK(), q, k));
  float dropout = attr.getDropout();
  FUSILLI_RETURN_ERROR_IF(
      !(dropout >= 0.0f && dropout < 1.0f), ErrorCode::InvalidAttribute,
      message(Msg::SdpaDropout, name, static_cast<double>(dropout)));
  return ok();
}

namespace {
/// Dims of O; empty if Q or V has another rank than 4.
Dims outputDims(const SdpaAttr &attr) {
  const Dims &q = attr.getQ()->getDim();
  const Dims &v = attr.getV()->getDim();
  if (q.size() != 4 || v.size() != 4)
    return {};
  return {q[0], q[1], q[2], v[3]};
}
} // namespace

ErrorObject SdpaNode::inferPropertiesNode() {
  sdpaAttr.fillFromContext(context);
  TensorPtr o = sdpaAttr.getO();
  FUSILLI_CHECK_ERROR(requireTensor(getName(), sdpaAttr.getQ(), "Q"));
  FUSILLI_CHECK_ERROR(requireTensor(getName(), sdpaAttr.getV(), "V"));
  FUSILLI_CHECK_ERROR(requireTensor(getName(), o, "O"));
  if (o->getDim().empty())
    o->setDim(outputDims(sdpaAttr));
  if (o->getStride().empty())
    o->setStride(contiguousStrides(o->getDim()));
  return ok();
}

ErrorObject SdpaNode::postValidateNode() const {
  const std::string &name = getName();
  FUSILLI_CHECK_ERROR(requireTensor(name, sdpaAttr.getQ(), "Q"));
  FUSILLI_CHECK_ERROR(requireTensor(name, sdpaAttr.getV(), "V"));
  FUSILLI_CHECK_ERROR(requireTensor(name, sdpaAttr.getO(), "O"));
  return requireDims(name, sdpaAttr.getO(), "O", outputDims(sdpaAttr));
}

Graph::TensorPtr Graph::sdpa(const TensorPtr &q, const TensorPtr &k,
                             const TensorPtr &v, const TensorPtr &mask,
                             SdpaAttr &attr) {
  attr.setName(nodeName(attr.getName(), "sdpa_"));
  const std::string name = attr.getName();
  nameIfUnnamed(q, name, "Q");
  nameIfUnnamed(k, name, "K");
  nameIfUnnamed(v, name, "V");
  nameIfUnnamed(mask, name, "MASK");
  TensorPtr o = addOutput(name, "O");
  attr.setQ(q).setK(k).setV(v).setO(o);
  if (mask)
    attr.setMASK(mask);
  subNodes_.push_back(std::make_shared<SdpaNode>(std::move(attr), context));
  return o;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const SdpaNode *>(&node);
  if (!typed)
    return false;
  const SdpaAttr &attr = typed->sdpaAttr;
  encodeSlots(attr, sdpaOp(), op);
  fbs::SdpaAttrsT attrs;
  attrs.dropout = attr.getDropout();
  attrs.is_causal = attr.getIsCausal();
  attrs.has_scale = attr.getScale().has_value();
  attrs.scale = attr.getScale().value_or(0.0f);
  attrs.enable_gqa = attr.getEnableGqa();
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  const fbs::SdpaAttrsT &attrs = *op.attrs.AsSdpaAttrs();
  auto attr = decodeSlots<SdpaAttr>(op);
  attr.setDropout(attrs.dropout)
      .setIsCausal(attrs.is_causal)
      .setEnableGqa(attrs.enable_gqa);
  if (attrs.has_scale)
    attr.setScale(attrs.scale);
  return std::make_shared<SdpaNode>(std::move(attr), context);
}

} // namespace

const OpInfo &sdpaOp() {
  static const OpInfo info = {.name = "sdpa",
                              .attrs = fbs::OpAttrs::SdpaAttrs,
                              .inputSlots = {"Q", "K", "V", "MASK"},
                              .outputSlots = {"O"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
