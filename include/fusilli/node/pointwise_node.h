// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of the elementwise ops.

#ifndef FUSILLI_NODE_POINTWISE_NODE_H
#define FUSILLI_NODE_POINTWISE_NODE_H

#include <fusilli/attributes/pointwise_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>

namespace fusilli {

/// Elementwise op; see PointwiseAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT PointwiseNode : public NodeCRTP<PointwiseNode> {
public:
  PointwiseAttr pointwiseAttr;

  /// Takes over `attr`; copies `ctx`.
  PointwiseNode(PointwiseAttr &&attr, const Context &ctx);
  ~PointwiseNode() override;

  const std::string &getName() const override {
    return pointwiseAttr.getName();
  }
  Type getType() const override { return Type::Pointwise; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_POINTWISE_NODE_H
