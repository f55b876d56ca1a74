// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "engine/compile.h"

#include "engine/backends.h"

#include "fusilli/support/extras.h"
#include "graph/graph_def.h"
#include "runtime/base/trace.h"

#include <cstdlib>
#include <map>
#include <mutex>

namespace fusilli::engine {
namespace {

// Flags for our compiler; those of IREE's are accepted and have no effect.
const std::vector<std::string> &extraFlags() {
  static const std::vector<std::string> flags = [] {
    std::vector<std::string> own;
    for (std::string &flag :
         parseCompilerFlags(std::getenv("FUSILLI_EXTRA_COMPILER_FLAGS")))
      if (!flag.starts_with("--iree-"))
        own.push_back(std::move(flag));
    return own;
  }();
  return flags;
}

// Asking the compiler is cheap, but not free: "host" reads CPUID.
ErrorOr<std::string> resolveCached(const Compiler &compiler,
                                   const std::string &name) {
  static std::mutex mutex;
  static std::map<std::pair<const Compiler *, std::string>, std::string> known;
  std::lock_guard<std::mutex> lock(mutex);
  auto key = std::make_pair(&compiler, name);
  if (auto it = known.find(key); it != known.end())
    return ok(it->second);
  FUSILLI_ASSIGN_OR_RETURN(std::string target, compiler.resolveTarget(name));
  known.emplace(std::move(key), target);
  return ok(std::move(target));
}

// Trailing white space does not change a program.
std::span<const uint8_t> trimmed(std::span<const uint8_t> text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' ||
                           text.back() == '\t' || text.back() == '\r'))
    text = text.first(text.size() - 1);
  return text;
}

} // namespace

ErrorOr<CompileTarget> currentCompileTarget(Backend backend) {
  const BackendInfo *info = findBackend(backend);
  if (!info) {
    auto it = kBackendToStr.find(backend);
    return error(
        ErrorCode::NotImplemented,
        "compiling for backend " +
            (it != kBackendToStr.end() ? it->second : std::string("UNKNOWN")) +
            " is not implemented, expected CPU");
  }
  CompileTarget target;
  FUSILLI_ASSIGN_OR_RETURN(target.compiler, Compiler::get());
  FUSILLI_ASSIGN_OR_RETURN(
      target.target,
      resolveCached(*target.compiler, info->target.empty()
                                          ? requestedTarget()
                                          : std::string(info->target)));
  target.flags = extraFlags();
  return ok(std::move(target));
}

std::string reproducingCommand(const CompileTarget &target,
                               const std::string &inputPath,
                               const std::string &outputPath) {
  std::string command = "fusilli-compile " + escapeArgument(inputPath) +
                        " --target=" + escapeArgument(target.target);
  for (const std::string &flag : target.flags)
    command += " " + escapeArgument(flag);
  return command + " -o " + escapeArgument(outputPath) + "\n";
}

ErrorOr<StoreKey> compileKey(const CompileInput &input,
                             const CompileTarget &target) {
  StoreKeyInputs inputs{.program = {},
                        .isText = input.isText,
                        .target = target.target,
                        .flags = target.flags,
                        .compilerVersion = target.compiler->version()};
  if (input.isText) {
    inputs.program = trimmed(input.program);
    return ok(computeStoreKey(inputs));
  }
  // The same graph under another name compiles to the same program.
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> unnamed,
                           graph::graphDefWithName(input.program, ""));
  inputs.program = unnamed;
  return ok(computeStoreKey(inputs));
}

ErrorOr<StoreEntry> compileOrLookUp(const CompileInput &input,
                                    const CompileTarget &target,
                                    const StoreKey &key) {
  trace::startFromEnvironment(); // there may be no device yet
  ArtifactStore store = ArtifactStore::fromEnvironment();
  {
    trace::Span span("compile", "look up");
    if (std::optional<StoreEntry> found = store.lookup(key))
      return ok(std::move(*found));
  }
  trace::Span span("compile", target.target);
  CompileSettings settings{.target = target.target, .flags = target.flags};
  std::string_view text(reinterpret_cast<const char *>(input.program.data()),
                        input.program.size());
  FUSILLI_ASSIGN_OR_RETURN(
      CompileOutput output,
      input.isText ? target.compiler->compileText(text, settings)
                   : target.compiler->compileGraph(input.program, settings));
  StoreEntry entry{.text = std::move(output.text),
                   .statistics = std::move(output.statistics),
                   .artifact = std::move(output.artifact)};
  store.insert(key, entry); // a failure is in the log and changes nothing
  return ok(std::move(entry));
}

} // namespace fusilli::engine
