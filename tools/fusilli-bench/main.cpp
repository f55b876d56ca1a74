// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-bench: command line in, table and JSON out. All work is done in the
// library of the benchmarks folder.

#include "benchmarks/bench.h"
#include "benchmarks/compare.h"
#include "benchmarks/startup.h"
#include "benchmarks/timing.h"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using fusilli::ErrorObject;
using fusilli::ErrorOr;
using namespace fusilli::bench;

constexpr int kUsage = 2;
constexpr int kFailed = 3;

constexpr const char *kDescription =
    "Measures problems through Fusilli, through other libraries, and the "
    "machine's own peaks, all in one run in alternating blocks.";

constexpr const char *kFooter = R"(Problem lines:
  matmul 1024x1024x1024 f32 [ta] [tb] [bias] [relu|gelu]       MxNxK
  batch_matmul 8x512x512x64 bf16 [ta] [tb] [bias] [relu|gelu]  BxMxNxK
  conv n1c64h56w56 k64r3s3 [g1] pad1 stride1 f32 nhwc [bias] [relu|gelu]
  conv n1c32w110250 k32s2 f32 nchw         one to three spatial dims
  conv n256c3d2h14w14 k1280t2r14s14 f32 nchw
  conv_dgrad, conv_wgrad n1c64h56w56 k64r3s3 pad1 f32 nhwc
  pointwise 2048x4096 f32 add,mul,gelu
  reduce 2048x4096 f32 sum axis1           several axes: axis0,2
  sdpa b1hq8hk8s512d64 f32 [causal] [mask]
  layernorm|rmsnorm|softmax 2048x4096 f32 axis1
  batchnorm n8c64h56w56 f32 nhwc           training
each with the words: const (second operand constant), views (first operand with
padded rows), dynamic (batch, rows or sequence dynamic; dynamic16: compiled for 16)

Exit codes: 0 done; 1 a result exceeds its error bound, or --compare found a
loss; 2 wrong usage; 3 a problem could not be compiled or run.)";

/// Values of the command line before they are understood.
struct Arguments {
  std::vector<std::string> lines, sets, compare, reports;
  std::string peers = "all", json;
  bool explain = false;
  BenchOptions options;
};

void declare(CLI::App &app, Arguments &arguments) {
  app.footer(kFooter);
  app.set_version_flag("--version", FUSILLI_BENCH_VERSION);
  app.add_option("--problem", arguments.lines,
                 "problem line in quotes; may be given several times")
      ->type_name("LINE")
      ->allow_extra_args(false);
  app.add_option("--set", arguments.sets,
                 "file of problem lines, '#' starts a comment")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--threads", arguments.options.threads,
                 "threads of Fusilli, the peers and the peaks")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--target", arguments.options.target,
                 "what to compile for; peaks and peers are limited to it")
      ->check(CLI::IsMember(
          {"host", "x86-64-v3", "x86-64-v4", "x86-64-v4-bf16", "x86-64-amx"}))
      ->capture_default_str();
  app.add_option("--peers", arguments.peers,
                 "libraries to compare with: names with commas, all or none")
      ->type_name("LIST")
      ->capture_default_str();
  app.add_option("--json", arguments.json,
                 "write the report as JSON, - for standard output")
      ->type_name("FILE");
  app.add_option(
         "--compare", arguments.compare,
         "older report in JSON to compare with, exit code 1 where a "
         "line lost more than 5 % and the noise; several count together")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--report", arguments.reports,
                 "with --compare: compare this report, measure nothing")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--repeat", arguments.options.repeat,
                 "blocks per side, and compiles of each kind")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--block-ms", arguments.options.blockMs,
                 "time of one block in milliseconds")
      ->check(CLI::Range(0.01, 60000.0))
      ->capture_default_str();
  app.add_flag("--explain", arguments.explain,
               "print the kernels of each problem as the graph explains them: "
               "nodes, strategy, schedule, workgroups, scratch, time");
  app.add_flag("--overhead", arguments.options.overhead,
               "measure what a call costs");
  app.add_flag("--sharing", arguments.options.sharing,
               "measure an idle process and one with more calling threads than "
               "processors");
  app.add_flag("--scaling", arguments.options.scaling,
               "measure how the time of a cold compile grows with the graph");
  app.add_flag("--startup", arguments.options.startup,
               "measure a fresh process from main to its first result");
}

