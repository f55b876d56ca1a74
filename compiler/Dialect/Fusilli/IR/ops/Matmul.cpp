// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batched matrix product: verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult MatmulOp::verify() {
  ArrayRef<int64_t> a = getA().getType().getShape();
  ArrayRef<int64_t> b = getB().getType().getShape();
  size_t rank = a.size();
  if (rank < 2)
    return emitOpError("a has rank ") << rank << ", expected at least 2";
  if (b.size() != rank)
    return emitOpError("b has rank ")
           << b.size() << ", expected " << rank << " as a";
  if (a[rank - 1] != b[rank - 2])
    return emitOpError("a has ")
           << a[rank - 1] << " columns, b has " << b[rank - 2] << " rows";
  SmallVector<int64_t> expected;
  for (size_t i = 0; i + 2 < rank; ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1)
      return emitOpError("batch extents of dimension ")
             << i << " are neither equal nor 1: " << a[i] << " and " << b[i];
    expected.push_back(std::max(a[i], b[i]));
  }
  expected.push_back(a[rank - 2]);
  expected.push_back(b[rank - 1]);
  if (getOutput().getType().getShape() != ArrayRef<int64_t>(expected))
    return emitOpError("result has shape [")
           << getOutput().getType().getShape() << "], expected [" << expected
           << "]";
  if (getOutput().getType().getElementType().isInteger(1))
    return emitOpError("is not defined for i1 results");
  return verifyStoredInFull(*this);
}

SmallVector<EqualDims> MatmulOp::getSymbolicDims() {
  int64_t rank = getOutput().getType().getRank();
  SmallVector<EqualDims> sets;
  for (int64_t d = 0; d + 2 < rank; ++d)
    sets.push_back({{getA(), d}, {getB(), d}, {getOutput(), d}});
  sets.push_back({{getA(), rank - 2}, {getOutput(), rank - 2}});
  sets.push_back({{getB(), rank - 1}, {getOutput(), rank - 1}});
  sets.push_back({{getA(), rank - 1}, {getB(), rank - 2}});
  return sets;
}

} // namespace fusilli::ir
