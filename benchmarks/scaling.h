// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the time of a compile grows with the graph: fusilli-bench --scaling.
#ifndef BENCHMARKS_SCALING_H
#define BENCHMARKS_SCALING_H

#include "benchmarks/report.h"

#include <fusilli/support/logging.h>

#include <string>
#include <vector>

namespace fusilli::bench {

/// Cold compiles of chains of pointwise ops and of graphs of mixed nodes, of
/// 10 to 2,000 nodes; medians over 'repeat' compiles. Call where no Subject
/// lives.
ErrorOr<std::vector<ScalingResult>> measureScaling(const std::string &target,
                                                   int repeat);

} // namespace fusilli::bench

#endif // BENCHMARKS_SCALING_H
