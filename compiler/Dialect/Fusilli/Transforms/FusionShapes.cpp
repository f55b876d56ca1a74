// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Facts about shapes and views.
#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {

Value skipReshape(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

ArrayRef<int64_t> getResultShape(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getShape();
}

int64_t getVolume(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getNumElements();
}

bool isConstantAlongRows(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  // Unit dimensions at the end of `to` are no loops.
  size_t i = 0;
  while (i < to.size() && to[to.size() - 1 - i] == 1)
    ++i;
  return i >= from.size() || i == to.size() || from[from.size() - 1 - i] == 1;
}

} // namespace fusilli::ir
