// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar bodies of pointwise ops: type rules and conversions, then one function
// per kind of compute type (float, integer, Boolean). The function that needs
// several ops for a mode writes them with the formula beside it.
#include "compiler/Conversion/FusilliToLinalg/PointwisePayload.h"

#include "compiler/Dialect/Fusilli/IR/OpVerifiers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"

#include <cmath>
#include <iterator>
#include <limits>

using namespace mlir;

namespace fusilli::compiler {

using ir::PointwiseMode;
using FPred = arith::CmpFPredicate;
using IPred = arith::CmpIPredicate;

namespace {

/// Op-creating shorthand for scalars of one type.
struct Scalars {
  ImplicitLocOpBuilder &b;
  Type type;

  Value f(double v) const {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, v));
  }
  Value i(int64_t v) const {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, v));
  }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, x, y); }
  Value neg(Value x) const { return arith::NegFOp::create(b, x); }
  Value abs(Value x) const { return math::AbsFOp::create(b, x); }
  Value fma(Value x, Value y, Value z) const {
    return math::FmaOp::create(b, x, y, z);
  }
  Value exp(Value x) const { return math::ExpOp::create(b, x); }
  /// e^x for x <= 0: no overflow to care for.
  Value expNonPositive(Value x) const {
    return math::ExpOp::create(b, x, arith::FastMathFlags::ninf);
  }
  Value cmp(FPred p, Value x, Value y) const {
    return arith::CmpFOp::create(b, p, x, y);
  }
  Value cmp(IPred p, Value x, Value y) const {
    return arith::CmpIOp::create(b, p, x, y);
  }
  Value select(Value c, Value x, Value y) const {
    return arith::SelectOp::create(b, c, x, y);
  }
};

constexpr double kSqrtHalf = 0.70710678118654752440;      // 1/sqrt(2)
constexpr double kSqrtTwoOverPi = 0.79788456080286535588; // sqrt(2/pi)
constexpr double kRsqrtTwoPi = 0.39894228040143267794;    // 1/sqrt(2 pi)
constexpr double kLog2E = 1.44269504088896340736;
constexpr double kGeluCubic = 0.044715;

/// 1 / (1 + e^-x) as e^-|x| never overflows.
Value sigmoid(const Scalars &s, Value x) {
  Value t = s.expNonPositive(s.neg(s.abs(x)));
  Value top = s.select(s.cmp(FPred::OLT, x, s.f(0)), t, s.f(1));
  return s.div(top, s.add(t, s.f(1)));
}

/// g = sigmoid(x) and its derivative g (1 - g) without cancellation, from
/// small = e^-|x|.
struct SigmoidAndSlope {
  Value value, slope;
};
SigmoidAndSlope sigmoidAndSlope(const Scalars &s, Value x, Value small) {
  Value inverse = s.div(s.f(1), s.add(small, s.f(1)));
  Value below = s.mul(small, inverse);
  Value isNegative = s.cmp(FPred::OLT, x, s.f(0));
  return {s.select(isNegative, below, inverse), s.mul(below, inverse)};
}

/// x/2 (1 + tanh u) = x / (1 + e^-2u), u = sqrt(2/pi) (x + 0.044715 x^3).
Value geluTanh(const Scalars &s, Value x) {
  double scale = -2 * kSqrtTwoOverPi * kLog2E;
  Value inner = s.fma(s.mul(x, x), s.f(scale * kGeluCubic), s.f(scale));
  Value t = math::Exp2Op::create(s.b, s.mul(x, inner));
  return s.div(x, s.add(t, s.f(1)));
}

/// dy (1/2 (1+t) + x/2 (1-t^2) u') with t = tanh u = 2 g - 1, g = sigmoid(2u):
/// dy (g + 2 x g (1 - g) u').
Value geluTanhBackward(const Scalars &s, Value dy, Value x) {
  double scale = 2 * kSqrtTwoOverPi * kLog2E;
  Value square = s.mul(x, x);
  Value twoU = s.mul(x, s.fma(square, s.f(scale * kGeluCubic), s.f(scale)));
  Value small = math::Exp2Op::create(s.b, s.neg(s.abs(twoU)));
  SigmoidAndSlope g = sigmoidAndSlope(s, twoU, small);
  Value twoDu = s.fma(square, s.f(6 * kSqrtTwoOverPi * kGeluCubic),
                      s.f(2 * kSqrtTwoOverPi));
  return s.mul(dy, s.fma(s.mul(x, g.slope), twoDu, g.value));
}

