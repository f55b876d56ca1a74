// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A whole run of fusilli-bench: options in, report out.
#ifndef BENCHMARKS_BENCH_H
#define BENCHMARKS_BENCH_H

#include "benchmarks/problem.h"
#include "benchmarks/report.h"

#include <fusilli/support/logging.h>

#include <string>
#include <vector>

namespace fusilli::bench {

struct BenchOptions {
  std::vector<Problem> problems;
  int threads = 1;
  std::string target = "host";
  std::vector<std::string> peers; ///< names; empty: none
  int repeat = 5;                 ///< blocks per contestant, compiles per kind
  double blockMs = 60;            ///< time of a block
  bool overhead = false, sharing = false, startup = false, scaling = false;
};

/// Splits the value of --peers: "none", "all" or names with commas.
/// InvalidArgument for a peer that does not exist or is not in this build.
ErrorOr<std::vector<std::string>> parsePeerList(const std::string &list);

/// Runs everything. A problem that cannot be measured is in the report with
/// its failure; an error means that nothing can be measured at all.
ErrorOr<Report> runBench(const BenchOptions &options);

} // namespace fusilli::bench

#endif // BENCHMARKS_BENCH_H
