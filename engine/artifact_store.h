// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The content-addressed compile cache on disk, one file per compiled program.
// The key is the hash of everything a compile depends on, so an entry never
// becomes wrong, only unused. Any number of processes may use one store at
// once: entries are written to a temporary and renamed. What is read is
// verified; whatever is damaged or not trustworthy is a miss, never an error.
#ifndef ENGINE_ARTIFACT_STORE_H
#define ENGINE_ARTIFACT_STORE_H

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusilli::engine {

/// XXH3-128 of what a compile depends on.
struct StoreKey {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const StoreKey &) const = default;
  /// 32 hexadecimal digits, the name of the entry's file.
  std::string hex() const;
};

/// What is hashed to a key. Spans and views are borrowed for the call.
struct StoreKeyInputs {
  /// GraphDef bytes with the graph name blanked, or program text.
  std::span<const uint8_t> program;
  /// Tells GraphDef bytes and program text apart.
  bool isText = false;
  /// The resolved target, never "host".
  std::string_view target;
  std::span<const std::string> flags;
  std::string_view compilerVersion;
};

/// Hashes `inputs` and the artifact format versions of this build.
StoreKey computeStoreKey(const StoreKeyInputs &inputs);

/// One compiled program: what a compile gave.
struct StoreEntry {
  std::string text;       // program text, as emitAsm gives it
  std::string statistics; // JSON
  std::vector<uint8_t> artifact;
};

/// A directory of entries, bounded in size; the least recently used entries go
/// first. A store that cannot be used (unwritable, owned by somebody else,
/// writable by others) behaves like an empty one and logs a warning.
/// Thread safety: immutable; all members may be called concurrently, from any
/// number of processes.
class ArtifactStore {
public:
  /// Default bound of the size of all entries, in bytes.
  static constexpr uint64_t kDefaultLimit = uint64_t{1} << 30;

  ArtifactStore(std::filesystem::path directory, uint64_t limitBytes);

  /// The store of this process's environment: `<base>/.cache/fusilli-store`
  /// with <base> as for CacheFile::getCacheDir, bounded by the environment
  /// variable FUSILLI_STORE_LIMIT_MB (0 turns the store off).
  static ArtifactStore fromEnvironment();

  /// The verified entry, marked as used now; nothing on a miss.
  std::optional<StoreEntry> lookup(const StoreKey &key) const;

  /// Stores `entry` and evicts old entries when the bound is exceeded. False
  /// (and a warning in the log) when it could not be stored.
  bool insert(const StoreKey &key, const StoreEntry &entry) const;

  const std::filesystem::path &directory() const { return directory_; }
  uint64_t limit() const { return limit_; }

private:
  std::filesystem::path pathOf(const StoreKey &key) const;
  bool trustDirectory() const;
  void evict() const;

  std::filesystem::path directory_;
  uint64_t limit_;
};

} // namespace fusilli::engine

#endif // ENGINE_ARTIFACT_STORE_H
