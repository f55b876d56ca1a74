// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reduction nodes.
#include "compiler/Import/NodeImport.h"

using namespace mlir;

namespace fusilli::compiler {

bool importReduction(const fbs::ReductionAttrs &attrs, NodeImport &node) {
  std::optional<ir::ReductionMode> mode =
      ir::symbolizeReductionMode(uint32_t(attrs.mode()));
  if (!mode)
    return node.malformed("unknown reduction mode " + Twine(attrs.mode()));
  if (!node.expectSlots(1, 1))
    return false;
  Type element = node.outputs[0].getElementType();
  if (element.isInteger(1))
    return node.notImplemented("a reduction with a result of type " +
                               getTypeText(element) + " is not implemented");
  auto op = ir::ReductionOp::create(node.builder, node.loc, node.outputs[0],
                                    *mode, node.inputs[0], node.node);
  node.results.push_back(op.getOutput());
  return true;
}

} // namespace fusilli::compiler
