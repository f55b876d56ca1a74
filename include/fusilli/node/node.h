// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Base classes of graph nodes. A client may derive its own.

#ifndef FUSILLI_NODE_NODE_H
#define FUSILLI_NODE_NODE_H

#include <fusilli/graph/context.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_set>
#include <vector>

namespace fusilli {

/// A node of a graph, or a graph. Validation of a node goes: pre-validate,
/// infer properties, children in order of insertion, post-validate. The first
/// error ends it. Thread safety: externally synchronised.
class FUSILLI_EXPORT INode {
public:
  /// What a node does. The numbers are stable.
  enum class Type : uint8_t {
    Composite,
    Convolution,
    Pointwise,
    WGrad,
    DGrad,
    LayerNorm,
    BatchNorm,
    RmsNorm,
    Matmul,
    Reduction,
    Custom,
    Sdpa,
  };

  /// Copies `ctx`.
  explicit INode(const Context &ctx) : context(ctx) {}
  INode(const INode &) = default;
  INode(INode &&) noexcept = default;
  INode &operator=(const INode &) = default;
  INode &operator=(INode &&) noexcept = default;
  virtual ~INode();

  /// The name, which is unique within a graph.
  virtual const std::string &getName() const = 0;
  virtual Type getType() const = 0;

  /// Default element types and, for a graph, its name.
  Context context;

protected:
  /// Checks what the caller gave. OK by default.
  virtual ErrorObject preValidateNode() const;
  /// Fills in types, dims and strides that the caller left open; writes to the
  /// shared tensors.
  virtual ErrorObject inferPropertiesNode() = 0;
  /// Checks what inference and the caller agreed on. OK by default.
  virtual ErrorObject postValidateNode() const;

  /// Program text before and after that of the children, and at module scope;
  /// empty by default.
  virtual std::string emitNodePreAsm() const;
  virtual std::string emitNodePostAsm() const;
  virtual std::string emitModuleScopeAsm() const;
  /// Appends the module-scope text of this node and then of its children.
  void collectModuleScopeAsm(std::ostringstream &out) const;

  /// Pre-validates, infers, validates the children in order, post-validates.
  ErrorObject validateSubtree();
  /// Adds the names of all nodes beneath this one, parents first, to `used`;
  /// InvalidAttribute for a name that is already there.
  ErrorObject
  checkNodeNamesAreUnique(std::unordered_set<std::string> &used) const;

  std::vector<std::shared_ptr<INode>> subNodes_;
};

/// Base of nodes without children. `Derived` is the node class.
template <typename Derived> class NodeCRTP : public INode {
public:
  using INode::INode;

protected:
  Derived &self() { return static_cast<Derived &>(*this); }
  const Derived &self() const { return static_cast<const Derived &>(*this); }
};

} // namespace fusilli

#endif // FUSILLI_NODE_NODE_H
