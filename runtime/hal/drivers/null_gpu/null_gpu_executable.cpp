// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verification first, so that the interpreter checks nothing but positions.
#include "runtime/hal/drivers/null_gpu/null_gpu_executable.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace fusilli::hal {

namespace {

using namespace artifact::null_gpu;

template <typename T> T readAt(const uint8_t *at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

/// The parts of one entry. Borrowed from the executable's bytes.
struct Program {
  Header header;
  const uint8_t *extents;
  const uint8_t *code;

  static Program at(const uint8_t *entry) {
    Program program;
    program.header = readAt<Header>(entry);
    program.extents = entry + sizeof(Header);
    program.code = program.extents + uint64_t{program.header.rank} * 8;
    return program;
  }
  uint64_t extent(uint32_t i) const {
    return readAt<uint64_t>(extents + uint64_t{i} * 8);
  }
  uint32_t word(uint64_t i) const { return readAt<uint32_t>(code + i * 4); }
  uint64_t wide(uint64_t i) const { return readAt<uint64_t>(code + i * 4); }
};

/// Words of an instruction behind its opcode; -1 for an unknown one.
int64_t operandsOf(uint32_t opcode, uint32_t rank) {
  switch (opcode) {
  case kConst:
  case kLocalLoad:
  case kFail:
    return 1;
  case kIndex:
    return 0;
  case kLoad:
    return 3 + 2 * int64_t{rank};
  case kStore:
    return 4 + 2 * int64_t{rank};
  case kLocalStore:
  case kUnary:
    return 2;
  case kBinary:
  case kSelect:
    return 3;
  default:
    return -1;
  }
}

bool givesValue(uint32_t opcode) {
  return opcode != kStore && opcode != kLocalStore && opcode != kFail;
}

float evaluate(uint32_t op, float x) {
  switch (op) {
  case kNeg:
    return -x;
  case kAbs:
    return std::fabs(x);
  case kExp:
    return std::exp(x);
  case kExpm1:
    return std::expm1(x);
  case kLog:
    return std::log(x);
  case kLog1p:
    return std::log1p(x);
  case kSqrt:
    return std::sqrt(x);
  case kRsqrt:
    return 1.0f / std::sqrt(x);
  case kTanh:
    return std::tanh(x);
  case kErf:
    return std::erf(x);
  case kSin:
    return std::sin(x);
  case kCos:
    return std::cos(x);
  case kTan:
    return std::tan(x);
  case kFloor:
    return std::floor(x);
  default:
    return std::ceil(x);
  }
}

uint32_t evaluate(uint32_t op, uint32_t aBits, uint32_t bBits) {
  const float a = std::bit_cast<float>(aBits), b = std::bit_cast<float>(bBits);
  const bool unordered = std::isnan(a) || std::isnan(b);
  auto bits = [](float value) { return std::bit_cast<uint32_t>(value); };
  switch (op) {
  case kAdd:
    return bits(a + b);
  case kSub:
    return bits(a - b);
  case kMul:
    return bits(a * b);
  case kDiv:
    return bits(a / b);
  case kMaximum:
    return bits(unordered ? a + b : std::fmax(a, b));
  case kMinimum:
    return bits(unordered ? a + b : std::fmin(a, b));
  case kMaxnum:
    return bits(std::fmax(a, b));
  case kMinnum:
    return bits(std::fmin(a, b));
  case kPow:
    return bits(std::pow(a, b));
  case kAddInt:
    return aBits + bBits;
  case kEq:
    return a == b;
  case kNe:
    return a != b;
  case kLt:
    return a < b;
  case kLe:
    return a <= b;
  case kGt:
    return a > b;
  case kGe:
    return a >= b;
  case kUnordered:
    return unordered;
  case kAnd:
    return aBits & bBits;
  case kOr:
    return aBits | bBits;
  default:
    return aBits ^ bBits;
  }
}

/// One element at a time.
class Interpreter {
public:
  Interpreter(const Program &program, const EntryParams &entry,
              std::span<const NullGpuRange> bindings)
      : program_(program), entry_(entry), bindings_(bindings) {}

  bool allocate(HostAllocator &allocator) {
    return counters_.allocate(allocator, program_.header.rank) &&
           registers_.allocate(allocator, program_.header.registers) &&
           local_.allocate(allocator, entry_.localMemory);
  }

  Status runElement(uint64_t number) {
    uint64_t rest = number;
    for (uint32_t i = program_.header.rank; i-- > 0;) {
      counters_[i] = rest % program_.extent(i);
      rest /= program_.extent(i);
    }
    size_t next = 0;
    for (uint64_t at = 0; at < program_.header.words;) {
      const uint32_t opcode = program_.word(at++);
      uint32_t value = 0;
      switch (opcode) {
      case kConst:
        value = program_.word(at);
        break;
      case kIndex:
        value = static_cast<uint32_t>(number);
        break;
      case kLoad: {
        FUSILLI_STATUS_ASSIGN(std::byte * data,
                              locate(program_.word(at), at + 1));
        std::memcpy(&value, data, sizeof(value));
        break;
      }
      case kStore: {
        FUSILLI_STATUS_ASSIGN(std::byte * data,
                              locate(program_.word(at), at + 2));
        std::memcpy(data, &registers_[program_.word(at + 1)], sizeof(value));
        break;
      }
      case kLocalStore:
        std::memcpy(local_.data() + program_.word(at),
                    &registers_[program_.word(at + 1)], sizeof(value));
        break;
      case kLocalLoad:
        std::memcpy(&value, local_.data() + program_.word(at), sizeof(value));
        break;
      case kUnary:
        value = std::bit_cast<uint32_t>(
            evaluate(program_.word(at),
                     std::bit_cast<float>(registers_[program_.word(at + 1)])));
        break;
      case kBinary:
        value = evaluate(program_.word(at), registers_[program_.word(at + 1)],
                         registers_[program_.word(at + 2)]);
        break;
      case kSelect:
        value = registers_[program_.word(at)] != 0
                    ? registers_[program_.word(at + 1)]
                    : registers_[program_.word(at + 2)];
        break;
      default:
        return internalError(strCat("kernel '", entry_.name, "' failed with ",
                                    program_.word(at)));
      }
      if (givesValue(opcode))
        registers_[next++] = value;
      at += static_cast<uint64_t>(operandsOf(opcode, program_.header.rank));
    }
    return okStatus();
  }

private:
  StatusOr<std::byte *> locate(uint32_t binding, uint64_t at) const {
    uint64_t position = program_.wide(at);
    for (uint32_t i = 0; i < program_.header.rank; ++i)
      position += program_.wide(at + 2 + 2 * uint64_t{i}) * counters_[i];
    const NullGpuRange &range = bindings_[binding];
    if (position >= range.length / 4)
      return outOfRangeError(
          strCat("kernel '", entry_.name, "' reaches element ", position,
                 " of binding ", binding, ", which has ", range.length / 4));
    return range.data + position * 4;
  }

  const Program &program_;
  const EntryParams &entry_;
  const std::span<const NullGpuRange> bindings_;
  HostArray<uint64_t> counters_;
  HostArray<uint32_t> registers_;
  HostArray<uint8_t> local_;
};

} // namespace

StatusOr<Ref<Executable>>
NullGpuExecutable::create(const ExecutableParams &params,
                          HostAllocator &allocator) {
  if (params.format != kFormat)
    return incompatibleError(strCat("executable of format '", params.format,
                                    "', null-gpu devices load '", kFormat,
                                    "'"));
  if (params.requirements.size() != sizeof(uint32_t))
    return invalidArgumentError(strCat("null-gpu requirements of ",
                                       params.requirements.size(),
                                       " bytes, expected 4"));
  auto version = readAt<uint32_t>(params.requirements.data());
  if (version > kVersion)
    return unavailableError(strCat("the code needs null-gpu version ", version,
                                   ", the device has ", kVersion));
  auto executable = makeRef<NullGpuExecutable>(allocator);
  if (!executable)
    return outOfMemoryError("an executable");
  FUSILLI_STATUS_RETURN_IF_ERROR(executable->copy(params));
  for (const EntryParams &entry : executable->entries_)
    if (Status status = executable->verify(entry); !status.isOk())
      return std::move(status).annotate(strCat("entry '", entry.name, "'"));
  return Ref<Executable>(std::move(executable));
}

Status NullGpuExecutable::copy(const ExecutableParams &params) {
  size_t nameBytes = 0;
  for (const EntryParams &entry : params.entries)
    nameBytes += entry.name.size();
  if (!entries_.allocate(hostAllocator(), params.entries.size()) ||
      !names_.allocate(hostAllocator(), nameBytes) ||
      !bytes_.allocate(hostAllocator(), params.bytes.size()))
    return outOfMemoryError("an executable");
  std::copy(params.bytes.begin(), params.bytes.end(), bytes_.begin());
  char *at = names_.data();
  for (size_t i = 0; i < entries_.size(); ++i) {
    entries_[i] = params.entries[i];
    std::string_view name = params.entries[i].name;
    std::copy(name.begin(), name.end(), at);
    entries_[i].name = {at, name.size()};
    at += name.size();
  }
  return okStatus();
}

Status NullGpuExecutable::verify(const EntryParams &entry) const {
  auto malformed = [](auto... what) {
    return invalidArgumentError(strCat("malformed null-gpu code: ", what...));
  };
  if (entry.offset > bytes_.size() ||
      bytes_.size() - entry.offset < sizeof(Header))
    return malformed("offset ", entry.offset, " of ", bytes_.size(), " bytes");
  const Program program = Program::at(bytes_.data() + entry.offset);
  const Header &header = program.header;
  uint64_t room = bytes_.size() - entry.offset - sizeof(Header);
  if (header.rank > kMaxRank || header.registers > kMaxRegisters ||
      header.perWorkgroup == 0 ||
      room < uint64_t{header.rank} * 8 + uint64_t{header.words} * 4)
    return malformed("header");
  for (uint32_t i = 0; i < header.rank; ++i)
    if (program.extent(i) == 0)
      return malformed("extent ", i, " is 0");
  uint32_t made = 0;
  for (uint64_t at = 0; at < header.words;) {
    const uint64_t begin = at;
    const uint32_t opcode = program.word(at++);
    const int64_t operands = operandsOf(opcode, header.rank);
    if (operands < 0 || header.words - at < static_cast<uint64_t>(operands))
      return malformed("word ", begin, ": opcode ", opcode);
    auto isRegister = [&](uint64_t i) { return program.word(at + i) < made; };
    auto isBinding = [&] { return program.word(at) < entry.bindingCount; };
    auto isLocal = [&] {
      return entry.localMemory >= 4 &&
             program.word(at) <= entry.localMemory - 4;
    };
    bool right = true;
    switch (opcode) {
    case kLoad:
      right = isBinding();
      break;
    case kStore:
      right = isBinding() && isRegister(1);
      break;
    case kLocalStore:
      right = isLocal() && isRegister(1);
      break;
    case kLocalLoad:
      right = isLocal();
      break;
    case kUnary:
      right = program.word(at) < kUnaryCount && isRegister(1);
      break;
    case kBinary:
      right = program.word(at) < kBinaryCount && isRegister(1) && isRegister(2);
      break;
    case kSelect:
      right = isRegister(0) && isRegister(1) && isRegister(2);
      break;
    default:
      break;
    }
    if (!right)
      return malformed("word ", begin, ": operands of opcode ", opcode);
    made += givesValue(opcode) ? 1 : 0;
    at += static_cast<uint64_t>(operands);
  }
  if (made != header.registers)
    return malformed(made, " values for ", header.registers, " registers");
  return okStatus();
}

Status NullGpuExecutable::run(size_t ordinal,
                              std::span<const NullGpuRange> bindings,
                              uint64_t count) const {
  const EntryParams &entry = entries_[ordinal];
  const Program program = Program::at(bytes_.data() + entry.offset);
  Interpreter interpreter(program, entry, bindings);
  if (!interpreter.allocate(hostAllocator()))
    return outOfMemoryError("the registers of a null-gpu kernel");
  uint64_t end = program.header.elements;
  if (uint64_t all = 0; !__builtin_mul_overflow(
          count, uint64_t{program.header.perWorkgroup}, &all))
    end = std::min(end, all);
  for (uint64_t number = 0; number < end; ++number)
    FUSILLI_STATUS_RETURN_IF_ERROR(interpreter.runElement(number));
  return okStatus();
}

} // namespace fusilli::hal
