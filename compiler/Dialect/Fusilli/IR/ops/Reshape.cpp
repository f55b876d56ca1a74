// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reshape: verifier.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult ReshapeOp::verify() {
  if (!isViewOf(getOutput().getType(), getX().getType()))
    return emitOpError("is no other view of the same buffer: ")
           << getX().getType() << " to " << getOutput().getType();
  return success();
}

} // namespace fusilli::ir
