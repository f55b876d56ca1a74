// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Root-mean-square normalization nodes.
#include "compiler/Import/NodeImport.h"

using namespace mlir;

namespace fusilli::compiler {

bool importRmsnorm(const fbs::RmsnormAttrs &attrs, NodeImport &node) {
  bool training = false;
  if (!getTrainingPhase(attrs.phase(), node, training))
    return false;
  if (training)
    return node.notImplemented("rmsnorm for training is not implemented");
  if (!node.expectFloatSlots("x?x", "x-"))
    return false;
  auto op = ir::RmsnormOp::create(node.builder, node.loc, node.outputs[0],
                                  node.inputs[0], node.inputs[1],
                                  node.inputs[2], node.node);
  node.results.push_back(op.getOutput());
  return true;
}

} // namespace fusilli::compiler
