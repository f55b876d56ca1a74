// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler as a process-wide context and sessions with flags, for clients
// that drive it themselves; `Graph::compile` needs none of it.

#ifndef FUSILLI_BACKEND_COMPILE_SESSION_H
#define FUSILLI_BACKEND_COMPILE_SESSION_H

#include <fusilli/backend/backend.h>
#include <fusilli/backend/compile_command.h>
#include <fusilli/support/cache.h>
#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusilli {

/// One set of flags. Thread safety: externally synchronised.
class FUSILLI_EXPORT CompileSession {
public:
  /// A session with the flags of `backend` that `execute` runs on these files.
  /// CompileFailure without a compiler library.
  static ErrorOr<CompileSession> build(Backend backend, const CacheFile &input,
                                       const CacheFile &output,
                                       const CacheFile &statistics);

  CompileSession(const CompileSession &) = delete;
  CompileSession &operator=(const CompileSession &) = delete;
  CompileSession(CompileSession &&) noexcept = default;
  CompileSession &operator=(CompileSession &&) noexcept = default;
  ~CompileSession() = default;

  /// Records a flag `--iree-...`, which has no effect. CompileFailure for
  /// others.
  ErrorObject addFlag(const std::string &flag);
  /// Adds in order; stops at the first failure.
  ErrorObject addFlags(std::span<const std::string> flags);
  /// Compiles the text file `input` to the artifact file `output`.
  /// CompileFailure for bad or empty text, FileSystemFailure for the files.
  ErrorObject compile(std::string_view input, std::string_view output);
  /// `compile` on the files of `build`; writes the statistics, too.
  ErrorObject execute();

  /// A command line with the same effect, ended by a new line.
  std::string toString() const;
  /// Writes `toString` to `file`; FileSystemFailure.
  ErrorObject writeTo(CacheFile &file) const;
  /// The flags, in the order they were added.
  const std::vector<std::string> &getArgs() const { return flags_; }

private:
  friend class CompileContext;
  explicit CompileSession(Backend backend);

  Backend backend_;
  std::filesystem::path input_, output_, statistics_;
  std::vector<std::string> flags_;
};

/// The loaded compiler. Thread safety: thread-safe.
class FUSILLI_EXPORT CompileContext {
public:
  /// The context of this process, borrowed; lives as long as the process.
  /// CompileFailure without a compiler library.
  static ErrorOr<CompileContext *> create();

  CompileContext(const CompileContext &) = delete;
  CompileContext &operator=(const CompileContext &) = delete;

  /// A session with the flags of `backend`. CompileFailure.
  ErrorOr<CompileSession> createSession(Backend backend);
  /// Major version in the upper 16 bits, minor in the lower.
  int getAPIVersion() const;
  /// The compiler's version.
  std::string getRevision() const;
  /// Whether `libPath` can be loaded as a compiler library; FileSystemFailure.
  ErrorObject load(const std::string &libPath) noexcept;

private:
  CompileContext() = default;
};

} // namespace fusilli

#endif // FUSILLI_BACKEND_COMPILE_SESSION_H
