// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CPU features as bits of artifact/cpu_features.inc.
#ifndef ARTIFACT_CPU_FEATURES_H
#define ARTIFACT_CPU_FEATURES_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusilli::artifact {

enum class CpuFeature : uint32_t {
#define FUSILLI_CPU_FEATURE(bit, name, llvm, leaf, subleaf, reg, regBit)       \
  name = bit,
#include "artifact/cpu_features.inc"
};

constexpr uint64_t cpuFeatureBit(CpuFeature feature) {
  return uint64_t{1} << static_cast<uint32_t>(feature);
}

/// Bits this build knows.
uint64_t knownCpuFeatures();
/// Features that this CPU has and the operating system lets programs use;
/// asked once. Thread-safe.
uint64_t hostCpuFeatures();
/// LLVM's names of the bits, comma-separated ("avx2,fma"); unknown bits as
/// "bit37".
std::string cpuFeatureNames(uint64_t bits);
/// The requirements of an x86-64 image (artifact/executable_abi.h).
std::vector<uint8_t> encodeCpuRequirements(uint64_t bits);
/// False for bytes that are no such requirements.
bool decodeCpuRequirements(std::span<const uint8_t> bytes, uint64_t &bits);
/// Features of a named level (x86-64-v3, x86-64-v4, x86-64-v4-bf16,
/// x86-64-amx); 0 for an unknown name.
uint64_t cpuLevelFeatures(std::string_view level);
/// The highest of those levels that a machine with these features has; empty
/// when it has not even x86-64-v3.
std::string_view highestCpuLevel(uint64_t features);

} // namespace fusilli::artifact

#endif // ARTIFACT_CPU_FEATURES_H
