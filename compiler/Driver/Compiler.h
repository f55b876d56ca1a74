// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler as a function: GraphDef or program text in, artifact or text
// out, with statistics, dumps and diagnostics. What sits right behind the C
// ABI.
#ifndef COMPILER_DRIVER_COMPILER_H
#define COMPILER_DRIVER_COMPILER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fusilli::compiler {

/// The numbers of fusilli::ErrorCode that the compiler gives.
enum class CompileCode : uint32_t {
  OK = 0,
  NotImplemented = 1,
  InternalError = 5,
  InvalidArgument = 7,
  CompileFailure = 9,
};

enum class Stage { Import, Fuse, Linalg, Vector, LLVM, Asm };
inline constexpr std::array<llvm::StringLiteral, 6> kStageNames = {
    "import", "fuse", "linalg", "vector", "llvm", "asm"};

enum class SourceKind {
  GraphDef, ///< bytes of graph/graph_def.fbs
  Text,     ///< a module of the fusilli dialect
};

struct CompileOptions {
  std::string target = "host";
  bool rowGroups = true;
  /// Verify the program after every pass.
  bool verifyEach = false;
  /// Stages whose program is kept, by Stage.
  std::array<bool, kStageNames.size()> dumpAfter = {};

  /// Applies "--name=value"; an error text for an unknown or malformed flag.
  std::optional<std::string> addFlag(llvm::StringRef flag);
  /// Applies a comma-separated list of stages.
  std::optional<std::string> addDumps(llvm::StringRef list);
};

struct CompileResult {
  CompileCode code = CompileCode::OK;
  std::vector<uint8_t> bytes;
  std::string diagnostics; ///< one a line
  std::string statistics;  ///< JSON
  std::map<std::string, std::string> dumps;
};

/// Artifact bytes.
///
/// Thread safety: these functions may run on several threads at once; each run
/// takes a compiler instance (context, pass managers) from a pool of the
/// process and gives it back for the next. They need little of the caller's
/// stack: each run is on a thread of its own (CompileThread.h).
CompileResult compileToArtifact(llvm::ArrayRef<uint8_t> source, SourceKind kind,
                                const CompileOptions &options);

/// The text of the program that a GraphDef describes; equal graphs give equal
/// text, and compiling the text gives the same artifact.
CompileResult printGraph(llvm::ArrayRef<uint8_t> graphDef,
                         const CompileOptions &options);

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_COMPILER_H
