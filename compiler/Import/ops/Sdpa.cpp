// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention nodes.
#include "compiler/Import/NodeImport.h"

#include <cmath>

using namespace mlir;

namespace fusilli::compiler {

bool importSdpa(const fbs::SdpaAttrs &attrs, NodeImport &node) {
  constexpr size_t kQ = 0, kMask = 3;
  constexpr const char *kSlots[] = {"Q", "K", "V", "MASK"};
  Value mask;
  if (node.inputs.size() == kMask + 1) {
    mask = node.inputs.back();
    node.inputs.pop_back();
  }
  if (!node.expectSlots(kMask, 1))
    return false;
  if (attrs.dropout() != 0.0f)
    return node.notImplemented("dropout " + std::to_string(attrs.dropout()) +
                               " is not implemented, only 0");
  auto typeOf = [](Value v) { return cast<RankedTensorType>(v.getType()); };
  auto requireFloat = [&](StringRef slot, RankedTensorType type) {
    if (isa<FloatType>(type.getElementType()))
      return true;
    return node.notImplemented(slot + " of type " +
                               getTypeText(type.getElementType()) +
                               " is not implemented");
  };
  for (auto [slot, value] : llvm::zip(kSlots, node.inputs))
    if (!requireFloat(slot, typeOf(value)))
      return false;
  if (mask && !typeOf(mask).getElementType().isInteger(1) &&
      !requireFloat(kSlots[kMask], typeOf(mask)))
    return false;
  if (!requireFloat("O", node.outputs[0]))
    return false;
  RankedTensorType q = typeOf(node.inputs[kQ]);
  if (q.getRank() != 4)
    return node.malformed("Q has rank " + Twine(q.getRank()) + ", expected 4");
  double scale = attrs.has_scale() ? double(attrs.scale())
                                   : 1.0 / std::sqrt(double(q.getDimSize(3)));
  auto op = ir::SdpaOp::create(
      node.builder, node.loc, node.outputs[0], node.inputs[0], node.inputs[1],
      node.inputs[2], mask, attrs.is_causal(), APFloat(scale), node.node);
  node.results.push_back(op.getOutput());
  return true;
}

} // namespace fusilli::compiler
