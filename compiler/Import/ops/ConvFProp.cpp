// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forward convolution nodes.
#include "compiler/Import/NodeImport.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Larger values overflow no extent; no real graph has them.
constexpr int64_t kMaxListValue = int64_t(1) << 31;

bool getList(const flatbuffers::Vector<int64_t> *list, StringRef name,
             NodeImport &node, SmallVectorImpl<int64_t> &values) {
  if (!list)
    return node.malformed("has no " + name);
  for (int64_t value : *list) {
    if (value < 0 || value > kMaxListValue)
      return node.malformed(name + " has value " + Twine(value));
    values.push_back(value);
  }
  return true;
}

} // namespace

bool importConvFProp(const fbs::ConvFPropAttrs &attrs, NodeImport &node) {
  SmallVector<int64_t> padding, stride, dilation;
  if (!node.expectSlots(2, 1) ||
      !getList(attrs.padding(), "padding", node, padding) ||
      !getList(attrs.stride(), "stride", node, stride) ||
      !getList(attrs.dilation(), "dilation", node, dilation))
    return false;
  if (node.outputs[0].getElementType().isInteger(1))
    return node.notImplemented("a result of type i1 is not implemented");
  auto op = ir::ConvFPropOp::create(node.builder, node.loc, node.outputs[0],
                                    node.inputs[0], node.inputs[1], padding,
                                    stride, dilation, node.node);
  node.results.push_back(op.getOutput());
  return true;
}

} // namespace fusilli::compiler
