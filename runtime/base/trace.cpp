// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The recorder. Events go to slots of one array, claimed by an atomic counter.
// Writers are counted, so that the array can go when the recording ends.
#include "runtime/base/trace.h"

#include "support/host_allocator.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

namespace fusilli::trace {

namespace detail {
constinit std::atomic<bool> enabled{false};
} // namespace detail

namespace {

struct Event {
  uint32_t thread = 0;
  const char *category = nullptr;
  uint64_t begin = 0;
  uint64_t end = 0;
  char name[48] = {};
};

struct Recording {
  HostArray<Event> events;
  std::atomic<size_t> used{0};
};

std::mutex controlMutex;
Recording *current = nullptr; // changes only while off and without writers
std::atomic<uint32_t> writers{0};
std::atomic<uint32_t> threads{0};

uint32_t threadNumber() {
  static thread_local uint32_t number = threads.fetch_add(1) + 1;
  return number;
}

void writeEscaped(std::FILE *file, const char *text) {
  for (; *text != '\0'; ++text) {
    auto c = static_cast<unsigned char>(*text);
    if (c == '"' || c == '\\')
      std::fprintf(file, "\\%c", c);
    else if (c < 0x20)
      std::fprintf(file, "\\u%04x", c);
    else
      std::fputc(c, file);
  }
}

Status writeFile(const Recording &recording, const std::string &path) {
  std::FILE *file = std::fopen(path.c_str(), "w");
  if (file == nullptr)
    return unavailableError(
        strCat("cannot write trace '", path, "': ", std::strerror(errno)));
  size_t wanted = recording.used.load();
  size_t count = std::min(wanted, recording.events.size());
  std::fprintf(file,
               "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"dropped\":"
               "%zu},\"traceEvents\":[",
               wanted - count);
  const char *separator = "\n";
  for (size_t i = 0; i < count; ++i) {
    const Event &event = recording.events[i];
    std::fprintf(file, "%s{\"ph\":\"X\",\"cat\":\"%s\",\"name\":\"", separator,
                 event.category);
    writeEscaped(file, event.name);
    std::fprintf(file, "\",\"pid\":%d,\"tid\":%u,\"ts\":%.3f,\"dur\":%.3f}",
                 static_cast<int>(getpid()), event.thread,
                 static_cast<double>(event.begin) / 1000,
                 static_cast<double>(event.end - event.begin) / 1000);
    separator = ",\n";
  }
  std::fprintf(file, "\n]}\n");
  bool failed = std::ferror(file) != 0;
  failed |= std::fclose(file) != 0;
  if (failed)
    return unavailableError(strCat("cannot write trace '", path, "'"));
  return okStatus();
}

void write(Recording &recording, const char *category, std::string_view name,
           uint64_t begin, uint64_t end) noexcept {
  size_t slot = recording.used.fetch_add(1, std::memory_order_relaxed);
  if (slot >= recording.events.size())
    return;
  Event &event = recording.events[slot];
  event.thread = threadNumber();
  event.category = category;
  event.begin = begin;
  event.end = end;
  size_t length = std::min(name.size(), sizeof(event.name) - 1);
  std::memcpy(event.name, name.data(), length);
}

} // namespace

namespace detail {

uint64_t now() noexcept {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

void record(const char *category, std::string_view name, uint64_t begin,
            uint64_t end) noexcept {
  // Counted before the look at the switch; stop() turns it off before it looks
  // at the count.
  writers.fetch_add(1, std::memory_order_seq_cst);
  if (enabled.load(std::memory_order_seq_cst))
    write(*current, category, name, begin, end);
  writers.fetch_sub(1, std::memory_order_release);
}

} // namespace detail

Status start(size_t capacity) {
  std::lock_guard lock(controlMutex);
  if (enabled())
    return failedPreconditionError("a trace is being recorded already");
  if (capacity > kMaxSpans)
    return invalidArgumentError(strCat("a trace of ", capacity,
                                       " spans, expected at most ", kMaxSpans));
  auto recording = std::make_unique<Recording>();
  if (!recording->events.allocate(systemAllocator(),
                                  std::max<size_t>(capacity, 1)))
    return outOfMemoryError(strCat("a trace of ", capacity, " spans"));
  current = recording.release();
  detail::enabled.store(true);
  return okStatus();
}

Status stop(const std::string &path) {
  std::lock_guard lock(controlMutex);
  if (!enabled())
    return failedPreconditionError("no trace is being recorded");
  detail::enabled.store(false, std::memory_order_seq_cst);
  while (writers.load(std::memory_order_seq_cst) != 0)
    std::this_thread::yield();
  std::unique_ptr<Recording> ended(std::exchange(current, nullptr));
  return writeFile(*ended, path);
}

void startFromEnvironment() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char *path = std::getenv("FUSILLI_TRACE");
    if (path == nullptr || *path == '\0' || !start().isOk())
      return;
    static const std::string &file = *new std::string(path);
    static const pid_t process = getpid();
    std::atexit([] {
      if (getpid() != process) // a child would write over its parent's file
        return;
      if (Status status = stop(file); !status.isOk())
        std::fprintf(stderr, "fusilli: %s\n", status.toString().c_str());
    });
  });
}

} // namespace fusilli::trace
