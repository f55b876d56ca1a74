// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In-memory C streams, shell commands, shell quoting, and the search for tools.

#include <fusilli/support/external_tools.h>
#include <fusilli/support/extras.h>
#include <fusilli/support/memstream.h>
#include <fusilli/support/process.h>
#include <fusilli/support/python_utils.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string_view>

namespace fusilli {

//===-- Streams -----------------------------------------------------------===//

MemStream::MemStream() : stream_(open_memstream(&data_, &size_)) {}

MemStream::~MemStream() {
  if (stream_)
    std::fclose(stream_);
  std::free(data_);
}

std::optional<std::string> MemStream::str() {
  if (!stream_ || std::fflush(stream_) != 0)
    return std::nullopt;
  return data_ ? std::string(data_, size_) : std::string();
}

std::optional<size_t> MemStream::size() {
  if (!stream_ || std::fflush(stream_) != 0)
    return std::nullopt;
  return size_;
}

FprintAdapter::~FprintAdapter() { out_ = mem_.str().value_or(std::string()); }

//===-- Commands ----------------------------------------------------------===//

void PopenDeleter::operator()(FILE *stream) const {
  if (stream)
    pclose(stream);
}

std::optional<std::string> execCommand(const std::string &cmd) {
  std::unique_ptr<FILE, PopenDeleter> pipe(popen(cmd.c_str(), "r"));
  if (!pipe)
    return std::nullopt;
  std::string output;
  char chunk[4096];
  size_t count = 0;
  while ((count = std::fread(chunk, 1, sizeof(chunk), pipe.get())) > 0)
    output.append(chunk, count);
  return output;
}

//===-- Quoting -----------------------------------------------------------===//

bool needsShellQuoting(const std::string &arg) {
  return arg.find_first_of(" \t\"'\\$`(){}[]|&;<>~*?!#") != std::string::npos;
}

std::string escapeArgument(const std::string &arg) {
  if (!needsShellQuoting(arg))
    return arg;
  std::string quoted = "'";
  for (char c : arg) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

//===-- Tools -------------------------------------------------------------===//

namespace {

#if !defined(FUSILLI_DEFAULT_IREE_COMPILE)
#define FUSILLI_DEFAULT_IREE_COMPILE "iree-compile"
#endif
#if !defined(FUSILLI_DEFAULT_IREE_COMPILER_LIB)
#define FUSILLI_DEFAULT_IREE_COMPILER_LIB "libIREECompiler.so"
#endif

std::string toolPath(const char *variable, const char *fallback) {
  const char *value = std::getenv(variable);
  return value && *value ? value : fallback;
}

} // namespace

std::string getIreeCompilePath() {
  return toolPath("FUSILLI_EXTERNAL_IREE_COMPILE",
                  FUSILLI_DEFAULT_IREE_COMPILE);
}

std::string getIreeCompilerLibPath() {
  return toolPath("FUSILLI_EXTERNAL_IREE_COMPILER_LIB",
                  FUSILLI_DEFAULT_IREE_COMPILER_LIB);
}

std::string getRocmAgentEnumeratorPath() {
  return toolPath("FUSILLI_EXTERNAL_ROCM_AGENT_ENUMERATOR",
                  "rocm_agent_enumerator");
}

std::string getAmdSmiPath() {
  return toolPath("FUSILLI_EXTERNAL_AMD_SMI", "amd-smi");
}

//===-- Python ------------------------------------------------------------===//

std::vector<std::string> getPythonSitePackages() {
  std::optional<std::string> output =
      execCommand("python3 -c 'import site; print(\"\\n\".join("
                  "site.getsitepackages()))' 2>/dev/null");
  std::vector<std::string> paths;
  std::istringstream lines(output.value_or(std::string()));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty())
      paths.push_back(line);
  return paths;
}

std::optional<std::string> findInSitePackages(const std::string &relativePath) {
  for (const std::string &folder : getPythonSitePackages()) {
    std::filesystem::path candidate =
        std::filesystem::path(folder) / relativePath;
    std::error_code ignored;
    if (std::filesystem::exists(candidate, ignored))
      return candidate.string();
  }
  return std::nullopt;
}

std::optional<std::string> findIreeCompilerLib() {
  return findInSitePackages("iree/compiler/_mlir_libs/libIREECompiler.so");
}

} // namespace fusilli
