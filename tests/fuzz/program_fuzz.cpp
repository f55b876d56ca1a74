// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the verifier of host programs. The first bytes say how many
// entries and bindings there are, the rest are program words.
#include "artifact/program.h"

#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace fusilli;
  if (size < 2)
    return 0;
  uint32_t entries = data[0];
  uint32_t bindings = data[1];
  std::vector<uint32_t> words((size - 2) / 4);
  if (!words.empty())
    std::memcpy(words.data(), data + 2, words.size() * 4);
  auto entryBindings = [](uint32_t entry) { return entry % 5; };
  Status status =
      artifact::verifyProgram(words, entries, entryBindings, bindings);
  if (!status.isOk())
    return 0;
  // What was accepted decodes to its end, inside all bounds.
  size_t position = 0;
  while (true) {
    auto instruction = artifact::decodeInstruction(words, position);
    if (!instruction.isOk())
      std::abort();
    if (instruction->opcode == FUSILLI_VM_RETURN)
      break;
    if (instruction->opcode == FUSILLI_VM_DISPATCH &&
        (instruction->entry >= entries ||
         instruction->bindingCount != entryBindings(instruction->entry) ||
         uint64_t{instruction->firstBinding} + instruction->bindingCount >
             bindings))
      std::abort();
  }
  if (position != words.size())
    std::abort();
  return 0;
}
