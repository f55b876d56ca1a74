// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "tests/soak/process.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <malloc.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOAK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SOAK_SANITIZED 1
#endif
#endif
#ifndef SOAK_SANITIZED
#define SOAK_SANITIZED 0
#endif

namespace fusilli::soak {
namespace {

namespace fs = std::filesystem;

constexpr double kMiB = 1 << 20;
// Fragmentation moves the resident size; what malloc has handed out must not
// grow but for caches of the C library and the compiler.
constexpr double kResidentGrowth = 1.25;
constexpr double kResidentSlackMiB = 32.0;
constexpr double kHeapSlackMiB = 4.0;

extern "C" void crashed(int signal) {
  const char text[] = "soak: FAILED: the process crashed\n";
  (void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
  psignal(signal, "soak");
  std::_Exit(1);
}

} // namespace

Folder::Folder() {
  std::string pattern =
      (fs::temp_directory_path() / "fusilli-soak-XXXXXX").string();
  if (!mkdtemp(pattern.data())) {
    std::perror("soak: cannot make a temporary folder");
    std::exit(1);
  }
  path_ = pattern;
  fs::create_directory(temporary());
}

Folder::~Folder() {
  std::error_code code;
  fs::remove_all(path_, code);
}

std::string Folder::unexpected() const {
  const fs::path caches = path_ / ".cache";
  const fs::path graphs = caches / "fusilli", store = caches / "fusilli-store";
  std::string text;
  for (const auto &entry : fs::recursive_directory_iterator(path_)) {
    const fs::path &path = entry.path();
    const fs::path parent = path.parent_path();
    const auto isKept = [](const fs::path &folder) {
      const std::string name = folder.filename().string();
      return name == "soak" || name.starts_with("soak_shared_");
    };
    const bool isFolder = path == temporary() || path == caches ||
                          path == graphs || path == store ||
                          (parent == graphs && isKept(path));
    const bool isFile = (parent == store && path.extension() == ".entry") ||
                        (parent.parent_path() == graphs && isKept(parent));
    if (!isFolder && !isFile)
      text += "  " + path.string() + "\n";
  }
  return text;
}

std::vector<std::string> threadNames() {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto &task : fs::directory_iterator("/proc/self/task", code)) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    if (std::getline(file, name)) // not if it has just ended
      names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> openFiles() {
  std::vector<std::string> files;
  std::error_code code;
  for (const auto &entry : fs::directory_iterator("/proc/self/fd", code)) {
    const fs::path target = fs::read_symlink(entry.path(), code);
    // The iterator's own.
    if (!code && !target.string().starts_with("/proc/"))
      files.push_back(target.string());
  }
  std::ranges::sort(files);
  return files;
}

std::string join(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += (text.empty() ? "" : ", ") + line;
  return text;
}

Memory memoryOfProcess() {
  Memory memory;
  std::ifstream file("/proc/self/statm");
  double total = 0.0, resident = 0.0;
  if (file >> total >> resident)
    memory.residentMiB =
        resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / kMiB;
  if (!SOAK_SANITIZED) {
    const struct mallinfo2 info = mallinfo2();
    memory.heapMiB = static_cast<double>(info.uordblks + info.hblkhd) / kMiB;
  }
  return memory;
}

std::string growth(const Memory &warm, const Memory &middle,
                   const Memory &end) {
  if (SOAK_SANITIZED || middle.residentMiB == 0.0)
    return {};
  char text[200];
  if (end.residentMiB >
      middle.residentMiB * kResidentGrowth + kResidentSlackMiB) {
    std::snprintf(text, sizeof(text),
                  "resident memory grew from %.1f to %.1f MiB in the second "
                  "half",
                  middle.residentMiB, end.residentMiB);
    return text;
  }
  if (warm.residentMiB != 0.0 && end.heapMiB > warm.heapMiB + kHeapSlackMiB) {
    std::snprintf(text, sizeof(text),
                  "heap in use grew from %.2f to %.2f MiB after the warm-up",
                  warm.heapMiB, end.heapMiB);
    return text;
  }
  return {};
}

void reportCrashes() {
  if (SOAK_SANITIZED)
    return; // their reports say more
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
    std::signal(signal, crashed);
}

} // namespace fusilli::soak
