// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "support/private_file.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace fusilli {

namespace {
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
} // namespace

bool othersCanWrite(const struct stat &info) noexcept {
  return (info.st_uid != geteuid() && info.st_uid != 0) ||
         (info.st_mode & kOthersWrite) != 0;
}

std::string ownerAndMode(const struct stat &info) {
  char text[64];
  std::snprintf(text, sizeof(text), "owner %lu, mode %04o",
                static_cast<unsigned long>(info.st_uid),
                static_cast<unsigned>(info.st_mode & 07777));
  return text;
}

int openPrivately(const std::filesystem::path &path) {
  struct stat info;
  // Somebody may have it open: a new file takes its place.
  if (lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
      othersCanWrite(info))
    unlink(path.c_str());
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
      (info.st_mode & kOthersWrite) != 0)
    (void)!fchmod(fd, info.st_mode & 07777 & ~kOthersWrite);
  return fd;
}

bool writePrivately(const std::filesystem::path &path,
                    std::span<const uint8_t> bytes) {
  const int fd = openPrivately(path);
  while (fd >= 0 && !bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      break;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  if (fd < 0)
    return false;
  const int failure = bytes.empty() ? 0 : errno;
  const bool isClosed = close(fd) == 0;
  if (failure != 0)
    errno = failure;
  return isClosed && failure == 0;
}

bool makePrivateFolders(const std::filesystem::path &folder) {
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST)
    return true;
  if (errno != ENOENT || !folder.has_parent_path() ||
      folder.parent_path() == folder)
    return false;
  if (!makePrivateFolders(folder.parent_path()))
    return false;
  return mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
}

} // namespace fusilli
