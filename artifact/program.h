// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host programs (artifact/vm_abi.h): a decoder, the verifier on top of it, and
// shape arithmetic. The reader verifies with it, the VM evaluates with it.
#ifndef ARTIFACT_PROGRAM_H
#define ARTIFACT_PROGRAM_H

#include "artifact/vm_abi.h"
#include "support/host_allocator.h"
#include "support/status.h"

#include <cstdint>
#include <functional>
#include <span>

namespace fusilli::artifact {

/// Values that a program may define.
inline constexpr size_t kMaxProgramValues = 65536;

/// One decoded instruction. Its spans point into the program.
struct Instruction {
  uint32_t opcode = FUSILLI_VM_RETURN;
  // DISPATCH and DISPATCH_SYMBOLIC.
  uint32_t entry = 0;
  uint32_t firstBinding = 0;
  uint32_t bindingCount = 0;
  uint32_t workgroupCount[3] = {0, 0, 0}; ///< symbolic: numbers of values
  uint32_t flags = 0;
  // DISPATCH_SYMBOLIC: numbers of values.
  std::span<const uint32_t> ranges; ///< offset, length of each binding
  std::span<const uint32_t> constants;
  // Shape arithmetic and WORKSPACE.
  uint32_t operands[2] = {0, 0};
  int64_t constant = 0; ///< CONSTANT

  bool isDispatch() const {
    return opcode == FUSILLI_VM_DISPATCH ||
           opcode == FUSILLI_VM_DISPATCH_SYMBOLIC;
  }
  /// Whether it defines a value.
  bool isArithmetic() const {
    return opcode >= FUSILLI_VM_CONSTANT && opcode <= FUSILLI_VM_MAX;
  }
};

/// Decodes the instruction at `position` and moves it on. InvalidArgument for
/// an unknown opcode or missing operand words; nothing else is checked.
StatusOr<Instruction> decodeInstruction(std::span<const uint32_t> words,
                                        size_t &position);

/// What an entry takes.
struct EntrySignature {
  uint32_t bindingCount = 0;
  uint32_t constantCount = 0;
};

/// What a program refers to.
struct ProgramContext {
  uint32_t entryCount = 0;
  std::function<EntrySignature(uint32_t entry)> entry;
  uint32_t bindingCount = 0;
  uint32_t symbolCount = 0;
};

/// InvalidArgument, naming the word, unless the program consists of known
/// instructions with valid entries, bindings, counts, values and flags and ends
/// with its only RETURN. The product of each constant workgroup count fits 64
/// bits. Which binding refers to what is not looked at.
Status verifyProgram(std::span<const uint32_t> words,
                     const ProgramContext &context);

/// The values of a verified program for one set of extents.
/// Thread safety: externally synchronised.
class ProgramValues {
public:
  explicit ProgramValues(HostAllocator &allocator) : values_(allocator) {}

  /// Begins with the extents of the symbols. ResourceExhausted.
  Status start(std::span<const int64_t> symbols);
  /// Defines the value of `instruction`, which is arithmetic. OutOfRange when
  /// the result does not fit 64 bits or a divisor is not positive;
  /// ResourceExhausted.
  Status evaluate(const Instruction &instruction);
  size_t size() const noexcept { return values_.size(); }
  /// Precondition: number < size().
  int64_t operator[](uint32_t number) const noexcept { return values_[number]; }

private:
  HostVector<int64_t> values_;
};

} // namespace fusilli::artifact

#endif // ARTIFACT_PROGRAM_H
