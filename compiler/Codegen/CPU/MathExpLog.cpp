// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp, exp2, expm1, log, log1p and sigmoid. Coefficients come from
// build_tools/math/minimax.py; the task there has the name in brackets.
#include "compiler/Codegen/CPU/MathEmitter.h"

#include <limits>

namespace fusilli::compiler::detail {

namespace {

constexpr double kLog2E = 0x1.71547652b82fep0;
// ln(2) in two parts; n * high is exact for every exponent n that occurs.
constexpr double kLn2HighF32 = 0x1.62e4p-1, kLn2LowF32 = 0x1.7f7d1cp-20;
constexpr double kLn2HighF64 = 0x1.62e42fee00000p-1,
                 kLn2LowF64 = 0x1.a39ef35793c76p-33;

/// x = n ln(2) + rest with |rest| <= ln(2) / 2.
struct Reduced {
  MathEmitter::Rounded n;
  Value rest;
};

Reduced reduceByLn2(MathEmitter &e, Value x) {
  MathEmitter::Rounded n = e.roundScaled(x, kLog2E);
  Value rest = e.fma(n.value, e.f(-e.pick(kLn2HighF32, kLn2HighF64)), x);
  rest = e.fma(n.value, e.f(-e.pick(kLn2LowF32, kLn2LowF64)), rest);
  return {n, rest};
}

/// e^r for |r| <= ln(2)/2 [exp32, exp64].
Value expPoly(MathEmitter &e, Value r) {
  if (!e.isF64)
    return e.poly(r, {1.0, 1.0, 0x1.fffffcp-2, 0x1.555492p-3, 0x1.5558bep-5,
                      0x1.1239ecp-7, 0x1.6a4002p-10});
  return e.poly(r, {1.0, 1.0, 0x1.000000000000ap-1, 0x1.55555555554fep-3,
                    0x1.5555555550671p-5, 0x1.11111111270eap-7,
                    0x1.6c16c18497c38p-10, 0x1.a01a012d373d4p-13,
                    0x1.a01998e0a1bfap-16, 0x1.71df1f7338c68p-19,
                    0x1.28ae8eae27954p-22, 0x1.ad89101c173a8p-26});
}

/// 2^r for |r| <= 1/2 [exp2_32, exp2_64].
Value exp2Poly(MathEmitter &e, Value r) {
  if (!e.isF64)
    return e.poly(r, {1.0, 0x1.62e43p-1, 0x1.ebfbdcp-3, 0x1.c6af7cp-5,
                      0x1.3b2dep-7, 0x1.5f082ep-10, 0x1.416b5ep-13});
  return e.poly(
      r, {1.0, 0x1.62e42fefa39efp-1, 0x1.ebfbdff82c59cp-3, 0x1.c6b08d704a0d4p-5,
          0x1.3b2ab6fba11f5p-7, 0x1.5d87fe78b3ba4p-10, 0x1.4309130c012eep-13,
          0x1.ffcbfbf8c2897p-17, 0x1.62bfcdde48267p-20, 0x1.b5260daf51648p-24,
          0x1.e611a0a11feeap-28, 0x1.e80ec6f26c88cp-32});
}

/// e^r - 1 for |r| <= ln(2)/2, relative to itself [expm1_32, expm1_64].
Value expm1Poly(MathEmitter &e, Value r) {
  Value q = e.isF64
                ? e.poly(r, {0x1p-1, 0x1.5555555555559p-3, 0x1.5555555555555p-5,
                             0x1.111111110f6cep-7, 0x1.6c16c16c18642p-10,
                             0x1.a01a01afc9009p-13, 0x1.a01a0195346f3p-16,
                             0x1.71ddf89e3467bp-19, 0x1.27e50aa1894acp-22,
                             0x1.af5e4f443c85p-26, 0x1.1f201ade0a7afp-29})
                : e.poly(r, {0x1.fffffep-2, 0x1.5554b2p-3, 0x1.5556f4p-5,
                             0x1.1226eep-7, 0x1.6b9aep-10});
  return e.fma(e.mul(r, r), q, r);
}

/// log(x) = k ln(2) + log(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)): k as a
/// number, its biased exponent, and 1 + f.
struct Split {
  Value k;
  Value biased;
  Value mantissa;
};

/// `bias` is subtracted from the biased exponent to give k.
Split splitExponent(MathEmitter &e, Value x, Value bias) {
  double sqrtHalf = e.pick(0x1.6a09e6p-1, 0x1.6a09e667f3bcdp-1);
  int64_t oneBits = e.exponentBias() << e.mantissaBits();
  int64_t rootBits = e.pickInt(0x3f3504f3, 0x3fe6a09e667f3bcd);
  int64_t mantissaMask = (int64_t(1) << e.mantissaBits()) - 1;
  Value shifted = e.iadd(e.toBits(x), e.i(oneBits - rootBits));
  Split s;
  s.biased = e.shrLogical(shifted, e.mantissaBits());
  s.mantissa = e.fromBits(
      e.iadd(e.iand(shifted, e.i(mantissaMask)), e.bitsOf(sqrtHalf)));
  // An integer below 2^mantissaBits, put under the exponent of that power.
  double power = e.pick(0x1p23, 0x1p52);
  s.k = e.sub(e.fromBits(e.ior(s.biased, e.bitsOf(power))), bias);
  return s;
}

/// k ln(2) + log(1 + f) [log32, log64].
Value logOfSplit(MathEmitter &e, Value k, Value f) {
  Value high = e.f(e.pick(kLn2HighF32, kLn2HighF64));
  Value low = e.f(e.pick(kLn2LowF32, kLn2LowF64));
  Value square = e.mul(f, f);
  if (!e.isF64) {
    Value p = e.poly(f, {-0.5, 0x1.555554p-2, -0x1.000226p-2, 0x1.99a01cp-3,
                         -0x1.54728cp-3, 0x1.22d936p-3, -0x1.0d8234p-3,
                         0x1.055e64p-3, -0x1.38c902p-4});
    Value tail = e.fma(k, low, e.mul(p, square));
    return e.fma(k, high, e.add(f, tail));
  }
  // With s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + R),
  // where R = s^2 L(s^2) collects the odd powers of s from the third on.
  Value s = e.div(f, e.add(f, e.f(2.0)));
  Value z = e.mul(s, s);
  Value series = e.poly(z, {0x1.5555555555558p-1, 0x1.99999999952d9p-2,
                            0x1.2492492df75acp-2, 0x1.c71c62dc1624cp-3,
                            0x1.7462b770a6e1p-3, 0x1.39fe05beb552p-3,
                            0x1.2b5c83bd890f6p-3});
  Value half = e.mul(square, e.f(0.5));
  Value inner = e.fma(z, series, half);
  Value tail = e.fma(s, inner, e.mul(k, low));
  Value small = e.sub(f, e.sub(half, tail));
  return e.fma(k, high, small);
}

/// Replaces what is wrong outside the domain: `x` is the argument of the
/// function, `y` what the logarithm is taken of.
Value logSpecials(MathEmitter &e, Value result, Value x, Value y) {
  double inf = std::numeric_limits<double>::infinity();
  double nan = std::numeric_limits<double>::quiet_NaN();
  Value notPositive =
      e.select(e.cmp(Pred::OEQ, y, e.f(0.0)), e.f(-inf), e.f(nan));
  result = e.select(e.cmp(Pred::OGT, y, e.f(0.0)), result, notPositive);
  // Infinity and not-a-number stay what they are.
  return e.select(e.cmp(Pred::OLT, x, e.f(inf)), result, x);
}

} // namespace

Value emitExp(MathEmitter &e, Value x) {
  // Outside these borders the result is 0 or infinity in any case.
  Value clamped = e.atLeast(x, e.pick(-104, -746));
  if (!e.options.noInfinities)
    clamped = e.atMost(clamped, e.pick(89, 710));
  Reduced r = reduceByLn2(e, clamped);
  return e.scale(expPoly(e, r.rest), r.n, clamped);
}

Value emitExp2(MathEmitter &e, Value x) {
  // The instruction takes any finite exponent, and the reduction is exact.
  Value clamped = x;
  if (!e.options.noInfinities)
    clamped = e.atMost(clamped, e.pick(129, 1025));
  if (!e.options.noInfinities || !e.hasScalef())
    clamped = e.atLeast(clamped, e.pick(-151, -1077));
  MathEmitter::Rounded n = e.roundScaled(clamped, 1.0);
  return e.scale(exp2Poly(e, e.sub(clamped, n.value)), n, clamped);
}

Value emitExp2OfNonPositive(MathEmitter &e, Value x, bool isShort) {
  if (e.isF64)
    return emitExp2(e, e.atLeast(x, -1077));
  // The rounded number with the exponent's bias lies in the low bits; -127 is a
  // power of 0.
  Value clamped = e.atLeast(x, -127);
  Value magic = e.f(0x1.8p23 + 127);
  Value shifted = e.add(clamped, magic);
  Value rest = e.sub(clamped, e.sub(shifted, magic));
  Value power = e.fromBits(e.shl(e.toBits(shifted), e.mantissaBits()));
  // [exp2_32w, exp2_32s]
  Value p = isShort
                ? e.poly(rest, {1.0, 0x1.62e12cp-1, 0x1.ec036ep-3,
                                0x1.c9fc7ep-5, 0x1.3a05c4p-7})
                : e.poly(rest, {1.0, 0x1.62e42ap-1, 0x1.ebf9c2p-3,
                                0x1.c6b6d8p-5, 0x1.3ce8aep-7, 0x1.5bda4ap-10});
  return e.mul(p, power);
}

/// (e^x - 1) / 2, x clamped.
static Value halfExpm1(MathEmitter &e, Value x) {
  Reduced r = reduceByLn2(e, x);
  Value p = expm1Poly(e, r.rest);
  // s p + s - 1/2 with s = 2^(n-1), which does not overflow.
  Value s =
      e.fromBits(e.iadd(e.shl(r.n.bits, e.mantissaBits()), e.bitsOf(0.5)));
  return e.fma(s, p, e.sub(s, e.f(0.5)));
}

Value emitHalfExpm1NonPositive(MathEmitter &e, Value x) {
  return halfExpm1(e, e.atLeast(x, e.pick(-18, -38)));
}

Value emitExpm1(MathEmitter &e, Value x) {
  Value clamped = e.atMost(e.atLeast(x, e.pick(-18, -38)), e.pick(89, 710));
  Value half = halfExpm1(e, clamped);
  // Keeps subnormal numbers and the sign of zero.
  Value tiny = e.cmp(Pred::OLT, e.abs(x), e.f(e.pick(0x1p-25, 0x1p-54)));
  return e.select(tiny, x, e.add(half, half));
}

Value emitLog(MathEmitter &e, Value x) {
  double power = e.pick(0x1p23, 0x1p52), up = e.pick(0x1p23, 0x1p54);
  double bias = power + e.exponentBias(), lift = e.pick(23, 54);
  Value subnormal = e.cmp(Pred::OLT, x, e.f(e.pick(0x1p-126, 0x1p-1022)));
  Value y = e.select(subnormal, e.mul(x, e.f(up)), x);
  Value offset = e.select(subnormal, e.f(bias + lift), e.f(bias));
  Split s = splitExponent(e, y, offset);
  Value result = logOfSplit(e, s.k, e.sub(s.mantissa, e.f(1.0)));
  return logSpecials(e, result, x, x);
}

Value emitLog1p(MathEmitter &e, Value x) {
  // u = 1 + x rounded, and what the rounding lost, brought to the scale of the
  // mantissa: f = u 2^-k - 1 + (x - (u - 1)) 2^-k. For x >= 2^mantissaBits the
  // correction is wrong but far too small to matter.
  double power = e.pick(0x1p23, 0x1p52);
  Value u = e.add(x, e.f(1.0));
  Split s = splitExponent(e, u, e.f(power + e.exponentBias()));
  Value lost = e.mul(e.sub(x, e.sub(u, e.f(1.0))), e.f(0.5));
  Value down = e.fromBits(
      e.shl(e.isub(e.i(2 * e.exponentBias() + 1), s.biased), e.mantissaBits()));
  Value f = e.fma(lost, down, e.sub(s.mantissa, e.f(1.0)));
  Value result = logSpecials(e, logOfSplit(e, s.k, f), x, u);
  // Keeps the sign of zero.
  return e.select(e.cmp(Pred::OEQ, x, e.f(0.0)), x, result);
}

Value emitSigmoid(MathEmitter &e, Value x) {
  // With t = e^-|x| <= 1: 1 / (1 + t) for x >= 0, t / (1 + t) below.
  MathOptions options = e.options;
  options.noInfinities = true;
  MathEmitter small(e.b, e.type, options);
  Value t = emitExp(small, e.neg(e.abs(x)));
  Value top = e.select(e.cmp(Pred::OLT, x, e.f(0.0)), t, e.f(1.0));
  return e.div(top, e.add(t, e.f(1.0)));
}

} // namespace fusilli::compiler::detail
