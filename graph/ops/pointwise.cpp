// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise ops: validation, inference, builders, GraphDef form.

#include "graph/messages.h"
#include "graph/ops/checks.h"
#include "graph/ops/op.h"

#include <array>
#include <utility>

namespace fusilli {

using namespace graph;

PointwiseNode::PointwiseNode(PointwiseAttr &&attr, const Context &ctx)
    : NodeCRTP<PointwiseNode>(ctx), pointwiseAttr(std::move(attr)) {}

PointwiseNode::~PointwiseNode() = default;

namespace {

constexpr std::array kInputs = {PointwiseAttr::InputNames::IN_0,
                                PointwiseAttr::InputNames::IN_1,
                                PointwiseAttr::InputNames::IN_2};

std::vector<TensorPtr> inputsOf(const PointwiseAttr &attr) {
  std::vector<TensorPtr> inputs;
  for (PointwiseAttr::InputNames slot : kInputs)
    if (TensorPtr tensor = attr.getInput(slot))
      inputs.push_back(std::move(tensor));
  return inputs;
}

/// Whether `dims` broadcasts, right-aligned, to `outDims`.
bool broadcastsTo(const std::vector<int64_t> &dims,
                  const std::vector<int64_t> &outDims) {
  if (dims.size() > outDims.size())
    return false;
  size_t offset = outDims.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != 1 && dims[i] != outDims[offset + i])
      return false;
  return true;
}

/// The strides of the first input with the dims of `out`, dense in its order
/// where it is a view; for a virtual `out` else those that keep the format of
/// the first input.
ErrorOr<std::vector<int64_t>> inferStrides(const std::string &node,
                                           const std::vector<TensorPtr> &inputs,
                                           const TensorAttr &out) {
  const std::vector<int64_t> &dims = out.getDim();
  for (const TensorPtr &input : inputs)
    if (input->getDim() == dims)
      return ok(resultStridesLike(*input));
  FUSILLI_RETURN_ERROR_IF(!out.isVirtual() || inputs.empty() ||
                              inputs[0]->getStride().size() > dims.size(),
                          ErrorCode::InvalidAttribute,
                          message(Msg::PointwiseNoStride, node, dims));
  return ok(
      generateStrideFromDim(dims, generateStrideOrderPreservingFormat(
                                      inputs[0]->getStride(), dims.size())));
}

} // namespace

ErrorObject PointwiseNode::preValidateNode() const {
  const std::string &name = getName();
  PointwiseAttr::Mode mode = pointwiseAttr.getMode();
  auto count = PointwiseAttr::kModeToRequiredInputCount.find(mode);
  FUSILLI_RETURN_ERROR_IF(count ==
                              PointwiseAttr::kModeToRequiredInputCount.end(),
                          ErrorCode::AttributeNotSet,
                          message(Msg::NodeAttributeMissing, name, "mode"));
  const std::string &modeText = PointwiseAttr::kModeToStr.at(mode);
  for (int i = 0; i < static_cast<int>(kInputs.size()); ++i) {
    bool isSet =
        pointwiseAttr.getInput(kInputs[static_cast<size_t>(i)]) != nullptr;
    FUSILLI_RETURN_ERROR_IF(
        i < count->second && !isSet, ErrorCode::AttributeNotSet,
        message(Msg::PointwiseInputMissing, name, modeText, i));
    FUSILLI_RETURN_ERROR_IF(
        i >= count->second && isSet, ErrorCode::InvalidAttribute,
        message(Msg::PointwiseInputUnexpected, name, modeText, i));
  }
  return requireTensor(name, pointwiseAttr.getOUT_0(), "OUT_0");
}

