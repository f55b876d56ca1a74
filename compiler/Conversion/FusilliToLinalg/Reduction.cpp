// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli.reduction to linalg: an element-wise map of the operand, the
// accumulation alone, and an element-wise map of the accumulators.

#include "compiler/Conversion/FusilliToLinalg/KernelLowering.h"
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"
#include "compiler/Conversion/FusilliToLinalg/ReductionPayload.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

using namespace mlir;

namespace fusilli::compiler {

LogicalResult lower(KernelLowering &k, ir::ReductionOp op) {
  ImplicitLocOpBuilder &b = k.builder();
  auto xType = cast<RankedTensorType>(op.getX().getType());
  auto yType = cast<RankedTensorType>(op.getOutput().getType());
  Type result = getComputeType(yType.getElementType());
  Type acc = getReductionAccumulatorType(op.getMode(), result);
  unsigned rank = xType.getRank();

  FailureOr<Value> mapped = k.elementwise(
      xType.getShape(), acc, k.lowered(op.getX()),
      {k.broadcastMap(op.getX(), rank)},
      [&](ValueRange args) -> FailureOr<Value> {
        return buildReductionPreMap(b, op.getMode(), args[0], acc);
      });
  if (failed(mapped))
    return failure();

  SmallVector<AffineExpr> out;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  ReducedCount count;
  for (unsigned i = 0; i < rank; ++i) {
    bool reduced = yType.getDimSize(i) == 1 && xType.getDimSize(i) > 1;
    if (reduced) {
      iterators[i] = utils::IteratorType::reduction;
      if (ir::isDynamicDim(xType, i))
        count.symbols.push_back(xType.getDimSize(i));
      else
        count.fixed *= xType.getDimSize(i);
    }
    out.push_back(reduced ? b.getAffineConstantExpr(0) : b.getAffineDimExpr(i));
  }
  FailureOr<Value> sum = k.accumulate(
      RankedTensorType::get(yType.getShape(), acc),
      getReductionIdentity(op.getMode(), acc), *mapped,
      {b.getMultiDimIdentityMap(rank),
       AffineMap::get(rank, 0, out, b.getContext())},
      iterators, [&](ValueRange args) -> FailureOr<Value> {
        return buildReductionCombine(b, op.getMode(), args[0], args[1]);
      });
  if (failed(sum))
    return failure();

  FailureOr<Value> y = k.elementwise(
      yType.getShape(), result, *sum, {b.getMultiDimIdentityMap(rank)},
      [&](ValueRange args) -> FailureOr<Value> {
        return buildReductionFinalize(b, op.getMode(), args[0], count, result);
      });
  if (failed(y))
    return failure();
  k.setLowered(op.getOutput(), *y);
  return success();
}

} // namespace fusilli::compiler
