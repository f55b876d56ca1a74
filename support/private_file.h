// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that nobody else may change: an artifact is machine code, so whoever
// can write its file can do what the process may that loads it. The folder
// above is not looked at.
#ifndef SUPPORT_PRIVATE_FILE_H
#define SUPPORT_PRIVATE_FILE_H

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <sys/stat.h>

namespace fusilli {

/// Whether somebody else than this user and root can write it: it belongs to
/// another user, or its group or all have the right.
bool othersCanWrite(const struct stat &info) noexcept;
/// "owner 1000, mode 0664".
std::string ownerAndMode(const struct stat &info);

/// Opens for writing, created or emptied. A regular file that this user owns is
/// written by nobody else afterwards, whatever the umask and the mode it had; a
/// pipe or a device stays what it is. -1 on failure (errno).
int openPrivately(const std::filesystem::path &path);

/// Opens like that, writes `bytes` and closes. False on failure (errno).
bool writePrivately(const std::filesystem::path &path,
                    std::span<const uint8_t> bytes);

/// Makes the folder and its missing parents, each with mode 0700; those that
/// are there stay as they are. False on failure (errno).
bool makePrivateFolders(const std::filesystem::path &folder);

} // namespace fusilli

#endif // SUPPORT_PRIVATE_FILE_H
