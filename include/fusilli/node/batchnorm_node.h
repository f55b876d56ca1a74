// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of batchnorm.

#ifndef FUSILLI_NODE_BATCHNORM_NODE_H
#define FUSILLI_NODE_BATCHNORM_NODE_H

#include <fusilli/attributes/batchnorm_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>

namespace fusilli {

/// Normalization; see BatchnormAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT BatchNormNode : public NodeCRTP<BatchNormNode> {
public:
  BatchnormAttr batchnormAttr;

  /// Takes over `attr`; copies `ctx`.
  BatchNormNode(BatchnormAttr &&attr, const Context &ctx);
  ~BatchNormNode() override;

  const std::string &getName() const override {
    return batchnormAttr.getName();
  }
  Type getType() const override { return Type::BatchNorm; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_BATCHNORM_NODE_H
