// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The child finds its settings in the environment that Fusilli reads anyway.

#include "benchmarks/startup.h"
#include "benchmarks/subject.h"
#include "benchmarks/timing.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace fusilli::bench {

namespace {

constexpr const char *kLine = "matmul 512x512x512 f32";

struct ChildOutcome {
  bool done = false;
  std::string text;
};

ChildOutcome startChild(const std::filesystem::path &program) {
  ChildOutcome outcome;
  FILE *pipe = popen(("'" + program.string() + "' 2>&1").c_str(), "r");
  if (!pipe)
    return outcome;
  std::array<char, 512> part;
  while (size_t size = fread(part.data(), 1, part.size(), pipe))
    outcome.text.append(part.data(), size);
  outcome.done = pclose(pipe) == 0;
  return outcome;
}

ErrorOr<double> childMs(const std::filesystem::path &program) {
  ChildOutcome outcome = startChild(program);
  char *end = nullptr;
  double milliseconds = std::strtod(outcome.text.c_str(), &end);
  FUSILLI_RETURN_ERROR_IF(!outcome.done || end == outcome.text.c_str(),
                          ErrorCode::RuntimeFailure,
                          "the fresh process failed: " + outcome.text);
  return milliseconds;
}

ErrorOr<StartupResult> measureIn(const std::filesystem::path &folder,
                                 int repeat) {
  std::error_code code;
  std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe", code);
  FUSILLI_RETURN_ERROR_IF(bool(code), ErrorCode::FileSystemFailure,
                          "cannot find this program: " + code.message());
  setEnv(kStartupChild, folder.c_str());
  std::vector<double> cold, cached;
  for (int i = 0; i < repeat; ++i) {
    for (const auto &entry : std::filesystem::directory_iterator(folder, code))
      std::filesystem::remove_all(entry.path(), code);
    for (std::vector<double> *times : {&cold, &cached}) {
      FUSILLI_ASSIGN_OR_RETURN(double milliseconds, childMs(program));
      times->push_back(milliseconds);
    }
  }
  return StartupResult{kLine, median(cold), median(cached)};
}

} // namespace

ErrorOr<StartupResult> measureStartup(const std::string &target, int threads,
                                      int repeat) {
  std::error_code code;
  std::filesystem::path base = std::filesystem::temp_directory_path(code);
  std::string folder = (base / "fusilli-bench-XXXXXX").string();
  FUSILLI_RETURN_ERROR_IF(code || !mkdtemp(folder.data()),
                          ErrorCode::FileSystemFailure,
                          "cannot make a temporary folder '" + folder + "'");
  setEnv("FUSILLI_TARGET", target.c_str());
  setEnv("FUSILLI_NUM_THREADS", std::to_string(threads).c_str());
  ErrorOr<StartupResult> result = measureIn(folder, repeat);
  unsetEnv(kStartupChild);
  std::filesystem::remove_all(folder, code);
  return result;
}

int runStartupChild(const std::string &folder, double mainNs) {
  std::string unused;
  ProblemData data{*parseProblem(kLine, unused), {}};
  for (const TensorSpec &spec : inputSpecs(data.problem))
    data.inputs.emplace_back(
        static_cast<size_t>(spec.elements() * elementSize(data.problem.type)));
  ErrorOr<std::unique_ptr<Subject>> subject = Subject::open(folder);
  ErrorObject status = subject;
  if (isOk(status))
    status = ErrorObject((*subject)->prepareOnce(data));
  if (isError(status)) {
    std::cerr << status << "\n";
    return 1;
  }
  std::cout << (nowNs() - mainNs) * 1e-6 << "\n";
  return 0;
}

} // namespace fusilli::bench
