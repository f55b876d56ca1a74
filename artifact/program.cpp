// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoder, verifier and arithmetic of host programs.
#include "artifact/program.h"

#include <algorithm>

namespace fusilli::artifact {

namespace {

constexpr size_t kDispatchOperands = 7;
constexpr size_t kSymbolicOperands = 8; // before the values of its bindings
constexpr uint32_t kKnownDispatchFlags = FUSILLI_VM_DISPATCH_INLINE;

Status cutOff(size_t at, std::string_view what) {
  return invalidArgumentError(
      strCat("program word ", at, ": ", what, " is cut off"));
}

void decodeDispatch(const uint32_t *operands, Instruction &instruction) {
  instruction.entry = operands[0];
  instruction.firstBinding = operands[1];
  instruction.bindingCount = operands[2];
  std::copy_n(operands + 3, 3, instruction.workgroupCount);
  instruction.flags = operands[6];
}

Status decodeSymbolicDispatch(std::span<const uint32_t> words, size_t at,
                              size_t &position, Instruction &instruction) {
  if (words.size() - position < kSymbolicOperands)
    return cutOff(at, "dispatch");
  decodeDispatch(words.data() + position, instruction);
  uint64_t constants = words[position + 7];
  position += kSymbolicOperands;
  uint64_t ranges = uint64_t{instruction.bindingCount} * 2;
  if (words.size() - position < ranges + constants)
    return cutOff(at, "dispatch");
  instruction.ranges = words.subspan(position, ranges);
  instruction.constants = words.subspan(position + ranges, constants);
  position += ranges + constants;
  return okStatus();
}

/// Walks a program once; the state is what was seen so far.
class Verifier {
public:
  Verifier(std::span<const uint32_t> words, const ProgramContext &context)
      : words_(words), context_(context), valueCount_(context.symbolCount) {}

  Status run() {
    while (true) {
      at_ = position_;
      FUSILLI_STATUS_ASSIGN(Instruction instruction,
                            decodeInstruction(words_, position_));
      if (instruction.opcode == FUSILLI_VM_RETURN)
        break;
      FUSILLI_STATUS_RETURN_IF_ERROR(verify(instruction));
    }
    if (position_ != words_.size())
      return invalidArgumentError(strCat("program has ",
                                         words_.size() - position_,
                                         " words behind its return"));
    return okStatus();
  }

private:
  template <typename... Args> Status fail(const Args &...args) const {
    return invalidArgumentError(strCat("program word ", at_, ": ", args...));
  }

  Status verify(const Instruction &instruction) {
    if (instruction.isDispatch()) {
      hasCommand_ = true;
      return verifyDispatch(instruction);
    }
    if (instruction.isArithmetic())
      return verifyArithmetic(instruction);
    if (instruction.opcode != FUSILLI_VM_WORKSPACE) {
      hasCommand_ = true;
      return okStatus();
    }
    if (hasWorkspace_ || hasCommand_)
      return fail("the workspace is said twice or behind a command");
    hasWorkspace_ = true;
    return verifyValue(instruction.operands[0]);
  }

  Status verifyValue(uint32_t number) const {
    if (number >= valueCount_)
      return fail("value ", number, " of ", valueCount_);
    return okStatus();
  }

  Status verifyArithmetic(const Instruction &instruction) {
    if (instruction.opcode != FUSILLI_VM_CONSTANT)
      for (uint32_t operand : instruction.operands)
        FUSILLI_STATUS_RETURN_IF_ERROR(verifyValue(operand));
    if (++valueCount_ > kMaxProgramValues)
      return fail("more than ", kMaxProgramValues, " values");
    return okStatus();
  }

  Status verifyDispatch(const Instruction &dispatch) const {
    if (dispatch.entry >= context_.entryCount)
      return fail("entry ", dispatch.entry, " of ", context_.entryCount);
    EntrySignature entry = context_.entry(dispatch.entry);
    if (dispatch.bindingCount != entry.bindingCount)
      return fail(dispatch.bindingCount, " bindings for an entry that takes ",
                  entry.bindingCount);
    if (dispatch.constants.size() * 2 != entry.constantCount)
      return fail(dispatch.constants.size() * 2,
                  " constants for an entry that takes ", entry.constantCount);
    if (dispatch.firstBinding > context_.bindingCount ||
        dispatch.bindingCount > context_.bindingCount - dispatch.firstBinding)
      return fail("bindings ", dispatch.firstBinding, " + ",
                  dispatch.bindingCount, " of ", context_.bindingCount);
    if ((dispatch.flags & ~kKnownDispatchFlags) != 0)
      return fail("unknown flags ", dispatch.flags);
    if (dispatch.opcode == FUSILLI_VM_DISPATCH_SYMBOLIC)
      return verifyValues(dispatch);
    uint64_t plane = uint64_t{dispatch.workgroupCount[0]} *
                     uint64_t{dispatch.workgroupCount[1]};
    uint64_t total = 0;
    if (__builtin_mul_overflow(plane, uint64_t{dispatch.workgroupCount[2]},
                               &total))
      return fail("workgroup count overflows");
    return okStatus();
  }