ErrorObject PointwiseNode::inferPropertiesNode() {
  TensorPtr out = pointwiseAttr.getOUT_0();
  FUSILLI_CHECK_ERROR(requireTensor(getName(), out, "OUT_0"));
  auto forced = kPointwiseForcedDataTypes.find(pointwiseAttr.getMode());
  if (forced != kPointwiseForcedDataTypes.end())
    out->setDataType(forced->second);
  pointwiseAttr.fillFromContext(context);

  std::vector<TensorPtr> inputs = inputsOf(pointwiseAttr);
  if (out->getDim().empty()) {
    std::vector<std::vector<int64_t>> shapes;
    for (const TensorPtr &input : inputs)
      shapes.push_back(input->getDim());
    FUSILLI_ASSIGN_OR_RETURN(std::vector<int64_t> dims,
                             computeBroadcastShape(shapes));
    out->setDim(dims);
  }
  if (out->getStride().empty()) {
    FUSILLI_ASSIGN_OR_RETURN(std::vector<int64_t> strides,
                             inferStrides(getName(), inputs, *out));
    out->setStride(strides);
  }
  return ok();
}

ErrorObject PointwiseNode::postValidateNode() const {
  TensorPtr out = pointwiseAttr.getOUT_0();
  FUSILLI_CHECK_ERROR(requireTensor(getName(), out, "OUT_0"));
  // Dims given by the caller must be reachable by broadcast.
  for (const TensorPtr &input : inputsOf(pointwiseAttr))
    FUSILLI_RETURN_ERROR_IF(!broadcastsTo(input->getDim(), out->getDim()),
                            ErrorCode::InvalidAttribute,
                            message(Msg::PointwiseNotBroadcastable, getName(),
                                    input->getName(), input->getDim(),
                                    out->getDim()));
  return ok();
}

Graph::TensorPtr Graph::pointwise(const TensorPtr &in, PointwiseAttr &attr) {
  return pointwise(in, nullptr, nullptr, attr);
}

Graph::TensorPtr Graph::pointwise(const TensorPtr &in0, const TensorPtr &in1,
                                  PointwiseAttr &attr) {
  return pointwise(in0, in1, nullptr, attr);
}

Graph::TensorPtr Graph::pointwise(const TensorPtr &in0, const TensorPtr &in1,
                                  const TensorPtr &in2, PointwiseAttr &attr) {
  attr.setName(nodeName(attr.getName(), "pointwise_"));
  nameIfUnnamed(in0, attr.getName(), "IN_0");
  nameIfUnnamed(in1, attr.getName(), "IN_1");
  nameIfUnnamed(in2, attr.getName(), "IN_2");
  TensorPtr out = addOutput(attr.getName(), "OUT_0");
  attr.setIN_0(in0).setOUT_0(out);
  if (in1)
    attr.setIN_1(in1);
  if (in2)
    attr.setIN_2(in2);
  subNodes_.push_back(
      std::make_shared<PointwiseNode>(std::move(attr), context));
  return out;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const PointwiseNode *>(&node);
  if (!typed)
    return false;
  const PointwiseAttr &attr = typed->pointwiseAttr;
  encodeSlots(attr, pointwiseOp(), op);
  fbs::PointwiseAttrsT attrs;
  attrs.mode = static_cast<uint16_t>(attr.getMode());
  attrs.elu_alpha = attr.getEluAlpha();
  attrs.softplus_beta = attr.getSoftplusBeta();
  attrs.softplus_threshold = attr.getSoftplusThreshold();
  attrs.swish_beta = attr.getSwishBeta();
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  const fbs::PointwiseAttrsT &attrs = *op.attrs.AsPointwiseAttrs();
  auto attr = decodeSlots<PointwiseAttr>(op);
  FUSILLI_RETURN_ERROR_IF(
      attrs.mode > static_cast<uint16_t>(PointwiseAttr::Mode::TANH_FWD),
      ErrorCode::InvalidArgument,
      message(Msg::GraphDefValue, "pointwise mode", attrs.mode));
  attr.setMode(static_cast<PointwiseAttr::Mode>(attrs.mode))
      .setEluAlpha(attrs.elu_alpha)
      .setSoftplusBeta(attrs.softplus_beta)
      .setSoftplusThreshold(attrs.softplus_threshold)
      .setSwishBeta(attrs.swish_beta);
  return std::make_shared<PointwiseNode>(std::move(attr), context);
}

} // namespace

const OpInfo &pointwiseOp() {
  static const OpInfo info = {.name = "pointwise",
                              .attrs = fbs::OpAttrs::PointwiseAttrs,
                              .inputSlots = {"IN_0", "IN_1", "IN_2"},
                              .outputSlots = {"OUT_0"},
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
