// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the evaluators of the normalizations share: statistics of the groups
// that have one index of one dimension in common, and what follows from them.
//
// An implementation may take a mean from rounded sums, so that it is off by
// some t; differences to it are then off by the same t each. The sum of their
// squares depends on t in the second order only, because they sum up to zero:
// the variance is off by t^2, not by the mean of 2 |x - m| t. It may also
// correct the mean by the mean of the differences, whose sum rounds as any sum.

#ifndef REFERENCE_NORM_H
#define REFERENCE_NORM_H

#include "reference/accumulate.h"
#include "reference/value.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace fusilli::reference {

/// The group of an element: its index in one dimension.
class NormGroups {
public:
  NormGroups(const std::vector<int64_t> &dims, size_t kept)
      : count_(dims[kept]) {
    for (size_t d = 0; d < dims.size(); ++d) {
      if (d > kept)
        inner_ *= dims[d];
      if (d != kept)
        size_ *= dims[d];
    }
  }
  /// Number of groups, and elements in each.
  int64_t count() const { return count_; }
  int64_t size() const { return size_; }
  /// Group of the element with row-major number `index`.
  int64_t of(int64_t index) const { return index / inner_ % count_; }

private:
  int64_t count_, inner_ = 1, size_ = 1;
};

/// Mean and biased variance of each group, or the mean of the squares alone.
template <class F> struct NormStatistics {
  std::vector<Approx<F>> mean, variance;
};

/// The mean of the terms that `term` gives for each element of x, by group.
template <class F, class Term>
std::vector<Approx<F>> groupMeans(const Value &x, const NormGroups &groups,
                                  Term term) {
  const auto count = static_cast<size_t>(groups.count());
  std::vector<Sum<F>> sums(count);
  for (size_t k = 0; k < x.count(); ++k)
    sums[static_cast<size_t>(groups.of(static_cast<int64_t>(k)))].add(
        term(x.approx<F>(k), k));
  std::vector<Approx<F>> means;
  for (const Sum<F> &sum : sums)
    means.push_back(sum.result(groups.size()) /
                    Approx<F>{static_cast<double>(groups.size())});
  return means;
}

/// Statistics of x, of which all elements are there.
template <class F>
NormStatistics<F> computeStatistics(const Value &x, const NormGroups &groups) {
  NormStatistics<F> out;
  out.mean = groupMeans<F>(x, groups, [](Approx<F> v, size_t) { return v; });
  const auto groupOf = [&](size_t k) {
    return static_cast<size_t>(groups.of(static_cast<int64_t>(k)));
  };
  out.variance = groupMeans<F>(x, groups, [&](Approx<F> v, size_t k) {
    // The element's own uncertainty and the rounding of the difference.
    const Approx<F> &m = out.mean[groupOf(k)];
    if (m.isAnything())
      return m;
    const Approx<F> d = v - Approx<F>{m.v, 0.0};
    return d * d;
  });
  for (size_t g = 0; g < out.mean.size(); ++g) {
    Approx<F> &mean = out.mean[g], &variance = out.variance[g];
    if (!std::isfinite(variance.v) || variance.isAnything() ||
        mean.isAnything() || mean.e == 0.0)
      continue;
    mean.e += reductionUnits(groups.size()) * F::kUnit *
              std::sqrt(std::fabs(variance.v));
    variance.e += mean.e * mean.e;
  }
  return out;
}

/// 1 / sqrt(square + epsilon) of each group.
template <class F>
std::vector<Approx<F>> inverseRoots(const std::vector<Approx<F>> &squares,
                                    const Value &epsilon) {
  std::vector<Approx<F>> out;
  for (const Approx<F> &square : squares)
    out.push_back(rsqrt(square + epsilon.approx<F>(0)));
  return out;
}

/// Writes one number for each group, in order, to a value of one element each.
template <class F>
void putStatistic(Value &out, const std::vector<Approx<F>> &numbers) {
  for (size_t slot = 0; slot < out.count(); ++slot)
    put(out, slot,
        numbers[out.demand.all ? slot
                               : static_cast<size_t>(out.demand.index[slot])]);
}

/// y = (x - mean) * inverse * scale + bias for the wanted elements of y; `mean`
/// may be empty, scale and bias null. `affine(index)` is the element of scale
/// and bias for the element of x of row-major number `index`.
template <class F, class Affine>
void putNormalized(Value &y, const Value &x, const NormGroups &groups,
                   const std::vector<Approx<F>> &mean,
                   const std::vector<Approx<F>> &inverse, const Value *scale,
                   const Value *bias, Affine affine) {
  for (size_t slot = 0; slot < y.count(); ++slot) {
    const int64_t index =
        y.demand.all ? static_cast<int64_t>(slot) : y.demand.index[slot];
    const auto g = static_cast<size_t>(groups.of(index));
    Approx<F> v = x.approx<F>(x.slot(index));
    if (!mean.empty())
      v = v - mean[g];
    v = v * inverse[g];
    if (scale)
      v = v * scale->approx<F>(scale->slot(affine(index)));
    if (bias)
      v = v + bias->approx<F>(bias->slot(affine(index)));
    put(y, slot, v);
  }
}

/// Calls body(F()) with the format that a normalization computes in.
template <class Body> void inNormFormat(const Value &x, DataType y, Body body) {
  if (x.dtype == DataType::Double || y == DataType::Double)
    body(F64());
  else
    body(F32());
}

} // namespace fusilli::reference

#endif // REFERENCE_NORM_H
