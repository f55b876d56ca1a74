// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Facts about ops, shapes and views.
#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fusilli::ir {

namespace {

/// Values that a search through producers looks at.
constexpr size_t kMaxRoots = 32;

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

} // namespace

Value skipReshape(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

bool isContraction(Operation *op) {
  return isa<MatmulOp, ConvFPropOp, ConvDGradOp, ConvWGradOp>(op);
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

FusionShape getFusionShape(Value value) {
  RankedTensorType type = typeOf(value);
  FusionShape shape(type.getShape());
  for (int64_t dim : getDynamicDims(type))
    shape[dim] = -shape[dim];
  return shape;
}

SmallVector<Value> collectRoots(Value value) {
  FusionShape shape = getFusionShape(value);
  llvm::SetVector<Value, SmallVector<Value>, llvm::SmallDenseSet<Value>> roots;
  roots.insert(value);
  for (size_t i = 0; i < roots.size() && roots.size() < kMaxRoots; ++i)
    if (auto op = roots[i].getDefiningOp<PointwiseOp>())
      for (Value input : op.getInputs())
        if (getFusionShape(input) == shape)
          roots.insert(input);
  return roots.takeVector();
}

ReductionSpace getReductionSpace(ReductionOp reduction) {
  RankedTensorType type = typeOf(reduction.getX());
  for (Value root : collectRoots(reduction.getX()))
    if (!root.getDefiningOp<PointwiseOp>()) {
      type = typeOf(root);
      break;
    }
  ReductionSpace space;
  space.elementBytes = getElementBytes(type.getElementType());
  space.isSymbolic = !getDynamicDims(type).empty();
  SmallVector<int64_t> reducedDims = reduction.getReducedDims();
  for (int64_t dim : getLogicalToPhysicalOrder(type)) {
    if (type.getDimSize(dim) == 1)
      continue;
    space.extents.push_back(type.getDimSize(dim));
    space.reduced.push_back(llvm::is_contained(reducedDims, dim));
  }
  return space;
}

} // namespace fusilli::ir
