// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Running error analysis: numbers (v, e) such that every correct implementation
// of the same formula in format F gives a number within e of v, the value in
// double. e = infinity means "anything, not-a-number included"; v infinite or
// not-a-number with e = 0 means exactly that. Formulas are written once, over
// Approx<F>, and so get value and bound together; tolerance.h says what an
// implementation may do.

#ifndef REFERENCE_APPROX_H
#define REFERENCE_APPROX_H

#include "reference/tolerance.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace fusilli::reference {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Arithmetic in f32.
struct F32 {
  static constexpr double kUnit = 0x1p-24;
  static constexpr double kTiny = 0x1p-150;
  static constexpr double kMinNormal = 0x1p-126;
  static constexpr double kOverflow = 0x1.ffffffp127;
  static double round(double v) { return static_cast<float>(v); }
};

/// Arithmetic in f64.
struct F64 {
  static constexpr double kUnit = 0x1p-53;
  static constexpr double kTiny = 0x1p-1074;
  static constexpr double kMinNormal = 0x1p-1022;
  static constexpr double kOverflow = kInfinity;
  static double round(double v) { return v; }
};

/// The answer of a comparison, which may depend on roundings.
enum class Tri { False, True, Either };

/// A number and its uncertainty in arithmetic of format F.
template <class F> struct Approx {
  double v = 0.0;
  double e = 0.0;

  static Approx anything() { return {0.0, kInfinity}; }
  bool isAnything() const { return e == kInfinity; }
  /// Whether the sign, or being zero, is uncertain.
  bool mayBeZero() const { return e > 0.0 && std::fabs(v) <= e; }

  /// A constant of a formula, rounded to the format.
  static Approx constant(double v) { return {v, std::fabs(F::round(v) - v)}; }

  /// Adds the error of one operation of at most `ulps` units in the last place
  /// to a result `v` with propagated error `e`.
  static Approx withUlps(double v, double e, double ulps) {
    if (!std::isfinite(v))
      return e == kInfinity ? anything() : Approx{v, 0.0};
    double local = 2.0 * ulps * F::kUnit * (std::fabs(v) + e) +
                   4.0 * kDoubleUnit * std::fabs(v);
    if (v != 0.0 && std::fabs(v) < 4.0 * F::kMinNormal)
      local += (2.0 * ulps + 1.0) * F::kTiny;
    return bounded(v, e + local);
  }

  /// The same for a correctly rounded operation. With exact operands (e = 0)
  /// the error is that of rounding v itself; `residual` is what v lacks to the
  /// exact result.
  static Approx rounded(double v, double e, double residual) {
    if (!std::isfinite(v))
      return e == kInfinity ? anything() : Approx{v, 0.0};
    if (e == 0.0 && std::fabs(v) < F::kOverflow)
      return {v, std::fabs(F::round(v) - v) + std::fabs(residual)};
    double local = F::kUnit * (std::fabs(v) + e) + kDoubleUnit * std::fabs(v);
    if (std::fabs(v) - e < F::kMinNormal)
      local += F::kTiny;
    return bounded(v, e + local);
  }

  /// Overflow: certain, possible or none.
  static Approx bounded(double v, double e) {
    if (std::isnan(e) || std::fabs(v) + e < F::kOverflow)
      return {v, std::isnan(e) ? kInfinity : e};
    if (std::fabs(v) - e >= F::kOverflow)
      return {std::copysign(kInfinity, v), 0.0};
    return anything();
  }

  /// A value of another format, converted.
  static Approx convert(double v, double e) {
    if (e == kInfinity)
      return anything();
    return rounded(v, e, 0.0);
  }

  friend Approx operator-(Approx a) { return {-a.v, a.e}; }
  friend Approx operator+(Approx a, Approx b) {
    if (a.isAnything() || b.isAnything())
      return anything();
    const double v = a.v + b.v;
    const double bPart = v - a.v;
    const double residual = (a.v - (v - bPart)) + (b.v - bPart);
    return rounded(v, a.e + b.e, residual);
  }
  friend Approx operator-(Approx a, Approx b) { return a + (-b); }
  friend Approx operator*(Approx a, Approx b) {
    if (a.isAnything() || b.isAnything() ||
        (std::isinf(a.v) && b.mayBeZero()) ||
        (std::isinf(b.v) && a.mayBeZero()))
      return anything();
    const double v = a.v * b.v;
    if (!std::isfinite(a.v) || !std::isfinite(b.v))
      return {v, 0.0};
    const double e = std::fabs(a.v) * b.e + std::fabs(b.v) * a.e + a.e * b.e;
    return rounded(v, e, std::fma(a.v, b.v, -v));
  }
  friend Approx operator/(Approx a, Approx b) {
    if (a.isAnything() || b.isAnything() || b.mayBeZero() ||
        ((b.v == 0.0 || std::isinf(b.v)) && a.mayBeZero() && b.v == 0.0))
      return anything();
    const double v = a.v / b.v;
    if (!std::isfinite(v) || std::isinf(b.v))
      return {v, 0.0};
    const double e = (a.e + std::fabs(v) * b.e) / (std::fabs(b.v) - b.e);
    const bool exact = std::fma(v, b.v, -a.v) == 0.0;
    return rounded(v, e, exact ? 0.0 : kDoubleUnit * std::fabs(v));
  }

  /// A monotone function `f` with an error of at most `ulps` of its own.
  template <class Fn> static Approx monotone(Approx x, double ulps, Fn f) {
    if (x.isAnything())
      return anything();
    const double v = f(x.v);
    if (x.e == 0.0)
      return ulps == 0.0 ? Approx{v, 0.0} : withUlps(v, 0.0, ulps);
    const double low = std::fabs(f(x.v - x.e) - v);
    const double high = std::fabs(f(x.v + x.e) - v);
    if (!(low < kInfinity) || !(high < kInfinity))
      return anything();
    const double e = std::max(low, high);
    return ulps == 0.0 ? Approx{v, e} : withUlps(v, e, ulps);
  }
};

