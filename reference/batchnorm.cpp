// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalization from its definition: for each channel, dim 1, with the
// statistics that are given, or those of the batch.

#include "reference/norm.h"

namespace fusilli::reference {

namespace {

template <class F> std::vector<Approx<F>> numbersOf(const Value &value) {
  std::vector<Approx<F>> out;
  for (size_t k = 0; k < value.count(); ++k)
    out.push_back(value.approx<F>(k));
  return out;
}

} // namespace

void evaluateBatchnorm(const NormTensors &t, NormOutputs &out) {
  const NormGroups groups(t.x->dims, 1);
  inNormFormat(*t.x, out.y.dtype, [&]<class F>(F) {
    const auto statistics = t.mean
                                ? NormStatistics<F>{numbersOf<F>(*t.mean),
                                                    numbersOf<F>(*t.variance)}
                                : computeStatistics<F>(*t.x, groups);
    const auto inverse = inverseRoots<F>(statistics.variance, *t.epsilon);
    putNormalized<F>(out.y, *t.x, groups, statistics.mean, inverse, t.scale,
                     t.bias, [&](int64_t index) { return groups.of(index); });
    putStatistic<F>(out.mean, statistics.mean);
    putStatistic<F>(out.inverse, inverse);
  });
}

} // namespace fusilli::reference
