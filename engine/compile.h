// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One compile: the settings that the environment asks for, the key of the
// content-addressed store, and the compiler behind it.
#ifndef ENGINE_COMPILE_H
#define ENGINE_COMPILE_H

#include "engine/artifact_store.h"
#include "engine/compiler_loader.h"

#include "fusilli/backend/backend.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fusilli::engine {

/// What is compiled. Borrowed.
struct CompileInput {
  /// GraphDef bytes, or program text.
  std::span<const uint8_t> program;
  bool isText = false;
};

/// With what and for what it is compiled.
struct CompileTarget {
  const Compiler *compiler = nullptr;
  std::string target; // resolved, never "host"
  std::vector<std::string> flags;
};

/// The target of FUSILLI_TARGET and the flags of FUSILLI_EXTRA_COMPILER_FLAGS.
/// Errors: CompileFailure (no compiler library), InvalidArgument (unknown
/// target), NotImplemented (a backend without code generation).
ErrorOr<CompileTarget> currentCompileTarget(Backend backend);

/// The command line that reproduces a compile, ended by a new line.
std::string reproducingCommand(const CompileTarget &target,
                               const std::string &inputPath,
                               const std::string &outputPath);

/// The key of a compile in the store. The name of a graph does not
/// matter. InvalidArgument for bytes that are no GraphDef.
ErrorOr<StoreKey> compileKey(const CompileInput &input,
                             const CompileTarget &target);

/// The program from the store, else compiled and stored.
ErrorOr<StoreEntry> compileOrLookUp(const CompileInput &input,
                                    const CompileTarget &target,
                                    const StoreKey &key);

} // namespace fusilli::engine

#endif // ENGINE_COMPILE_H
