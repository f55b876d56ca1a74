// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer normalization nodes.
#include "compiler/Import/NodeImport.h"

using namespace mlir;

namespace fusilli::compiler {

bool importLayernorm(const fbs::LayernormAttrs &attrs, NodeImport &node) {
  bool training = false;
  if (!getTrainingPhase(attrs.phase(), node, training) ||
      !node.expectFloatSlots("x??x", training ? "xxx" : "x--"))
    return false;
  SmallVector<Type> statistics;
  if (training)
    statistics = {node.outputs[1], node.outputs[2]};
  auto op = ir::LayernormOp::create(node.builder, node.loc, node.outputs[0],
                                    statistics, node.inputs[0], node.inputs[1],
                                    node.inputs[2], node.inputs[3], node.node);
  llvm::append_range(node.results, op.getResults());
  return true;
}

} // namespace fusilli::compiler
