// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes of the convolutions.

#ifndef FUSILLI_NODE_CONV_NODE_H
#define FUSILLI_NODE_CONV_NODE_H

#include <fusilli/attributes/conv_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>

namespace fusilli {

/// Convolution, forward; see ConvFPropAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT ConvFPropNode : public NodeCRTP<ConvFPropNode> {
public:
  ConvFPropAttr convFPropAttr;

  /// Takes over `attr`; copies `ctx`.
  ConvFPropNode(ConvFPropAttr &&attr, const Context &ctx);
  ~ConvFPropNode() override;

  const std::string &getName() const override {
    return convFPropAttr.getName();
  }
  Type getType() const override { return Type::Convolution; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

/// Gradient of a convolution's weights; see ConvWGradAttr. Thread safety:
/// externally synchronised.
class FUSILLI_EXPORT ConvWGradNode : public NodeCRTP<ConvWGradNode> {
public:
  ConvWGradAttr convWGradAttr;

  /// Takes over `attr`; copies `ctx`.
  ConvWGradNode(ConvWGradAttr &&attr, const Context &ctx);
  ~ConvWGradNode() override;

  const std::string &getName() const override {
    return convWGradAttr.getName();
  }
  Type getType() const override { return Type::WGrad; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

/// Gradient of a convolution's data; see ConvDGradAttr. Thread safety:
/// externally synchronised.
class FUSILLI_EXPORT ConvDGradNode : public NodeCRTP<ConvDGradNode> {
public:
  ConvDGradAttr convDGradAttr;

  /// Takes over `attr`; copies `ctx`.
  ConvDGradNode(ConvDGradAttr &&attr, const Context &ctx);
  ~ConvDGradNode() override;

  const std::string &getName() const override {
    return convDGradAttr.getName();
  }
  Type getType() const override { return Type::DGrad; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_CONV_NODE_H