/// dy (1 - tanh^2 x) = dy 4 t / (1 + t)^2, t = e^-2|x|.
Value tanhBackward(const Scalars &s, Value dy, Value x) {
  Value t = s.expNonPositive(s.mul(s.abs(x), s.f(-2)));
  Value sum = s.add(t, s.f(1));
  return s.mul(dy, s.div(s.mul(t, s.f(4)), s.mul(sum, sum)));
}

/// Phi(-a) for f32 and 0 <= a <= kCdfLimit as 2^Q(a): one polynomial for the
/// whole range, relative error about 2^-23 where Phi > 2^-5, growing slowly
/// below. Coefficients: task cdf32 of build_tools/math/minimax.py.
constexpr double kCdfLimit = 14.4; // 2^Q is 0 in f32
Value normalTail(const Scalars &s, Value a) {
  constexpr double kQ[] = {-1.0,
                           -0x1.26aecep+0,
                           -0x1.d63c1cp-2,
                           -0x1.add126p-5,
                           0x1.ca751p-8,
                           -0x1.a04bp-15,
                           -0x1.06247cp-12,
                           0x1.15891p-14,
                           -0x1.2f5952p-17,
                           0x1.798c2cp-21,
                           -0x1.f533f6p-26,
                           0x1.124efap-31};
  Value q = s.f(kQ[std::size(kQ) - 1]);
  for (size_t i = std::size(kQ) - 1; i-- > 0;)
    q = s.fma(q, a, s.f(kQ[i]));
  // -151 < q < 0
  return math::Exp2Op::create(s.b, q, arith::FastMathFlags::ninf);
}

/// min(|x|, kCdfLimit), NaN kept.
Value clampedMagnitude(const Scalars &s, Value x) {
  Value a = s.abs(x), limit = s.f(kCdfLimit);
  return s.select(s.cmp(FPred::OLT, limit, a), limit, a);
}

/// Phi(x) = 1/2 (1 + erf(x / sqrt 2)).
Value normalCdf(const Scalars &s, Value x) {
  if (s.type.isF32()) {
    Value tail = normalTail(s, clampedMagnitude(s, x));
    return s.select(s.cmp(FPred::OLT, x, s.f(0)), tail, s.sub(s.f(1), tail));
  }
  Value e = math::ErfOp::create(s.b, s.mul(x, s.f(kSqrtHalf)));
  return s.fma(e, s.f(0.5), s.f(0.5));
}

/// x Phi(x); in f32 max(x, 0) - |x| Phi(-|x|), which is cheaper and keeps the
/// relative accuracy of negative results.
Value gelu(const Scalars &s, Value x) {
  if (!s.type.isF32())
    return s.mul(x, normalCdf(s, x));
  Value a = clampedMagnitude(s, x);
  Value positive = s.select(s.cmp(FPred::OLT, x, s.f(0)), s.f(0), x);
  return s.fma(s.neg(a), normalTail(s, a), positive);
}

/// dy (Phi(x) + x phi(x)).
Value geluBackward(const Scalars &s, Value dy, Value x) {
  Value bell = s.expNonPositive(s.mul(s.mul(x, x), s.f(-0.5)));
  Value phi = s.mul(bell, s.f(kRsqrtTwoPi));
  return s.mul(dy, s.fma(x, phi, normalCdf(s, x)));
}

/// log(1 + e^t) / beta = (max(t, 0) + log1p(e^-|t|)) / beta, t = beta x.
Value softplus(const Scalars &s, Value x, const PointwiseParams &params) {
  Value beta = s.f(params.softplusBeta);
  Value t = s.mul(x, beta);
  Value tail = math::Log1pOp::create(s.b, s.expNonPositive(s.neg(s.abs(t))));
  Value top = s.select(s.cmp(FPred::OLT, t, s.f(0)), s.f(0), t);
  Value soft = s.div(s.add(top, tail), beta);
  return s.select(s.cmp(FPred::OGT, t, s.f(params.softplusThreshold)), x, soft);
}