template <class F> Approx<F> abs(Approx<F> x) { return {std::fabs(x.v), x.e}; }
template <class F> Approx<F> floor(Approx<F> x) {
  return Approx<F>::monotone(x, 0.0, [](double t) { return std::floor(t); });
}
template <class F> Approx<F> ceil(Approx<F> x) {
  return Approx<F>::monotone(x, 0.0, [](double t) { return std::ceil(t); });
}
template <class F> Approx<F> exp(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.exp,
                             [](double t) { return std::exp(t); });
}
template <class F> Approx<F> expm1(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.expm1,
                             [](double t) { return std::expm1(t); });
}
template <class F> Approx<F> log(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.log,
                             [](double t) { return std::log(t); });
}
template <class F> Approx<F> log1p(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.log1p,
                             [](double t) { return std::log1p(t); });
}
template <class F> Approx<F> erf(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.erf,
                             [](double t) { return std::erf(t); });
}
template <class F> Approx<F> tanh(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.tanh,
                             [](double t) { return std::tanh(t); });
}
template <class F> Approx<F> sigmoid(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.sigmoid, [](double t) {
    const double tail = std::exp(-std::fabs(t));
    return std::isnan(t) ? t : (t < 0.0 ? tail : 1.0) / (1.0 + tail);
  });
}
/// Whether the argument is out of the range of SIN and TAN.
template <class F> bool beyondTrigRange(Approx<F> x) {
  return F::kMinNormal == F64::kMinNormal && std::isfinite(x.v) &&
         std::fabs(x.v) + x.e > kTrigRangeDouble;
}
template <class F> Approx<F> sin(Approx<F> x) {
  if (x.isAnything() || beyondTrigRange(x))
    return Approx<F>::anything();
  return Approx<F>::withUlps(std::sin(x.v), std::min(x.e, 2.0),
                             kFunctionUlps.sin);
}
template <class F> Approx<F> tan(Approx<F> x) {
  const auto branch = [](double t) {
    return std::floor(t / std::numbers::pi + 0.5);
  };
  if (beyondTrigRange(x))
    return Approx<F>::anything();
  if (x.e > 0.0 && branch(x.v - x.e) != branch(x.v + x.e))
    return Approx<F>::anything();
  return Approx<F>::monotone(x, kFunctionUlps.tan,
                             [](double t) { return std::tan(t); });
}
template <class F> Approx<F> sqrt(Approx<F> x) {
  if (x.e == 0.0) {
    const double v = std::sqrt(x.v);
    const bool exact = !(x.v > 0.0) || std::fma(v, v, -x.v) == 0.0;
    return Approx<F>::rounded(v, 0.0, exact ? 0.0 : kDoubleUnit * v);
  }
  return Approx<F>::monotone(x, 0.5, [](double t) { return std::sqrt(t); });
}
template <class F> Approx<F> rsqrt(Approx<F> x) {
  return Approx<F>::monotone(x, kFunctionUlps.rsqrt,
                             [](double t) { return 1.0 / std::sqrt(t); });
}

/// The larger one; not-a-number if either is.
template <class F> Approx<F> max(Approx<F> a, Approx<F> b) {
  if ((std::isnan(a.v) && a.e == 0.0) || (std::isnan(b.v) && b.e == 0.0))
    return {std::numeric_limits<double>::quiet_NaN(), 0.0};
  if (a.isAnything() || b.isAnything())
    return Approx<F>::anything();
  if (a.v - a.e >= b.v + b.e)
    return a;
  if (b.v - b.e >= a.v + a.e)
    return b;
  return {std::max(a.v, b.v), std::max(a.e, b.e)};
}
template <class F> Approx<F> min(Approx<F> a, Approx<F> b) {
  return -max(-a, -b);
}

/// Whether two numbers are too close to say which is larger.
template <class F> bool isTie(Approx<F> a, Approx<F> b) {
  if (a.isAnything() || b.isAnything())
    return true;
  return a.e + b.e > 0.0 && std::fabs(a.v - b.v) <= a.e + b.e;
}
/// a < b; false if either is not-a-number.
template <class F> Tri less(Approx<F> a, Approx<F> b) {
  if (isTie(a, b))
    return Tri::Either;
  return a.v < b.v ? Tri::True : Tri::False;
}
template <class F> Tri lessEqual(Approx<F> a, Approx<F> b) {
  if (isTie(a, b))
    return Tri::Either;
  return a.v <= b.v ? Tri::True : Tri::False;
}
template <class F> Tri equal(Approx<F> a, Approx<F> b) {
  if (isTie(a, b))
    return Tri::Either;
  return a.v == b.v ? Tri::True : Tri::False;
}
inline Tri negate(Tri t) {
  return t == Tri::Either ? t : t == Tri::True ? Tri::False : Tri::True;
}

/// c ? a : b; a number that covers both where c is not known.
template <class F> Approx<F> select(Tri c, Approx<F> a, Approx<F> b) {
  if (c != Tri::Either)
    return c == Tri::True ? a : b;
  if (a.isAnything() || b.isAnything() || !std::isfinite(a.v) ||
      !std::isfinite(b.v))
    return a.v == b.v && a.e == 0.0 && b.e == 0.0 ? a : Approx<F>::anything();
  return {a.v, std::max(a.e, std::fabs(b.v - a.v) + b.e)};
}

} // namespace fusilli::reference

#endif // REFERENCE_APPROX_H
