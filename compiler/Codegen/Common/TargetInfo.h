// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What code generation asks about the machine it compiles for: the named CPU
// levels, the vector unit, the caches that block sizes are chosen for. Resolved
// once per compile; everything downstream is a pure function of it.
#ifndef COMPILER_CODEGEN_COMMON_TARGETINFO_H
#define COMPILER_CODEGEN_COMMON_TARGETINFO_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>

namespace fusilli::compiler {

/// A CPU target: a level with the features that it implies. "host" resolves to
/// the highest level that this machine has.
///
/// Thread safety: immutable value.
struct TargetInfo {
  /// "x86-64-v3", "x86-64-v4" or "x86-64-v4-bf16"; never "host".
  std::string name;
  /// Bits of artifact/cpu_features.inc that code for this target may use.
  uint64_t requiredFeatures = 0;
  /// Names for LLVM's TargetMachine.
  std::string cpu;
  std::string featureString;

  unsigned vectorBits = 256;
  unsigned numVectorRegisters = 16;
  bool hasAvx512 = false;
  /// vdpbf16ps: pairs of bf16 products accumulated in f32.
  bool hasBf16Dot = false;
  /// vpdpbusd: four products of bytes accumulated in i32.
  bool hasVnni = false;
  /// AMX tiles; no level has them yet.
  bool hasAmxBf16 = false;

  /// Cache sizes that block sizes are chosen for, in bytes, per core: those of
  /// the smallest common CPUs of the level.
  uint64_t l1Bytes = 32 * 1024;
  uint64_t l2Bytes = 512 * 1024;

  /// Lanes of one full vector of elements with `elementBits` bits.
  unsigned lanes(unsigned elementBits) const {
    return vectorBits / elementBits;
  }

  /// Resolves a target name; an unknown name, or a level given as "host" that
  /// this machine lacks (below x86-64-v3), is an error that lists the names.
  static llvm::Expected<TargetInfo> resolve(llvm::StringRef name);
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_COMMON_TARGETINFO_H
