// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A result against the reference evaluator.
#ifndef BENCHMARKS_CHECK_H
#define BENCHMARKS_CHECK_H

#include "benchmarks/data.h"

#include <fusilli/support/logging.h>

namespace fusilli::bench {

/// Error and bound of the element that comes nearest to its bound, in the unit
/// of the output.
struct CheckResult {
  double maxError = 0;
  double errorBound = 0;
};

/// Evaluates the sample's problem in double and compares.
ErrorOr<CheckResult> checkSample(const SampledProblem &sample);

} // namespace fusilli::bench

#endif // BENCHMARKS_CHECK_H
