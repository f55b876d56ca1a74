// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the artifact reader. Mutations get a fresh header, so that they
// reach the structure behind the checksum. What is accepted is walked as the
// VM walks it.
#include "artifact/format.h"
#include "artifact/program.h"
#include "artifact/reader.h"
#include "artifact/writer.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using namespace fusilli;

volatile uint64_t sink = 0;

void touch(std::span<const uint8_t> bytes) {
  uint64_t sum = 0;
  for (uint8_t byte : bytes)
    sum += byte;
  sink = sink + sum;
}

void require(bool condition) {
  if (!condition)
    std::abort();
}

void walk(const artifact::Reader &reader, std::span<const uint32_t> words) {
  const fbs::Artifact &artifact = reader.artifact();
  size_t argCount = artifact.args() != nullptr ? artifact.args()->size() : 0;
  size_t position = 0;
  while (position < words.size()) {
    auto instruction = artifact::decodeInstruction(words, position);
    require(instruction.isOk());
    if (!instruction->isDispatch())
      continue;
    const fbs::Entry *entry = artifact.entries()->Get(instruction->entry);
    require(entry->executable() < reader.executableCount());
    require(entry->offset() <
            reader.executable(entry->executable()).bytes.size());
    for (uint32_t i = 0; i < instruction->bindingCount; ++i) {
      const fbs::Binding *binding =
          artifact.bindings()->Get(instruction->firstBinding + i);
      uint64_t end = binding->offset() + binding->length();
      require(end >= binding->offset());
      if (binding->kind() == fbs::BindingKind::Constant)
        require(end <= reader.constants().size());
      else if (binding->kind() == fbs::BindingKind::Workspace)
        require(end <= artifact.workspace_size());
      else if (binding->kind() == fbs::BindingKind::Prepared)
        require(end <= artifact.prepared_size());
      else
        require(binding->index() < argCount &&
                end <= artifact.args()->Get(binding->index())->byte_length());
    }
  }
}

} // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned int seed) {
  size = LLVMFuzzerMutate(data, size, maxSize);
  if (size < sizeof(artifact::Header) || seed % 16 == 0)
    return size; // now and then a broken header, too
  std::vector<uint8_t> bytes(data, data + size);
  artifact::resealForTest(bytes);
  std::memcpy(data, bytes.data(), size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto reader = artifact::Reader::open({data, size});
  if (!reader.isOk())
    return 0;
  for (size_t i = 0; i < reader->executableCount(); ++i) {
    touch(reader->executable(i).requirements);
    touch(reader->executable(i).bytes);
  }
  touch(reader->constants());
  walk(*reader, reader->program());
  walk(*reader, reader->prepare());
  return 0;
}