/// dy (g + t g (1 - g)), t = beta x, g = sigmoid(t).
Value swishBackward(const Scalars &s, Value dy, Value x, double beta) {
  Value t = s.mul(x, s.f(beta));
  SigmoidAndSlope g = sigmoidAndSlope(s, t, s.expNonPositive(s.neg(s.abs(t))));
  return s.mul(dy, s.fma(t, g.slope, g.value));
}

FPred floatPredicate(PointwiseMode mode) {
  switch (mode) {
  case PointwiseMode::CMP_EQ:
    return FPred::OEQ;
  case PointwiseMode::CMP_NEQ:
    return FPred::UNE;
  case PointwiseMode::CMP_LT:
    return FPred::OLT;
  case PointwiseMode::CMP_LE:
    return FPred::OLE;
  case PointwiseMode::CMP_GT:
    return FPred::OGT;
  default:
    return FPred::OGE;
  }
}

IPred integerPredicate(PointwiseMode mode, bool isBoolean) {
  switch (mode) {
  case PointwiseMode::CMP_EQ:
    return IPred::eq;
  case PointwiseMode::CMP_NEQ:
    return IPred::ne;
  case PointwiseMode::CMP_LT:
    return isBoolean ? IPred::ult : IPred::slt;
  case PointwiseMode::CMP_LE:
    return isBoolean ? IPred::ule : IPred::sle;
  case PointwiseMode::CMP_GT:
    return isBoolean ? IPred::ugt : IPred::sgt;
  default:
    return isBoolean ? IPred::uge : IPred::sge;
  }
}

bool isComparison(PointwiseMode mode) {
  switch (mode) {
  case PointwiseMode::CMP_EQ:
  case PointwiseMode::CMP_NEQ:
  case PointwiseMode::CMP_LT:
  case PointwiseMode::CMP_LE:
  case PointwiseMode::CMP_GT:
  case PointwiseMode::CMP_GE:
    return true;
  default:
    return false;
  }
}

bool isLogical(PointwiseMode mode) {
  return mode == PointwiseMode::LOGICAL_AND ||
         mode == PointwiseMode::LOGICAL_OR ||
         mode == PointwiseMode::LOGICAL_NOT;
}

/// Modes on floats that are one op or two.
Value simpleFloatMode(const Scalars &s, PointwiseMode mode, ValueRange in) {
  ImplicitLocOpBuilder &b = s.b;
  switch (mode) {
  case PointwiseMode::IDENTITY:
    return in[0];
  case PointwiseMode::ABS:
    return s.abs(in[0]);
  case PointwiseMode::NEG:
    return s.neg(in[0]);
  case PointwiseMode::CEIL:
    return math::CeilOp::create(b, in[0]);
  case PointwiseMode::FLOOR:
    return math::FloorOp::create(b, in[0]);
  case PointwiseMode::ADD:
    return s.add(in[0], in[1]);
  case PointwiseMode::SUB:
    return s.sub(in[0], in[1]);
  case PointwiseMode::MUL:
    return s.mul(in[0], in[1]);
  case PointwiseMode::DIV:
    return s.div(in[0], in[1]);
  case PointwiseMode::ADD_SQUARE:
    return s.fma(in[1], in[1], in[0]);
  case PointwiseMode::MAX_OP:
    return arith::MaximumFOp::create(b, in[0], in[1]);
  case PointwiseMode::MIN_OP:
    return arith::MinimumFOp::create(b, in[0], in[1]);
  case PointwiseMode::RECIPROCAL:
    return s.div(s.f(1), in[0]);
  case PointwiseMode::RSQRT:
    return math::RsqrtOp::create(b, in[0]);
  case PointwiseMode::SQRT:
    return math::SqrtOp::create(b, in[0]);
  case PointwiseMode::EXP:
    return s.exp(in[0]);
  case PointwiseMode::LOG:
    return math::LogOp::create(b, in[0]);
  case PointwiseMode::ERF:
    return math::ErfOp::create(b, in[0]);
  case PointwiseMode::SIN:
    return math::SinOp::create(b, in[0]);
  case PointwiseMode::TAN:
    return math::TanOp::create(b, in[0]);
  case PointwiseMode::TANH_FWD:
    return math::TanhOp::create(b, in[0]);
  default:
    return {};
  }
}

