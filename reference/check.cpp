// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verdict on a compiled result. Rounding to a dtype is monotone, so a
// result is right if and only if it lies between the rounded ends of what the
// exact arithmetic allows.

#include "reference/approx.h"
#include "reference/element.h"
#include "reference/evaluator.h"

#include <cstdio>

namespace fusilli::reference {

namespace {

/// One element: whether it passes, its error and what is allowed.
struct Verdict {
  bool passed;
  double error;
  double bound;
};

Verdict judgeFloat(DataType dtype, double actual, double v, double e) {
  if (e == kInfinity)
    return {true, 0.0, kInfinity};
  if (!std::isfinite(v)) {
    const bool same = std::isnan(v) ? std::isnan(actual) : actual == v;
    return {same, same ? 0.0 : kInfinity, 0.0};
  }
  const double low = roundTo(dtype, v - e), high = roundTo(dtype, v + e);
  const bool passed = actual >= low && actual <= high;
  const double error = std::fabs(actual - v);
  const double bound = std::max(high - v, v - low);
  return {passed, std::isnan(error) ? kInfinity : error, bound};
}

Verdict judgeInteger(int64_t actual, int64_t v, double e) {
  if (e == kInfinity)
    return {true, 0.0, kInfinity};
  const double error =
      std::fabs(static_cast<double>(actual) - static_cast<double>(v));
  return {actual == v || (e > 0.0 && error <= e),
          actual == v ? 0.0 : std::max(error, 1.0), e};
}

double ratio(const Verdict &verdict) {
  if (verdict.error == 0.0)
    return 0.0;
  if (!verdict.passed)
    return std::max(2.0, verdict.error / std::max(verdict.bound, 1e-30));
  return verdict.bound == kInfinity ? 0.0 : verdict.error / verdict.bound;
}

} // namespace

ErrorOr<CheckResult> check(const Expected &expected,
                           std::span<const uint8_t> actual) {
  FUSILLI_ASSIGN_OR_RETURN(
      const Tensor tensor,
      Tensor::create(expected.spec,
                     std::vector<uint8_t>(actual.begin(), actual.end())));
  CheckResult result;
  result.spec = expected.spec;
  const bool isFloat = isFloatType(expected.spec.dtype);
  double worst = -1.0;
  for (size_t k = 0; k < expected.index.size(); ++k) {
    const int64_t index = expected.index[k];
    const Verdict verdict =
        isFloat ? judgeFloat(expected.spec.dtype, tensor.value(index),
                             expected.values[k], expected.bounds[k])
                : judgeInteger(tensor.integer(index), expected.integers[k],
                               expected.bounds[k]);
    ++result.checked;
    result.failed += !verdict.passed;
    if (!(ratio(verdict) > worst))
      continue;
    worst = ratio(verdict);
    result.worst = index;
    result.actual = tensor.value(index);
    result.expected = expected.values[k];
    result.error = verdict.error;
    result.bound = verdict.bound;
  }
  result.passed = result.failed == 0;
  return result;
}

std::string CheckResult::toString() const {
  std::string place;
  int64_t rest = worst;
  for (size_t d = spec.dims.size(); d-- > 0;) {
    place = std::to_string(rest % spec.dims[d]) +
            (place.empty() ? "" : "," + place);
    rest /= spec.dims[d];
  }
  char numbers[256];
  std::snprintf(numbers, sizeof(numbers),
                "actual %.9g expected %.9g error %.3g bound %.3g", actual,
                expected, error, bound);
  return std::string(passed ? "ok: " : "wrong: ") + spec.toString() + ": " +
         std::to_string(failed) + " of " + std::to_string(checked) +
         " elements outside the bound, worst at [" + place + "]: " + numbers;
}

} // namespace fusilli::reference
