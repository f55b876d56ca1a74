// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measures the multiply-add peak; reads /proc. See machine.h.
#include "machine.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

namespace digits {

// Twelve chains: enough to hide the latency of a multiply-add (4 cycles) on
// CPUs that start two in a cycle, few enough for 16 registers.
static constexpr int kChains = 12;
static constexpr long kRounds = 200000;

using Vector8 = float __attribute__((vector_size(32)));
using Vector16 = float __attribute__((vector_size(64)));

// One copy of the loop for each width: a function with a target attribute does
// not take part in templates or inlining across widths.
#define DIGITS_PEAK_LOOP(NAME, TARGET, VECTOR)                                 \
  __attribute__((target(TARGET), noinline)) static float NAME(float seed) {    \
    VECTOR a = VECTOR{} + seed, b = VECTOR{} + (1.0f - seed);                  \
    VECTOR chain[kChains];                                                     \
    for (int i = 0; i < kChains; ++i)                                          \
      chain[i] = VECTOR{} + static_cast<float>(i);                             \
    for (long round = 0; round < kRounds; ++round)                             \
      for (int i = 0; i < kChains; ++i)                                        \
        chain[i] = chain[i] * a + b;                                           \
    for (int i = 1; i < kChains; ++i)                                          \
      chain[0] += chain[i];                                                    \
    return chain[0][0];                                                        \
  }
DIGITS_PEAK_LOOP(peakLoop8, "avx2,fma", Vector8)
DIGITS_PEAK_LOOP(peakLoop16, "avx512f", Vector16)
#undef DIGITS_PEAK_LOOP

static double measureOnce(bool wide) {
  using Clock = std::chrono::steady_clock;
  volatile float seed = 0.999f;
  volatile float sink = 0.0f;
  auto begin = Clock::now();
  sink = wide ? peakLoop16(seed) : peakLoop8(seed);
  (void)sink;
  std::chrono::duration<double> time = Clock::now() - begin;
  double operations = 2.0 * kChains * kRounds * (wide ? 16 : 8);
  return operations / time.count() * 1e-9;
}

double measurePeakGflops(int threads) {
  bool wide = __builtin_cpu_supports("avx512f");
  std::vector<double> best(static_cast<size_t>(std::max(threads, 1)), 0.0);
  std::vector<std::thread> team;
  for (double &mine : best)
    team.emplace_back([&mine, wide] {
      for (int i = 0; i < 15; ++i)
        mine = std::max(mine, measureOnce(wide));
    });
  double sum = 0;
  for (size_t i = 0; i < team.size(); ++i) {
    team[i].join();
    sum += best[i];
  }
  return sum;
}

int usableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return 1;
  return CPU_COUNT(&set);
}

size_t peakResidentBytes() {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    size_t kibibytes = 0;
    if (word == "VmHWM:" && file >> kibibytes)
      return kibibytes * 1024;
  }
  return 0;
}

std::vector<std::string> mappedFiles(const std::vector<std::string> &words) {
  std::ifstream file("/proc/self/maps");
  std::vector<std::string> result;
  std::string line;
  while (std::getline(file, line)) {
    size_t path = line.find('/');
    if (path == std::string::npos)
      continue;
    std::string name = line.substr(line.rfind('/') + 1);
    bool hit = std::any_of(words.begin(), words.end(), [&](auto &word) {
      return name.find(word) != std::string::npos;
    });
    if (hit && std::find(result.begin(), result.end(), name) == result.end())
      result.push_back(name);
  }
  return result;
}

} // namespace digits
