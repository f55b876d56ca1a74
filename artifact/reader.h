// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads artifact bytes. Nothing of them is trusted before `open` has verified
// all: header, hash, FlatBuffers structure, and every offset, index, size and
// program word. What `open` accepts can be used without further checks.
#ifndef ARTIFACT_READER_H
#define ARTIFACT_READER_H

#include "artifact/artifact_generated.h"
#include "support/host_allocator.h"
#include "support/status.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace fusilli::artifact {

/// Limits that `open` holds an artifact to.
inline constexpr size_t kMaxRank = 64;
inline constexpr size_t kMaxArgs = 65536;
inline constexpr size_t kMaxEntryBindings = 4096;
inline constexpr size_t kMaxEntryConstants = 256;
inline constexpr size_t kMaxSymbols = 64;
inline constexpr uint64_t kMaxLocalMemory = uint64_t{1} << 30;
inline constexpr uint64_t kMaxBytes = uint64_t{1} << 48;

/// Code for one kind of device; only a driver of `format` looks further.
struct ExecutableView {
  std::string_view format;
  std::span<const uint8_t> requirements;
  std::span<const uint8_t> bytes; ///< 64-byte aligned
};

/// A verified artifact. Uses the bytes in place when they are aligned to 64,
/// otherwise owns an aligned copy. Move-only.
/// Thread safety: immutable.
class Reader {
public:
  /// Borrowed: `bytes` outlive the reader, unless `copy` asks for a copy.
  /// Errors: InvalidArgument (no artifact, malformed, truncated), Incompatible
  /// (another format or ABI version), DataLoss (the hash does not match),
  /// ResourceExhausted.
  static StatusOr<Reader> open(std::span<const uint8_t> bytes,
                               bool copy = false,
                               HostAllocator &allocator = systemAllocator());

  const fbs::Artifact &artifact() const noexcept { return *artifact_; }
  size_t executableCount() const noexcept;
  /// Precondition: i < executableCount().
  ExecutableView executable(size_t i) const noexcept;
  /// 64-byte aligned; empty when the artifact has none.
  std::span<const uint8_t> constants() const noexcept;
  std::span<const uint32_t> program() const noexcept;
  /// Empty when nothing is computed before the calls.
  std::span<const uint32_t> prepare() const noexcept;
  std::string_view target() const noexcept;
  std::string_view backend() const noexcept;

private:
  Reader() = default;
  // Declared first: `artifact_` points into it (or into the caller's bytes).
  HostArray<uint8_t> storage_;
  const fbs::Artifact *artifact_ = nullptr;
};

} // namespace fusilli::artifact

#endif // ARTIFACT_READER_H
