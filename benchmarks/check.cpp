// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference evaluates the sample's graph; the comparison is its own.

#include "benchmarks/check.h"

namespace fusilli::bench {

ErrorOr<CheckResult> checkSample(const SampledProblem &sample) {
  return error(ErrorCode::NotImplemented, "no reference in this build");
}

} // namespace fusilli::bench
