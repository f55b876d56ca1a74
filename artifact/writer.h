// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes artifact bytes: the fixed header (artifact/format.h) and the
// FlatBuffers payload. The same content gives the same bytes.
#ifndef ARTIFACT_WRITER_H
#define ARTIFACT_WRITER_H

#include "artifact/artifact_generated.h"

#include <cstdint>
#include <vector>

namespace fusilli::artifact {

/// Does not check the content: `Reader::open` does.
std::vector<uint8_t> write(const fbs::ArtifactT &artifact);

/// Rewrites size and hash of the header after a change of the payload, for
/// tests that alter artifacts. `bytes` hold at least a header.
void resealForTest(std::vector<uint8_t> &bytes);

} // namespace fusilli::artifact

#endif // ARTIFACT_WRITER_H
