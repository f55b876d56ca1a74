// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one Graph object remembers of its last compile: the four files in the
// cache directory and what they were made from.
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
  struct Result {
    std::filesystem::path artifactPath;
    bool compiled = false;
    std::vector<uint8_t> artifact;
  };

  /// Compiles unless the last compile of this object was the same (program,
  /// target, flags and graph name) and the artifact's file still holds what it
  /// gave: another graph of that name may have written it since. Errors: those
  /// of currentCompileTarget and of the compiler; FileSystemFailure when the
  /// files cannot be written.
  ErrorOr<Result> compile(const Request &request);

  /// Content of one of the files. FileSystemFailure when nothing is cached,
  /// InvalidAttribute for an unknown type.
  ErrorOr<std::string> read(CachedAssetsType type);

private:
  struct Entry {
    CachedAssets assets;
    StoreKey key;
    std::string text;
    std::string command;
    artifact::Hash128 artifactHash;
  };
  static ErrorOr<CachedAssets> createFiles(const Request &request);
  bool isCurrent(const Request &request, const StoreKey &key,
                 const std::string &command) const;

  std::optional<Entry> entry_;
};

} // namespace fusilli::engine

#endif // ENGINE_GRAPH_CACHE_H
