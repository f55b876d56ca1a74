// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of the matrix product.

#ifndef FUSILLI_NODE_MATMUL_NODE_H
#define FUSILLI_NODE_MATMUL_NODE_H

#include <fusilli/attributes/matmul_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>

namespace fusilli {

/// Matrix product; see MatmulAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT MatmulNode : public NodeCRTP<MatmulNode> {
public:
  MatmulAttr matmulAttr;

  /// Takes over `attr`; copies `ctx`.
  MatmulNode(MatmulAttr &&attr, const Context &ctx);
  ~MatmulNode() override;

  const std::string &getName() const override { return matmulAttr.getName(); }
  Type getType() const override { return Type::Matmul; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;
};

} // namespace fusilli

#endif // FUSILLI_NODE_MATMUL_NODE_H
