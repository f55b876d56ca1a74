// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts subject, peers and peaks into one run per problem.

#include "benchmarks/bench.h"
#include "benchmarks/check.h"
#include "benchmarks/data.h"
#include "benchmarks/machine.h"
#include "benchmarks/overhead.h"
#include "benchmarks/peaks/peaks.h"
#include "benchmarks/peers/peer.h"
#include "benchmarks/scaling.h"
#include "benchmarks/sharing.h"
#include "benchmarks/startup.h"
#include "benchmarks/subject.h"

#include <algorithm>
#include <sstream>

namespace fusilli::bench {

namespace {

constexpr uint64_t kSeed = 20;
/// Multiplications or elements that the reference works on per problem.
constexpr double kCheckBudget = 3e6;

/// A variant of a peer among the contestants.
struct Entry {
  std::string peer, variant;
};

/// Measures one problem after another on one subject.
class Runner {
public:
  Runner(const BenchOptions &options, Subject &subject, PeakMeter &peaks)
      : options_(options), subject_(subject), peaks_(peaks) {
    for (Peer &peer : availablePeers(options.target))
      if (std::ranges::find(options.peers, peer.name) != options.peers.end())
        peers_.push_back(std::move(peer));
  }

  ProblemResult run(const Problem &problem) {
    ProblemResult result;
    result.problem = problem;
    result.target = options_.target;
    result.threads = options_.threads;
    ProblemData data = makeData(problem, kSeed);
    ErrorOr<PreparedProblem> prepared = subject_.prepare(data, options_.repeat);
    if (isError(prepared)) {
      std::ostringstream text;
      text << ErrorObject(prepared);
      result.failure = text.str();
      return result;
    }
    result.coldMs = prepared->coldMs;
    result.cachedMs = prepared->cachedMs;
    result.firstUs = prepared->firstUs;
    result.kernels = prepared->kernels;
    pinNewThreads();
    measure(*prepared, data, result);
    if (result.failure.empty())
      explain(*prepared, result);
    if (result.failure.empty())
      check(*prepared, data, result);
    return result;
  }

private:
  void measure(const PreparedProblem &prepared, const ProblemData &data,
               ProblemResult &result) {
    std::vector<Contestant> contestants = {
        {[&] { return isOk(subject_.run(prepared)); }}};
    std::vector<Entry> entries = {{}};
    for (const Peer &peer : peers_) {
      PeerPlan plan = peer.prepare(data, options_.threads);
      if (!plan.unsupported.empty())
        result.peers[peer.name].unsupported = plan.unsupported;
      for (PeerVariant &variant : plan.variants) {
        variant.call(); // its workers start here
        contestants.push_back({std::move(variant.call)});
        entries.push_back({peer.name, variant.label});
      }
      pinNewThreads();
    }
    TimingOptions timing;
    timing.blocks = options_.repeat;
    timing.blockNs = options_.blockMs * 1e6;
    timing.settle = waitForQuietThreads;
    size_t before = peaks_.count();
    double footprint = data.problem.bytes();
    timing.afterRound = [&] {
      peaks_.measureArithmetic();
      peaks_.measureMemory(footprint);
    };
    std::vector<Timing> timings = measureAlternating(contestants, timing);
    result.peaks = peaks_.values(before);
    result.timing = timings[0];
    if (!timings[0].samples)
      result.failure = "an execute failed while it was timed";
    for (size_t i = 1; i < timings.size(); ++i)
      keepBest(result.peers[entries[i].peer], timings[i], entries[i].variant);
  }

  static void keepBest(PeerResult &peer, const Timing &timing,
                       const std::string &variant) {
    if (!timing.samples)
      return;
    if (peer.timing.samples && peer.timing.medianNs <= timing.medianNs)
      return;
    peer = {"", timing, variant};
  }

  void explain(const PreparedProblem &prepared, ProblemResult &result) {
    ErrorOr<Explanation> explanation =
        subject_.explain(prepared, options_.repeat);
    if (isError(explanation)) {
      std::ostringstream text;
      text << "the program cannot be explained: " << ErrorObject(explanation);
      result.failure = text.str();
      return;
    }
    explanation->peaks = {arithmeticPeakOf(result).value_or(0),
                          result.peaks.copy.value_or(0)};
    result.explanation = explanation->toText();
    for (const KernelExplanation &kernel : explanation->kernels)
      result.kernelList.push_back(kernelOf(kernel));
  }

