// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files of one compilation on disk: one folder per graph name, beneath
// `<base>/.cache/fusilli`, where base is the environment variable
// FUSILLI_CACHE_DIR if set and not empty, else HOME, else the working folder.

#ifndef FUSILLI_SUPPORT_CACHE_H
#define FUSILLI_SUPPORT_CACHE_H

#include <fusilli/support/export.h>
#include <fusilli/support/logging.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

/// Names of the files in a graph's folder.
#define IREE_COMPILE_INPUT_FILENAME "iree-compile-input.mlir"
#define IREE_COMPILE_OUTPUT_FILENAME "iree-compile-output.vmfb"
#define IREE_COMPILE_COMMAND_FILENAME "iree-compile-command.txt"
#define IREE_COMPILE_STATISTICS_FILENAME "iree-compile-statistics.json"

namespace fusilli {

/// The whole file `path`, byte for byte; FileSystemFailure if it cannot be
/// read.
FUSILLI_EXPORT ErrorOr<std::vector<uint8_t>>
readFileBytes(const std::filesystem::path &path);

/// The bytes of an artifact's file, for `Graph::loadFromArtifact`. An artifact
/// is machine code and gets the rights of this process: FileSystemFailure,
/// naming owner and mode, for a file that somebody else than this user and root
/// can write, unless `allowSharedWritable` or the environment variable
/// FUSILLI_ALLOW_SHARED_WRITABLE (set, and not `0`) allows it.
FUSILLI_EXPORT ErrorOr<std::vector<uint8_t>>
readArtifactFile(const std::filesystem::path &path,
                 bool allowSharedWritable = false);

/// Writes such a file, or replaces its content: only this user can write it,
/// whatever the umask. FileSystemFailure if it cannot be written.
FUSILLI_EXPORT ErrorObject writeArtifactFile(const std::filesystem::path &path,
                                             std::span<const uint8_t> bytes);

/// A file in the folder of a graph, removed with this object if so asked.
/// Thread safety: externally synchronised. Two graphs with the same name share
/// a folder, across threads and processes.
class FUSILLI_EXPORT CacheFile {
public:
  /// Makes the folders and creates or truncates the file. With `remove` the
  /// file goes when this object does. FileSystemFailure if that fails.
  static ErrorOr<CacheFile> create(const std::string &graphName,
                                   const std::string &fileName, bool remove);
  /// An existing file, which is never removed. FileSystemFailure if missing.
  static ErrorOr<CacheFile> open(const std::string &graphName,
                                 const std::string &fileName);
  /// `<base>/.cache/fusilli`, see the head of this file.
  static std::filesystem::path getCacheDir();
  /// `<cache dir>/<folder>/<fileName>`. The folder is the graph name with
  /// spaces as `_` and everything else outside [A-Za-z0-9_] dropped;
  /// `unnamed_graph` if that leaves nothing.
  static std::filesystem::path getPath(const std::string &graphName,
                                       const std::string &fileName);

  CacheFile(const CacheFile &) = delete;
  CacheFile &operator=(const CacheFile &) = delete;
  CacheFile(CacheFile &&other) noexcept;
  /// Removes the file held so far iff it is owned and at another path.
  CacheFile &operator=(CacheFile &&other) noexcept;
  ~CacheFile();

  /// Replaces the content; FileSystemFailure if that fails.
  ErrorObject write(const std::string &content);
  /// The content; FileSystemFailure if it cannot be read.
  ErrorOr<std::string> read();

  /// Where the file is; empty after a move from this object.
  std::filesystem::path path;

private:
  CacheFile(std::filesystem::path filePath, bool remove);

  bool remove_ = false;
};

/// The files that a compilation leaves.
enum class CachedAssetsType : uint8_t {
  Input,      ///< program text
  Output,     ///< artifact
  Command,    ///< reproducing command line
  Statistics, ///< JSON
};

/// Removes a folder at the end of its life if the folder exists and is empty.
struct FUSILLI_EXPORT CleanupCacheDirectory {
  explicit CleanupCacheDirectory(std::filesystem::path dir);
  CleanupCacheDirectory(const CleanupCacheDirectory &) = delete;
  CleanupCacheDirectory &operator=(const CleanupCacheDirectory &) = delete;
  CleanupCacheDirectory(CleanupCacheDirectory &&other) noexcept;
  CleanupCacheDirectory &operator=(CleanupCacheDirectory &&other) noexcept;
  ~CleanupCacheDirectory();

  /// The folder; empty after a move from this object.
  std::filesystem::path cacheDir;
};

/// All files of one compilation; they share a folder. Thread safety: externally
/// synchronised.
struct FUSILLI_EXPORT CachedAssets : CleanupCacheDirectory {
  CachedAssets(CacheFile &&inputFile, CacheFile &&outputFile,
               CacheFile &&commandFile, CacheFile &&statisticsFile);
  CachedAssets(CachedAssets &&other) noexcept;
  CachedAssets &operator=(CachedAssets &&other) noexcept;
  ~CachedAssets();

  // The base class, and with it the folder, goes after these.
  CacheFile input;
  CacheFile output;
  CacheFile command;
  CacheFile statistics;
};

} // namespace fusilli

#endif // FUSILLI_SUPPORT_CACHE_H
