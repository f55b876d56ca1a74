// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// erf and tanh. Coefficients come from build_tools/math/minimax.py; the task
// there has the name in brackets.
#include "compiler/Codegen/CPU/MathEmitter.h"

namespace fusilli::compiler::detail {

namespace {

/// erf(a) for a in [0, 1]: a P(a^2) [erf32_a, erf64_a].
Value erfNearZero(MathEmitter &e, Value a) {
  Value z = e.mul(a, a);
  Value p = e.isF64
                ? e.poly(z, {0x1.20dd750429b6dp+0, -0x1.812746b03799ep-2,
                             0x1.ce2f21a03f951p-4, -0x1.b82ce311ab346p-6,
                             0x1.565bcceef60dap-8, -0x1.c02daeb64fe8ap-11,
                             0x1.f9a29625b0874p-14, -0x1.f4c81e828f0f4p-17,
                             0x1.b96a64148545bp-20, -0x1.5b84a5413c79fp-23,
                             0x1.d39a3d1f519d3p-27, -0x1.a14c3ab1abcf7p-31})
                : e.poly(z, {0x1.20dd74p+0, -0x1.81263ap-2, 0x1.ce013p-4,
                             -0x1.b5411ep-6, 0x1.4063bap-8, -0x1.20cf04p-11});
  return e.mul(a, p);
}

/// erf(a) for a >= 1: 1 - 2^Q(a), the logarithm of erfc being nearly a parabola
/// [erf32_b, erf64_b]. 2^r needs fewer terms than in exp2: erfc(1) < 0.16.
Value erfFarFromZero(MathEmitter &e, Value a) {
  // Beyond these borders erf rounds to 1.
  Value q, p;
  MathEmitter::Rounded n;
  if (e.isF64) {
    q = e.poly(
        e.sub(e.atMost(a, 6.0), e.f(2.0)),
        {-0x1.ef5bbc912e9dep+2, -0x1.97f093d6590d6p+2, -0x1.552b38b782704p+0,
         -0x1.85301a36233bcp-6, 0x1.519c099bcfadap-8, -0x1.14fd2b261ffd7p-10,
         0x1.99629f60cde1bp-13, -0x1.f5301733bd7cap-16, 0x1.7a037f07f4455p-19,
         0x1.3b98bfe604a8p-22, -0x1.0c461a972eae2p-22, 0x1.65786c7674334p-24,
         -0x1.5a870cc903f9ep-26, 0x1.02ff597e0003ep-28, -0x1.9e0ef26ef8532p-32,
         -0x1.c757fad7012a3p-34, 0x1.dbe353302c22ep-35,
         -0x1.fff12af4f2b75p-38});
    n = e.roundScaled(q, 1.0);
    // [exp2_64s]
    p = e.poly(e.sub(q, n.value),
               {1.0, 0x1.62e42fefa3a12p-1, 0x1.ebfbdff82c431p-3,
                0x1.c6b08d703e193p-5, 0x1.3b2ab6fbd6d95p-7,
                0x1.5d87fe9b8c808p-10, 0x1.4309126bebae2p-13,
                0x1.ffcb58d04be9fp-17, 0x1.62c147ce47152p-20,
                0x1.b671adda339edp-24, 0x1.e3a8c93b7aa14p-28});
  } else {
    q = e.poly(e.atMost(a, 4.0),
               {-0x1.f756ap-12, -0x1.a047bp+0, -0x1.d7559p-1, -0x1.30c3c2p-3,
                0x1.024f32p-5, -0x1.1717fap-8, 0x1.1a8c36p-12});
    n = e.roundScaled(q, 1.0);
    // [exp2_32s]
    p = e.poly(e.sub(q, n.value),
               {1.0, 0x1.62e42ap-1, 0x1.ebf9c2p-3, 0x1.c6b6d8p-5, 0x1.3ce8aep-7,
                0x1.5bda4ap-10});
  }
  return e.sub(e.f(1.0), e.scaleNormal(p, n));
}

} // namespace

Value emitErf(MathEmitter &e, Value x) {
  Value a = e.abs(x);
  Value near = erfNearZero(e, a);
  Value far = erfFarFromZero(e, a);
  // Not-a-number comes out of either part.
  Value result = e.select(e.cmp(Pred::OLT, a, e.f(1.0)), near, far);
  return e.copySign(result, x);
}

Value emitTanh(MathEmitter &e, Value x) {
  if (e.isF64) {
    // With t = e^(-2|x|) - 1: -t / (t + 2), which is accurate near 0 too.
    Value a = e.abs(x);
    Value t = emitExpm1(e, e.mul(a, e.f(-2.0)));
    return e.copySign(e.div(t, e.add(t, e.f(2.0))), x);
  }
  // x P(x^2) / Q(x^2), up to where tanh rounds to 1 [tanh32].
  Value y = e.atMost(e.atLeast(x, -9.02), 9.02);
  Value z = e.mul(y, y);
  Value p = e.poly(z, {0x1p+0, 0x1.182164p-3, 0x1.fac142p-9, 0x1.d52da4p-16,
                       0x1.05d828p-25, -0x1.aa943cp-37});
  Value q = e.poly(
      z, {0x1p+0, 0x1.e16606p-2, 0x1.be453p-6, 0x1.9c9baep-12, 0x1.58c818p-20});
  return e.div(e.mul(y, p), q);
}

} // namespace fusilli::compiler::detail