int usage(const std::string &message) {
  std::cerr << "fusilli-bench: " << message
            << "\nrun fusilli-bench --help for the options\n";
  return kUsage;
}

/// Reads problems and peers. Returns a message where they are wrong.
std::string understand(Arguments &arguments) {
  BenchOptions &options = arguments.options;
  std::string error;
  for (const std::string &line : arguments.lines) {
    std::optional<Problem> problem = parseProblem(line, error);
    if (!problem)
      return error;
    options.problems.push_back(std::move(*problem));
  }
  for (const std::string &path : arguments.sets) {
    std::optional<std::vector<Problem>> set = readProblemSet(path, error);
    if (!set)
      return error;
    options.problems.insert(options.problems.end(), set->begin(), set->end());
  }
  if (!arguments.reports.empty()) {
    if (arguments.compare.empty())
      return "--report needs --compare";
    if (!options.problems.empty())
      return "--report measures nothing: no --problem or --set beside it";
    return "";
  }
  if (options.problems.empty() && !options.overhead && !options.scaling &&
      !options.sharing && !options.startup)
    return "nothing to measure: give --problem LINE, --set FILE, --overhead, "
           "--scaling, --sharing or --startup";
  ErrorOr<std::vector<std::string>> peers = parsePeerList(arguments.peers);
  if (isError(peers))
    return ErrorObject(peers).getMessage();
  options.peers = std::move(*peers);
  return "";
}

bool writeJson(const Report &report, const std::string &path) {
  std::string text = toJson(report).dump(2) + "\n";
  if (path == "-") {
    std::cout << text;
    return true;
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    std::cerr << "fusilli-bench: cannot write '" << path << "'\n";
  return bool(file);
}

int failed(const std::string &message) {
  std::cerr << "fusilli-bench: " << message << "\n";
  return kFailed;
}

/// Compares with the older reports. Returns the exit code.
int compareWith(const ReportedRun &before, const ReportedRun &now,
                std::ostream &out) {
  Comparison comparison = compareRuns(before, now);
  printComparison(comparison, out);
  if (comparison.compared() == 0)
    return failed("no line was measured in both reports");
  return comparison.passes() ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  double start = nowNs();
  if (const char *folder = std::getenv(kStartupChild))
    return runStartupChild(folder, start);
  CLI::App app(kDescription, "fusilli-bench");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (std::string message = understand(arguments); !message.empty())
    return usage(message);
  std::string problem;
  std::optional<ReportedRun> before = readReports(arguments.compare, problem);
  if (!before)
    return failed(problem);
  if (!arguments.reports.empty()) {
    std::optional<ReportedRun> now = readReports(arguments.reports, problem);
    return now ? compareWith(*before, *now, std::cout) : failed(problem);
  }
  ErrorOr<Report> report = runBench(arguments.options);
  if (isError(report)) {
    std::cerr << "fusilli-bench: " << ErrorObject(report) << "\n";
    return kFailed;
  }
  if (arguments.json != "-") {
    printTable(*report, std::cout);
    if (arguments.explain)
      printExplanation(*report, std::cout);
  }
  if (!arguments.json.empty() && !writeJson(*report, arguments.json))
    return kFailed;
  int code = exitCodeOf(*report);
  if (arguments.compare.empty() || code == 1)
    return code;
  std::optional<ReportedRun> now =
      linesOf({nlohmann::json(toJson(*report))}, {"this run"}, problem);
  if (!now)
    return failed(problem);
  int compared =
      compareWith(*before, *now, arguments.json == "-" ? std::cerr : std::cout);
  return compared == 0 ? code : compared;
}