Value floatMode(const Scalars &s, PointwiseMode mode,
                const PointwiseParams &params, ValueRange in) {
  if (Value simple = simpleFloatMode(s, mode, in))
    return simple;
  switch (mode) {
  case PointwiseMode::RELU_FWD: // keeps NaN
    return s.select(s.cmp(FPred::OLT, in[0], s.f(0)), s.f(0), in[0]);
  case PointwiseMode::RELU_BWD:
    return s.select(s.cmp(FPred::OGT, in[1], s.f(0)), in[0], s.f(0));
  case PointwiseMode::ELU_FWD: {
    Value low = s.mul(math::ExpM1Op::create(s.b, in[0]), s.f(params.eluAlpha));
    return s.select(s.cmp(FPred::OGT, in[0], s.f(0)), in[0], low);
  }
  case PointwiseMode::SIGMOID_FWD:
    return sigmoid(s, in[0]);
  case PointwiseMode::SWISH_FWD:
    return s.mul(in[0], sigmoid(s, s.mul(in[0], s.f(params.swishBeta))));
  case PointwiseMode::SWISH_BWD:
    return swishBackward(s, in[0], in[1], params.swishBeta);
  case PointwiseMode::SOFTPLUS_FWD:
    return softplus(s, in[0], params);
  case PointwiseMode::GELU_FWD:
    return gelu(s, in[0]);
  case PointwiseMode::GELU_BWD:
    return geluBackward(s, in[0], in[1]);
  case PointwiseMode::GELU_APPROX_TANH_FWD:
    return geluTanh(s, in[0]);
  case PointwiseMode::GELU_APPROX_TANH_BWD:
    return geluTanhBackward(s, in[0], in[1]);
  case PointwiseMode::TANH_BWD:
    return tanhBackward(s, in[0], in[1]);
  default:
    return {};
  }
}

/// Truncating division that never traps: x/0 = 0, MIN/-1 = MIN. There is no
/// vector division of integers on x86: the quotients of up to 16 (32) bits are
/// computed in f32 (f64), exactly, since a quotient is at least 2^-15 (2^-31)
/// of itself away from the next larger integer. i64 has no such type and is
/// divided lane by lane.
Value integerDivide(const Scalars &s, Value x, Value y) {
  ImplicitLocOpBuilder &b = s.b;
  unsigned bits = s.type.getIntOrFloatBitWidth();
  // 0 and -1: divide by 1 instead, and take -x where y is -1, 0 where it is 0.
  Value next = arith::AddIOp::create(b, y, s.i(1));
  Value special = s.cmp(IPred::ult, next, s.i(2));
  Value divisor = s.select(special, s.i(1), y);
  Value minus = arith::SubIOp::create(b, s.i(0), x);
  Value specialResult = arith::AndIOp::create(b, minus, y);
  Value quotient;
  if (bits > 32) {
    quotient = arith::DivSIOp::create(b, x, divisor);
  } else {
    Type wide = bits > 16 ? Type(b.getF64Type()) : Type(b.getF32Type());
    Value q = arith::DivFOp::create(b, arith::SIToFPOp::create(b, wide, x),
                                    arith::SIToFPOp::create(b, wide, divisor));
    quotient = arith::FPToSIOp::create(b, s.type, q);
  }
  return s.select(special, specialResult, quotient);
}

Value integerMode(const Scalars &s, PointwiseMode mode, ValueRange in) {
  ImplicitLocOpBuilder &b = s.b;
  switch (mode) {
  case PointwiseMode::IDENTITY:
  case PointwiseMode::CEIL:
  case PointwiseMode::FLOOR:
    return in[0];
  case PointwiseMode::ABS:
    return arith::MaxSIOp::create(b, in[0],
                                  arith::SubIOp::create(b, s.i(0), in[0]));
  case PointwiseMode::NEG:
    return arith::SubIOp::create(b, s.i(0), in[0]);
  case PointwiseMode::RELU_FWD:
    return arith::MaxSIOp::create(b, in[0], s.i(0));
  case PointwiseMode::RELU_BWD:
    return s.select(s.cmp(IPred::sgt, in[1], s.i(0)), in[0], s.i(0));
  case PointwiseMode::ADD:
    return arith::AddIOp::create(b, in[0], in[1]);
  case PointwiseMode::SUB:
    return arith::SubIOp::create(b, in[0], in[1]);
  case PointwiseMode::MUL:
    return arith::MulIOp::create(b, in[0], in[1]);
  case PointwiseMode::ADD_SQUARE:
    return arith::AddIOp::create(b, in[0],
                                 arith::MulIOp::create(b, in[1], in[1]));
  case PointwiseMode::DIV:
    return integerDivide(s, in[0], in[1]);
  case PointwiseMode::MAX_OP:
    return arith::MaxSIOp::create(b, in[0], in[1]);
  case PointwiseMode::MIN_OP:
    return arith::MinSIOp::create(b, in[0], in[1]);
  default:
    return {};
  }
}

