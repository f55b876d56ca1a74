// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the importers of convolutions and their gradients share.
#ifndef COMPILER_IMPORT_OPS_CONVCOMMON_H
#define COMPILER_IMPORT_OPS_CONVCOMMON_H

#include "compiler/Import/NodeImport.h"

namespace fusilli::compiler {

/// Imports a node of two operands and three lists as an `Op`; `more` are the
/// op's further attributes.
template <class Op, class Attrs, class... More>
bool importConv(const Attrs &attrs, NodeImport &node, More... more) {
  llvm::SmallVector<int64_t> padding, stride, dilation;
  if (!node.expectSlots(2, 1) ||
      !node.getList(attrs.padding(), "padding", padding) ||
      !node.getList(attrs.stride(), "stride", stride) ||
      !node.getList(attrs.dilation(), "dilation", dilation))
    return false;
  if (node.outputs[0].getElementType().isInteger(1))
    return node.notImplemented("a result of type i1 is not implemented");
  auto op =
      Op::create(node.builder, node.loc, node.outputs[0], node.inputs[0],
                 node.inputs[1], padding, stride, dilation, node.node, more...);
  node.results.push_back(op.getOutput());
  return true;
}

} // namespace fusilli::compiler

#endif // COMPILER_IMPORT_OPS_CONVCOMMON_H
