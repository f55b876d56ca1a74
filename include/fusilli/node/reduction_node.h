// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Node of the reductions.

#ifndef FUSILLI_NODE_REDUCTION_NODE_H
#define FUSILLI_NODE_REDUCTION_NODE_H

#include <fusilli/attributes/reduction_attributes.h>
#include <fusilli/graph/context.h>
#include <fusilli/node/node.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fusilli {

/// Reduction; see ReductionAttr. Thread safety: externally
/// synchronised.
class FUSILLI_EXPORT ReductionNode : public NodeCRTP<ReductionNode> {
public:
  ReductionAttr reductionAttr;

  /// Takes over `attr`; copies `ctx`.
  ReductionNode(ReductionAttr &&attr, const Context &ctx);
  ~ReductionNode() override;

  const std::string &getName() const override {
    return reductionAttr.getName();
  }
  Type getType() const override { return Type::Reduction; }

  ErrorObject preValidateNode() const override;
  ErrorObject inferPropertiesNode() override;
  ErrorObject postValidateNode() const override;

  /// The dims that are reduced: Y has extent 1 there and X has more. Empty
  /// while X or Y or their dims are missing.
  std::vector<int64_t> getReductionDims() const;
};

} // namespace fusilli

#endif // FUSILLI_NODE_REDUCTION_NODE_H
