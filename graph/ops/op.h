// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the graph layer knows of each op: its slots, and how a node becomes an
// entry of GraphDef and back. One file per op defines it; ops.inc lists them.

#ifndef GRAPH_OPS_OP_H
#define GRAPH_OPS_OP_H

#include <fusilli/graph/context.h>
#include <fusilli/graph/graph.h>
#include <fusilli/node/node.h>
#include <fusilli/support/logging.h>

#include "graph/graph_def_generated.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fusilli::graph {

using TensorPtr = std::shared_ptr<TensorAttr>;

/// One node apart from its class: what GraphDef stores. Slots that hold no
/// tensor are null.
struct OpInstance {
  std::string name;
  DataType computeDataType = DataType::NotSet;
  std::vector<TensorPtr> inputs;
  std::vector<TensorPtr> outputs;
  fbs::OpAttrsUnion attrs;
};

/// The description of one op. Thread safety: immutable.
struct OpInfo {
  /// As in ops.inc; also the name in JSON.
  const char *name;
  /// The member of the union that holds its parameters.
  fbs::OpAttrs attrs;
  /// Slot names in order; a variadic op has none but IN_0..., OUT_0....
  std::vector<std::string> inputSlots;
  std::vector<std::string> outputSlots;
  bool isVariadic = false;
  /// Fills in `op` if `node` is of this op's class, else gives false.
  bool (*encode)(const INode &node, OpInstance &op);
  /// Makes the node. The slots are as many as above and `attrs` is not empty.
  ErrorOr<std::shared_ptr<INode>> (*decode)(const OpInstance &op,
                                            const Context &context);

  std::string inputSlot(size_t i) const {
    return isVariadic ? "IN_" + std::to_string(i) : inputSlots[i];
  }
  std::string outputSlot(size_t i) const {
    return isVariadic ? "OUT_" + std::to_string(i) : outputSlots[i];
  }
};

#define FUSILLI_OP(NAME) const OpInfo &NAME##Op();
#include "graph/ops/ops.inc"
#undef FUSILLI_OP

/// All ops, in the order of ops.inc.
std::span<const OpInfo *const> allOps();

/// The op with that name, or with those parameters; null if there is none.
const OpInfo *findOp(std::string_view name);
const OpInfo *findOp(fbs::OpAttrs attrs);

//===-- Helpers for the definitions ---------------------------------------===//

/// Copies name, compute type and tensors of attribute `attr`, whose slots are
/// the first `numInputs` and `numOutputs` enumerators of its keys.
template <typename Attr>
void encodeSlots(const Attr &attr, const OpInfo &info, OpInstance &op) {
  op.name = attr.getName();
  op.computeDataType = attr.computeDataType;
  for (size_t i = 0; i < info.inputSlots.size(); ++i)
    op.inputs.push_back(
        attr.getInput(static_cast<typename Attr::InputNames>(i)));
  for (size_t i = 0; i < info.outputSlots.size(); ++i)
    op.outputs.push_back(
        attr.getOutput(static_cast<typename Attr::OutputNames>(i)));
}

/// The reverse of `encodeSlots`; empty slots stay absent.
template <typename Attr> Attr decodeSlots(const OpInstance &op) {
  Attr attr;
  attr.setName(op.name).setComputeDataType(op.computeDataType);
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (op.inputs[i])
      attr.setInput(static_cast<typename Attr::InputNames>(i), op.inputs[i]);
  for (size_t i = 0; i < op.outputs.size(); ++i)
    if (op.outputs[i])
      attr.setOutput(static_cast<typename Attr::OutputNames>(i), op.outputs[i]);
  return attr;
}

/// Gives an input tensor without a name the name `<node>_<slot>`.
inline void nameIfUnnamed(const TensorPtr &tensor, const std::string &node,
                          const std::string &slot) {
  if (tensor && tensor->getName().empty())
    tensor->setName(node + "_" + slot);
}

} // namespace fusilli::graph

#endif // GRAPH_OPS_OP_H
