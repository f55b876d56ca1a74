// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of layernorm.

#ifndef FUSILLI_NODE_LAYERNORM_NODE_H
#define FUSILLI_NODE_LAYERNORM_NODE_H

#include <fusilli/attributes/layernorm_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>

namespace fusilli {

/// Normalization; see LayernormAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT LayerNormNode : public NodeCRTP<LayerNormNode> {
public:
  LayernormAttr layernormAttr;

  /// Takes over `attr`; copies `ctx`.
  LayerNormNode(LayernormAttr &&attr, const Context &ctx);
  ~LayerNormNode() override;

  const std::string &getName() const override {
    return layernormAttr.getName();
  }
  Type getType() const override { return Type::LayerNorm; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_LAYERNORM_NODE_H
