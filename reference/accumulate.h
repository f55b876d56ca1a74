// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums with their bound, for reductions and contractions: any order of the
// additions is allowed, products may be fused or rounded, and where all terms
// are whole numbers that the format holds the sum is exact.

#ifndef REFERENCE_ACCUMULATE_H
#define REFERENCE_ACCUMULATE_H

#include "reference/value.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace fusilli::reference {

/// Sum of a reduction's terms, with its bound.
template <class F> class Sum {
public:
  /// Adds a term.
  void add(Approx<F> x) {
    anything_ |= x.isAnything();
    value_ += x.v;
    propagated_ += x.e;
    if (std::isfinite(x.v))
      magnitude_ += std::fabs(x.v);
    wholeNumbers_ &= x.e == 0.0 && std::floor(x.v) == x.v;
  }
  Approx<F> result(int64_t terms) const {
    if (anything_)
      return Approx<F>::anything();
    if (!std::isfinite(value_))
      return magnitude_ < F::kOverflow ? Approx<F>{value_, 0.0}
                                       : Approx<F>::anything();
    if (wholeNumbers_ && magnitude_ * F::kUnit <= 1.0)
      return {value_, 0.0};
    const double unit = F::kUnit + 2.0 * kDoubleUnit;
    const double e = propagated_ +
                     reductionUnits(terms) * unit * (magnitude_ + propagated_) +
                     static_cast<double>(terms) * F::kTiny;
    // Partial sums may overflow although the sum does not.
    if (magnitude_ + e >= F::kOverflow && std::fabs(value_) - e < F::kOverflow)
      return Approx<F>::anything();
    return Approx<F>::bounded(value_, e);
  }

private:
  double value_ = 0.0, propagated_ = 0.0, magnitude_ = 0.0;
  bool anything_ = false;
  bool wholeNumbers_ = true;
};

/// An operand of a contraction as numbers of format F, all elements.
struct ContractionOperand {
  std::vector<double> v;
  std::vector<double> e; ///< empty: all exact
  double largest = 0.0;  ///< finite magnitude
  bool whole = true;     ///< all exact whole numbers
  bool finite = true;

  template <class F> static ContractionOperand from(const Value &in) {
    ContractionOperand out;
    out.v.resize(in.count());
    for (size_t k = 0; k < out.v.size(); ++k) {
      const Approx<F> x = in.approx<F>(k);
      out.v[k] = x.v;
      if (x.e != 0.0 && out.e.empty())
        out.e.resize(out.v.size());
      if (!out.e.empty())
        out.e[k] = x.e;
      out.finite &= std::isfinite(x.v) && !x.isAnything();
      out.whole &= x.e == 0.0 && std::floor(x.v) == x.v;
      if (std::isfinite(x.v))
        out.largest = std::max(out.largest, std::fabs(x.v));
    }
    return out;
  }
  template <class F> Approx<F> at(size_t k) const {
    return {v[k], e.empty() ? 0.0 : e[k]};
  }
};

/// The product of two terms of a sum: it may be fused, so it does not round.
template <class F> Approx<F> fusedProduct(Approx<F> a, Approx<F> b) {
  if (a.isAnything() || b.isAnything() || (std::isinf(a.v) && b.mayBeZero()) ||
      (std::isinf(b.v) && a.mayBeZero()))
    return Approx<F>::anything();
  const double v = a.v * b.v;
  if (!std::isfinite(v))
    return {v, 0.0};
  return {v, std::fabs(a.v) * b.e + std::fabs(b.v) * a.e + a.e * b.e};
}

/// What all sums of one contraction have in common.
struct ContractionBound {
  int64_t terms = 0;
  bool whole = false;   ///< both operands are whole numbers
  double flushed = 0.0; ///< what treating subnormals as zero may cost

  ContractionBound(const Value &a, const Value &b,
                   const ContractionOperand &aOperand,
                   const ContractionOperand &bOperand, int64_t count)
      : terms(count), whole(aOperand.whole && bOperand.whole) {
    if (a.dtype == DataType::BFloat16 && b.dtype == DataType::BFloat16)
      flushed = static_cast<double>(count) * F32::kMinNormal *
                (1.0 + aOperand.largest + bOperand.largest);
  }

  /// The sum `v` of finite terms with magnitudes `sum|a b|` = s and, with the
  /// operands' uncertainty, sum (|a| + ea)(|b| + eb) = p >= s.
  template <class F> Approx<F> finish(double v, double s, double p) const {
    if (whole && p == s && s * F::kUnit <= 1.0)
      return {v, 0.0};
    const double n = accumulationUnits(terms);
    const double e = (p - s) + n * (F::kUnit + 2.0 * kDoubleUnit) * p +
                     static_cast<double>(terms) * F::kTiny + flushed;
    if (p + e >= F::kOverflow && std::fabs(v) - e < F::kOverflow)
      return Approx<F>::anything();
    return Approx<F>::bounded(v, e);
  }
};

} // namespace fusilli::reference

#endif // REFERENCE_ACCUMULATE_H
