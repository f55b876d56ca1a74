// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How fusilli-bench measures: contestants take turns in blocks (a b c a b c
// ..), each block starts with the other contestants' workers asleep and one
// untimed call, and the result of a contestant is the median over its blocks
// of the block's median. Load from outside hits all contestants alike, and the
// minimum is kept beside the median.
#ifndef BENCHMARKS_TIMING_H
#define BENCHMARKS_TIMING_H

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fusilli::bench {

/// Middle of the values (mean of the middle two); NaN where there are none.
double median(std::vector<double> values);

/// Half of the range of the values over their median, the lowest and the
/// highest left out where there are five or more; nothing for fewer than two
/// values.
std::optional<double> spreadOf(std::vector<double> values);

/// Nanoseconds of the steady clock.
double nowNs();

/// One side of a comparison.
struct Contestant {
  /// One call of the measured work. Returns false on failure, which ends the
  /// contestant's part.
  std::function<bool()> call;
};

struct TimingOptions {
  int blocks = 5;         ///< turns of each contestant
  double blockNs = 60e6;  ///< time of a turn that is aimed at
  double sampleNs = 20e3; ///< shorter calls are timed in batches
  int minSamples = 3;     ///< samples in a turn, at least
  int64_t minBatch = 1;   ///< calls in a sample, at least
  int maxSamples = 400;   ///< samples in a turn, at most
  std::function<double()> clock = nowNs;
  /// Runs before each turn: waits until other threads sleep.
  std::function<void()> settle;
  /// Runs after each round of turns, for what is measured in alternation with
  /// the contestants by its own rules (the machine's peaks).
  std::function<void()> afterRound;
};

struct Timing {
  double medianNs = 0; ///< per call: median of the blocks' medians
  double minNs = 0;    ///< per call: least sample
  int samples = 0;     ///< 0: the contestant failed
  std::optional<double> spread = {}; ///< spreadOf() the blocks' medians
};

/// Measures the contestants in alternating blocks. A failed contestant has no
/// samples; the others go on.
std::vector<Timing> measureAlternating(const std::vector<Contestant> &all,
                                       const TimingOptions &options);

} // namespace fusilli::bench

#endif // BENCHMARKS_TIMING_H
