// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the affinity mask, the cgroup files and FUSILLI_NUM_THREADS.
#include "runtime/base/cpu_count.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sched.h>
#include <string_view>
#include <thread>
#include <vector>

namespace fusilli {

namespace {

constexpr uint32_t kMaxThreads = 1024;

uint32_t affinityCpus() {
  // The kernel refuses masks smaller than its own; grow until it fits.
  for (size_t cpus = 1024; cpus <= size_t{1} << 16; cpus *= 2) {
    size_t bytes = CPU_ALLOC_SIZE(cpus);
    std::vector<unsigned long> words(bytes / sizeof(unsigned long) + 1);
    auto *set = reinterpret_cast<cpu_set_t *>(words.data());
    if (sched_getaffinity(0, bytes, set) == 0)
      return static_cast<uint32_t>(CPU_COUNT_S(bytes, set));
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

uint32_t quotaToCpus(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0)
    return 0;
  return static_cast<uint32_t>(
      std::clamp<int64_t>((quota + period - 1) / period, 1, kMaxThreads));
}

std::optional<int64_t> readNumber(const std::string &path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (file >> value)
    return value;
  return std::nullopt;
}

/// One folder's limit in either version's files; 0 for none.
uint32_t limitOf(const std::string &folder) {
  if (std::ifstream file(folder + "/cpu.max"); file) {
    std::string quota;
    int64_t period = 0;
    if (file >> quota >> period && quota != "max")
      return quotaToCpus(std::strtoll(quota.c_str(), nullptr, 10), period);
    return 0;
  }
  auto quota = readNumber(folder + "/cpu.cfs_quota_us");
  auto period = readNumber(folder + "/cpu.cfs_period_us");
  return quota && period ? quotaToCpus(*quota, *period) : 0;
}

/// Path of this process's group in the hierarchy that rules the CPU.
std::string ownGroup(bool version2) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    size_t first = line.find(':');
    size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    bool isCpu = false;
    for (size_t at = 0; at <= controllers.size();) {
      size_t comma = std::min(controllers.find(',', at), controllers.size());
      isCpu |= controllers.substr(at, comma - at) == "cpu";
      at = comma + 1;
    }
    if (version2 ? controllers.empty() : isCpu)
      return line.substr(second + 1);
  }
  return "/";
}

} // namespace

uint32_t cgroupCpuLimit(const std::string &root, const std::string &group) {
  uint32_t limit = 0;
  std::string path = group;
  // A parent's quota holds for its children too.
  while (true) {
    uint32_t here = limitOf(root + (path == "/" ? "" : path));
    if (here != 0)
      limit = limit == 0 ? here : std::min(limit, here);
    if (path.empty() || path == "/")
      return limit;
    path.resize(path.find_last_of('/'));
  }
}

uint32_t availableCpus() {
  uint32_t cpus = affinityCpus();
  uint32_t limits[] = {cgroupCpuLimit("/sys/fs/cgroup", ownGroup(true)),
                       cgroupCpuLimit("/sys/fs/cgroup/cpu", ownGroup(false))};
  for (uint32_t limit : limits)
    if (limit != 0)
      cpus = std::min(cpus, limit);
  return std::clamp(cpus, 1u, kMaxThreads);
}

StatusOr<uint32_t> defaultThreadCount() {
  const char *text = std::getenv("FUSILLI_NUM_THREADS");
  if (text == nullptr || *text == '\0')
    return availableCpus();
  std::string_view view(text);
  uint32_t count = 0;
  auto [end, error] =
      std::from_chars(view.data(), view.data() + view.size(), count);
  if (error != std::errc() || end != view.data() + view.size() || count < 1 ||
      count > kMaxThreads)
    return invalidArgumentError(strCat("FUSILLI_NUM_THREADS is '", view,
                                       "', expected a number from 1 to ",
                                       kMaxThreads));
  return count;
}

} // namespace fusilli
