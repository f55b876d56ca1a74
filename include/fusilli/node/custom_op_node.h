// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of custom ops.

#ifndef FUSILLI_NODE_CUSTOM_OP_NODE_H
#define FUSILLI_NODE_CUSTOM_OP_NODE_H

#include <fusilli/attributes/custom_op_attributes.h>
#include <fusilli/attributes/tensor_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <memory>
#include <string>
#include <vector>

namespace fusilli {

/// Op defined by program text; see CustomOpAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT CustomOpNode : public NodeCRTP<CustomOpNode> {
public:
  CustomOpAttr customOpAttr;
  /// The tensors by position; one may appear several times among the inputs.
  std::vector<std::shared_ptr<TensorAttr>> inputs;
  std::vector<std::shared_ptr<TensorAttr>> outputs;

  /// Takes over `attr`; copies `ctx`.
  CustomOpNode(CustomOpAttr &&attr, const Context &ctx);
  ~CustomOpNode() override;

  const std::string &getName() const override { return customOpAttr.getName(); }
  Type getType() const override { return Type::Custom; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;

  /// The text with the name, types and extents of the tensors filled in;
  /// unknown placeholders stay as they are.
  std::string resolveMlirPlaceholders() const;

protected:
  std::string emitModuleScopeAsm() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_CUSTOM_OP_NODE_H
