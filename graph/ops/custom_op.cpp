// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Custom ops: validation, builder, GraphDef form, and the placeholders of their
// text.

#include "graph/messages.h"
#include "graph/ops/op.h"

#include <fusilli/support/asm_emitter.h>

#include <utility>

namespace fusilli {

using namespace graph;

CustomOpNode::CustomOpNode(CustomOpAttr &&attr, const Context &ctx)
    : NodeCRTP<CustomOpNode>(ctx), customOpAttr(std::move(attr)) {}

CustomOpNode::~CustomOpNode() = default;

ErrorObject CustomOpNode::preValidateNode() const {
  const std::string &name = getName();
  FUSILLI_RETURN_ERROR_IF(customOpAttr.getMlir().empty(),
                          ErrorCode::AttributeNotSet,
                          message(Msg::CustomNoText, name));
  FUSILLI_RETURN_ERROR_IF(inputs.empty(), ErrorCode::AttributeNotSet,
                          message(Msg::CustomNoInputs, name));
  FUSILLI_RETURN_ERROR_IF(outputs.empty(), ErrorCode::AttributeNotSet,
                          message(Msg::CustomNoOutputs, name));
  for (size_t i = 0; i < inputs.size(); ++i) {
    FUSILLI_RETURN_ERROR_IF(!inputs[i], ErrorCode::AttributeNotSet,
                            message(Msg::CustomInputMissing, name, i));
    FUSILLI_RETURN_ERROR_IF(inputs[i]->isScalar(), ErrorCode::InvalidAttribute,
                            message(Msg::CustomScalarInput, name, i));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    FUSILLI_RETURN_ERROR_IF(!outputs[i], ErrorCode::AttributeNotSet,
                            message(Msg::CustomOutputMissing, name, i));
    FUSILLI_RETURN_ERROR_IF(outputs[i]->isScalar(), ErrorCode::InvalidAttribute,
                            message(Msg::CustomScalarOutput, name, i));
  }
  return ok();
}

ErrorObject CustomOpNode::inferPropertiesNode() {
  for (const TensorPtr &input : inputs)
    if (input)
      input->fillFromContext(context);
  return ok();
}

ErrorObject CustomOpNode::postValidateNode() const { return ok(); }

namespace {

std::string resolveTensor(std::string text, const std::string &slot,
                          const TensorAttr &tensor) {
  auto element = kDataTypeToMlirTypeAsm.find(tensor.getDataType());
  if (element != kDataTypeToMlirTypeAsm.end()) {
    text = replaceAll(std::move(text), "{" + slot + "_DTYPE}", element->second);
    text = replaceAll(std::move(text), "{" + slot + "_TYPE}",
                      tensor.getTensorTypeAsm(/*isValueTensor=*/true,
                                              /*useLogicalDims=*/true));
  }
  const std::vector<int64_t> &dims = tensor.getDim();
  for (size_t i = 0; i < dims.size(); ++i)
    text = replaceAll(
        std::move(text), "{" + slot + "_DIM" + std::to_string(i) + "}",
        tensor.isDynamicDim(i) ? std::string("?") : std::to_string(dims[i]));
  return text;
}

} // namespace

std::string CustomOpNode::resolveMlirPlaceholders() const {
  std::string text = customOpAttr.getMlir();
  text = replaceAll(std::move(text), "{FUNC_NAME}", getName());
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i])
      text =
          resolveTensor(std::move(text), "IN" + std::to_string(i), *inputs[i]);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i])
      text = resolveTensor(std::move(text), "OUT" + std::to_string(i),
                           *outputs[i]);
  return text;
}

std::string CustomOpNode::emitModuleScopeAsm() const {
  return resolveMlirPlaceholders() + "\n";
}

std::vector<Graph::TensorPtr> Graph::customOp(std::vector<TensorPtr> inputs,
                                              CustomOpAttr &attr) {
  attr.setName(nodeName(attr.getName(), "custom_op_"));
  const std::string name = attr.getName();
  for (size_t i = 0; i < inputs.size(); ++i)
    nameIfUnnamed(inputs[i], name, "IN_" + std::to_string(i));
  std::vector<TensorPtr> results;
  for (size_t i = 0; i < attr.getNumOutputs(); ++i)
    results.push_back(addOutput(name, "OUT_" + std::to_string(i)));
  auto node = std::make_shared<CustomOpNode>(std::move(attr), context);
  node->inputs = std::move(inputs);
  node->outputs = results;
  subNodes_.push_back(std::move(node));
  return results;
}

namespace graph {

namespace {

bool encode(const INode &node, OpInstance &op) {
  const auto *typed = dynamic_cast<const CustomOpNode *>(&node);
  if (!typed)
    return false;
  op.name = typed->getName();
  op.inputs = typed->inputs;
  op.outputs = typed->outputs;
  fbs::CustomOpAttrsT attrs;
  attrs.mlir = typed->customOpAttr.getMlir();
  op.attrs.Set(std::move(attrs));
  return true;
}

ErrorOr<std::shared_ptr<INode>> decode(const OpInstance &op,
                                       const Context &context) {
  CustomOpAttr attr;
  attr.setName(op.name)
      .setMlir(op.attrs.AsCustomOpAttrs()->mlir)
      .setNumOutputs(op.outputs.size());
  auto node = std::make_shared<CustomOpNode>(std::move(attr), context);
  node->inputs = op.inputs;
  node->outputs = op.outputs;
  return std::shared_ptr<INode>(std::move(node));
}

} // namespace

const OpInfo &custom_opOp() {
  static const OpInfo info = {.name = "custom_op",
                              .attrs = fbs::OpAttrs::CustomOpAttrs,
                              .inputSlots = {},
                              .outputSlots = {},
                              .isVariadic = true,
                              .encode = encode,
                              .decode = decode};
  return info;
}

} // namespace graph
} // namespace fusilli
