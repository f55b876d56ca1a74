// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "compiler/Driver/ShapeProgram.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// What the VM computes. Sizes are far from overflow: fusilli-verify-graph.
int64_t fold(uint32_t opcode, int64_t a, int64_t b) {
  switch (opcode) {
  case FUSILLI_VM_ADD:
    return a + b;
  case FUSILLI_VM_MUL:
    return a * b;
  case FUSILLI_VM_FLOOR_DIV:
    return llvm::divideFloorSigned(a, b);
  case FUSILLI_VM_CEIL_DIV:
    return llvm::divideCeilSigned(a, b);
  case FUSILLI_VM_MOD:
    return llvm::mod(a, b);
  case FUSILLI_VM_MIN:
    return std::min(a, b);
  default:
    return std::max(a, b);
  }
}

uint32_t getOpcode(AffineExprKind kind) {
  switch (kind) {
  case AffineExprKind::Add:
    return FUSILLI_VM_ADD;
  case AffineExprKind::Mul:
    return FUSILLI_VM_MUL;
  case AffineExprKind::FloorDiv:
    return FUSILLI_VM_FLOOR_DIV;
  case AffineExprKind::CeilDiv:
    return FUSILLI_VM_CEIL_DIV;
  default:
    return FUSILLI_VM_MOD;
  }
}

} // namespace

ShapeProgram::ShapeProgram(ArrayRef<int64_t> extents)
    : symbols(extents.begin(), extents.end()), numValues(extents.size()) {}

HostValue ShapeProgram::symbol(unsigned i) const { return {symbols[i], i}; }

HostValue ShapeProgram::add(HostValue a, HostValue b) {
  if (a.isConstant() && a.representative == 0)
    return b;
  if (b.isConstant() && b.representative == 0)
    return a;
  return compute(FUSILLI_VM_ADD, a, b);
}

HostValue ShapeProgram::multiply(HostValue a, HostValue b) {
  if (a.isConstant() && a.representative == 1)
    return b;
  if (b.isConstant() && b.representative == 1)
    return a;
  return compute(FUSILLI_VM_MUL, a, b);
}

HostValue ShapeProgram::max(HostValue a, HostValue b) {
  if (a.number == b.number && a.representative == b.representative)
    return a;
  return compute(FUSILLI_VM_MAX, a, b);
}

HostValue ShapeProgram::align(HostValue a, int64_t multiple) {
  HostValue unit = HostValue::constant(multiple);
  return compute(FUSILLI_VM_MUL, compute(FUSILLI_VM_CEIL_DIV, a, unit), unit);
}

HostValue ShapeProgram::evaluate(AffineExpr expr, ArrayRef<HostValue> values) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return HostValue::constant(constant.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return values[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  return compute(getOpcode(binary.getKind()), evaluate(binary.getLHS(), values),
                 evaluate(binary.getRHS(), values));
}

HostValue ShapeProgram::compute(uint32_t opcode, HostValue a, HostValue b) {
  int64_t representative = fold(opcode, a.representative, b.representative);
  if (a.isConstant() && b.isConstant())
    return HostValue::constant(representative);
  return {representative, append(opcode, materialize(a), materialize(b))};
}

uint32_t ShapeProgram::materialize(HostValue value) {
  if (value.number)
    return *value.number;
  auto bits = uint64_t(value.representative);
  return append(FUSILLI_VM_CONSTANT, uint32_t(bits), uint32_t(bits >> 32));
}

uint32_t ShapeProgram::append(uint32_t opcode, uint32_t a, uint32_t b) {
  auto [it, isNew] = known.try_emplace({opcode, a, b}, numValues);
  if (isNew) {
    words.insert(words.end(), {opcode, a, b});
    ++numValues;
  }
  return it->second;
}

} // namespace fusilli::compiler
