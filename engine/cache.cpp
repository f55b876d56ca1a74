// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files that a graph leaves in the cache directory: program text, command,
// artifact and statistics, for people and for readCompilationCacheFile. They
// are not the compile cache; that is engine/artifact_store.h.
#include "fusilli/support/cache.h"

#include "engine/file_io.h"
#include "support/private_file.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fusilli {
namespace {

std::string sanitize(const std::string &name) {
  std::string result;
  for (char c : name) {
    if (c == ' ')
      result.push_back('_');
    else if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
             (c >= 'a' && c <= 'z') || c == '_')
      result.push_back(c);
  }
  return result.empty() ? "unnamed_graph" : result;
}

ErrorObject writeFailure(const std::filesystem::path &path) {
  return error(ErrorCode::FileSystemFailure, "cannot write cache file '" +
                                                 path.string() +
                                                 "': " + std::strerror(errno));
}

// A new empty file in the place of what is there. It takes the place in one
// step: a graph of the same name may be reading.
ErrorObject replaceByEmpty(const std::filesystem::path &path) {
  static std::atomic<uint64_t> number{0};
  std::filesystem::path fresh = path;
  fresh += ".new-" + std::to_string(::getpid()) + "-" +
           std::to_string(number.fetch_add(1));
  engine::FileDescriptor file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.isOpen())
    return writeFailure(path);
  if (::rename(fresh.c_str(), path.c_str()) == 0)
    return ok();
  ErrorObject failure = writeFailure(path);
  ::unlink(fresh.c_str());
  return failure;
}

// An empty file. One with content is replaced rather than truncated: some file
// systems (ext4) write a truncated file's new content to the disk on close,
// which costs milliseconds.
ErrorObject createEmpty(const std::filesystem::path &path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) == 0) {
    if (S_ISREG(info.st_mode) && info.st_size == 0 && !othersCanWrite(info) &&
        ::access(path.c_str(), W_OK) == 0)
      return ok();
    return replaceByEmpty(path);
  }
  engine::FileDescriptor file(openPrivately(path));
  return file.isOpen() ? ok() : writeFailure(path);
}

// Replaces the content; shortens the file only after the new content is in it,
// for the same reason.
ErrorObject writeWhole(const std::filesystem::path &path,
                       const std::string &content) {
  engine::FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  std::span<const uint8_t> bytes(
      reinterpret_cast<const uint8_t *>(content.data()), content.size());
  struct stat info;
  if (!file.isOpen() || fstat(file.get(), &info) != 0 ||
      !engine::writeAll(file.get(), bytes) ||
      (static_cast<uint64_t>(info.st_size) > content.size() &&
       ftruncate(file.get(), static_cast<off_t>(content.size())) != 0) ||
      !file.close())
    return writeFailure(path);
  return ok();
}

// Removes a file or an empty folder; nothing for an empty path.
void removeFile(const std::filesystem::path &path) noexcept {
  std::error_code code;
  if (!path.empty())
    std::filesystem::remove(path, code);
}

} // namespace

std::filesystem::path CacheFile::getCacheDir() {
  for (const char *variable : {"FUSILLI_CACHE_DIR", "HOME"})
    if (const char *base = std::getenv(variable); base && *base)
      return std::filesystem::path(base) / ".cache" / "fusilli";
  return std::filesystem::path(".cache") / "fusilli";
}

std::filesystem::path CacheFile::getPath(const std::string &graphName,
                                         const std::string &fileName) {
  return getCacheDir() / sanitize(graphName) / fileName;
}

ErrorOr<CacheFile> CacheFile::create(const std::string &graphName,
                                     const std::string &fileName, bool remove) {
  std::filesystem::path path = getPath(graphName, fileName);
  // Another graph of this name may just remove the folder, since it is empty.
  constexpr int kAttempts = 16;
  for (int attempt = 1;; ++attempt) {
    if (!makePrivateFolders(path.parent_path()))
      return error(ErrorCode::FileSystemFailure,
                   "cannot create cache directory '" +
                       path.parent_path().string() +
                       "': " + std::strerror(errno) +
                       "; set FUSILLI_CACHE_DIR to a writable directory");
    errno = 0;
    ErrorObject created = createEmpty(path);
    if (isOk(created))
      return ok(CacheFile(std::move(path), remove));
    if (errno != ENOENT || attempt == kAttempts)
      return created;
  }
}

