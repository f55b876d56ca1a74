// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Root-mean-square normalization from its definition: each sample by the root
// of the mean of its squares.

#include "reference/norm.h"

namespace fusilli::reference {

void evaluateRmsnorm(const NormTensors &t, NormOutputs &out) {
  const NormGroups groups(t.x->dims, 0);
  inNormFormat(*t.x, out.y.dtype, [&]<class F>(F) {
    const auto squares =
        groupMeans<F>(*t.x, groups, [](Approx<F> v, size_t) { return v * v; });
    putNormalized<F>(out.y, *t.x, groups, {},
                     inverseRoots<F>(squares, *t.epsilon), t.scale, nullptr,
                     [&](int64_t index) { return index % groups.size(); });
  });
}

} // namespace fusilli::reference
