// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One compilation of program text as a command line, for clients that build
// such lines themselves. It runs in process: the tool that the line names need
// not exist. Flags of the form `--iree-...` are recorded and have no effect.

#ifndef FUSILLI_BACKEND_COMPILE_COMMAND_H
#define FUSILLI_BACKEND_COMPILE_COMMAND_H

#include <fusilli/backend/backend.h>
#include <fusilli/support/cache.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <string>
#include <vector>

namespace fusilli {

/// Whether the environment variable FUSILLI_COMPILE_BACKEND_USE_CLI asks for
/// CompileCommand: set, and not exactly `0`.
FUSILLI_EXPORT bool checkCompileBackendEnv();

/// Thread safety: externally synchronised.
class FUSILLI_EXPORT CompileCommand {
public:
  /// Tool, input, flags of `backend`, statistics, output; see `getArgs`.
  static CompileCommand build(Backend backend, const CacheFile &input,
                              const CacheFile &output,
                              const CacheFile &statistics);

  CompileCommand(const CompileCommand &) = delete;
  CompileCommand &operator=(const CompileCommand &) = delete;
  CompileCommand(CompileCommand &&) noexcept = default;
  CompileCommand &operator=(CompileCommand &&) noexcept = default;
  ~CompileCommand() = default;

  /// The arguments as a shell would take them, ended by a new line.
  std::string toString() const;
  /// Writes `toString` to `file`; FileSystemFailure.
  ErrorObject writeTo(CacheFile &file) const;
  /// Compiles the input file and writes output and statistics. CompileFailure
  /// for text that does not compile, FileSystemFailure for the files.
  ErrorObject execute();
  /// The tool's path and its arguments.
  const std::vector<std::string> &getArgs() const { return args_; }

private:
  CompileCommand() = default;

  Backend backend_ = Backend::CPU;
  std::filesystem::path input_, output_, statistics_;
  std::vector<std::string> args_;
};

} // namespace fusilli

#endif // FUSILLI_BACKEND_COMPILE_COMMAND_H
