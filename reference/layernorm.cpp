// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer normalization from its definition: mean and biased variance of each
// sample, over all dims but the first.

#include "reference/norm.h"

namespace fusilli::reference {

void evaluateLayernorm(const NormTensors &t, NormOutputs &out) {
  const NormGroups groups(t.x->dims, 0);
  inNormFormat(*t.x, out.y.dtype, [&]<class F>(F) {
    const auto statistics = computeStatistics<F>(*t.x, groups);
    const auto inverse = inverseRoots<F>(statistics.variance, *t.epsilon);
    putNormalized<F>(out.y, *t.x, groups, statistics.mean, inverse, t.scale,
                     t.bias,
                     [&](int64_t index) { return index % groups.size(); });
    putStatistic<F>(out.mean, statistics.mean);
    putStatistic<F>(out.inverse, inverse);
  });
}

} // namespace fusilli::reference