  Status verifyValues(const Instruction &dispatch) const {
    for (std::span<const uint32_t> numbers :
         {std::span<const uint32_t>(dispatch.workgroupCount), dispatch.ranges,
          dispatch.constants})
      for (uint32_t number : numbers)
        FUSILLI_STATUS_RETURN_IF_ERROR(verifyValue(number));
    return okStatus();
  }

  std::span<const uint32_t> words_;
  const ProgramContext &context_;
  size_t position_ = 0;
  size_t at_ = 0; ///< the current instruction
  size_t valueCount_;
  bool hasWorkspace_ = false;
  bool hasCommand_ = false;
};

/// The rounded-down quotient; b is positive.
int64_t floorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

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
  case FUSILLI_VM_DISPATCH:
    if (words.size() - position < kDispatchOperands)
      return cutOff(at, "dispatch");
    decodeDispatch(words.data() + position, instruction);
    position += kDispatchOperands;
    return instruction;
  case FUSILLI_VM_DISPATCH_SYMBOLIC:
    FUSILLI_STATUS_RETURN_IF_ERROR(
        decodeSymbolicDispatch(words, at, position, instruction));
    return instruction;
  case FUSILLI_VM_WORKSPACE:
    if (position == words.size())
      return cutOff(at, "workspace");
    instruction.operands[0] = words[position++];
    return instruction;
  default:
    if (!instruction.isArithmetic())
      return invalidArgumentError(
          strCat("program word ", at, ": unknown opcode ", instruction.opcode));
    if (words.size() - position < 2)
      return cutOff(at, "arithmetic");
    std::copy_n(words.data() + position, 2, instruction.operands);
    position += 2;
    if (instruction.opcode == FUSILLI_VM_CONSTANT)
      instruction.constant =
          static_cast<int64_t>(uint64_t{instruction.operands[0]} |
                               uint64_t{instruction.operands[1]} << 32);
    return instruction;
  }
}

Status verifyProgram(std::span<const uint32_t> words,
                     const ProgramContext &context) {
  return Verifier(words, context).run();
}

Status ProgramValues::start(std::span<const int64_t> symbols) {
  values_.truncate(0);
  if (!values_.append(symbols.data(), symbols.size()))
    return outOfMemoryError("the values of a program");
  return okStatus();
}

Status ProgramValues::evaluate(const Instruction &instruction) {
  int64_t result = instruction.constant;
  if (instruction.opcode != FUSILLI_VM_CONSTANT) {
    int64_t a = values_[instruction.operands[0]];
    int64_t b = values_[instruction.operands[1]];
    bool divides = instruction.opcode == FUSILLI_VM_FLOOR_DIV ||
                   instruction.opcode == FUSILLI_VM_CEIL_DIV ||
                   instruction.opcode == FUSILLI_VM_MOD;
    if (divides && b <= 0)
      return outOfRangeError(strCat("shape arithmetic divides ", a, " by ", b));
    bool overflows = false;
    switch (instruction.opcode) {
    case FUSILLI_VM_ADD:
      overflows = __builtin_add_overflow(a, b, &result);
      break;
    case FUSILLI_VM_MUL:
      overflows = __builtin_mul_overflow(a, b, &result);
      break;
    case FUSILLI_VM_FLOOR_DIV:
      result = floorDiv(a, b);
      break;
    case FUSILLI_VM_CEIL_DIV:
      result = floorDiv(a, b) + (a % b != 0 ? 1 : 0);
      break;
    case FUSILLI_VM_MOD:
      result = a % b < 0 ? a % b + b : a % b;
      break;
    case FUSILLI_VM_MIN:
      result = std::min(a, b);
      break;
    default:
      result = std::max(a, b);
      break;
    }
    if (overflows)
      return outOfRangeError(
          strCat("shape arithmetic overflows: operands ", a, " and ", b));
  }
  if (!values_.push(std::move(result)))
    return outOfMemoryError("the values of a program");
  return okStatus();
}

} // namespace fusilli::artifact
