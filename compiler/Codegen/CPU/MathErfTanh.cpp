// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// erf and tanh. Coefficients come from build_tools/math/minimax.py; the task
// there has the name in brackets.
#include "compiler/Codegen/CPU/MathEmitter.h"

namespace fusilli::compiler::detail {

namespace {

/// Where erfNearZero gives way to erfFarFromZero.
double erfBorder(const MathEmitter &e) { return e.pick(0.875, 1.0); }

/// erf(a) for a from 0 to the border: a + a P(a^2) [erf32_a, erf64_a].
Value erfNearZero(MathEmitter &e, Value a) {
  Value z = e.mul(a, a);
  Value p = e.isF64
                ? e.poly(z, {0x1.06eba8214db68p-3, -0x1.812746b03799ep-2,
                             0x1.ce2f21a03f951p-4, -0x1.b82ce311ab346p-6,
                             0x1.565bcceef60dap-8, -0x1.c02daeb64fe33p-11,
                             0x1.f9a29625af0f8p-14, -0x1.f4c81e8265ac1p-17,
                             0x1.b96a64122582ep-20, -0x1.5b84a52e1bfe9p-23,
                             0x1.d39a3c7eff591p-27, -0x1.a14c388f408d4p-31})
                : e.poly(z, {0x1.06eba6p-3, -0x1.8126eep-2, 0x1.ce1beep-4,
                             -0x1.b6a216p-6, 0x1.47c52cp-8, -0x1.3c5682p-11});
  return e.fma(a, p, a);
}

/// erf(a) from the border on: 1 - 2^Q(a), the logarithm of erfc being nearly a
/// parabola [erf32_b, erf64_b]. 2^r needs fewer terms than in exp2: erfc <
/// 0.22.
Value erfFarFromZero(MathEmitter &e, Value a) {
  // Beyond these borders erf rounds to 1.
  Value q, minusP;
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
    minusP = e.poly(e.sub(q, n.value),
                    {-1.0, -0x1.62e42fefa3a12p-1, -0x1.ebfbdff82c431p-3,
                     -0x1.c6b08d703e193p-5, -0x1.3b2ab6fbd6d95p-7,
                     -0x1.5d87fe9b8c808p-10, -0x1.4309126bebae2p-13,
                     -0x1.ffcb58d04be9fp-17, -0x1.62c147ce47152p-20,
                     -0x1.b671adda339edp-24, -0x1.e3a8c93b7aa14p-28});
  } else {
    q = e.poly(e.atMost(a, 4.0),
               {-0x1.b08fa6p-13, -0x1.a090b4p+0, -0x1.d6632p-1, -0x1.340bap-3,
                0x1.088ebap-5, -0x1.237da4p-8, 0x1.2e8e9cp-12});
    n = e.roundScaled(q, 1.0);
    // [exp2_32s]
    minusP = e.poly(e.sub(q, n.value),
                    {-1.0, -0x1.62e42ap-1, -0x1.ebf9c2p-3, -0x1.c6b6d8p-5,
                     -0x1.3ce8aep-7, -0x1.5bda4ap-10});
  }
  return e.fma(minusP, e.powerOfTwo(n), e.f(1.0));
}

} // namespace

Value emitErf(MathEmitter &e, Value x) {
  Value a = e.abs(x);
  Value near = erfNearZero(e, a);
  Value far = erfFarFromZero(e, a);
  // Not-a-number comes out of either part.
  Value result = e.select(e.cmp(Pred::OLT, a, e.f(erfBorder(e))), near, far);
  return e.withSignOf(result, x);
}

Value emitTanh(MathEmitter &e, Value x) {
  // With h = (e^(-2|x|) - 1) / 2: -h / (1 + h), accurate near 0 and near 1.
  Value h = emitHalfExpm1NonPositive(e, e.mul(e.abs(x), e.f(-2.0)));
  Value magnitude = e.div(e.sub(e.f(0.0), h), e.add(h, e.f(1.0)));
  return e.withSignOf(magnitude, x);
}

} // namespace fusilli::compiler::detail
