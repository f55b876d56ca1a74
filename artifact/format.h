// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fixed header in front of every artifact payload (artifact.fbs). 64 bytes,
// so that the payload keeps its 64-byte alignment when the file is aligned.
#ifndef ARTIFACT_FORMAT_H
#define ARTIFACT_FORMAT_H

#include <cstdint>

namespace fusilli::artifact {

inline constexpr char kMagic[8] = {'F', 'U', 'S', 'I', 'L', 'L', 'I', '\0'};

/// A reader accepts exactly this format version. It rises with any change of
/// the header, of artifact.fbs, executable_abi.h or vm_abi.h that an older
/// reader could misread.
inline constexpr uint32_t kFormatVersion = 3;

struct Header {
  char magic[8];
  uint32_t formatVersion;
  uint32_t executableAbi;  // FUSILLI_EXECUTABLE_ABI_VERSION
  uint32_t vmAbi;          // FUSILLI_VM_ABI_VERSION
  uint32_t reserved0;      // 0
  uint64_t payloadSize;    // bytes that follow the header, to the end of file
  uint64_t payloadHash[2]; // XXH3 128 of the payload: low, high
  uint8_t reserved[16];    // 0
};
static_assert(sizeof(Header) == 64);

} // namespace fusilli::artifact

#endif // ARTIFACT_FORMAT_H