ErrorOr<CacheFile> CacheFile::open(const std::string &graphName,
                                   const std::string &fileName) {
  std::filesystem::path path = getPath(graphName, fileName);
  std::error_code code;
  if (!std::filesystem::exists(path, code))
    return error(ErrorCode::FileSystemFailure,
                 "File does not exist: '" + path.string() + "'");
  return ok(CacheFile(std::move(path), /*remove=*/false));
}

CacheFile::CacheFile(std::filesystem::path filePath, bool remove)
    : path(std::move(filePath)), remove_(remove) {}

CacheFile::CacheFile(CacheFile &&other) noexcept
    : path(std::move(other.path)),
      remove_(std::exchange(other.remove_, false)) {
  other.path.clear();
}

CacheFile &CacheFile::operator=(CacheFile &&other) noexcept {
  if (this == &other)
    return *this;
  // A new file at the old one's path has replaced it already.
  if (remove_ && path != other.path)
    removeFile(path);
  path = std::move(other.path);
  remove_ = std::exchange(other.remove_, false);
  other.path.clear();
  return *this;
}

CacheFile::~CacheFile() {
  if (remove_)
    removeFile(path);
}

ErrorObject CacheFile::write(const std::string &content) {
  return writeWhole(path, content);
}

ErrorOr<std::string> CacheFile::read() {
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, readFileBytes(path));
  return ok(std::string(bytes.begin(), bytes.end()));
}

CleanupCacheDirectory::CleanupCacheDirectory(std::filesystem::path dir)
    : cacheDir(std::move(dir)) {}

CleanupCacheDirectory::CleanupCacheDirectory(
    CleanupCacheDirectory &&other) noexcept
    : cacheDir(std::move(other.cacheDir)) {
  other.cacheDir.clear();
}

CleanupCacheDirectory &
CleanupCacheDirectory::operator=(CleanupCacheDirectory &&other) noexcept {
  if (this == &other)
    return *this;
  if (cacheDir != other.cacheDir)
    removeFile(cacheDir);
  cacheDir = std::move(other.cacheDir);
  other.cacheDir.clear();
  return *this;
}

// Refuses unless the folder exists and is empty.
CleanupCacheDirectory::~CleanupCacheDirectory() { removeFile(cacheDir); }

CachedAssets::CachedAssets(CacheFile &&inputFile, CacheFile &&outputFile,
                           CacheFile &&commandFile, CacheFile &&statisticsFile)
    : CleanupCacheDirectory(inputFile.path.parent_path()),
      input(std::move(inputFile)), output(std::move(outputFile)),
      command(std::move(commandFile)), statistics(std::move(statisticsFile)) {}

CachedAssets::CachedAssets(CachedAssets &&other) noexcept = default;

CachedAssets &CachedAssets::operator=(CachedAssets &&other) noexcept {
  if (this == &other)
    return *this;
  // The folder held so far goes, if empty, after its files did.
  CleanupCacheDirectory previous(std::move(cacheDir));
  if (previous.cacheDir == other.cacheDir)
    previous.cacheDir.clear();
  CleanupCacheDirectory::operator=(std::move(other));
  input = std::move(other.input);
  output = std::move(other.output);
  command = std::move(other.command);
  statistics = std::move(other.statistics);
  return *this;
}

CachedAssets::~CachedAssets() = default;

ErrorOr<std::vector<uint8_t>> readFileBytes(const std::filesystem::path &path) {
  struct stat info;
  return engine::readFile(path, info);
}

ErrorOr<std::vector<uint8_t>>
readArtifactFile(const std::filesystem::path &path, bool allowSharedWritable) {
  struct stat info;
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes,
                           engine::readFile(path, info));
  FUSILLI_CHECK_ERROR(
      engine::checkArtifactFile(path, info, allowSharedWritable));
  return ok(std::move(bytes));
}

ErrorObject writeArtifactFile(const std::filesystem::path &path,
                              std::span<const uint8_t> bytes) {
  if (!writePrivately(path, bytes))
    return error(ErrorCode::FileSystemFailure,
                 "cannot write '" + path.string() +
                     "': " + std::strerror(errno));
  return ok();
}

} // namespace fusilli
