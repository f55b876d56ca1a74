// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar bodies of reductions; the table is in the header.
#include "compiler/Conversion/FusilliToLinalg/ReductionPayload.h"

#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;

namespace fusilli::compiler {

using ir::ReductionMode;
using vector::CombiningKind;

namespace {

enum class Combine { Sum, Product, Min, Max };

Combine combineOf(ReductionMode mode) {
  switch (mode) {
  case ReductionMode::MUL:
  case ReductionMode::MUL_NO_ZEROS:
    return Combine::Product;
  case ReductionMode::MIN:
    return Combine::Min;
  case ReductionMode::MAX:
  case ReductionMode::AMAX:
    return Combine::Max;
  case ReductionMode::ADD:
  case ReductionMode::SUM:
  case ReductionMode::AVG:
  case ReductionMode::NORM1:
  case ReductionMode::NORM2:
    return Combine::Sum;
  }
  llvm_unreachable("unknown reduction mode");
}

/// The count as a number of type `type`.
Value buildCount(ImplicitLocOpBuilder &b, const ReducedCount &count,
                 Type type) {
  bool isFloat = isa<FloatType>(type);
  if (count.symbols.empty())
    return arith::ConstantOp::create(
        b, isFloat ? TypedAttr(b.getFloatAttr(type, double(count.fixed)))
                   : TypedAttr(b.getIntegerAttr(type, count.fixed)));
  Value n;
  if (count.fixed != 1)
    n = arith::ConstantIndexOp::create(b, count.fixed);
  for (int64_t symbol : count.symbols) {
    Value extent = ir::ExtentOp::create(b, b.getIndexType(), symbol);
    n = n ? Value(arith::MulIOp::create(b, n, extent)) : extent;
  }
  Type i64 = b.getI64Type();
  n = arith::IndexCastOp::create(b, i64, n);
  if (isFloat)
    return arith::SIToFPOp::create(b, type, n);
  return type == i64 ? n : Value(arith::TruncIOp::create(b, type, n));
}

} // namespace

Type getReductionAccumulatorType(ReductionMode mode, Type resultElement) {
  Type type = getComputeType(resultElement);
  if (isa<FloatType>(type))
    return type;
  if (mode == ReductionMode::NORM2)
    return Float64Type::get(type.getContext());
  unsigned bits = std::max(32u, type.getIntOrFloatBitWidth());
  return IntegerType::get(type.getContext(), bits);
}

TypedAttr getReductionIdentity(ReductionMode mode, Type accumulator) {
  Builder b(accumulator.getContext());
  bool isFloat = isa<FloatType>(accumulator);
  double inf = std::numeric_limits<double>::infinity();
  if (mode == ReductionMode::AMAX)
    return b.getZeroAttr(accumulator);
  switch (combineOf(mode)) {
  case Combine::Sum:
    return b.getZeroAttr(accumulator);
  case Combine::Product:
    return b.getOneAttr(accumulator);
  case Combine::Min:
    if (isFloat)
      return b.getFloatAttr(accumulator, inf);
    return b.getIntegerAttr(
        accumulator,
        APInt::getSignedMaxValue(accumulator.getIntOrFloatBitWidth()));
  case Combine::Max:
    if (isFloat)
      return b.getFloatAttr(accumulator, -inf);
    return b.getIntegerAttr(
        accumulator,
        APInt::getSignedMinValue(accumulator.getIntOrFloatBitWidth()));
  }
  llvm_unreachable("unknown combination");
}

CombiningKind getReductionKind(ReductionMode mode, Type accumulator) {
  bool isFloat = isa<FloatType>(accumulator);
  switch (combineOf(mode)) {
  case Combine::Sum:
    return CombiningKind::ADD;
  case Combine::Product:
    return CombiningKind::MUL;
  case Combine::Min:
    return isFloat ? CombiningKind::MINIMUMF : CombiningKind::MINSI;
  case Combine::Max:
    return isFloat ? CombiningKind::MAXIMUMF : CombiningKind::MAXSI;
  }
  llvm_unreachable("unknown combination");
}

Value buildReductionPreMap(ImplicitLocOpBuilder &b, ReductionMode mode,
                           Value element, Type accumulator) {
  Value x = convertElement(b, element, accumulator);
  bool isFloat = isa<FloatType>(accumulator);
  auto constant = [&](double v) -> Value {
    TypedAttr attr = isFloat ? TypedAttr(b.getFloatAttr(accumulator, v))
                             : TypedAttr(b.getIntegerAttr(accumulator, v));
    return arith::ConstantOp::create(b, attr);
  };
  switch (mode) {
  case ReductionMode::AMAX:
  case ReductionMode::NORM1:
    if (isFloat)
      return math::AbsFOp::create(b, x);
    return arith::MaxSIOp::create(b, x,
                                  arith::SubIOp::create(b, constant(0), x));
  case ReductionMode::NORM2:
    return arith::MulFOp::create(b, x, x);
  case ReductionMode::MUL_NO_ZEROS: {
    Value isZero = isFloat ? Value(arith::CmpFOp::create(
                                 b, arith::CmpFPredicate::OEQ, x, constant(0)))
                           : Value(arith::CmpIOp::create(
                                 b, arith::CmpIPredicate::eq, x, constant(0)));
    return arith::SelectOp::create(b, isZero, constant(1), x);
  }
  default:
    return x;
  }
}

Value buildReductionCombine(ImplicitLocOpBuilder &b, ReductionMode mode,
                            Value lhs, Value rhs) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(lhs.getType()));
  // Without an order of zeros a maximum is three instructions, not five.
  auto noZeros = arith::FastMathFlags::nsz;
  switch (combineOf(mode)) {
  case Combine::Sum:
    return isFloat ? Value(arith::AddFOp::create(b, lhs, rhs))
                   : Value(arith::AddIOp::create(b, lhs, rhs));
  case Combine::Product:
    return isFloat ? Value(arith::MulFOp::create(b, lhs, rhs))
                   : Value(arith::MulIOp::create(b, lhs, rhs));
  case Combine::Min:
    return isFloat ? Value(arith::MinimumFOp::create(b, lhs, rhs, noZeros))
                   : Value(arith::MinSIOp::create(b, lhs, rhs));
  case Combine::Max:
    return isFloat ? Value(arith::MaximumFOp::create(b, lhs, rhs, noZeros))
                   : Value(arith::MaxSIOp::create(b, lhs, rhs));
  }
  llvm_unreachable("unknown combination");
}

Value buildReductionFinalize(ImplicitLocOpBuilder &b, ReductionMode mode,
                             Value acc, const ReducedCount &count,
                             Type resultElement) {
  Type type = acc.getType();
  if (mode == ReductionMode::AVG) {
    Value n = buildCount(b, count, type);
    if (isa<FloatType>(type))
      acc = arith::DivFOp::create(b, acc, n);
    else // Not offered by the API on integers; truncates, count is never 0.
      acc = arith::DivSIOp::create(b, acc, n);
  } else if (mode == ReductionMode::NORM2) {
    acc = math::SqrtOp::create(b, acc);
    if (!isa<FloatType>(resultElement))
      acc = math::RoundEvenOp::create(b, acc);
  }
  return convertElement(b, acc, resultElement);
}

} // namespace fusilli::compiler
