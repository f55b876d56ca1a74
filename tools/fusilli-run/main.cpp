// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-run: runs a program on named .npy inputs.
#include "tools/fusilli-run/runner.h"

#include "fusilli/support/target_platform.h"

#ifdef FUSILLI_RUN_HAS_PEAKS
#include "benchmarks/peaks/peaks.h"
#endif

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

using namespace fusilli;
using namespace fusilli::run;

namespace {

constexpr int kExitFailure = 1; // the program or a file is wrong
constexpr int kExitUsage = 2;   // the command line is wrong

struct Options {
  std::string program;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  bool random = false;
  uint64_t seed = 1;
  std::string target;
  uint32_t threads = 0;
  unsigned repeat = 1;
  bool info = false;
  bool explain = false;
  bool json = false;
  bool time = false;
  bool allowSharedWritable = false;
};

using Files = std::map<std::string, std::string>; // file by tensor name

// "name=file" arguments; each must name a tensor of that kind, once.
ErrorOr<Files> parseFiles(const std::vector<std::string> &arguments,
                          const std::vector<Tensor> &signature, bool outputs) {
  const std::string kind = outputs ? "output" : "input";
  Files files;
  for (const std::string &argument : arguments) {
    size_t equal = argument.find('=');
    if (equal == std::string::npos || equal + 1 == argument.size())
      return error(ErrorCode::InvalidArgument,
                   "--" + kind + " " + argument + ": expected NAME=FILE");
    std::string name = argument.substr(0, equal);
    std::string known;
    bool found = false;
    for (const Tensor &tensor : signature) {
      if (tensor.isOutput != outputs)
        continue;
      found |= tensor.name == name;
      known += (known.empty() ? "'" : ", '") + tensor.name + "'";
    }
    if (!found)
      return error(ErrorCode::InvalidArgument,
                   "the program has no " + kind + " '" + name + "', it has " +
                       (known.empty() ? "none" : known));
    if (!files.emplace(name, argument.substr(equal + 1)).second)
      return error(ErrorCode::InvalidArgument,
                   kind + " '" + name + "' is given twice");
  }
  return ok(std::move(files));
}

void printInfo(const Runner &runner, size_t bytes) {
  const fbs::Artifact &artifact = runner.artifact();
  auto text = [](const flatbuffers::String *s) { return s ? s->str() : ""; };
  size_t codeSize = 0;
  if (artifact.executables())
    for (const fbs::Executable *executable : *artifact.executables())
      codeSize += executable->bytes() ? executable->bytes()->size() : 0;
  std::cout << "artifact:  " << bytes << " bytes, backend "
            << text(artifact.backend()) << ", target "
            << text(artifact.target()) << ", compiler "
            << text(artifact.compiler_version()) << "\n"
            << "workspace: " << artifact.workspace_size() << " bytes, prepared "
            << artifact.prepared_size() << " bytes\n"
            << "code:      " << codeSize << " bytes, constants "
            << (artifact.constants() ? artifact.constants()->size() : 0)
            << " bytes\n";
  for (const Tensor &tensor : runner.signature())
    std::cout << (tensor.isOutput ? "output " : "input  ") << tensor.name
              << ": " << typeText(tensor) << "\n";
  if (!artifact.entries())
    return;
  for (const fbs::Entry *entry : *artifact.entries()) {
    std::cout << "kernel " << text(entry->name()) << ": strategy "
              << text(entry->strategy()) << ", " << entry->flops() << " flops, "
              << entry->bytes() << " bytes, nodes";
    if (entry->nodes())
      for (const flatbuffers::String *node : *entry->nodes())
        std::cout << " " << node->str();
    std::cout << "\n";
  }
}

// Contents of every argument; outputs stay empty.
ErrorOr<std::vector<std::vector<uint8_t>>>
readInputs(const Options &options, const std::vector<Tensor> &signature,
           const Files &files) {
  std::vector<std::vector<uint8_t>> contents(signature.size());
  for (size_t i = 0; i < signature.size(); ++i) {
    const Tensor &tensor = signature[i];
    if (tensor.isOutput)
      continue;
    if (auto it = files.find(tensor.name); it != files.end()) {
      FUSILLI_ASSIGN_OR_RETURN(npy::Array array, npy::read(it->second));
      ErrorOr<std::vector<uint8_t>> bytes = toPhysical(tensor, array);
      if (isError(bytes)) {
        ErrorObject status(bytes);
        return error(status.getCode(), it->second + ": " + status.getMessage());
      }
      contents[i] = std::move(*bytes);
    } else if (options.random) {
      FUSILLI_ASSIGN_OR_RETURN(contents[i],
                               randomContents(tensor, options.seed));
    } else {
      return error(ErrorCode::InvalidArgument,
                   "input '" + tensor.name + "' (" + typeText(tensor) +
                       ") is missing; give --input " + tensor.name +
                       "=FILE.npy, or --random for all that are missing");
    }
  }
  return ok(std::move(contents));
}

// The peaks of this machine for a target's roofline; none in a build without
// the benchmarks.
MachinePeaks measurePeaks([[maybe_unused]] const std::string &target,
                          [[maybe_unused]] uint32_t threads) {
  MachinePeaks peaks;
#ifdef FUSILLI_RUN_HAS_PEAKS
  bench::PeakMeter meter(target, static_cast<int>(threads));
  for (int i = 0; i < 3; ++i) {
    meter.measureArithmetic();
    meter.measureMemory();
  }
  const bench::PeakValues values = meter.values();
  peaks.gflops = values.f32.value_or(0);
  peaks.gbps = values.read.value_or(0);
#endif
  return peaks;
}

ErrorObject explainProgram(const Options &options, Runner &runner) {
  Explanation explanation = runner.explain(options.program);
  if (options.time) {
    const std::vector<Tensor> &signature = runner.signature();
    FUSILLI_ASSIGN_OR_RETURN(Files inputs,
                             parseFiles(options.inputs, signature, false));
    FUSILLI_ASSIGN_OR_RETURN(std::vector<std::vector<uint8_t>> contents,
                             readInputs(options, signature, inputs));
    FUSILLI_ASSIGN_OR_RETURN(explanation,
                             runner.explain(options.program, contents,
                                            std::max(11u, options.repeat)));
    explanation.peaks = measurePeaks(explanation.target, runner.threads());
  }
  std::cout << (options.json ? explanation.toJson() : explanation.toText());
  return ok();
}

ErrorObject runProgram(const Options &options) {
  FUSILLI_ASSIGN_OR_RETURN(
      std::vector<uint8_t> artifact,
      artifactOf(options.program, options.allowSharedWritable));
  FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Runner> runner,
                           Runner::create(artifact, options.threads));
  if (options.info) {
    printInfo(*runner, artifact.size());
    if (options.inputs.empty() && options.outputs.empty() && !options.random)
      return ok();
  }
  if (options.explain)
    return explainProgram(options, *runner);
  const std::vector<Tensor> &signature = runner->signature();
  FUSILLI_ASSIGN_OR_RETURN(Files inputs,
                           parseFiles(options.inputs, signature, false));
  FUSILLI_ASSIGN_OR_RETURN(Files outputs,
                           parseFiles(options.outputs, signature, true));
  FUSILLI_ASSIGN_OR_RETURN(std::vector<std::vector<uint8_t>> contents,
                           readInputs(options, signature, inputs));
  FUSILLI_ASSIGN_OR_RETURN(double time, runner->run(contents, options.repeat));
  if (options.repeat > 1)
    std::printf("median of %u runs: %.2f us (%u threads)\n", options.repeat,
                time, runner->threads());
  for (size_t i = 0; i < signature.size(); ++i) {
    auto it = outputs.find(signature[i].name);
    if (!signature[i].isOutput || it == outputs.end())
      continue;
    FUSILLI_ASSIGN_OR_RETURN(npy::Array array,
                             toLogical(signature[i], contents[i]));
    FUSILLI_CHECK_ERROR(npy::write(it->second, array));
  }
  return ok();
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Runs a compiled artifact (--info needs nothing else), or "
               "compiles and runs a GraphDef, GraphDef JSON or fusilli-dialect "
               "text.\nExit codes: 0 success, 1 wrong program, file or run, 2 "
               "wrong command line.");
  app.set_version_flag("--version", "fusilli-run " FUSILLI_RUN_VERSION);
  app.add_option("program", options.program,
                 "artifact, GraphDef bytes, GraphDef JSON or dialect text")
      ->required();
  app.add_option("--input", options.inputs,
                 "NAME=FILE.npy: an input in its logical shape (bf16 as <u2, "
                 "Boolean as |b1)")
      ->allow_extra_args(false);
  app.add_option("--output", options.outputs,
                 "NAME=FILE.npy: where to write an output, in its logical "
                 "shape")
      ->allow_extra_args(false);
  app.add_flag("--random", options.random,
               "random contents for the inputs that are not given");
  app.add_option("--seed", options.seed, "seed of --random")
      ->capture_default_str();
  app.add_option("--target", options.target,
                 "target to compile for: host, x86-64-v3, x86-64-v4, "
                 "x86-64-v4-bf16 (default: FUSILLI_TARGET, else host)");
  app.add_option("--threads", options.threads,
                 "threads, 0 for all that this process may use")
      ->check(CLI::Range(0u, 1024u));
  app.add_option("--repeat", options.repeat,
                 "run this often and print the median time")
      ->check(CLI::PositiveNumber);
  app.add_flag("--info", options.info,
               "print signature and kernels; runs only if inputs are given");
  CLI::Option *explain =
      app.add_flag("--explain", options.explain,
                   "print what the program does, kernel by kernel: nodes, "
                   "strategy and why earlier ones declined, schedule, "
                   "workgroups, scratch, work");
  app.add_flag("--json", options.json, "with --explain: as JSON")
      ->needs(explain);
  app.add_flag("--time", options.time,
               "with --explain: run it, and print the time of each kernel and "
               "its fraction of the f32 roofline of this machine (at least 11 "
               "runs, see --repeat)")
      ->needs(explain);
  app.add_flag("--allow-shared-writable", options.allowSharedWritable,
               "run an artifact file that others can write, too: it is machine "
               "code and gets your rights (also: "
               "FUSILLI_ALLOW_SHARED_WRITABLE=1)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &parseError) {
    return app.exit(parseError) == 0 ? 0 : kExitUsage;
  }
  if (!options.target.empty())
    setEnv("FUSILLI_TARGET", options.target.c_str());
  ErrorObject status = runProgram(options);
  if (isOk(status))
    return 0;
  std::cerr << "fusilli-run: " << options.program << ": " << status << "\n";
  return kExitFailure;
}
