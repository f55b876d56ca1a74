// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asks CPUID and XGETBV for the features of cpu_features.inc.
#include "artifact/cpu_features.h"

#include <cstddef>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fusilli::artifact {

namespace {

struct FeatureName {
  uint32_t bit;
  const char *name;
};

constexpr FeatureName kFeatures[] = {
#define FUSILLI_CPU_FEATURE(bit, name, llvm, leaf, subleaf, reg, regBit)       \
  {bit, llvm},
#include "artifact/cpu_features.inc"
};

constexpr uint64_t bits() { return 0; }
template <typename... Rest>
constexpr uint64_t bits(CpuFeature first, Rest... rest) {
  return cpuFeatureBit(first) | bits(rest...);
}

using enum CpuFeature;

constexpr uint64_t kLevel3 =
    bits(SSE42, POPCNT, AVX, F16C, FMA, MOVBE, AVX2, BMI1, BMI2, LZCNT);
constexpr uint64_t kLevel4 =
    kLevel3 | bits(AVX512F, AVX512DQ, AVX512CD, AVX512BW, AVX512VL);
constexpr uint64_t kLevel4Bf16 = kLevel4 | bits(AVX512VNNI, AVX512BF16);
constexpr uint64_t kLevelAmx = kLevel4Bf16 | bits(AMXTILE, AMXBF16, AMXINT8);

// What the operating system must save for these features to be usable.
constexpr uint64_t kNeedYmm = bits(AVX, F16C, FMA, AVX2);
constexpr uint64_t kNeedZmm =
    bits(AVX512F, AVX512DQ, AVX512CD, AVX512BW, AVX512VL, AVX512VNNI,
         AVX512BF16, AVX512FP16);
constexpr uint64_t kNeedTiles = bits(AMXTILE, AMXBF16, AMXINT8);

struct Level {
  std::string_view name;
  uint64_t features;
};
// Lowest first.
constexpr Level kLevels[] = {{"x86-64-v3", kLevel3},
                             {"x86-64-v4", kLevel4},
                             {"x86-64-v4-bf16", kLevel4Bf16},
                             {"x86-64-amx", kLevelAmx}};

#if defined(__x86_64__)
struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  // Checks the highest leaf first; all zero for one that does not exist.
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0)
    return {};
  // A subleaf above the count in subleaf 0 gives garbage on some machines.
  if (leaf == 7 && subleaf > 0 && subleaf > cpuid(7, 0).eax)
    return {};
  return r;
}

uint64_t readXcr0() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

uint64_t detect() {
  uint64_t found = 0;
#define FUSILLI_CPU_FEATURE(bit, name, llvm, leaf, subleaf, reg, regBit)       \
  if ((cpuid(leaf, subleaf).reg >> regBit) & 1u)                               \
    found |= uint64_t{1} << bit;
#include "artifact/cpu_features.inc"
  bool osxsave = (cpuid(1, 0).ecx >> 27) & 1u;
  uint64_t xcr0 = osxsave ? readXcr0() : 0;
  if ((xcr0 & 0x6) != 0x6)
    found &= ~(kNeedYmm | kNeedZmm);
  if ((xcr0 & 0xe6) != 0xe6)
    found &= ~kNeedZmm;
  if ((xcr0 & 0x60000) != 0x60000)
    found &= ~kNeedTiles;
  return found;
}
#else
uint64_t detect() { return 0; }
#endif

} // namespace

uint64_t knownCpuFeatures() {
  uint64_t all = 0;
  for (const FeatureName &feature : kFeatures)
    all |= uint64_t{1} << feature.bit;
  return all;
}

uint64_t hostCpuFeatures() {
  static const uint64_t features = detect();
  return features;
}

std::string cpuFeatureNames(uint64_t features) {
  std::string out;
  for (uint32_t bit = 0; bit < 64; ++bit) {
    if (((features >> bit) & 1u) == 0)
      continue;
    std::string name = "bit" + std::to_string(bit);
    for (const FeatureName &feature : kFeatures)
      if (feature.bit == bit)
        name = feature.name;
    if (!out.empty())
      out += ',';
    out += name;
  }
  return out;
}

std::vector<uint8_t> encodeCpuRequirements(uint64_t bits) {
  std::vector<uint8_t> bytes(sizeof(bits));
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(bits >> (8 * i));
  return bytes;
}

bool decodeCpuRequirements(std::span<const uint8_t> bytes, uint64_t &bits) {
  if (bytes.size() != sizeof(bits))
    return false;
  bits = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    bits |= uint64_t{bytes[i]} << (8 * i);
  return true;
}

uint64_t cpuLevelFeatures(std::string_view level) {
  for (const Level &known : kLevels)
    if (known.name == level)
      return known.features;
  return 0;
}

std::string_view highestCpuLevel(uint64_t features) {
  std::string_view best;
  for (const Level &level : kLevels)
    if ((features & level.features) == level.features)
      best = level.name;
  return best;
}

} // namespace fusilli::artifact
