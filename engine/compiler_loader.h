// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler as the engine sees it: bytes in, bytes out. libfusilli_compiler
// is loaded on first use through the C ABI of artifact/compiler_abi.h, so that
// a program that only loads artifacts never maps LLVM. This is the one place
// that knows where the library is looked for, and the one place where compiler
// codes and diagnostics become an ErrorObject.
#ifndef ENGINE_COMPILER_LOADER_H
#define ENGINE_COMPILER_LOADER_H

#include "artifact/compiler_abi.h"
#include "fusilli/support/logging.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusilli::engine {

/// What a compile gives.
struct CompileOutput {
  std::vector<uint8_t> artifact;
  std::string text;       // program text, as emitText gives it
  std::string statistics; // JSON
};

/// Target (resolved) and flags of one compile. Borrowed for the call.
struct CompileSettings {
  std::string_view target;
  std::span<const std::string> flags;
};

/// A loaded compiler library; never unloaded.
/// Thread safety: thread-safe.
class Compiler {
public:
  /// The compiler of this process, loaded on the first call: from the path in
  /// the environment variable FUSILLI_COMPILER_LIB if that is set, else from
  /// beside libfusilli, else from the loader's path. CompileFailure when it is
  /// missing or has another ABI version; the text says where it was looked for
  /// and what to do. A failure is not remembered: a later call tries again.
  static ErrorOr<const Compiler *> get();

  /// Part of the compile cache key.
  std::string_view version() const { return api_->version; }
  /// The file it was loaded from.
  const std::string &path() const { return path_; }

  /// "host" or a level's name to the name of the level that is compiled for.
  /// InvalidArgument for an unknown name.
  ErrorOr<std::string> resolveTarget(const std::string &name) const;

  /// GraphDef bytes to an artifact.
  ErrorOr<CompileOutput> compileGraph(std::span<const uint8_t> graphDef,
                                      const CompileSettings &settings) const;
  /// Program text to an artifact; the output's text is the given one.
  ErrorOr<CompileOutput> compileText(std::string_view text,
                                     const CompileSettings &settings) const;
  /// GraphDef bytes to program text.
  ErrorOr<std::string> emitText(std::span<const uint8_t> graphDef) const;

private:
  Compiler(const fusilli_compiler_api_t *api, std::string path)
      : api_(api), path_(std::move(path)) {}
  static ErrorOr<const Compiler *> load(const std::string &requested);

  const fusilli_compiler_api_t *api_; // static in the loaded library
  std::string path_;
};

/// The target that the environment asks for: FUSILLI_TARGET, or "host".
std::string requestedTarget();

} // namespace fusilli::engine

#endif // ENGINE_COMPILER_LOADER_H
