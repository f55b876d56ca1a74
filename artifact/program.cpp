// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoder and verifier of host programs.
#include "artifact/program.h"

namespace fusilli::artifact {

namespace {

constexpr size_t kDispatchOperands = 7;
constexpr uint32_t kKnownDispatchFlags = FUSILLI_VM_DISPATCH_INLINE;

Status verifyDispatch(const Instruction &dispatch, size_t at,
                      uint32_t entryCount, const EntryBindings &entryBindings,
                      uint32_t bindingCount) {
  if (dispatch.entry >= entryCount)
    return invalidArgumentError(strCat("program word ", at, ": entry ",
                                       dispatch.entry, " of ", entryCount));
  uint32_t expected = entryBindings(dispatch.entry);
  if (dispatch.bindingCount != expected)
    return invalidArgumentError(
        strCat("program word ", at, ": ", dispatch.bindingCount,
               " bindings for an entry that takes ", expected));
  if (dispatch.firstBinding > bindingCount ||
      dispatch.bindingCount > bindingCount - dispatch.firstBinding)
    return invalidArgumentError(
        strCat("program word ", at, ": bindings ", dispatch.firstBinding, " + ",
               dispatch.bindingCount, " of ", bindingCount));
  uint64_t plane = uint64_t{dispatch.workgroupCount[0]} *
                   uint64_t{dispatch.workgroupCount[1]};
  uint64_t total = 0;
  if (__builtin_mul_overflow(plane, uint64_t{dispatch.workgroupCount[2]},
                             &total))
    return invalidArgumentError(
        strCat("program word ", at, ": workgroup count overflows"));
  if ((dispatch.flags & ~kKnownDispatchFlags) != 0)
    return invalidArgumentError(
        strCat("program word ", at, ": unknown flags ", dispatch.flags));
  return okStatus();
}

} // namespace

StatusOr<Instruction> decodeInstruction(std::span<const uint32_t> words,
                                        size_t &position) {
  if (position >= words.size())
    return invalidArgumentError("program ends without a return");
  Instruction instruction;
  size_t at = position;
  instruction.opcode = words[position++];
  switch (instruction.opcode) {
  case FUSILLI_VM_RETURN:
  case FUSILLI_VM_BARRIER:
    return instruction;
  case FUSILLI_VM_DISPATCH: {
    if (words.size() - position < kDispatchOperands)
      return invalidArgumentError(
          strCat("program word ", at, ": dispatch is cut off"));
    const uint32_t *operands = words.data() + position;
    instruction.entry = operands[0];
    instruction.firstBinding = operands[1];
    instruction.bindingCount = operands[2];
    for (size_t i = 0; i < 3; ++i)
      instruction.workgroupCount[i] = operands[3 + i];
    instruction.flags = operands[6];
    position += kDispatchOperands;
    return instruction;
  }
  default:
    return invalidArgumentError(
        strCat("program word ", at, ": unknown opcode ", instruction.opcode));
  }
}

Status verifyProgram(std::span<const uint32_t> words, uint32_t entryCount,
                     const EntryBindings &entryBindings,
                     uint32_t bindingCount) {
  size_t position = 0;
  while (true) {
    size_t at = position;
    FUSILLI_STATUS_ASSIGN(Instruction instruction,
                          decodeInstruction(words, position));
    if (instruction.opcode == FUSILLI_VM_RETURN)
      break;
    if (instruction.opcode == FUSILLI_VM_DISPATCH)
      FUSILLI_STATUS_RETURN_IF_ERROR(verifyDispatch(
          instruction, at, entryCount, entryBindings, bindingCount));
  }
  if (position != words.size())
    return invalidArgumentError(strCat("program has ", words.size() - position,
                                       " words behind its return"));
  return okStatus();
}

} // namespace fusilli::artifact
