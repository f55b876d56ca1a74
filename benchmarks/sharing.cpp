// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Throughput is executes per second over all callers, counted while all of
// them run; few and many callers take turns, and the ratio is that of the
// medians.

#include "benchmarks/sharing.h"
#include "benchmarks/machine.h"
#include "benchmarks/subject.h"
#include "benchmarks/timing.h"

#include <atomic>
#include <barrier>
#include <chrono>
#include <sys/resource.h>
#include <thread>

namespace fusilli::bench {

namespace {

constexpr const char *kLines[] = {
    "pointwise 1 f32 add",
    "pointwise 65536 f32 add",
    "matmul 256x256x256 f32",
};
constexpr int kCallersPerCpu = 4;
constexpr std::chrono::milliseconds kBlock{300};
constexpr std::chrono::seconds kIdle{10};

double processCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval &t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Executes per second of the first 'count' callers; nothing if one fails.
std::optional<double> throughput(const Subject &subject,
                                 const std::vector<PreparedProblem> &callers,
                                 size_t count) {
  std::atomic<bool> stop{false}, failed{false};
  std::atomic<int64_t> calls{0};
  std::barrier start(static_cast<std::ptrdiff_t>(count) + 1);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      unpinThisThread();
      if (!isOk(subject.run(callers[i])))
        failed = true;
      start.arrive_and_wait();
      int64_t mine = 0;
      for (; !stop.load(std::memory_order_relaxed); ++mine)
        if (!isOk(subject.run(callers[i])))
          failed = true;
      calls += mine;
    });
  start.arrive_and_wait();
  double begin = nowNs();
  std::this_thread::sleep_for(kBlock);
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
  double seconds = (nowNs() - begin) * 1e-9;
  if (failed)
    return std::nullopt;
  return static_cast<double>(calls) / seconds;
}

ErrorOr<double> oversubscribedRatio(Subject &subject, const std::string &line,
                                    size_t cpus, int repeat) {
  std::string unused;
  std::vector<PreparedProblem> callers;
  for (size_t i = 0; i < cpus * kCallersPerCpu; ++i) {
    ProblemData data = makeData(*parseProblem(line, unused), i + 1);
    FUSILLI_ASSIGN_OR_RETURN(PreparedProblem prepared,
                             subject.prepareOnce(data));
    callers.push_back(std::move(prepared));
  }
  std::vector<double> few, many;
  for (int i = 0; i < repeat; ++i) {
    for (auto [count, rates] :
         {std::pair(cpus, &few), std::pair(callers.size(), &many)}) {
      std::optional<double> rate = throughput(subject, callers, count);
      FUSILLI_RETURN_ERROR_IF(!rate, ErrorCode::RuntimeFailure,
                              "an execute of '" + line + "' failed");
      rates->push_back(*rate);
    }
  }
  return median(many) / median(few);
}

} // namespace

ErrorOr<SharingResult> measureSharing(const std::string &target, int repeat) {
  unpinThisThread();
  size_t cpus = startCpus().size();
  FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Subject> subject,
                           Subject::create(target, static_cast<int>(cpus)));
  SharingResult result;
  result.cpus = static_cast<int>(cpus);
  result.callers = static_cast<int>(cpus) * kCallersPerCpu;
  for (const char *line : kLines) {
    FUSILLI_ASSIGN_OR_RETURN(double ratio,
                             oversubscribedRatio(*subject, line, cpus, repeat));
    result.throughputRatios.emplace_back(line, ratio);
  }
  // The pool is warm now.
  double before = processCpuSeconds(), begin = nowNs();
  std::this_thread::sleep_for(kIdle);
  result.idleCoreFraction =
      (processCpuSeconds() - before) / ((nowNs() - begin) * 1e-9);
  return result;
}

} // namespace fusilli::bench
