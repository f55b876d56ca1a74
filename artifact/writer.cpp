// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packs an artifact and puts the header in front.
#include "artifact/writer.h"

#include "artifact/executable_abi.h"
#include "artifact/format.h"
#include "artifact/hash.h"
#include "artifact/vm_abi.h"

#include <cstring>
#include <flatbuffers/flatbuffers.h>

namespace fusilli::artifact {

namespace {

void writeHeader(std::vector<uint8_t> &bytes) {
  std::span<const uint8_t> payload =
      std::span<const uint8_t>(bytes).subspan(sizeof(Header));
  Hash128 hash = hashBytes(payload);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.formatVersion = kFormatVersion;
  header.executableAbi = FUSILLI_EXECUTABLE_ABI_VERSION;
  header.vmAbi = FUSILLI_VM_ABI_VERSION;
  header.payloadSize = payload.size();
  header.payloadHash[0] = hash.low;
  header.payloadHash[1] = hash.high;
  std::memcpy(bytes.data(), &header, sizeof(header));
}

} // namespace

std::vector<uint8_t> write(const fbs::ArtifactT &artifact) {
  flatbuffers::FlatBufferBuilder builder;
  // Fields that hold their default are left out, the same in every run.
  builder.Finish(fbs::Artifact::Pack(builder, &artifact));
  std::vector<uint8_t> bytes(sizeof(Header) + builder.GetSize());
  std::memcpy(bytes.data() + sizeof(Header), builder.GetBufferPointer(),
              builder.GetSize());
  writeHeader(bytes);
  return bytes;
}

void resealForTest(std::vector<uint8_t> &bytes) {
  if (bytes.size() >= sizeof(Header))
    writeHeader(bytes);
}

} // namespace fusilli::artifact
