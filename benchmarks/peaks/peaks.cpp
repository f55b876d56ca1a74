// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses the loops for the target and runs them on pinned threads that start
// together. A rate counts the work of all threads over the time from the start
// to the end of the last.

#include "benchmarks/peaks/peaks.h"
#include "benchmarks/timing.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string_view>
#include <thread>

namespace fusilli::bench {

namespace {

constexpr int kTimesMet = 4;
constexpr size_t kLeastFootprint = size_t(1) << 18;
/// Bytes that a block of the read loop passes over at least.
constexpr size_t kReadPerBlock = size_t(8) << 20;

std::optional<double> medianOf(const std::vector<double> &values,
                               size_t first) {
  if (values.size() <= first)
    return std::nullopt;
  return median(
      {values.begin() + static_cast<std::ptrdiff_t>(first), values.end()});
}

} // namespace

bool targetHas(const std::string &target, const char *feature) {
  std::string_view name = feature;
  bool v4 = target == "x86-64-v4";
  bool v4Bf16 = target == "x86-64-v4-bf16";
  if (target == "x86-64-v3" &&
      (name.starts_with("avx512") || name.starts_with("amx")))
    return false;
  if ((v4 || v4Bf16) && name.starts_with("amx"))
    return false;
  if ((v4 || v4Bf16) && name == "avx512fp16")
    return false;
  if (v4 && (name == "avx512bf16" || name == "avx512vnni"))
    return false;
  return hasFeature(feature);
}

PeakMeter::PeakMeter(const std::string &target, int threads)
    : threads_(std::max(threads, 1)), avx512_(targetHas(target, "avx512f")),
      bf16Dot_(targetHas(target, "avx512bf16")),
      bf16Amx_(targetHas(target, "amx-bf16") && amxPermission()),
      i8Dot_(targetHas(target, "avx512vnni")) {}

double PeakMeter::best(int leastBlocks, int mostBlocks,
                       const std::function<double(int)> &work) const {
  std::atomic<int> waiting{0}, done{0}, turn{0};
  std::vector<double> units(static_cast<size_t>(threads_));
  auto helper = [&](int index) {
    pinThisThread(index);
    for (int block = 1;; ++block) {
      ++waiting;
      while (turn.load() >= 0 && turn.load() < block)
        std::this_thread::yield();
      if (turn.load() < 0)
        return;
      units[static_cast<size_t>(index)] = work(index);
      ++done;
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads_; ++i)
    helpers.emplace_back(helper, i);
  // Until the best rate was met a few times: on a quiet machine at once, under
  // load once enough blocks fell between the interruptions.
  double rate = 0;
  int met = 0;
  for (int block = 1; block <= mostBlocks; ++block) {
    while (waiting.load() < (threads_ - 1) * block)
      std::this_thread::yield();
    double start = nowNs();
    turn = block;
    double sum = units[0] = work(0);
    while (done.load() < (threads_ - 1) * block)
      std::this_thread::yield();
    double elapsed = nowNs() - start;
    for (int i = 1; i < threads_; ++i)
      sum += units[static_cast<size_t>(i)];
    double now = sum / elapsed;
    met = now > rate * 1.02 ? 1 : met + (now > rate * 0.98);
    rate = std::max(rate, now);
    if (block >= leastBlocks && met >= kTimesMet)
      break;
  }
  turn = -1;
  for (std::thread &thread : helpers)
    thread.join();
  return rate;
}

void PeakMeter::measureArithmetic() {
  // About a third of a millisecond a block: short enough to fit between two
  // ticks of other load, long enough for the clock.
  constexpr int kLeast = 12, kMost = 300;
  constexpr int64_t kRounds = 60000;
  auto loop = [&](std::vector<double> &values, double (*work)(int64_t)) {
    values.push_back(best(kLeast, kMost, [&](int) { return work(kRounds); }));
  };
  loop(f32_, avx512_ ? fmaLoopAvx512 : fmaLoopAvx2);
  if (bf16Dot_)
    loop(dot_, dotLoopAvx512Bf16);
  if (bf16Amx_)
    loop(amx_, dotLoopAmxBf16);
  loop(i8_, i8Dot_ ? dotLoopAvx512I8 : dotLoopAvx2I8);
}

void PeakMeter::measureMemory(double footprint) {
  if (!from_) {
    from_ = BigBuffer(kStreamBytes);
    to_ = BigBuffer(kStreamBytes);
  }
  if (!from_ || !to_)
    return;
  constexpr int kLeast = 3, kMost = 6;
  size_t slice = kStreamBytes / static_cast<size_t>(threads_) / 4096 * 4096;
  auto offset = [&](int index) { return slice * static_cast<size_t>(index); };
  double plain = best(kLeast, kMost, [&](int index) {
    std::memcpy(to_.data() + offset(index), from_.data() + offset(index),
                slice);
    return 2.0 * double(slice);
  });
  auto *copy = avx512_ ? streamCopyAvx512 : streamCopyAvx2;
  double streamed = best(kLeast, kMost, [&](int index) {
    copy(to_.data() + offset(index), from_.data() + offset(index), slice);
    return 2.0 * double(slice);
  });
  copy_.push_back(std::max(plain, streamed));
  read_.push_back(bestRead(footprint));
}

double PeakMeter::bestRead(double footprint) const {
  constexpr int kLeast = 2, kMost = 4;
  auto wanted = static_cast<size_t>(
      std::clamp(footprint, double(kLeastFootprint), double(kStreamBytes)));
  size_t slice = wanted / static_cast<size_t>(threads_) / 4096 * 4096;
  size_t passes = std::max<size_t>(1, kReadPerBlock / slice);
  static std::atomic<float> sink;
  double rate = 0;
  for (auto *read : {streamReadAvx2, streamReadAvx512}) {
    if (read == streamReadAvx512 && !avx512_)
      continue;
    for (int streams : {1, 2, 4, 8}) {
      rate = std::max(rate, best(kLeast, kMost, [&](int index) {
                        const char *from =
                            from_.data() + slice * static_cast<size_t>(index);
                        for (size_t pass = 0; pass < passes; ++pass)
                          sink = read(from, slice, streams);
                        return double(slice * passes);
                      }));
    }
  }
  return rate;
}

PeakValues PeakMeter::values(size_t first) const {
  return {medianOf(f32_, first),  medianOf(dot_, first),
          medianOf(amx_, first),  medianOf(i8_, first),
          medianOf(copy_, first), medianOf(read_, first)};
}

} // namespace fusilli::bench
