// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a fresh process costs: from main to the first result of a matmul graph,
// measured by a child that is this same program.
#ifndef BENCHMARKS_STARTUP_H
#define BENCHMARKS_STARTUP_H

#include "benchmarks/report.h"

#include <fusilli/support/logging.h>

#include <string>

namespace fusilli::bench {

/// Name of the environment variable that makes a process the child: the folder
/// of its compile cache.
inline constexpr const char *kStartupChild = "FUSILLI_BENCH_STARTUP_CHILD";

/// Starts 'repeat' children with an empty and as many with a filled store, one
/// after the other, and takes the medians. RuntimeFailure with what the child
/// said if it fails.
ErrorOr<StartupResult> measureStartup(const std::string &target, int threads,
                                      int repeat);

/// The child's work: handle, graph, compile, execute. Prints the milliseconds
/// since 'mainNs' (of nowNs()) on success. Returns the exit code.
int runStartupChild(const std::string &folder, double mainNs);

} // namespace fusilli::bench

#endif // BENCHMARKS_STARTUP_H