  static KernelInfo kernelOf(const KernelExplanation &explained) {
    KernelInfo kernel{.name = explained.name,
                      .strategy = explained.strategy,
                      .schedule = explained.schedule,
                      .nodes = explained.nodes,
                      .workgroups = {},
                      .flops = double(explained.flops),
                      .bytes = double(explained.bytes),
                      .localMemory = double(explained.scratchBytes),
                      .isPrepared = explained.isPrepared,
                      .timeUs = {}};
    if (!explained.hasSymbolicWorkgroups) {
      kernel.workgroups = 1;
      for (uint32_t count : explained.workgroups)
        *kernel.workgroups *= count;
    }
    if (explained.microseconds > 0)
      kernel.timeUs = explained.microseconds;
    return kernel;
  }

  void check(const PreparedProblem &prepared, const ProblemData &data,
             ProblemResult &result) {
    BigBuffer output;
    ErrorObject status = subject_.readOutput(prepared, data.problem, output);
    if (isOk(status)) {
      ErrorOr<CheckResult> checked =
          checkSample(sampleProblem(data, output.data(), kCheckBudget));
      if (isOk(checked)) {
        result.maxError = checked->maxError;
        result.errorBound = checked->errorBound;
        return;
      }
      status = ErrorObject(checked);
    }
    std::ostringstream text;
    text << "the result could not be checked: " << status;
    result.failure = text.str();
  }

  const BenchOptions &options_;
  Subject &subject_;
  PeakMeter &peaks_;
  std::vector<Peer> peers_;
};

/// The read peak depends on the size: the machine's is the highest of the run's
/// large problems, so that none of them exceeds it, else that of the most
/// bytes.
std::optional<double> readPeakOf(const std::vector<ProblemResult> &problems,
                                 PeakMeter &peaks) {
  constexpr double kLarge = 16e6;
  std::optional<double> highest;
  for (const ProblemResult &result : problems)
    if (result.problem.bytes() >= kLarge)
      highest = std::max(highest, result.peaks.read);
  if (!highest) {
    size_t before = peaks.count();
    peaks.measureArithmetic();
    peaks.measureMemory();
    highest = peaks.values(before).read;
  }
  return highest;
}

} // namespace

ErrorOr<std::vector<std::string>> parsePeerList(const std::string &list) {
  std::vector<std::string> names;
  if (list == "none")
    return names;
  std::vector<std::string> known = knownPeers();
  std::vector<std::string> built = builtPeers();
  if (list == "all")
    return built;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ',');) {
    FUSILLI_RETURN_ERROR_IF(std::ranges::find(known, name) == known.end(),
                            ErrorCode::InvalidArgument,
                            "unknown peer '" + name +
                                "', expected none, all or onednn");
    FUSILLI_RETURN_ERROR_IF(std::ranges::find(built, name) == built.end(),
                            ErrorCode::InvalidArgument,
                            "this build has no peer '" + name +
                                "': install libdnnl-dev and configure again");
    names.push_back(name);
  }
  FUSILLI_RETURN_ERROR_IF(names.empty(), ErrorCode::InvalidArgument,
                          "the list of peers is empty");
  return names;
}

ErrorOr<Report> runBench(const BenchOptions &options) {
  startCpus();
  Report report;
  report.machine.cpu = cpuName();
  report.machine.features = cpuFeatureNames();
  report.machine.threads = options.threads;
  report.machine.version = FUSILLI_BENCH_VERSION;
  report.machine.commit = FUSILLI_BENCH_COMMIT;
  PeakMeter peaks(options.target, options.threads);
  if (!options.problems.empty()) {
    FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Subject> subject,
                             Subject::create(options.target, options.threads));
    pinNewThreads();
    Runner runner(options, *subject, peaks);
    for (const Problem &problem : options.problems)
      report.problems.push_back(runner.run(problem));
  }
  std::optional<double> read = readPeakOf(report.problems, peaks);
  report.machine.peaks = peaks.values();
  report.machine.peaks.read = read;
  if (options.startup) {
    FUSILLI_ASSIGN_OR_RETURN(
        report.startup,
        measureStartup(options.target, options.threads, options.repeat));
  }
  if (options.scaling) {
    FUSILLI_ASSIGN_OR_RETURN(report.scaling,
                             measureScaling(options.target, options.repeat));
  }
  if (options.overhead) {
    FUSILLI_ASSIGN_OR_RETURN(report.overhead,
                             measureOverhead(options.target, options.repeat));
  }
  if (options.sharing) {
    FUSILLI_ASSIGN_OR_RETURN(report.sharing,
                             measureSharing(options.target, options.repeat));
  }
  return report;
}

} // namespace fusilli::bench
