// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host programs (artifact/vm_abi.h): a decoder, and the verifier on top of it.
// The reader verifies with it, the VM decodes with it.
#ifndef ARTIFACT_PROGRAM_H
#define ARTIFACT_PROGRAM_H

#include "artifact/vm_abi.h"
#include "support/status.h"

#include <cstdint>
#include <functional>
#include <span>

namespace fusilli::artifact {

/// One decoded instruction.
struct Instruction {
  uint32_t opcode = FUSILLI_VM_RETURN;
  // DISPATCH only.
  uint32_t entry = 0;
  uint32_t firstBinding = 0;
  uint32_t bindingCount = 0;
  uint32_t workgroupCount[3] = {0, 0, 0};
  uint32_t flags = 0;
};

/// Decodes the instruction at `position` and moves it on. InvalidArgument for
/// an unknown opcode or missing operand words; nothing else is checked.
StatusOr<Instruction> decodeInstruction(std::span<const uint32_t> words,
                                        size_t &position);

/// The number of bindings that an entry takes.
using EntryBindings = std::function<uint32_t(uint32_t entry)>;

/// InvalidArgument, naming the word, unless the program consists of known
/// instructions with valid entries, bindings, counts and flags and ends with
/// its only RETURN. The product of each workgroup count fits 64 bits.
Status verifyProgram(std::span<const uint32_t> words, uint32_t entryCount,
                     const EntryBindings &entryBindings, uint32_t bindingCount);

} // namespace fusilli::artifact

#endif // ARTIFACT_PROGRAM_H
