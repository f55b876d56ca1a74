// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one Graph object remembers of its last compile, and the four files in
// the cache directory that show its result. The files are a view: programs come
// from the store or the compiler, never from them.
#ifndef ENGINE_GRAPH_CACHE_H
#define ENGINE_GRAPH_CACHE_H

#include "engine/compile.h"

#include "artifact/hash.h"

#include "fusilli/support/cache.h"

#include <optional>
#include <string>

namespace fusilli::engine {

/// Thread safety: externally synchronised.
class GraphCache {
public:
  struct Request {
    std::string graphName;
    Backend backend = Backend::CPU;
    CompileInput input;
    bool remove = false;
  };
  struct File {
    std::filesystem::path artifactPath;
    bool compiled = false;
  };

  /// The artifact, from the store or the compiler; then the files are written,
  /// unless they show just this. That they cannot be is in the log and in what
  /// `read` gives. Errors: those of currentCompileTarget and of the compiler.
  ErrorOr<std::vector<uint8_t>> compile(const Request &request);

  /// The artifact's file. Compiles unless the last compile of this object was
  /// the same (program, target, flags and graph name) and the file still holds
  /// what it gave: another graph of that name may have written it since.
  /// Errors: those of `compile`; FileSystemFailure when the files cannot be
  /// written, or when the artifact's is gone.
  ErrorOr<File> compileToFile(const Request &request);

  /// Content of one of the files. FileSystemFailure when nothing was compiled
  /// or the files could not be written, InvalidAttribute for an unknown type.
  ErrorOr<std::string> read(CachedAssetsType type);

private:
  struct Entry {
    std::optional<CachedAssets> assets; // else `failure` says why
    ErrorObject failure;
    StoreKey key;
    std::string text;
    std::string command;
    artifact::Hash128 artifactHash;
  };
  struct Job {
    CompileTarget target;
    StoreKey key;
    std::string command;
  };
  static ErrorOr<Job> prepare(const Request &request);
  ErrorOr<std::vector<uint8_t>> compile(const Request &request, const Job &job);
  void show(const Request &request, const Job &job, const StoreEntry &program);
  bool isCurrent(const Request &request, const Job &job) const;

  std::optional<Entry> entry_;
};

} // namespace fusilli::engine

#endif // ENGINE_GRAPH_CACHE_H
