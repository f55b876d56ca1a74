// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU levels by name, and the choice of one for this machine. A level's
// features come from the shared list artifact/cpu_features.inc.

#include "compiler/Codegen/Common/TargetInfo.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

namespace fusilli::compiler {

namespace {

struct Feature {
  unsigned bit;
  const char *llvmName;
};

constexpr Feature kFeatures[] = {
#define FUSILLI_CPU_FEATURE(BIT, NAME, LLVM, LEAF, SUBLEAF, REG, REGBIT)       \
  {BIT, LLVM},
#include "artifact/cpu_features.inc"
};

enum Bit : unsigned {
#define FUSILLI_CPU_FEATURE(BIT, NAME, LLVM, LEAF, SUBLEAF, REG, REGBIT)       \
  k##NAME = BIT,
#include "artifact/cpu_features.inc"
};

constexpr uint64_t mask(std::initializer_list<unsigned> bits) {
  uint64_t m = 0;
  for (unsigned b : bits)
    m |= uint64_t(1) << b;
  return m;
}

constexpr uint64_t kV3 = mask(
    {kSSE42, kPOPCNT, kAVX, kF16C, kFMA, kMOVBE, kAVX2, kBMI1, kBMI2, kLZCNT});
constexpr uint64_t kV4 =
    kV3 | mask({kAVX512F, kAVX512DQ, kAVX512CD, kAVX512BW, kAVX512VL});
// Every CPU with bf16 dot products has those of bytes.
constexpr uint64_t kV4Bf16 = kV4 | mask({kAVX512BF16, kAVX512VNNI});

struct Level {
  const char *name;
  const char *cpu;
  uint64_t features;
};

// Ascending.
constexpr Level kLevels[] = {
    {"x86-64-v3", "x86-64-v3", kV3},
    {"x86-64-v4", "x86-64-v4", kV4},
    {"x86-64-v4-bf16", "x86-64-v4", kV4Bf16},
};

uint64_t hostFeatures() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  uint64_t found = 0;
  for (const Feature &f : kFeatures)
    if (host.lookup(f.llvmName))
      found |= uint64_t(1) << f.bit;
  return found;
}

TargetInfo makeTarget(const Level &level) {
  TargetInfo t;
  t.name = level.name;
  t.cpu = level.cpu;
  t.requiredFeatures = level.features;
  for (const Feature &f : kFeatures)
    if (level.features >> f.bit & 1) {
      if (!t.featureString.empty())
        t.featureString += ",";
      t.featureString += std::string("+") + f.llvmName;
    }
  t.hasAvx512 = level.features >> kAVX512F & 1;
  t.hasBf16Dot = level.features >> kAVX512BF16 & 1;
  t.hasVnni = level.features >> kAVX512VNNI & 1;
  t.hasAmxBf16 = level.features >> kAMXBF16 & 1;
  if (t.hasAvx512) {
    t.vectorBits = 512;
    t.numVectorRegisters = 32;
    t.l2Bytes = 1024 * 1024;
    t.featureString += ",-prefer-256-bit";
  }
  return t;
}

} // namespace

llvm::Expected<TargetInfo> TargetInfo::resolve(llvm::StringRef name) {
  if (name == "host") {
    static const uint64_t host = hostFeatures();
    for (const Level &level : llvm::reverse(kLevels))
      if ((level.features & ~host) == 0)
        return makeTarget(level);
    return llvm::createStringError(
        "this machine lacks features of x86-64-v3, the lowest target");
  }
  std::string known;
  for (const Level &level : kLevels) {
    if (name == level.name)
      return makeTarget(level);
    known += std::string(level.name) + ", ";
  }
  return llvm::createStringError("unknown target '" + name.str() +
                                 "', expected one of " + known + "host");
}

} // namespace fusilli::compiler
