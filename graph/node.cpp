// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Base of all nodes: validation of a subtree, unique names, module-scope text.

#include <fusilli/node/node.h>

#include "graph/graph_runtime.h"
#include "graph/messages.h"

namespace fusilli {

using graph::message;
using graph::Msg;

detail::GraphRuntime::~GraphRuntime() = default;

INode::~INode() = default;

ErrorObject INode::preValidateNode() const { return ok(); }
ErrorObject INode::postValidateNode() const { return ok(); }
std::string INode::emitNodePreAsm() const { return ""; }
std::string INode::emitNodePostAsm() const { return ""; }
std::string INode::emitModuleScopeAsm() const { return ""; }

void INode::collectModuleScopeAsm(std::ostringstream &out) const {
  out << emitModuleScopeAsm();
  for (const std::shared_ptr<INode> &child : subNodes_)
    child->collectModuleScopeAsm(out);
}

ErrorObject INode::validateSubtree() {
  FUSILLI_CHECK_ERROR(preValidateNode());
  FUSILLI_CHECK_ERROR(inferPropertiesNode());
  for (const std::shared_ptr<INode> &child : subNodes_)
    FUSILLI_CHECK_ERROR(child->validateSubtree());
  return postValidateNode();
}

ErrorObject
INode::checkNodeNamesAreUnique(std::unordered_set<std::string> &used) const {
  for (const std::shared_ptr<INode> &child : subNodes_) {
    FUSILLI_RETURN_ERROR_IF(!used.insert(child->getName()).second,
                            ErrorCode::InvalidAttribute,
                            message(Msg::NameNotUnique, child->getName()));
    FUSILLI_CHECK_ERROR(child->checkNodeNamesAreUnique(used));
  }
  return ok();
}

} // namespace fusilli
