// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "engine/graph_cache.h"

namespace fusilli::engine {
namespace {

std::string_view asText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

} // namespace

ErrorOr<CachedAssets> GraphCache::createFiles(const Request &request) {
  auto create = [&](const char *name) {
    return CacheFile::create(request.graphName, name, request.remove);
  };
  FUSILLI_ASSIGN_OR_RETURN(CacheFile input,
                           create(IREE_COMPILE_INPUT_FILENAME));
  FUSILLI_ASSIGN_OR_RETURN(CacheFile output,
                           create(IREE_COMPILE_OUTPUT_FILENAME));
  FUSILLI_ASSIGN_OR_RETURN(CacheFile command,
                           create(IREE_COMPILE_COMMAND_FILENAME));
  FUSILLI_ASSIGN_OR_RETURN(CacheFile statistics,
                           create(IREE_COMPILE_STATISTICS_FILENAME));
  return ok(CachedAssets(std::move(input), std::move(output),
                         std::move(command), std::move(statistics)));
}

bool GraphCache::isCurrent(const Request &request, const StoreKey &key,
                           const std::string &command) const {
  if (!entry_ || entry_->command != command)
    return false;
  // The text of a graph's program is as good as the graph.
  return request.input.isText ? entry_->text == asText(request.input.program)
                              : entry_->key == key;
}

ErrorOr<GraphCache::Result> GraphCache::compile(const Request &request) {
  FUSILLI_ASSIGN_OR_RETURN(CompileTarget target,
                           currentCompileTarget(request.backend));
  const std::filesystem::path outputPath =
      CacheFile::getPath(request.graphName, IREE_COMPILE_OUTPUT_FILENAME);
  const std::string command = reproducingCommand(
      target,
      CacheFile::getPath(request.graphName, IREE_COMPILE_INPUT_FILENAME)
          .string(),
      outputPath.string());
  FUSILLI_ASSIGN_OR_RETURN(const StoreKey key,
                           compileKey(request.input, target));
  if (isCurrent(request, key, command)) {
    FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes,
                             readFileBytes(entry_->assets.output.path));
    if (artifact::hashBytes(bytes) == entry_->artifactHash)
      return ok(Result{.artifactPath = entry_->assets.output.path,
                       .compiled = false,
                       .artifact = std::move(bytes)});
  }

  FUSILLI_ASSIGN_OR_RETURN(CachedAssets assets, createFiles(request));
  FUSILLI_CHECK_ERROR(assets.command.write(command));
  if (request.input.isText)
    FUSILLI_CHECK_ERROR(
        assets.input.write(std::string(asText(request.input.program))));
  ErrorOr<StoreEntry> compiled = compileOrLookUp(request.input, target, key);
  if (isError(compiled)) {
    entry_.reset(); // its files may just have been replaced
    return ErrorObject(compiled);
  }
  // A store hit for the same program with other trailing white space keeps the
  // text that was given.
  std::string text = request.input.isText
                         ? std::string(asText(request.input.program))
                         : std::move(compiled->text);
  if (!request.input.isText)
    FUSILLI_CHECK_ERROR(assets.input.write(text));
  FUSILLI_CHECK_ERROR(assets.statistics.write(compiled->statistics));
  FUSILLI_CHECK_ERROR(
      assets.output.write(std::string(asText(compiled->artifact))));
  const artifact::Hash128 hash = artifact::hashBytes(compiled->artifact);
  Result result{.artifactPath = assets.output.path,
                .compiled = true,
                .artifact = std::move(compiled->artifact)};
  if (entry_) {
    entry_->assets = std::move(assets);
    entry_->key = key;
    entry_->text = std::move(text);
    entry_->command = command;
    entry_->artifactHash = hash;
  } else {
    entry_.emplace(Entry{.assets = std::move(assets),
                         .key = key,
                         .text = std::move(text),
                         .command = command,
                         .artifactHash = hash});
  }
  return ok(std::move(result));
}

ErrorOr<std::string> GraphCache::read(CachedAssetsType type) {
  if (!entry_)
    return error(ErrorCode::FileSystemFailure,
                 "the graph has no cached files, compile it first");
  switch (type) {
  case CachedAssetsType::Input:
    return entry_->assets.input.read();
  case CachedAssetsType::Output:
    // Not for whoever else can write there: it is for loading.
    {
      FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes,
                               readArtifactFile(entry_->assets.output.path));
      return ok(std::string(asText(bytes)));
    }
  case CachedAssetsType::Command:
    return entry_->assets.command.read();
  case CachedAssetsType::Statistics:
    return entry_->assets.statistics.read();
  }
  return error(ErrorCode::InvalidAttribute,
               "unknown type of cached file: " +
                   std::to_string(static_cast<int>(type)));
}

} // namespace fusilli::engine
