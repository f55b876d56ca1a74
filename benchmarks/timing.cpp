// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Alternating blocks. The length of a block is set once per contestant, from
// an untimed warm-up, so that all blocks of a contestant are alike.

#include "benchmarks/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace fusilli::bench {

namespace {

struct Plan {
  bool alive = true;
  int64_t batch = 1;
  int samples = 1;
  std::vector<double> blockMedians;
  double minNs = std::numeric_limits<double>::infinity();
  int taken = 0;
};

/// Calls until a batch is long enough to be timed, and derives the plan.
Plan planFor(const Contestant &contestant, const TimingOptions &options) {
  Plan plan;
  if (options.settle)
    options.settle();
  if (!contestant.call()) {
    plan.alive = false;
    return plan;
  }
  double perCall = 0;
  for (int64_t calls = 1;; calls *= 4) {
    double start = options.clock();
    for (int64_t i = 0; i < calls; ++i)
      plan.alive &= contestant.call();
    double elapsed = options.clock() - start;
    perCall = elapsed / double(calls);
    if (!plan.alive || elapsed >= options.sampleNs || calls >= (1 << 20))
      break;
  }
  plan.batch = std::max<int64_t>(
      options.minBatch,
      std::llround(std::ceil(options.sampleNs / std::max(perCall, 0.1))));
  plan.samples = static_cast<int>(
      std::clamp(options.blockNs / (perCall * double(plan.batch) + 1),
                 double(options.minSamples), double(options.maxSamples)));
  return plan;
}

void runBlock(const Contestant &contestant, Plan &plan,
              const TimingOptions &options) {
  if (options.settle)
    options.settle();
  plan.alive &= contestant.call();
  std::vector<double> samples;
  for (int s = 0; s < plan.samples && plan.alive; ++s) {
    double start = options.clock();
    for (int64_t i = 0; i < plan.batch; ++i)
      plan.alive &= contestant.call();
    samples.push_back((options.clock() - start) / double(plan.batch));
  }
  if (!plan.alive)
    return;
  plan.minNs = std::min(plan.minNs, *std::ranges::min_element(samples));
  plan.taken += static_cast<int>(samples.size());
  plan.blockMedians.push_back(median(std::move(samples)));
}

} // namespace

double median(std::vector<double> values) {
  if (values.empty())
    return std::numeric_limits<double>::quiet_NaN();
  size_t middle = values.size() / 2;
  std::ranges::sort(values);
  return values.size() % 2 ? values[middle]
                           : (values[middle - 1] + values[middle]) / 2;
}

std::optional<double> spreadOf(std::vector<double> values) {
  if (values.size() < 2)
    return std::nullopt;
  std::ranges::sort(values);
  size_t skip = values.size() >= 5 ? 1 : 0;
  double range = values[values.size() - 1 - skip] - values[skip];
  return range / 2 / median(std::move(values));
}

double nowNs() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<Timing> measureAlternating(const std::vector<Contestant> &all,
                                       const TimingOptions &options) {
  std::vector<Plan> plans;
  for (const Contestant &contestant : all)
    plans.push_back(planFor(contestant, options));
  for (int block = 0; block < options.blocks; ++block) {
    for (size_t i = 0; i < all.size(); ++i)
      if (plans[i].alive)
        runBlock(all[i], plans[i], options);
    if (options.afterRound)
      options.afterRound();
  }
  std::vector<Timing> timings(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    if (!plans[i].alive)
      continue;
    timings[i] = {median(plans[i].blockMedians), plans[i].minNs, plans[i].taken,
                  spreadOf(plans[i].blockMedians)};
  }
  return timings;
}

} // namespace fusilli::bench
