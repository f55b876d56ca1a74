// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// sin, cos and tan.
//
// Argument reduction. f32 is reduced in f64: 2/pi is cut into pieces of 28
// bits, so that piece times argument (24 bits) is exact; pieces whose product
// is a multiple of four are left out, which selects one of four windows by the
// size of the argument. That is exact enough for every f32, however large.
//
// f64 is reduced by three parts of pi/2 (Cody and Waite) into a sum of two
// numbers. For |x| <= 2^45 that has no visible error. Up to 2^51 the nearest
// multiple of pi/2 may be missed by a little, where the polynomials still hold
// to 2^-30. Larger arguments are not reduced: they count as 0.
//
// Coefficients come from build_tools/math/minimax.py; the task there has the
// name in brackets.
#include "compiler/Codegen/CPU/MathEmitter.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

namespace fusilli::compiler::detail {

namespace {

/// x = quadrant pi/2 + high + low, |high| <= pi/4 (a little more for large x).
/// `low` is null for f32.
struct Quadrant {
  Value high;
  Value low;
  Value isOdd;    ///< i1: sine and cosine change places
  Value signBits; ///< sign bit of sine, as an integer with all else 0
  Value cosBits;  ///< the same for cosine
};

/// Fills in what follows from the number of the quadrant (modulo 4).
void describe(MathEmitter &e, Value number, Quadrant &q) {
  unsigned bits = e.mantissaBits() == 23 ? 32 : 64;
  Value signBit = e.i(bits == 32 ? int64_t(INT32_MIN) : INT64_MIN);
  q.isOdd = e.icmpNonZero(e.iand(number, e.i(1)));
  q.signBits = e.iand(e.shl(number, bits - 2), signBit);
  q.cosBits = e.iand(e.shl(e.iadd(number, e.i(1)), bits - 2), signBit);
}

/// Pieces of 28 bits of 2/pi.
constexpr double kTwoOverPi[] = {
    0x1.45f306c000000p-1,   0x1.c9c882a000000p-29,  0x1.4fe13a8000000p-59,
    0x1.f47d4d0000000p-86,  0x1.bb81b6c000000p-113, 0x1.4acc9e0000000p-143,
    0x1.0e4107c000000p-170,
};

Quadrant reduceF32(MathEmitter &e, Value x) {
  mlir::Type f64 = mlir::Float64Type::get(e.b.getContext());
  mlir::Type wideType = f64;
  if (auto vector = dyn_cast<mlir::VectorType>(e.type))
    wideType = mlir::VectorType::get(vector.getShape(), f64);
  MathEmitter w(e.b, wideType, e.options);

  Value wide = mlir::arith::ExtFOp::create(e.b, wideType, x);
  Value a = e.abs(x);
  Value window[3];
  for (int k = 0; k < 3; ++k)
    window[k] = e.cmp(Pred::OGE, a, e.f(std::ldexp(1.0, 55 + 28 * k)));
  Value product[4];
  for (int k = 0; k < 4; ++k) {
    Value piece = w.f(kTwoOverPi[k]);
    for (int j = 0; j < 3; ++j)
      piece = w.select(window[j], w.f(kTwoOverPi[k + j + 1]), piece);
    product[k] = w.mul(wide, piece);
  }
  // Multiples of four first, then the integer nearest to the leading product,
  // so that what follows is exact wherever the sum comes near an integer.
  Value fours = w.roundEven(w.mul(product[0], w.f(0.25)));
  Value first = w.fma(fours, w.f(-4.0), product[0]);
  Value n0 = w.roundEven(first);
  Value u = w.add(w.sub(first, n0), product[1]);
  Value n1 = w.roundEven(w.add(u, product[2]));
  Value fraction = w.add(w.add(w.sub(u, n1), product[2]), product[3]);
  Value angle = w.mul(fraction, w.f(0x1.921fb54442d18p+0));

  Quadrant q;
  q.high = mlir::arith::TruncFOp::create(e.b, e.type, angle);
  Value number = mlir::arith::FPToSIOp::create(e.b, e.intType, w.add(n0, n1));
  describe(e, number, q);
  return q;
}

Quadrant reduceF64(MathEmitter &e, Value x) {
  // The product keeps infinities and not-a-numbers from becoming 0.
  Value hasMeaning = e.cmp(Pred::OLE, e.abs(x), e.f(0x1p51));
  x = e.select(hasMeaning, x, e.mul(x, e.f(0.0)));
  MathEmitter::Rounded n = e.roundScaled(x, 0x1.45f306dc9c883p-1);
  // x - n * (leading part) has no rounding error: both are multiples of the
  // same power of two and nearly cancel.
  Value r = e.fma(n.value, e.f(-0x1.921fb54442d18p+0), x);
  // r - n * (second part) as a sum of two numbers.
  Value second = e.f(0x1.1a62633145c07p-54);
  Value p = e.mul(n.value, second);
  Value pLow = e.fma(n.value, second, e.neg(p));
  Value high = e.sub(r, p);
  Value back = e.sub(high, r);
  Value low = e.sub(e.sub(r, e.sub(high, back)), e.add(p, back));
  low = e.sub(low, pLow);
  low = e.fma(n.value, e.f(0x1.f1976b7ed8fbcp-110), low);

  Quadrant q;
  q.high = e.add(high, low);
  q.low = e.add(e.sub(high, q.high), low);
  describe(e, n.bits, q);
  return q;
}

Quadrant reduce(MathEmitter &e, Value x) {
  return e.isF64 ? reduceF64(e, x) : reduceF32(e, x);
}

/// sin(high + low) [sin32, sin64].
Value sinPoly(MathEmitter &e, const Quadrant &q, Value z) {
  if (!e.isF64) {
    Value s = e.poly(z, {-0x1.555546p-3, 0x1.11077ep-7, -0x1.9956b6p-13});
    return e.fma(e.mul(z, q.high), s, q.high);
  }
  Value s = e.poly(z, {0x1.111111110f8a6p-7, -0x1.a01a019c16194p-13,
                       0x1.71de357b1aeb8p-19, -0x1.ae5e689de38ecp-26,
                       0x1.5d93a40b7a06ap-33});
  // high + (high^3 (c1 + z s) + low (1 - z / 2)), the small terms first.
  Value cube = e.mul(z, q.high);
  Value tail = e.fma(e.fma(z, s, e.f(-0x1.5555555555549p-3)), cube,
                     e.fma(e.mul(z, e.f(-0.5)), q.low, q.low));
  return e.add(q.high, tail);
}

/// cos(high + low) [cos32, cos64].
Value cosPoly(MathEmitter &e, const Quadrant &q, Value z) {
  if (!e.isF64) {
    Value c = e.poly(z, {-0.5, 0x1.55554ap-5, -0x1.6c0c1ap-10, 0x1.99e0eep-16});
    return e.fma(z, c, e.f(1.0));
  }
  Value c = e.poly(z, {0x1.555555555554cp-5, -0x1.6c16c16c1521fp-10,
                       0x1.a01a019cbf622p-16, -0x1.27e4f812b5bc1p-22,
                       0x1.1ee9f151ded7cp-29, -0x1.8fb130872d692p-37});
  // 1 - z/2 with its rounding error, then the rest.
  Value half = e.mul(z, e.f(0.5));
  Value top = e.sub(e.f(1.0), half);
  Value lost = e.sub(e.sub(e.f(1.0), top), half);
  Value rest = e.fma(e.mul(z, z), c, e.fma(e.neg(q.high), q.low, lost));
  return e.add(top, rest);
}

} // namespace

Value emitSin(MathEmitter &e, Value x) {
  Quadrant q = reduce(e, x);
  Value z = e.mul(q.high, q.high);
  Value value = e.select(q.isOdd, cosPoly(e, q, z), sinPoly(e, q, z));
  Value result = e.fromBits(e.ixor(e.toBits(value), q.signBits));
  // Keeps the sign of zero.
  return e.select(e.cmp(Pred::OEQ, x, e.f(0.0)), x, result);
}

Value emitCos(MathEmitter &e, Value x) {
  Quadrant q = reduce(e, x);
  Value z = e.mul(q.high, q.high);
  Value value = e.select(q.isOdd, sinPoly(e, q, z), cosPoly(e, q, z));
  return e.fromBits(e.ixor(e.toBits(value), q.cosBits));
}

Value emitTan(MathEmitter &e, Value x) {
  Quadrant q = reduce(e, x);
  Value z = e.mul(q.high, q.high);
  Value result;
  if (e.isF64) {
    Value s = sinPoly(e, q, z), c = cosPoly(e, q, z);
    result = e.div(e.select(q.isOdd, e.neg(c), s), e.select(q.isOdd, s, c));
  } else {
    // [tan32]
    Value p = e.poly(z, {0x1.5554dep-2, 0x1.112deap-3, 0x1.b5852p-5,
                         0x1.907282p-6, 0x1.9686c4p-9, 0x1.33e754p-7});
    Value t = e.fma(e.mul(z, q.high), p, q.high);
    result = e.select(q.isOdd, e.div(e.f(-1.0), t), t);
  }
  return e.select(e.cmp(Pred::OEQ, x, e.f(0.0)), x, result);
}

} // namespace fusilli::compiler::detail
