// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of rmsnorm.

#ifndef FUSILLI_NODE_RMSNORM_NODE_H
#define FUSILLI_NODE_RMSNORM_NODE_H

#include <fusilli/attributes/rmsnorm_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>

namespace fusilli {

/// Normalization; see RmsnormAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT RmsNormNode : public NodeCRTP<RmsNormNode> {
public:
  RmsnormAttr rmsnormAttr;

  /// Takes over `attr`; copies `ctx`.
  RmsNormNode(RmsnormAttr &&attr, const Context &ctx);
  ~RmsNormNode() override;

  const std::string &getName() const override { return rmsnormAttr.getName(); }
  Type getType() const override { return Type::RmsNorm; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_RMSNORM_NODE_H
