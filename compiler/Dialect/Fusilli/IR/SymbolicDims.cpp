// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "compiler/Dialect/Fusilli/IR/SymbolicDims.h"

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

#include "compiler/Dialect/Fusilli/IR/FusilliInterfaces.cpp.inc"

namespace fusilli::ir {

namespace {

RankedTensorType getType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

bool isDynamic(const TensorDim &d) {
  return isDynamicDim(getType(d.tensor), d.dim);
}

int64_t getExtent(const TensorDim &d) {
  return getType(d.tensor).getDimSize(d.dim);
}

/// The members that are not broadcast.
EqualDims withoutBroadcast(const EqualDims &set) {
  bool hasLarger =
      llvm::any_of(set, [](const TensorDim &d) { return getExtent(d) != 1; });
  EqualDims dims;
  for (const TensorDim &d : set)
    if (!hasLarger || getExtent(d) != 1)
      dims.push_back(d);
  return dims;
}

} // namespace

SmallVector<EqualDims> getElementwiseDims(ArrayRef<Value> tensors) {
  int64_t rank = 0;
  for (Value tensor : tensors)
    rank = std::max(rank, getType(tensor).getRank());
  SmallVector<EqualDims> sets(rank);
  for (Value tensor : tensors) {
    int64_t own = getType(tensor).getRank();
    for (int64_t d = 0; d < own; ++d)
      sets[rank - own + d].push_back({tensor, d});
  }
  return sets;
}

LogicalResult verifySymbolicDims(Operation *op,
                                 function_ref<std::string(Value)> describe) {
  SmallVector<Value> tensors(op->getOperands());
  llvm::append_range(tensors, op->getResults());
  if (llvm::none_of(tensors, [](Value tensor) {
        return !getDynamicDims(getType(tensor)).empty();
      }))
    return success();
  SmallVector<EqualDims> sets;
  if (auto symbolic = dyn_cast<SymbolicDimsInterface>(op))
    sets = symbolic.getSymbolicDims();
  llvm::DenseSet<std::pair<Value, int64_t>> allowed;
  for (const EqualDims &set : sets) {
    EqualDims dims = withoutBroadcast(set);
    // An extent comes from somewhere.
    if (isDynamic(dims.front()) && llvm::all_of(dims, [&](const TensorDim &d) {
          return d.tensor.getDefiningOp() == op;
        }))
      return op->emitOpError("dim ")
             << dims.front().dim << " of " << describe(dims.front().tensor)
             << " is dynamic, but no operand has its extent";
    for (const TensorDim &d : dims) {
      allowed.insert({d.tensor, d.dim});
      if (isDynamic(d) == isDynamic(dims.front()))
        continue;
      const TensorDim &dynamic = isDynamic(d) ? d : dims.front();
      const TensorDim &fixed = isDynamic(d) ? dims.front() : d;
      return op->emitOpError("dim ")
             << fixed.dim << " of " << describe(fixed.tensor)
             << " is not dynamic, but has the extent of dim " << dynamic.dim
             << " of " << describe(dynamic.tensor) << ", which is";
    }
  }
  for (Value tensor : tensors)
    for (int64_t dim : getDynamicDims(getType(tensor)))
      if (!allowed.contains({tensor, dim}))
        return op->emitOpError("dim ")
               << dim << " of " << describe(tensor)
               << " cannot be dynamic: the op needs its extent at compile time";
  return success();
}

} // namespace fusilli::ir
