// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the library shares the machine: fusilli-bench --sharing. What an idle
// process with a warm pool uses, and what is left of the throughput where more
// threads execute than there are processors.
#ifndef BENCHMARKS_SHARING_H
#define BENCHMARKS_SHARING_H

#include "benchmarks/report.h"

#include <fusilli/support/logging.h>

#include <string>

namespace fusilli::bench {

/// Measures both; takes ten seconds for the idle part alone. The pool has a
/// thread per processor; the callers are four per processor against one. All
/// callers share a handle, each has a graph and buffers of its own. Call where
/// no Subject lives.
ErrorOr<SharingResult> measureSharing(const std::string &target, int repeat);

} // namespace fusilli::bench

#endif // BENCHMARKS_SHARING_H
