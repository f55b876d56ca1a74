// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pointwise nodes.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"
#include "compiler/Import/NodeImport.h"

using namespace mlir;

namespace fusilli::compiler {

bool importPointwise(const fbs::PointwiseAttrs &attrs, NodeImport &node) {
  std::optional<ir::PointwiseMode> mode =
      ir::symbolizePointwiseMode(uint32_t(attrs.mode()));
  if (!mode)
    return node.malformed("unknown pointwise mode " + Twine(attrs.mode()));
  // Slots after the last operand may be there, but empty.
  while (!node.inputs.empty() && !node.inputs.back())
    node.inputs.pop_back();
  if (!node.expectSlots(ir::getNumInputs(*mode), 1))
    return false;
  Type element = node.outputs[0].getElementType();
  bool hasMode = isa<FloatType>(element) ||
                 (element.isInteger(1) ? ir::allowsBooleanResult(*mode)
                                       : !ir::isFloatOnly(*mode));
  if (!hasMode && !ir::isPredicate(*mode))
    return node.notImplemented("pointwise " +
                               ir::stringifyPointwiseMode(*mode) +
                               " with a result of type " +
                               getTypeText(element) + " is not implemented");
  auto op = ir::PointwiseOp::create(node.builder, node.loc, node.outputs[0],
                                    *mode, node.inputs);
  op.setNodeAttr(node.node);
  switch (*mode) {
  case ir::PointwiseMode::ELU_FWD:
    op.setEluAlpha(APFloat(attrs.elu_alpha()));
    break;
  case ir::PointwiseMode::SOFTPLUS_FWD:
    op.setSoftplusBeta(APFloat(attrs.softplus_beta()));
    op.setSoftplusThreshold(APFloat(attrs.softplus_threshold()));
    break;
  case ir::PointwiseMode::SWISH_FWD:
  case ir::PointwiseMode::SWISH_BWD:
    op.setSwishBeta(APFloat(attrs.swish_beta()));
    break;
  default:
    break;
  }
  node.results.push_back(op.getOutput());
  return true;
}

} // namespace fusilli::compiler
