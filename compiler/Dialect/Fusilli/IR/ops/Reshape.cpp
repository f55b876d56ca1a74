// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reshape: verifier.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

using namespace mlir;

namespace fusilli::ir {

/// The dynamic extents in memory order.
static SmallVector<int64_t> getSymbols(RankedTensorType type) {
  SmallVector<int64_t> symbols;
  for (int64_t dim : getLogicalToPhysicalOrder(type))
    if (isDynamicDim(type, dim))
      symbols.push_back(type.getDimSize(dim));
  return symbols;
}

LogicalResult ReshapeOp::verify() {
  if (getSymbols(getX().getType()) != getSymbols(getOutput().getType()))
    return emitOpError("has other dynamic dims than its operand: ")
           << getX().getType() << " to " << getOutput().getType();
  if (!isViewOf(getOutput().getType(), getX().getType()))
    return emitOpError("is no other view of the same buffer: ")
           << getX().getType() << " to " << getOutput().getType();
  return success();
}

} // namespace fusilli::ir
