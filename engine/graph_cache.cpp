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

/// All four or none: what this call began is removed when it cannot go on.
ErrorOr<CachedAssets> writeFiles(const GraphCache::Request &request,
                                 const std::string &text,
                                 const std::string &command,
                                 const StoreEntry &program) {
  const std::pair<const char *, std::string_view> contents[] = {
      {IREE_COMPILE_INPUT_FILENAME, text},
      {IREE_COMPILE_OUTPUT_FILENAME, asText(program.artifact)},
      {IREE_COMPILE_COMMAND_FILENAME, command},
      {IREE_COMPILE_STATISTICS_FILENAME, program.statistics}};
  std::vector<CacheFile> files;
  ErrorObject failure;
  for (const auto &[name, content] : contents) {
    ErrorOr<CacheFile> file =
        CacheFile::create(request.graphName, name, request.remove);
    failure = file;
    if (isError(failure))
      break;
    files.push_back(std::move(*file));
    failure = files.back().write(std::string(content));
    if (isError(failure))
      break;
  }
  if (isOk(failure))
    return ok(CachedAssets(std::move(files[0]), std::move(files[1]),
                           std::move(files[2]), std::move(files[3])));
  std::error_code ignored;
  for (const CacheFile &file : files)
    std::filesystem::remove(file.path, ignored);
  std::filesystem::path folder =
      CacheFile::getPath(request.graphName, IREE_COMPILE_INPUT_FILENAME)
          .parent_path();
  std::filesystem::remove(folder, ignored); // where it is empty
  return failure;
}

} // namespace

ErrorOr<GraphCache::Job> GraphCache::prepare(const Request &request) {
  Job job;
  FUSILLI_ASSIGN_OR_RETURN(job.target, currentCompileTarget(request.backend));
  auto path = [&](const char *name) {
    return CacheFile::getPath(request.graphName, name).string();
  };
  job.command =
      reproducingCommand(job.target, path(IREE_COMPILE_INPUT_FILENAME),
                         path(IREE_COMPILE_OUTPUT_FILENAME));
  FUSILLI_ASSIGN_OR_RETURN(job.key, compileKey(request.input, job.target));
  return ok(std::move(job));
}

bool GraphCache::isCurrent(const Request &request, const Job &job) const {
  if (!entry_ || !entry_->assets || entry_->command != job.command)
    return false;
  // The text of a graph's program is as good as the graph.
  return request.input.isText ? entry_->text == asText(request.input.program)
                              : entry_->key == job.key;
}

ErrorOr<std::vector<uint8_t>> GraphCache::compile(const Request &request) {
  FUSILLI_ASSIGN_OR_RETURN(const Job job, prepare(request));
  return compile(request, job);
}

ErrorOr<std::vector<uint8_t>> GraphCache::compile(const Request &request,
                                                  const Job &job) {
  ErrorOr<StoreEntry> program =
      compileOrLookUp(request.input, job.target, job.key);
  if (isError(program)) {
    entry_.reset();
    return ErrorObject(program);
  }
  show(request, job, *program);
  return ok(std::move(program->artifact));
}

ErrorOr<GraphCache::File> GraphCache::compileToFile(const Request &request) {
  FUSILLI_ASSIGN_OR_RETURN(const Job job, prepare(request));
  if (isCurrent(request, job)) {
    const std::filesystem::path &path = entry_->assets->output.path;
    FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, readFileBytes(path));
    if (artifact::hashBytes(bytes) == entry_->artifactHash)
      return ok(File{.artifactPath = path, .compiled = false});
  }
  FUSILLI_CHECK_ERROR(compile(request, job));
  if (!entry_->assets)
    return entry_->failure;
  return ok(
      File{.artifactPath = entry_->assets->output.path, .compiled = true});
}

void GraphCache::show(const Request &request, const Job &job,
                      const StoreEntry &program) {
  const artifact::Hash128 hash = artifact::hashBytes(program.artifact);
  if (isCurrent(request, job) && entry_->artifactHash == hash) {
    ErrorOr<std::vector<uint8_t>> bytes =
        readFileBytes(entry_->assets->output.path);
    if (isOk(bytes) && artifact::hashBytes(*bytes) == hash)
      return;
  }
  // A store hit for the same program with other trailing white space keeps the
  // text that was given.
  std::string text = request.input.isText
                         ? std::string(asText(request.input.program))
                         : program.text;
  ErrorOr<CachedAssets> assets =
      writeFiles(request, text, job.command, program);
  if (!entry_)
    entry_.emplace();
  entry_->failure = assets;
  if (isError(assets)) {
    FUSILLI_LOG_LABEL_YELLOW("graph '" << request.graphName << "': "
                                       << entry_->failure.getMessage());
    FUSILLI_LOG_ENDL("");
    entry_->assets.reset();
  } else if (entry_->assets) {
    *entry_->assets = std::move(*assets);
  } else {
    entry_->assets.emplace(std::move(*assets));
  }
  entry_->key = job.key;
  entry_->text = std::move(text);
  entry_->command = job.command;
  entry_->artifactHash = hash;
}

ErrorOr<std::string> GraphCache::read(CachedAssetsType type) {
  if (!entry_)
    return error(ErrorCode::FileSystemFailure,
                 "the graph has no cached files, compile it first");
  if (!entry_->assets)
    return entry_->failure;
  switch (type) {
  case CachedAssetsType::Input:
    return entry_->assets->input.read();
  case CachedAssetsType::Output:
    // Not for whoever else can write there: it is for loading.
    {
      FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes,
                               readArtifactFile(entry_->assets->output.path));
      return ok(std::string(asText(bytes)));
    }
  case CachedAssetsType::Command:
    return entry_->assets->command.read();
  case CachedAssetsType::Statistics:
    return entry_->assets->statistics.read();
  }
  return error(ErrorCode::InvalidAttribute,
               "unknown type of cached file: " +
                   std::to_string(static_cast<int>(type)));
}

} // namespace fusilli::engine
