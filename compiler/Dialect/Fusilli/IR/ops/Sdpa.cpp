// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention: verifier.
#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

using namespace mlir;

namespace fusilli::ir {

LogicalResult SdpaOp::verify() {
  std::pair<StringRef, Value> named[] = {
      {"q", getQ()}, {"k", getK()}, {"v", getV()}, {"mask", getMask()}};
  for (auto [name, value] : named) {
    if (!value)
      continue;
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() != 4)
      return emitOpError() << name << " has rank " << type.getRank()
                           << ", expected 4";
    bool boolean = name == "mask" && type.getElementType().isInteger(1);
    if (!isa<FloatType>(type.getElementType()) && !boolean)
      return emitOpError() << name << " has elements of type "
                           << type.getElementType()
                           << ", expected floating-point ones";
  }
  ArrayRef<int64_t> q = getQ().getType().getShape();
  ArrayRef<int64_t> k = getK().getType().getShape();
  ArrayRef<int64_t> v = getV().getType().getShape();
  if (k[0] != q[0] || v[0] != q[0])
    return emitOpError("batch extents of q, k and v differ: ")
           << q[0] << ", " << k[0] << " and " << v[0];
  if (k[3] != q[3])
    return emitOpError("k has head dim ") << k[3] << ", q has " << q[3];
  if (v[2] != k[2])
    return emitOpError("v has sequence length ") << v[2] << ", k has " << k[2];
  for (auto [name, heads] :
       {std::pair<StringRef, int64_t>{"k", k[1]}, {"v", v[1]}})
    if (heads == 0 || q[1] % heads != 0)
      return emitOpError("q has ") << q[1] << " heads, not a multiple of the "
                                   << heads << " heads of " << name;
  if (Value mask = getMask()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(mask.getType()).getShape();
    int64_t full[] = {q[0], q[1], q[2], k[2]};
    for (unsigned i = 0; i < 4; ++i)
      if (shape[i] != 1 && shape[i] != full[i])
        return emitOpError("mask has extent ")
               << shape[i] << " in dimension " << i << ", expected 1 or "
               << full[i];
    if (getCausal())
      return emitOpError("has a mask and is causal, expected one of them");
  }
  int64_t expected[] = {q[0], q[1], q[2], v[3]};
  RankedTensorType output = getOutput().getType();
  if (output.getShape() != ArrayRef<int64_t>(expected))
    return emitOpError("result has shape [")
           << output.getShape() << "], expected ["
           << ArrayRef<int64_t>(expected) << "]";
  if (!isa<FloatType>(output.getElementType()))
    return emitOpError("result has elements of type ")
           << output.getElementType() << ", expected floating-point ones";
  return verifyStoredInFull(*this);
}

SmallVector<EqualDims> SdpaOp::getSymbolicDims() {
  EqualDims batch = {{getQ(), 0}, {getK(), 0}, {getV(), 0}, {getOutput(), 0}};
  EqualDims rows = {{getQ(), 2}, {getOutput(), 2}};
  EqualDims keys = {{getK(), 2}, {getV(), 2}};
  if (Value mask = getMask()) {
    batch.push_back({mask, 0});
    rows.push_back({mask, 2});
    keys.push_back({mask, 3});
  }
  return {batch, rows, keys};
}

} // namespace fusilli::ir
