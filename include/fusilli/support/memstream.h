// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C streams that write to memory: for C interfaces which print to a FILE *.

#ifndef FUSILLI_SUPPORT_MEMSTREAM_H
#define FUSILLI_SUPPORT_MEMSTREAM_H

#include <fusilli/support/export.h>

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

namespace fusilli {

/// A C stream whose content is read back as a string.
///
///     MemStream stream;
///     std::fprintf(stream, "%d", 42);
///     assert(stream.str() == "42");
///
/// Thread safety: externally synchronised. Neither copied nor moved.
class FUSILLI_EXPORT MemStream {
public:
  /// Opens the stream; `isValid` tells whether that worked.
  MemStream();
  /// Closes the stream and frees its memory.
  ~MemStream();
  MemStream(const MemStream &) = delete;
  MemStream &operator=(const MemStream &) = delete;
  MemStream(MemStream &&) = delete;
  MemStream &operator=(MemStream &&) = delete;

  /// The stream to write to, owned by this object; null if opening failed.
  FILE *stream() { return stream_; }
  /// Whether the stream was opened.
  bool isValid() const { return stream_ != nullptr; }
  /// Everything written so far (flushes); nothing if the stream is not valid.
  std::optional<std::string> str();
  /// Bytes written so far (flushes); nothing if the stream is not valid.
  std::optional<size_t> size();
  /// Same as `stream()`.
  operator FILE *() { return stream_; }

private:
  FILE *stream_ = nullptr;
  char *data_ = nullptr;
  size_t size_ = 0;
};

/// A C stream which, when destroyed, replaces the content of a string by
/// everything that was written to it (the empty string if nothing was).
///
/// Thread safety: externally synchronised. Neither copied nor moved.
class FUSILLI_EXPORT FprintAdapter {
public:
  /// `out` is borrowed until destruction.
  explicit FprintAdapter(std::string &out) : out_(out) {}
  ~FprintAdapter();
  FprintAdapter(const FprintAdapter &) = delete;
  FprintAdapter &operator=(const FprintAdapter &) = delete;

  /// The stream to write to, owned by this object; null if opening failed.
  FILE *stream() { return mem_.stream(); }
  /// Whether the stream was opened.
  bool isValid() const { return mem_.isValid(); }
  /// Same as `stream()`.
  operator FILE *() { return mem_.stream(); }

private:
  std::string &out_; // Borrowed: the caller keeps it alive, see constructor.
  MemStream mem_;
};

} // namespace fusilli

#endif // FUSILLI_SUPPORT_MEMSTREAM_H
