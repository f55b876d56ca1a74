// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph: naming, tensors, validation. The builders of the ops stand with
// the ops; compilation and execution in engine/.

#include <fusilli/graph/graph.h>

#include "graph/graph_access.h"
#include "graph/messages.h"
#include "support/tensor_layout.h"

#include <algorithm>
#include <utility>

namespace fusilli {

using graph::message;
using graph::Msg;

Graph::Graph() : INode(Context()) {}
Graph::~Graph() = default;

Graph::Graph(Graph &&other) noexcept : INode(Context()) {
  *this = std::move(other);
}

Graph &Graph::operator=(Graph &&other) noexcept {
  if (this == &other)
    return *this;
  runtime_ = std::move(other.runtime_);
  context = std::exchange(other.context, Context());
  subNodes_ = std::exchange(other.subNodes_, {});
  inputs_ = std::exchange(other.inputs_, {});
  outputs_ = std::exchange(other.outputs_, {});
  sortedInputs_ = std::exchange(other.sortedInputs_, {});
  sortedOutputs_ = std::exchange(other.sortedOutputs_, {});
  isValidated_ = std::exchange(other.isValidated_, false);
  return *this;
}

//===-- Names and types ---------------------------------------------------===//

Graph &Graph::setName(const std::string &name) {
  context.setName(name);
  return *this;
}

Graph &Graph::setIODataType(DataType type) {
  context.setIODataType(type);
  return *this;
}

Graph &Graph::setComputeDataType(DataType type) {
  context.setComputeDataType(type);
  return *this;
}

Graph &Graph::setIntermediateDataType(DataType type) {
  context.setIntermediateDataType(type);
  return *this;
}

std::string Graph::nodeName(const std::string &given,
                            const char *prefix) const {
  return given.empty() ? prefix + std::to_string(subNodes_.size()) : given;
}

//===-- Tensors -----------------------------------------------------------===//

Graph::TensorPtr Graph::tensor(const TensorAttr &attr) {
  return inputs_.emplace_back(std::make_shared<TensorAttr>(attr));
}

Graph::TensorPtr Graph::addOutput(const std::string &node,
                                  const std::string &slot) {
  TensorPtr &tensor = outputs_.emplace_back(std::make_shared<TensorAttr>());
  tensor->setName(node + "_" + slot).setIsVirtual(true);
  return tensor;
}

Graph::TensorPtr Graph::getTensor(const std::string &name) const {
  for (const std::vector<TensorPtr> *list : {&inputs_, &outputs_})
    for (const TensorPtr &tensor : *list)
      if (tensor->getName() == name)
        return tensor;
  return nullptr;
}

Graph::TensorPtr detail::GraphAccess::addInput(Graph &graph, TensorAttr attr) {
  return graph.tensor(attr);
}

Graph::TensorPtr detail::GraphAccess::addOutput(Graph &graph, TensorAttr attr) {
  return graph.outputs_.emplace_back(
      std::make_shared<TensorAttr>(std::move(attr)));
}

void detail::GraphAccess::addNode(Graph &graph, std::shared_ptr<INode> node) {
  graph.subNodes_.push_back(std::move(node));
}

//===-- Validation --------------------------------------------------------===//

ErrorObject Graph::validate() {
  FUSILLI_RETURN_ERROR_IF(getName().empty(), ErrorCode::AttributeNotSet,
                          message(Msg::GraphNoName));
  FUSILLI_CHECK_ERROR(checkNamesAreUnique());

  sortedInputs_ = inputs_;
  sortedOutputs_ = outputs_;
  std::ranges::sort(sortedInputs_, TensorAttrSortByName());
  std::ranges::sort(sortedOutputs_, TensorAttrSortByName());

  FUSILLI_CHECK_ERROR(validateSubtree());
  for (const TensorPtr &input : inputs_)
    FUSILLI_CHECK_ERROR(input->validate());
  for (const TensorPtr &output : outputs_) {
    FUSILLI_CHECK_ERROR(output->validate());
    FUSILLI_RETURN_ERROR_IF(
        output->isConstant(), ErrorCode::InvalidAttribute,
        message(Msg::TensorConstantOutput, output->getName()));
    FUSILLI_RETURN_ERROR_IF(output->hasBroadcastDims(),
                            ErrorCode::InvalidAttribute,
                            message(Msg::OutputBroadcast, output->getName()));
    FUSILLI_RETURN_ERROR_IF(
        !layout::isDistinct(output->getDim(), output->getStride()),
        ErrorCode::InvalidAttribute,
        message(Msg::OutputOverlap, output->getName(), output->getDim(),
                output->getStride()));
  }
  isValidated_ = true;
  return ok();
}

ErrorObject Graph::checkNamesAreUnique() const {
  std::unordered_set<std::string> used;
  for (const std::vector<TensorPtr> *list : {&inputs_, &outputs_})
    for (const TensorPtr &tensor : *list)
      FUSILLI_RETURN_ERROR_IF(!used.insert(tensor->getName()).second,
                              ErrorCode::InvalidAttribute,
                              message(Msg::NameNotUnique, tensor->getName()));
  return checkNodeNamesAreUnique(used);
}

// The graph itself has nothing to check or infer beyond its parts.
ErrorObject Graph::preValidateNode() const { return ok(); }
ErrorObject Graph::inferPropertiesNode() { return ok(); }
ErrorObject Graph::postValidateNode() const { return ok(); }

} // namespace fusilli
