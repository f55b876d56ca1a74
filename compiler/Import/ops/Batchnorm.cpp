// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalization nodes. In training the running statistics and the
// momentum have no effect, so they are left out.
#include "compiler/Import/NodeImport.h"

using namespace mlir;

namespace fusilli::compiler {

bool importBatchnorm(const fbs::BatchnormAttrs &attrs, NodeImport &node) {
  bool training = false;
  if (!getTrainingPhase(attrs.phase(), node, training) ||
      !node.expectFloatSlots(training ? "x????xx" : "x??xxxx",
                             training ? "xxx" : "x--"))
    return false;
  SmallVector<Type> statistics;
  if (training)
    statistics = {node.outputs[1], node.outputs[2]};
  auto op = ir::BatchnormOp::create(
      node.builder, node.loc, node.outputs[0], statistics, node.inputs[0],
      training ? Value() : node.inputs[3], training ? Value() : node.inputs[4],
      node.inputs[1], node.inputs[2], node.inputs[5], node.node);
  llvm::append_range(node.results, op.getResults());
  return true;
}

} // namespace fusilli::compiler
