// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// XXH3 128 of artifact payloads; the only place that sees xxhash.
#ifndef ARTIFACT_HASH_H
#define ARTIFACT_HASH_H

#include <cstdint>
#include <span>

namespace fusilli::artifact {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const Hash128 &, const Hash128 &) = default;
};

/// Also the content hash of the compile cache.
Hash128 hashBytes(std::span<const uint8_t> bytes);

} // namespace fusilli::artifact

#endif // ARTIFACT_HASH_H
