// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a soak watches of its process: threads, descriptors, files, memory, and
// the signals of a crash.
#ifndef TESTS_SOAK_PROCESS_H
#define TESTS_SOAK_PROCESS_H

#include <filesystem>
#include <string>
#include <vector>

namespace fusilli::soak {

/// A folder of its own for caches and temporary files; removed at the end.
class Folder {
public:
  Folder();
  ~Folder();
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  const std::filesystem::path &path() const { return path_; }
  std::filesystem::path temporary() const { return path_ / "tmp"; }
  /// Files in it, line by line, other than what is meant to stay: entries of
  /// the store and the folders of graphs that keep their files.
  std::string unexpected() const;

private:
  std::filesystem::path path_;
};

/// Names of this process's threads, sorted.
std::vector<std::string> threadNames();
/// What this process's descriptors refer to, sorted.
std::vector<std::string> openFiles();
std::string join(const std::vector<std::string> &lines);

struct Memory {
  double residentMiB = 0.0;
  double heapMiB = 0.0; ///< handed out by malloc; 0 under a sanitizer
};
Memory memoryOfProcess();
/// Nothing, or how memory has grown beyond bounds. `warm` and `middle` may be
/// missing (all zero).
std::string growth(const Memory &warm, const Memory &middle, const Memory &end);

/// A crash says so and ends the process with code 1.
void reportCrashes();

} // namespace fusilli::soak

#endif // TESTS_SOAK_PROCESS_H
