// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a call costs: fusilli-bench --overhead.
#ifndef BENCHMARKS_OVERHEAD_H
#define BENCHMARKS_OVERHEAD_H

#include "benchmarks/report.h"

#include <fusilli/support/logging.h>

#include <string>

namespace fusilli::bench {

/// Medians over batches of at least 1,000 calls: a graph without nodes, a
/// graph of one element, one of two elements whose extent is dynamic, a plain
/// call through a pointer for scale, and the addition of 65,536 floats on two
/// threads beside the same loop in OpenMP.
/// Makes devices of its own; sets FUSILLI_NUM_THREADS.
ErrorOr<OverheadResult> measureOverhead(const std::string &target, int repeat);

} // namespace fusilli::bench

#endif // BENCHMARKS_OVERHEAD_H
