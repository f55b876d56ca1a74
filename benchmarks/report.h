// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a run found, as JSON (schema 1) and as a table. Rates and fractions are
// derived here and nowhere else.
//
// JSON: {"schema":1,"machine":{..},"problems":[{..}],"overhead":{..},
// "sharing":{..},"startup":{..},"scaling":[..]}, the last four where asked for;
// what does not apply is null; a peer that cannot is {"unsupported":REASON}.
// max_error and error_bound belong to the element that comes nearest to its
// bound, in the unit of the output.
#ifndef BENCHMARKS_REPORT_H
#define BENCHMARKS_REPORT_H

#include "benchmarks/peaks/peaks.h"
#include "benchmarks/problem.h"
#include "benchmarks/timing.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace fusilli::bench {

/// Machine of the run.
struct MachineInfo {
  std::string cpu;
  std::vector<std::string> features;
  int threads = 1;
  PeakValues peaks; ///< GFLOP/s and GB/s on these threads, for the target
  std::string version, commit; ///< of the program, as configured
};

/// The run of one kernel of the compiled problem.
struct KernelInfo {
  std::string name, strategy;
  std::string schedule; ///< as text; empty where the artifact has none
  std::vector<std::string> nodes;
  std::optional<double> workgroups; ///< empty where it depends on extents
  double flops = 0, bytes = 0, localMemory = 0;
  bool isPrepared = false; ///< at the first execute only
  std::optional<double> timeUs;
};

/// A peer's part in a problem.
struct PeerResult {
  std::string unsupported; ///< reason; empty where there is a timing
  Timing timing;           ///< of its best variant
  std::string variant;
};

/// All that is known of one problem.
struct ProblemResult {
  Problem problem;
  std::string target;
  int threads = 1;
  std::string failure; ///< why it could not be measured; empty if it was
  std::optional<double> coldMs, cachedMs, firstUs;
  Timing timing;
  std::optional<int64_t> kernels;
  std::vector<KernelInfo> kernelList;
  std::string explanation; ///< of the kernels, for people
  std::map<std::string, PeerResult> peers;
  std::optional<double> maxError, errorBound;
  PeakValues peaks; ///< as measured between this problem's blocks
};

/// Costs of a call, in the unit of each name; empty: not measured.
struct OverheadResult {
  std::optional<double> nullNs, oneElementNs, boundNs, dynamicNs,
      dynamicBoundNs, parallel64kUs, openmp64kUs, callNs;
};

/// How the library shares the machine.
struct SharingResult {
  int cpus = 0, callers = 0;
  /// Problem line; throughput of 'callers' threads over that of 'cpus' threads.
  std::vector<std::pair<std::string, double>> throughputRatios;
  double idleCoreFraction = 0; ///< CPU time over time, of an idle process
};

/// A fresh process from main to the first result.
struct StartupResult {
  std::string problem;
  double coldMs = 0, cachedMs = 0; ///< with an empty and with a filled store
};

/// Cold compiles of one size of graph.
struct ScalingResult {
  std::string graph; ///< "chain" or "mixed"
  int nodes = 0;
  double coldMs = 0;
};

struct Report {
  MachineInfo machine;
  std::vector<ProblemResult> problems;
  std::optional<OverheadResult> overhead;
  std::optional<SharingResult> sharing;
  std::optional<StartupResult> startup;
  std::vector<ScalingResult> scaling;
};

/// Fractions of the machine's limits, empty where they do not apply.
struct Fractions {
  std::optional<double> gflops, gbps, peak, bandwidth, roofline;
  /// Of the read peak over the problem's own size, where it hardly writes.
  std::optional<double> read;
};

/// Rates of 'nanoseconds' a call against the peaks of the result. The peak of
/// f16 is that of f32; that of i8 is the dot product's, or the widened one's;
/// that of bf16 is the tile product's for target x86-64-amx, else the dot
/// product's where the target has it, else f32's.
Fractions fractionsOf(const ProblemResult &result, double nanoseconds);

/// What the machine reaches at best in the arithmetic of the problem's type.
std::optional<double> arithmeticPeakOf(const ProblemResult &result);

/// True where a result lies outside its bound.
bool exceedsBound(const ProblemResult &result);

/// 0, 1 if a bound is exceeded, 3 if a problem could not be measured.
int exitCodeOf(const Report &report);

nlohmann::ordered_json toJson(const Report &report);

void printTable(const Report &report, std::ostream &out);

/// The kernels of each problem, as the graph explains them.
void printExplanation(const Report &report, std::ostream &out);

} // namespace fusilli::bench

#endif // BENCHMARKS_REPORT_H