Value booleanMode(const Scalars &s, PointwiseMode mode, ValueRange in) {
  ImplicitLocOpBuilder &b = s.b;
  switch (mode) {
  case PointwiseMode::IDENTITY:
  case PointwiseMode::CEIL:
  case PointwiseMode::FLOOR:
  case PointwiseMode::ABS:
  case PointwiseMode::NEG:
  case PointwiseMode::RELU_FWD:
    return in[0];
  case PointwiseMode::ADD:
  case PointwiseMode::ADD_SQUARE:
  case PointwiseMode::MAX_OP:
    return arith::OrIOp::create(b, in[0], in[1]);
  case PointwiseMode::SUB:
    return arith::XOrIOp::create(b, in[0], in[1]);
  case PointwiseMode::MUL:
  case PointwiseMode::MIN_OP:
  case PointwiseMode::DIV:
  case PointwiseMode::RELU_BWD:
    return arith::AndIOp::create(b, in[0], in[1]);
  default:
    return {};
  }
}

bool isElementType(Type type) {
  if (type.isF16() || type.isBF16() || type.isF32() || type.isF64())
    return true;
  return type.isSignlessInteger() &&
         llvm::is_contained({1u, 8u, 16u, 32u, 64u},
                            type.getIntOrFloatBitWidth());
}

/// Float to integer: see convertElement.
Value floatToInteger(ImplicitLocOpBuilder &b, Value value, Type to) {
  unsigned bits = to.getIntOrFloatBitWidth();
  // The largest i32 is no f32: clamp in f64.
  if (bits == 32 && value.getType().isF32())
    value = arith::ExtFOp::create(b, b.getF64Type(), value);
  Scalars s{b, value.getType()};
  double low = -std::ldexp(1.0, bits - 1), high = -low;
  Value ordered = s.cmp(FPred::ORD, value, value);
  Value x = s.select(ordered, value, s.f(0));
  x = s.select(s.cmp(FPred::OLT, x, s.f(low)), s.f(low), x);
  if (bits < 64) {
    x = s.select(s.cmp(FPred::OGT, x, s.f(high - 1)), s.f(high - 1), x);
    return arith::FPToSIOp::create(b, to, x);
  }
  // The largest i64 is no float at all.
  Value tooLarge = s.cmp(FPred::OGE, x, s.f(high));
  Value safe = s.select(tooLarge, s.f(0), x);
  Value converted = arith::FPToSIOp::create(b, to, safe);
  Value largest = Scalars{b, to}.i(std::numeric_limits<int64_t>::max());
  return s.select(tooLarge, largest, converted);
}

} // namespace

Type getComputeType(Type element) {
  if (element.isF16() || element.isBF16())
    return Float32Type::get(element.getContext());
  return element;
}

Type computePointwiseType(PointwiseMode mode, TypeRange operandElements,
                          Type resultElement) {
  if (!isComparison(mode) && !isLogical(mode))
    return getComputeType(resultElement);
  Type common;
  for (Type element : operandElements) {
    Type type = getComputeType(element);
    bool isFloat = isa<FloatType>(type);
    if (!common || (isFloat && !isa<FloatType>(common)) ||
        (isFloat == isa<FloatType>(common) &&
         type.getIntOrFloatBitWidth() > common.getIntOrFloatBitWidth()))
      common = type;
  }
  return common;
}

