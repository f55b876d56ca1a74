// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "engine/file_io.h"

#include "support/private_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace fusilli::engine {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

bool FileDescriptor::close() {
  int fd = std::exchange(fd_, -1);
  return fd < 0 || ::close(fd) == 0;
}

bool readAll(int fd, std::span<uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::read(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

bool writeAll(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

bool writeNewFile(const std::filesystem::path &path,
                  std::span<const uint8_t> bytes, mode_t mode) {
  FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  return file.isOpen() && writeAll(file.get(), bytes) && file.close();
}

ErrorOr<std::vector<uint8_t>> readFile(const std::filesystem::path &path,
                                       struct stat &info) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.isOpen() || fstat(file.get(), &info) != 0)
    return error(ErrorCode::FileSystemFailure,
                 errno == ENOENT
                     ? "File does not exist: '" + path.string() + "'"
                     : "cannot open '" + path.string() +
                           "': " + std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return error(ErrorCode::FileSystemFailure,
                 "'" + path.string() + "' is not a regular file");
  std::vector<uint8_t> bytes(static_cast<size_t>(info.st_size));
  if (!readAll(file.get(), bytes))
    return error(ErrorCode::FileSystemFailure,
                 "cannot read " + std::to_string(info.st_size) +
                     " bytes from '" + path.string() + "'");
  return ok(std::move(bytes));
}

ErrorObject checkArtifactFile(const std::filesystem::path &path,
                              const struct stat &info, bool allowed) {
  const char *value = std::getenv("FUSILLI_ALLOW_SHARED_WRITABLE");
  if (allowed || !othersCanWrite(info) ||
      (value && *value && std::string_view(value) != "0"))
    return ok();
  return error(ErrorCode::FileSystemFailure,
               "others can write '" + path.string() + "' (" +
                   ownerAndMode(info) +
                   ") and an artifact is machine code: if you trust what it "
                   "holds, make it yours alone (chown, chmod go-w), or allow "
                   "such files with FUSILLI_ALLOW_SHARED_WRITABLE=1 "
                   "(fusilli-run: --allow-shared-writable)");
}

} // namespace fusilli::engine
