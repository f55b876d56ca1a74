// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions: which dimensions, and the verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

SmallVector<int64_t> ReductionOp::getReducedDims() {
  SmallVector<int64_t> dims;
  for (auto [i, in, out] : llvm::enumerate(getX().getType().getShape(),
                                           getOutput().getType().getShape()))
    if (in > 1 && out == 1)
      dims.push_back(i);
  return dims;
}

LogicalResult ReductionOp::verify() {
  ArrayRef<int64_t> x = getX().getType().getShape();
  ArrayRef<int64_t> y = getOutput().getType().getShape();
  if (x.size() != y.size())
    return emitOpError("result has rank ")
           << y.size() << ", expected " << x.size() << " as x";
  for (auto [i, in, out] : llvm::enumerate(x, y))
    if (out != 1 && out != in)
      return emitOpError("result has extent ")
             << out << " in dimension " << i << ", expected 1 or " << in;
  if (getReducedDims().empty())
    return emitOpError("reduces no dimension");
  Type in = getX().getType().getElementType();
  Type out = getOutput().getType().getElementType();
  if (getMode() == ReductionMode::AVG &&
      (!isa<FloatType>(in) || !isa<FloatType>(out)))
    return emitOpError("AVG of ")
           << in << " to " << out << ", expected floating-point types";
  if (out.isInteger(1))
    return emitOpError("is not defined for i1 results");
  return verifyStoredInFull(*this);
}

SmallVector<EqualDims> ReductionOp::getSymbolicDims() {
  // A reduced dim is 1 in the result: what is reduced may be of any extent.
  return getElementwiseDims({getX(), getOutput()});
}

} // namespace fusilli::ir
