// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contract between the compiler's null-gpu target and the null-gpu driver:
// kernels as programs of 32-bit words that the driver interprets, once for each
// element. Little-endian. A device of the kind is a test of the seams: none of
// what stands between the two knows of it.
#ifndef ARTIFACT_NULL_GPU_ABI_H
#define ARTIFACT_NULL_GPU_ABI_H

#include <cstdint>

namespace fusilli::artifact::null_gpu {

/// Executable.format. Its requirements are the version of the instruction set
/// that the code needs, 4 bytes.
inline constexpr char kFormat[] = "null-gpu-program";
inline constexpr uint32_t kVersion = 1;

/// An entry begins with this. The elements have linear numbers below
/// `elements`; workgroup i runs numbers [i * perWorkgroup, (i + 1) *
/// perWorkgroup). The number is split into `rank` counters, the last one
/// fastest, by the extents that follow the header (64 bits each).
struct Header {
  uint32_t words;        ///< of the instructions behind the extents
  uint32_t rank;         ///< at most kMaxRank
  uint32_t perWorkgroup; ///< at least 1
  uint32_t registers;    ///< values that the instructions make
  uint64_t elements;
};
static_assert(sizeof(Header) == 24);

inline constexpr uint32_t kMaxRank = 64;
inline constexpr uint32_t kMaxRegisters = 65536;

/// An instruction is its opcode and these words. One that gives a value puts it
/// in the next register; registers hold 32 bits. Positions of LOAD and STORE
/// are in elements of 4 bytes: offset + sum of coefficient * counter, `offset`
/// and the `rank` coefficients 64 bits each.
enum Opcode : uint32_t {
  kConst,      ///< bits
  kIndex,      ///< the element's linear number
  kLoad,       ///< binding, offset, coefficients
  kStore,      ///< binding, register, offset, coefficients; no value
  kLocalStore, ///< byte offset, register; no value
  kLocalLoad,  ///< byte offset
  kUnary,      ///< Unary, register
  kBinary,     ///< Binary, register, register
  kSelect,     ///< register (not 0: the next), register, register
  kFail,       ///< code; ends the dispatch with an error, no value
};

enum Unary : uint32_t {
  kNeg,
  kAbs,
  kExp,
  kExpm1,
  kLog,
  kLog1p,
  kSqrt,
  kRsqrt,
  kTanh,
  kErf,
  kSin,
  kCos,
  kTan,
  kFloor,
  kCeil,
  kUnaryCount
};

enum Binary : uint32_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMaximum, ///< a not-a-number wins
  kMinimum,
  kMaxnum, ///< a number wins
  kMinnum,
  kPow,
  kAddInt,
  // Comparisons give 0 or 1; the unordered ones hold for not-a-numbers.
  kEq,
  kNe, ///< unordered
  kLt,
  kLe,
  kGt,
  kGe,
  kUnordered,
  kAnd,
  kOr,
  kXor,
  kBinaryCount
};

} // namespace fusilli::artifact::null_gpu

#endif // ARTIFACT_NULL_GPU_ABI_H
