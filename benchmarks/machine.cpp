// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CPUID for the features, /proc for names and threads, Linux calls for
// affinity and memory.

#include "benchmarks/machine.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <cpuid.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace fusilli::bench {

namespace {

struct Feature {
  int bit;
  const char *name;
  unsigned leaf, subleaf;
  enum Register { eax, ebx, ecx, edx } reg;
  int registerBit;
};

constexpr Feature kFeatures[] = {
#define FUSILLI_CPU_FEATURE(BIT, ID, NAME, LEAF, SUB, REG, REGBIT)             \
  {BIT, NAME, LEAF, SUB, Feature::REG, REGBIT},
#include "artifact/cpu_features.inc"
};

uint64_t enabledStates() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27)))
    return 0;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

/// State components that the operating system must save for a feature.
uint64_t neededStates(std::string_view name) {
  if (name.starts_with("amx"))
    return 0x60000;
  if (name.starts_with("avx512"))
    return 0xe6;
  bool vex = name.starts_with("avx") || name == "fma" || name == "f16c";
  return vex ? 0x6 : 0;
}

uint64_t detect() {
  uint64_t bits = 0, states = enabledStates();
  for (const Feature &feature : kFeatures) {
    unsigned r[4] = {};
    if (!__get_cpuid_count(feature.leaf, feature.subleaf, &r[0], &r[1], &r[2],
                           &r[3]))
      continue;
    uint64_t needed = neededStates(feature.name);
    if ((r[feature.reg] >> feature.registerBit & 1) &&
        (states & needed) == needed)
      bits |= uint64_t(1) << feature.bit;
  }
  return bits;
}

std::vector<int> affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set))
        cpus.push_back(cpu);
  if (cpus.empty())
    cpus.push_back(0);
  return cpus;
}

void pinTask(pid_t task, int index) {
  const std::vector<int> &cpus = startCpus();
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpus[static_cast<size_t>(index) % cpus.size()], &set);
  sched_setaffinity(task, sizeof(set), &set);
}

std::vector<pid_t> threadIds() {
  std::vector<pid_t> ids;
  std::error_code code;
  for (const auto &entry :
       std::filesystem::directory_iterator("/proc/self/task", code))
    ids.push_back(
        static_cast<pid_t>(std::atol(entry.path().filename().c_str())));
  std::ranges::sort(ids);
  return ids;
}

bool sleeps(pid_t task) {
  std::ifstream file("/proc/self/task/" + std::to_string(task) + "/stat");
  std::string text;
  if (!std::getline(file, text))
    return true;
  size_t end = text.rfind(')');
  return end == std::string::npos || end + 2 >= text.size() ||
         text[end + 2] != 'R';
}

} // namespace

uint64_t cpuFeatureBits() {
  static const uint64_t bits = detect();
  return bits;
}

std::vector<std::string> cpuFeatureNames() {
  std::vector<std::string> names;
  for (const Feature &feature : kFeatures)
    if (cpuFeatureBits() >> feature.bit & 1)
      names.emplace_back(feature.name);
  return names;
}

bool hasFeature(const char *llvmName) {
  return std::ranges::any_of(kFeatures, [&](const Feature &feature) {
    return std::strcmp(feature.name, llvmName) == 0 &&
           (cpuFeatureBits() >> feature.bit & 1);
  });
}

std::string cpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (size_t colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "unknown";
}

const std::vector<int> &startCpus() {
  static const std::vector<int> cpus = affinity();
  return cpus;
}

void pinThisThread(int index) { pinTask(0, index); }

void unpinThisThread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : startCpus())
    CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

void pinNewThreads() {
  static std::set<pid_t> pinned;
  startCpus();
  int next = 1;
  for (pid_t id : threadIds()) {
    if (pinned.insert(id).second)
      pinTask(id, id == getpid() ? 0 : next++);
  }
}

void waitForQuietThreads() {
  using namespace std::chrono_literals;
  pid_t self = gettid();
  std::vector<pid_t> ids = threadIds();
  auto quiet = [&] {
    return std::ranges::all_of(
        ids, [&](pid_t id) { return id == self || sleeps(id); });
  };
  for (int i = 0; i < 100 && !quiet(); ++i)
    std::this_thread::sleep_for(1ms);
}

size_t peakResidentBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

BigBuffer::BigBuffer(size_t bytes) {
  constexpr size_t kPage = size_t(2) << 20;
  size_t mapped = (std::max<size_t>(bytes, 1) + kPage - 1) / kPage * kPage;
  void *raw = mmap(nullptr, mapped + kPage, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED)
    return;
  auto address = reinterpret_cast<uintptr_t>(raw);
  uintptr_t aligned = (address + kPage - 1) / kPage * kPage;
  if (aligned != address)
    munmap(raw, aligned - address);
  if (size_t tail = address + kPage - aligned)
    munmap(reinterpret_cast<void *>(aligned + mapped), tail);
  auto *data = reinterpret_cast<char *>(aligned);
  madvise(data, mapped, MADV_HUGEPAGE);
  std::memset(data, 0, mapped);
  data_ = {data, Unmap{mapped}};
  size_ = bytes;
}

void BigBuffer::Unmap::operator()(char *data) const { munmap(data, bytes); }

} // namespace fusilli::bench
