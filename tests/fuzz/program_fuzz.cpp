// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the verifier of host programs and shape arithmetic. The first
// bytes say how many entries, bindings and symbols there are, the rest are
// program words.
#include "artifact/program.h"

#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using namespace fusilli;

void require(bool condition) {
  if (!condition)
    std::abort();
}

artifact::EntrySignature signatureOf(uint32_t entry) {
  return {entry % 5, entry % 3 * 2};
}

/// Evaluates all arithmetic, as a call of these extents does.
void evaluate(std::span<const uint32_t> words, uint32_t symbolCount) {
  std::vector<int64_t> extents(symbolCount);
  for (uint32_t i = 0; i < symbolCount; ++i)
    extents[i] = int64_t{1} << (i * 7 % 48);
  artifact::ProgramValues values(systemAllocator());
  require(values.start(extents).isOk());
  size_t position = 0;
  while (position < words.size()) {
    auto instruction = artifact::decodeInstruction(words, position);
    if (!instruction->isArithmetic())
      continue;
    size_t before = values.size();
    Status status = values.evaluate(*instruction);
    if (!status.isOk()) {
      require(status.code() == StatusCode::OutOfRange);
      return;
    }
    require(values.size() == before + 1);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  artifact::ProgramContext context;
  context.entryCount = data[0];
  context.bindingCount = data[1] / 8;
  context.symbolCount = data[1] % 8;
  context.entry = signatureOf;
  std::vector<uint32_t> words((size - 2) / 4);
  if (!words.empty())
    std::memcpy(words.data(), data + 2, words.size() * 4);
  if (!artifact::verifyProgram(words, context).isOk())
    return 0;
  // What was accepted decodes to its end, inside all bounds.
  size_t position = 0;
  size_t valueCount = context.symbolCount;
  while (true) {
    auto instruction = artifact::decodeInstruction(words, position);
    require(instruction.isOk());
    if (instruction->opcode == FUSILLI_VM_RETURN)
      break;
    if (instruction->isDispatch()) {
      artifact::EntrySignature entry = signatureOf(instruction->entry);
      require(instruction->entry < context.entryCount &&
              instruction->bindingCount == entry.bindingCount &&
              instruction->constants.size() * 2 == entry.constantCount &&
              uint64_t{instruction->firstBinding} + entry.bindingCount <=
                  context.bindingCount);
    }
    if (instruction->opcode == FUSILLI_VM_DISPATCH_SYMBOLIC) {
      require(instruction->ranges.size() == instruction->bindingCount * 2);
      for (auto numbers :
           {std::span<const uint32_t>(instruction->workgroupCount),
            instruction->ranges, instruction->constants})
        for (uint32_t number : numbers)
          require(number < valueCount);
    }
    valueCount += instruction->isArithmetic() ? 1 : 0;
  }
  require(position == words.size());
  evaluate(words, context.symbolCount);
  return 0;
}
