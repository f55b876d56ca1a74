// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small file primitives of the engine: owned descriptors, whole reads and
// writes that survive interruptions and short transfers.
#ifndef ENGINE_FILE_IO_H
#define ENGINE_FILE_IO_H

#include "fusilli/support/logging.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace fusilli::engine {

/// Owns a file descriptor. Thread safety: externally synchronised.
class FileDescriptor {
public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(const FileDescriptor &) = delete;
  FileDescriptor &operator=(const FileDescriptor &) = delete;

  bool isOpen() const { return fd_ >= 0; }
  int get() const { return fd_; }
  /// Closes now; false (errno) when the system reports a late write error.
  bool close();

private:
  int fd_;
};

/// Fills `bytes` from the descriptor; false when the file is shorter or on an
/// error (errno).
bool readAll(int fd, std::span<uint8_t> bytes);

/// Writes all of `bytes`; false on an error (errno).
bool writeAll(int fd, std::span<const uint8_t> bytes);

/// Creates a file that must not exist and writes it; false on error (errno).
/// What was written so far stays.
bool writeNewFile(const std::filesystem::path &path,
                  std::span<const uint8_t> bytes, mode_t mode);

/// The whole file and what the system says about it. FileSystemFailure when it
/// cannot be read or is no regular file.
ErrorOr<std::vector<uint8_t>> readFile(const std::filesystem::path &path,
                                       struct stat &info);

/// FileSystemFailure when others can write the artifact's file `path`, unless
/// `allowed` or the environment allows it; see `readArtifactFile`.
ErrorObject checkArtifactFile(const std::filesystem::path &path,
                              const struct stat &info, bool allowed);

} // namespace fusilli::engine

#endif // ENGINE_FILE_IO_H
