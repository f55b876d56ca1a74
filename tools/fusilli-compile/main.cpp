// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-compile: a graph or a program text to an artifact, or to the program
// after any stage. Exit codes: 0 done, 1 the input or a file is wrong, 2 the
// command line is wrong.
#include "artifact/compiler_abi.h"
#include "graph/graph_def.h"
#include "support/private_file.h"

#include "fusilli/version.h"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" const fusilli_compiler_api_t *
fusilli_compiler_get_api(uint32_t abiVersion);

namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

struct Options {
  std::string input;
  std::string output;
  std::string target;
  std::string dumpAfter;
  std::string emit = "artifact";
  std::vector<std::string> flags;
  bool stats = false;
};

using Result = std::unique_ptr<fusilli_compile_result_t,
                               void (*)(fusilli_compile_result_t *)>;

int fail(const std::string &message) {
  std::cerr << "fusilli-compile: " << message << "\n";
  return kExitFailure;
}

bool readInput(const std::string &path, std::vector<uint8_t> &bytes) {
  if (path == "-") {
    bytes.assign(std::istreambuf_iterator<char>(std::cin), {});
    return !std::cin.bad();
  }
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error))
    return false;
  bytes.assign(std::istreambuf_iterator<char>(file), {});
  return !file.bad();
}

bool writeOutput(const std::string &path, const uint8_t *data, size_t size) {
  if (path == "-") {
    std::cout.write(reinterpret_cast<const char *>(data),
                    std::streamsize(size));
    return bool(std::cout.flush());
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char *>(data), std::streamsize(size));
  file.close();
  return bool(file);
}

enum class Format { GraphDef, Json, Text };

Format detectFormat(const std::string &path,
                    const std::vector<uint8_t> &bytes) {
  if (bytes.size() >= 8 && std::memcmp(bytes.data() + 4, "FSGD", 4) == 0)
    return Format::GraphDef;
  if (std::filesystem::path(path).extension() == ".json")
    return Format::Json;
  for (uint8_t byte : bytes)
    if (!std::isspace(byte))
      return byte == '{' ? Format::Json : Format::Text;
  return Format::Text;
}

Result compile(const fusilli_compiler_api_t &api, const Options &options,
               const std::vector<uint8_t> &source, Format format) {
  std::string dumps = options.dumpAfter;
  if (options.emit != "artifact" && options.emit != "mlir")
    dumps += (dumps.empty() ? "" : ",") + options.emit;
  std::vector<const char *> flags;
  for (const std::string &flag : options.flags)
    flags.push_back(flag.c_str());
  fusilli_compile_options_t settings = {};
  settings.struct_size = sizeof(settings);
  settings.target = options.target.c_str();
  settings.flags = flags.data();
  settings.flag_count = flags.size();
  settings.dump_after = dumps.empty() ? nullptr : dumps.c_str();
  fusilli_bytes_t bytes = {source.data(), source.size()};
  auto *run = format == Format::Text   ? api.text_to_artifact
              : options.emit == "mlir" ? api.graph_to_text
                                       : api.graph_to_artifact;
  return Result(run(bytes, &settings), api.result_destroy);
}

/// Writes what was asked for; an exit code.
int deliver(const fusilli_compiler_api_t &api, const Options &options,
            const fusilli_compile_result_t *result) {
  std::vector<std::string> stages =
      options.dumpAfter.empty() ? std::vector<std::string>()
                                : CLI::detail::split(options.dumpAfter, ',');
  for (const std::string &stage : stages)
    if (const char *text = api.result_dump(result, stage.c_str())) {
      if (stages.size() > 1)
        std::cout << "// ---- after " << stage << "\n";
      std::cout << text;
    }
  fusilli_bytes_t bytes = api.result_bytes(result);
  if (options.emit != "artifact" && options.emit != "mlir") {
    const char *text = api.result_dump(result, options.emit.c_str());
    bytes = {reinterpret_cast<const uint8_t *>(text),
             text ? std::strlen(text) : 0};
  }
  std::string output = options.output;
  if (output.empty() && options.emit != "artifact")
    output = "-";
  // An artifact is code: only this user can write its file.
  const bool isArtifact = output != "-" && options.emit == "artifact";
  if (!output.empty() &&
      !(isArtifact ? fusilli::writePrivately(output, {bytes.data, bytes.size})
                   : writeOutput(output, bytes.data, bytes.size)))
    return fail("cannot write '" + output +
                "': check that its folder exists and is writable");
  if (options.stats)
    std::cout << api.result_statistics(result) << "\n";
  return 0;
}

int run(Options options) {
  if (options.output.empty() && options.emit == "artifact" &&
      options.dumpAfter.empty() && !options.stats) {
    std::cerr << "fusilli-compile: nothing to do: give -o FILE, --emit, "
                 "--dump-after or --stats\n";
    return kExitUsage;
  }
  const fusilli_compiler_api_t *api =
      fusilli_compiler_get_api(FUSILLI_COMPILER_ABI_VERSION);
  if (!api)
    return fail("libfusilli_compiler has another ABI version: install both "
                "from one build");
  std::vector<uint8_t> source;
  if (!readInput(options.input, source))
    return fail("cannot read '" + options.input + "'");
  Format format = detectFormat(options.input, source);
  if (format == Format::Json) {
    auto bytes = fusilli::graph::graphDefFromJson(std::string_view(
        reinterpret_cast<const char *>(source.data()), source.size()));
    if (fusilli::isError(bytes))
      return fail(options.input + ": " +
                  fusilli::ErrorObject(bytes).getMessage());
    source = std::move(*bytes);
  }
  if (format == Format::Text && options.emit == "mlir")
    options.emit = "import";
  Result result = compile(*api, options, source, format);
  if (!result)
    return fail("out of memory");
  std::string diagnostics = api->result_diagnostics(result.get());
  if (!diagnostics.empty())
    std::cerr << diagnostics << "\n";
  if (api->result_code(result.get()) != 0)
    return kExitFailure;
  return deliver(*api, options, result.get());
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  const char *target = std::getenv("FUSILLI_TARGET");
  options.target = target && *target ? target : "host";
  CLI::App app("Compiles a graph to an artifact for libfusilli.",
               "fusilli-compile");
  app.set_version_flag("--version", FUSILLI_VERSION_STRING);
  app.add_option("input", options.input,
                 "GraphDef, GraphDef as JSON, or program text; - for stdin")
      ->required();
  app.add_option("-o,--output", options.output, "file to write; - for stdout");
  app.add_option("--target", options.target,
                 "host, x86-64-v3, x86-64-v4 or x86-64-v4-bf16; default: "
                 "FUSILLI_TARGET, else host");
  app.add_option("--emit", options.emit,
                 "what to write: artifact, or the program as text: mlir (as "
                 "imported), fuse, linalg, vector, llvm, asm")
      ->check(CLI::IsMember(std::vector<std::string>{"artifact", "mlir",
                                                     "import", "fuse", "linalg",
                                                     "vector", "llvm", "asm"}));
  app.add_option("--dump-after", options.dumpAfter,
                 "print the program after these stages: a comma-separated "
                 "list of import, fuse, linalg, vector, llvm, asm");
  app.add_option("--flag", options.flags,
                 "compiler flag, for example --flag=--row-groups=1")
      ->allow_extra_args(false);
  app.add_flag("--stats", options.stats, "print statistics as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return run(std::move(options));
}
