// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmul nodes.
#include "compiler/Import/NodeImport.h"

using namespace mlir;

namespace fusilli::compiler {

bool importMatmul(NodeImport &node) {
  if (!node.expectSlots(2, 1))
    return false;
  auto a = cast<RankedTensorType>(node.inputs[0].getType());
  auto b = cast<RankedTensorType>(node.inputs[1].getType());
  if (a.getRank() == b.getRank())
    for (int64_t i = 0; i + 2 < a.getRank(); ++i)
      if (a.getDimSize(i) != b.getDimSize(i) && a.getDimSize(i) != 1 &&
          b.getDimSize(i) != 1)
        return node.notImplemented(
            "batch extents of dimension " + Twine(i) + " are " +
            Twine(a.getDimSize(i)) + " and " + Twine(b.getDimSize(i)) +
            "; only equal extents and 1 are implemented");
  if (node.outputs[0].getElementType().isInteger(1))
    return node.notImplemented("a result of type i1 is not implemented");
  auto op = ir::MatmulOp::create(node.builder, node.loc, node.outputs[0],
                                 node.inputs[0], node.inputs[1], node.node);
  node.results.push_back(op.getOutput());
  return true;
}

} // namespace fusilli::compiler