Value convertElement(ImplicitLocOpBuilder &b, Value value, Type to) {
  Type from = value.getType();
  if (from == to)
    return value;
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  if (to.isInteger(1)) {
    if (fromFloat)
      return arith::CmpFOp::create(b, FPred::UNE, value, Scalars{b, from}.f(0));
    return arith::CmpIOp::create(b, IPred::ne, value, Scalars{b, from}.i(0));
  }
  if (from.isInteger(1)) {
    Scalars s{b, getComputeType(to)};
    if (!toFloat)
      return arith::ExtUIOp::create(b, to, value);
    return convertElement(b, s.select(value, s.f(1), s.f(0)), to);
  }
  // f16 and bf16 are reached, and left, through f32 only: that is what the
  // machine has instructions for.
  if (toFloat && getComputeType(to) != to && !from.isF32())
    return convertElement(b, convertElement(b, value, b.getF32Type()), to);
  if (fromFloat && getComputeType(from) != from && !to.isF32())
    return convertElement(b, convertElement(b, value, b.getF32Type()), to);
  unsigned fromBits = from.getIntOrFloatBitWidth();
  unsigned toBits = to.getIntOrFloatBitWidth();
  if (fromFloat && toFloat)
    return toBits > fromBits ? Value(arith::ExtFOp::create(b, to, value))
                             : Value(arith::TruncFOp::create(b, to, value));
  if (fromFloat)
    return floatToInteger(b, value, to);
  if (toFloat)
    return arith::SIToFPOp::create(b, to, value);
  return toBits > fromBits ? Value(arith::ExtSIOp::create(b, to, value))
                           : Value(arith::TruncIOp::create(b, to, value));
}

static Value compare(ImplicitLocOpBuilder &b, PointwiseMode mode, Value x,
                     Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, floatPredicate(mode), x, y);
  bool isBoolean = x.getType().isInteger(1);
  return arith::CmpIOp::create(b, integerPredicate(mode, isBoolean), x, y);
}

static Value logical(ImplicitLocOpBuilder &b, PointwiseMode mode,
                     ValueRange operands) {
  Type boolean = b.getI1Type();
  Value x = convertElement(b, operands[0], boolean);
  if (mode == PointwiseMode::LOGICAL_NOT)
    return arith::XOrIOp::create(b, x, Scalars{b, boolean}.i(1));
  Value y = convertElement(b, operands[1], boolean);
  if (mode == PointwiseMode::LOGICAL_AND)
    return arith::AndIOp::create(b, x, y);
  return arith::OrIOp::create(b, x, y);
}

FailureOr<Value> buildPointwisePayload(ImplicitLocOpBuilder &b,
                                       PointwiseMode mode,
                                       const PointwiseParams &params,
                                       ValueRange operands,
                                       Type resultElement) {
  StringRef name = ir::stringifyPointwiseMode(mode);
  if (operands.size() != ir::getNumInputs(mode))
    return emitError(b.getLoc())
           << "pointwise mode " << name << " takes " << ir::getNumInputs(mode)
           << " operands, given " << operands.size();
  for (Type type : llvm::concat<const Type>(
           llvm::to_vector(operands.getTypes()), ArrayRef<Type>(resultElement)))
    if (!isElementType(type))
      return emitError(b.getLoc())
             << "pointwise mode " << name << " has no element type " << type;

  if (isLogical(mode))
    return convertElement(b, logical(b, mode, operands), resultElement);
  Type compute = computePointwiseType(mode, operands.getTypes(), resultElement);
  if (mode == PointwiseMode::BINARY_SELECT) {
    Value chosen = arith::SelectOp::create(
        b, convertElement(b, operands[0], b.getI1Type()),
        convertElement(b, operands[1], compute),
        convertElement(b, operands[2], compute));
    return convertElement(b, chosen, resultElement);
  }
  SmallVector<Value, 3> in;
  for (Value operand : operands)
    in.push_back(convertElement(b, operand, compute));
  if (isComparison(mode))
    return convertElement(b, compare(b, mode, in[0], in[1]), resultElement);

  Scalars s{b, compute};
  Value result;
  if (isa<FloatType>(compute))
    result = floatMode(s, mode, params, in);
  else if (compute.isInteger(1))
    result = booleanMode(s, mode, in);
  else if (result = integerMode(s, mode, in); !result) {
    Scalars wide{b, b.getF64Type()};
    for (Value &value : in)
      value = convertElement(b, value, wide.type);
    result = floatMode(wide, mode, params, in);
  }
  if (!result)
    return emitError(b.getLoc())
           << "pointwise mode " << name << " is not defined on " << compute;
  return convertElement(b, result, resultElement);
}

} // namespace fusilli::compiler
