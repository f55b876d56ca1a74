// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// XXH3 128, compiled in from its header.
#include "artifact/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fusilli::artifact {

Hash128 hashBytes(std::span<const uint8_t> bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

} // namespace fusilli::artifact
