// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of the HAL: element and encoding types, memory types, access and
// usage bits. They are those of the runtime contract and part of the C
// compatibility headers: never renumbered.
#ifndef RUNTIME_HAL_TYPES_H
#define RUNTIME_HAL_TYPES_H

#include "support/status.h"

#include <cstdint>
#include <span>
#include <string>

namespace fusilli::hal {

using DeviceSize = uint64_t;

/// "The rest of the buffer."
inline constexpr DeviceSize kWholeBuffer = ~DeviceSize{0};
/// Waits without limit.
inline constexpr int64_t kInfiniteTimeout = INT64_MAX;

/// kind << 24 | bits.
enum class ElementType : uint32_t {
  None = 0,
  Opaque8 = 0x00000008,
  Opaque16 = 0x00000010,
  Opaque32 = 0x00000020,
  Opaque64 = 0x00000040,
  Bool8 = 0x13000008,
  Int4 = 0x10000004,
  Sint4 = 0x11000004,
  Uint4 = 0x12000004,
  Int8 = 0x10000008,
  Sint8 = 0x11000008,
  Uint8 = 0x12000008,
  Int16 = 0x10000010,
  Sint16 = 0x11000010,
  Uint16 = 0x12000010,
  Int32 = 0x10000020,
  Sint32 = 0x11000020,
  Uint32 = 0x12000020,
  Int64 = 0x10000040,
  Sint64 = 0x11000040,
  Uint64 = 0x12000040,
  Float16 = 0x21000010,
  Float32 = 0x21000020,
  Float64 = 0x21000040,
  BFloat16 = 0x22000010,
  Complex64 = 0x23000040,
  F8E5M2 = 0x24000008,
  F8E4M3FN = 0x25000008,
  F8E5M2FNUZ = 0x26000008,
  F8E4M3FNUZ = 0x27000008,
  F8E8M0FNU = 0x28000008,
};

constexpr uint32_t elementKind(ElementType type) {
  return static_cast<uint32_t>(type) >> 24;
}
constexpr uint32_t elementBits(ElementType type) {
  return static_cast<uint32_t>(type) & 0xffu;
}
/// Signless, signed, unsigned integers and booleans.
constexpr bool isIntegerElement(ElementType type) {
  return (elementKind(type) & 0xf0u) == 0x10u;
}
constexpr bool isOpaqueElement(ElementType type) {
  return elementKind(type) == 0;
}
/// Whether a value of type `actual` may stand where `expected` is wanted:
/// equal, both integers of the same width, or actual opaque of that width.
constexpr bool elementTypeCompatible(ElementType expected, ElementType actual) {
  return expected == actual ||
         (elementBits(expected) == elementBits(actual) &&
          ((isIntegerElement(expected) && isIntegerElement(actual)) ||
           isOpaqueElement(actual)));
}
/// "f32", "si4", "bool8", ...
std::string elementTypeName(ElementType type);

enum class EncodingType : uint32_t { Opaque = 0, DenseRowMajor = 1 };

/// Bytes of a dense tensor: ceil(elements * bits / 8); rank 0 is one element.
/// OutOfRange when the product overflows, Unimplemented for other encodings.
StatusOr<DeviceSize> denseByteLength(std::span<const DeviceSize> dims,
                                     ElementType type, EncodingType encoding);

enum MemoryTypeBits : uint32_t {
  kMemoryOptimal = 1,
  kMemoryHostVisible = 2,
  kMemoryHostCoherent = 4,
  kMemoryHostCached = 8,
  kMemoryDeviceVisible = 16,
  kMemoryDeviceLocal = 16 | 32,
  kMemoryHostLocal = 2 | 4 | 64,
};
enum MemoryAccessBits : uint16_t {
  kAccessNone = 0,
  kAccessRead = 1,
  kAccessWrite = 2,
  kAccessDiscard = 4,
  kAccessMayAlias = 8,
  kAccessUnaligned = 16,
  kAccessAny = 32,
  kAccessAll = 1 | 2 | 4,
};
enum BufferUsageBits : uint32_t {
  kUsageTransferSource = 1,
  kUsageTransferTarget = 2,
  kUsageTransfer = 3,
  kUsageIndirectParams = 1u << 8,
  kUsageUniformRead = 1u << 9,
  kUsageStorageRead = 1u << 10,
  kUsageStorageWrite = 1u << 11,
  kUsageStorage = kUsageStorageRead | kUsageStorageWrite,
  kUsageExport = 1u << 16,
  kUsageReplicate = 1u << 17,
  kUsageConcurrent = 1u << 18,
  kUsageImmutable = 1u << 19,
  kUsageMapScoped = 1u << 24,
  kUsageMapPersistent = 1u << 25,
  kUsageMapOptional = 1u << 26,
  kUsageDefault = kUsageTransfer | kUsageStorage,
};

/// What a buffer is asked to be.
struct BufferParams {
  uint32_t usage = kUsageDefault;
  uint16_t access = kAccessAll;
  uint32_t type = kMemoryDeviceLocal;
  uint64_t queueAffinity = ~uint64_t{0};
  DeviceSize minAlignment = 0; ///< bytes, a power of two; 0 = the device's own
};

} // namespace fusilli::hal

#endif // RUNTIME_HAL_TYPES_H
