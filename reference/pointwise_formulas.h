// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Definitions of the floating-point pointwise modes, over numbers with their
// uncertainty. Each is the formula of the public API's table, evaluated as the
// table writes it. Backward modes take dy first and the forward input second.

#ifndef REFERENCE_POINTWISE_FORMULAS_H
#define REFERENCE_POINTWISE_FORMULAS_H

#include "reference/approx.h"

#include <numbers>

namespace fusilli::reference {

/// Parameters of the modes that have some.
struct PointwiseParams {
  double eluAlpha = 1.0;
  double softplusBeta = 1.0;
  double softplusThreshold = 20.0;
  double swishBeta = 1.0;
};

/// Accepts anything where a formula gives not-a-number although no operand is
/// one (0 times an overflow): another way of writing it has a limit there.
template <class F, class... Operands>
Approx<F> orLimit(Approx<F> result, Operands... operands) {
  const bool fresh = std::isnan(result.v) && !(std::isnan(operands.v) || ...);
  return fresh ? Approx<F>::anything() : result;
}

/// The result of a formula of several steps, which an implementation may write
/// in another way that is as accurate: its own bound and some units more.
template <class F, class... Operands>
Approx<F> composite(Approx<F> result, Operands... operands) {
  const Approx<F> limited = orLimit(result, operands...);
  if (limited.isAnything())
    return limited;
  return Approx<F>::withUlps(limited.v, limited.e, kCompositeUlps);
}

template <class F> Approx<F> relu(Approx<F> a) { return max(a, Approx<F>{}); }

template <class F> Approx<F> elu(Approx<F> a, double alpha) {
  const auto negative = [&] { return Approx<F>::constant(alpha) * expm1(a); };
  const Tri positive = less(Approx<F>{}, a);
  return positive == Tri::True ? a : select(positive, a, negative());
}

/// (1 + erf(a / sqrt 2)) / 2, the distribution function of the normal law.
template <class F> Approx<F> normalCdf(Approx<F> a) {
  const auto scaled = a * Approx<F>::constant(std::numbers::sqrt2 / 2.0);
  return Approx<F>{0.5} * (Approx<F>{1.0} + erf(scaled));
}

template <class F> Approx<F> gelu(Approx<F> a) {
  return composite(a * normalCdf(a), a);
}

template <class F> Approx<F> geluBackward(Approx<F> dy, Approx<F> x) {
  const auto scale =
      Approx<F>::constant(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2.0);
  const auto density = scale * exp(Approx<F>{-0.5} * (x * x));
  return composite(dy * (normalCdf(x) + x * density), dy, x);
}

template <class F> Approx<F> tanhArgument(Approx<F> a) {
  const auto scale =
      Approx<F>::constant(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  return scale * (a + Approx<F>::constant(0.044715) * (a * a * a));
}

template <class F> Approx<F> geluTanh(Approx<F> a) {
  const auto t = tanh(tanhArgument(a));
  return composite(Approx<F>{0.5} * a * (Approx<F>{1.0} + t), a);
}

template <class F> Approx<F> geluTanhBackward(Approx<F> dy, Approx<F> x) {
  const Approx<F> one{1.0};
  const auto t = tanh(tanhArgument(x));
  const auto scale =
      Approx<F>::constant(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  const auto slope = scale * (one + Approx<F>::constant(0.134145) * (x * x));
  const Approx<F> half{0.5};
  return composite(dy * (half * (one + t) + half * x * (one - t * t) * slope),
                   dy, x);
}

template <class F>
Approx<F> softplus(Approx<F> a, double beta, double threshold) {
  const auto factor = Approx<F>::constant(beta);
  const auto scaled = factor * a;
  const Tri linear = less(Approx<F>::constant(threshold), scaled);
  if (linear == Tri::True)
    return a;
  return select(linear, a, composite(log1p(exp(scaled)) / factor, a));
}

template <class F> Approx<F> swish(Approx<F> a, double beta) {
  return composite(a * sigmoid(Approx<F>::constant(beta) * a), a);
}

template <class F>
Approx<F> swishBackward(Approx<F> dy, Approx<F> x, double beta) {
  const auto scaled = Approx<F>::constant(beta) * x;
  const auto s = sigmoid(scaled);
  return composite(dy * (s + scaled * (s * (Approx<F>{1.0} - s))), dy, x);
}

template <class F> Approx<F> reluBackward(Approx<F> dy, Approx<F> x) {
  return select(less(Approx<F>{}, x), dy, Approx<F>{});
}

template <class F> Approx<F> tanhBackward(Approx<F> dy, Approx<F> x) {
  const auto t = tanh(x);
  return composite(dy * (Approx<F>{1.0} - t * t), dy, x);
}

} // namespace fusilli::reference

#endif // REFERENCE_POINTWISE_FORMULAS_H
