// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of scaled dot-product attention.

#ifndef FUSILLI_NODE_SDPA_NODE_H
#define FUSILLI_NODE_SDPA_NODE_H

#include <fusilli/attributes/sdpa_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>

namespace fusilli {

/// Scaled dot-product attention; see SdpaAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT SdpaNode : public NodeCRTP<SdpaNode> {
public:
  SdpaAttr sdpaAttr;

  /// Takes over `attr`; copies `ctx`.
  SdpaNode(SdpaAttr &&attr, const Context &ctx);
  ~SdpaNode() override;

  const std::string &getName() const override { return sdpaAttr.getName(); }
  Type getType() const override { return Type::Sdpa; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_SDPA_NODE_H
