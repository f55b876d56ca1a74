// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tracing: spans of loads, executes and dispatches per worker, written as
// Chrome trace JSON (opens in Perfetto). Off, a span costs one relaxed load.
#ifndef RUNTIME_BASE_TRACE_H
#define RUNTIME_BASE_TRACE_H

#include "support/status.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace fusilli::trace {

namespace detail {
extern std::atomic<bool> enabled;
uint64_t now() noexcept;
void record(const char *category, std::string_view name, uint64_t begin,
            uint64_t end) noexcept;
} // namespace detail

/// Whether spans are recorded. Thread-safe.
inline bool enabled() noexcept {
  return detail::enabled.load(std::memory_order_relaxed);
}

/// Spans of one recording, at most.
inline constexpr size_t kMaxSpans = size_t{1} << 26;

/// Starts recording, into memory for `capacity` spans; later ones are counted
/// and dropped. FailedPrecondition when it runs already, InvalidArgument
/// for more than kMaxSpans, ResourceExhausted when out of memory. Thread-safe.
Status start(size_t capacity = size_t{1} << 17);
/// Stops, writes what was recorded, and frees it. Threads may still be inside
/// spans: those are left out. FailedPrecondition when not started, Unavailable
/// when the file cannot be written. Thread-safe.
Status stop(const std::string &path);

/// Once per process: when FUSILLI_TRACE names a file, starts, and writes the
/// file when the process ends. Thread-safe.
void startFromEnvironment();

/// Records the time from its construction to its destruction.
/// Thread safety: one thread.
class Span {
public:
  /// `category` is static; `name` lives as long as the span.
  Span(const char *category, std::string_view name) noexcept
      : begin_(enabled() ? detail::now() : 0), category_(category),
        name_(name) {}
  ~Span() {
    if (begin_ != 0) [[unlikely]]
      detail::record(category_, name_, begin_, detail::now());
  }
  Span(const Span &) = delete;
  Span &operator=(const Span &) = delete;

private:
  const uint64_t begin_;
  const char *const category_;
  const std::string_view name_;
};

} // namespace fusilli::trace

#endif // RUNTIME_BASE_TRACE_H
