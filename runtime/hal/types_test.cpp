// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of the HAL, written out once more: they are part of artifacts and
// of the compatibility headers and never change.
#include "runtime/hal/buffer.h"
#include "runtime/hal/types.h"

#include <array>
#include <gtest/gtest.h>

namespace fusilli::hal {
namespace {

using enum ElementType;

struct Element {
  ElementType type;
  uint32_t code;
  uint32_t bits;
  const char *name;
};

constexpr Element kElements[] = {
    {Opaque8, 0x00000008, 8, "opaque8"},
    {Opaque16, 0x00000010, 16, "opaque16"},
    {Opaque32, 0x00000020, 32, "opaque32"},
    {Opaque64, 0x00000040, 64, "opaque64"},
    {Int4, 0x10000004, 4, "i4"},
    {Int8, 0x10000008, 8, "i8"},
    {Int16, 0x10000010, 16, "i16"},
    {Int32, 0x10000020, 32, "i32"},
    {Int64, 0x10000040, 64, "i64"},
    {Sint4, 0x11000004, 4, "si4"},
    {Sint8, 0x11000008, 8, "si8"},
    {Sint16, 0x11000010, 16, "si16"},
    {Sint32, 0x11000020, 32, "si32"},
    {Sint64, 0x11000040, 64, "si64"},
    {Uint4, 0x12000004, 4, "ui4"},
    {Uint8, 0x12000008, 8, "ui8"},
    {Uint16, 0x12000010, 16, "ui16"},
    {Uint32, 0x12000020, 32, "ui32"},
    {Uint64, 0x12000040, 64, "ui64"},
    {Bool8, 0x13000008, 8, "bool8"},
    {Float16, 0x21000010, 16, "f16"},
    {Float32, 0x21000020, 32, "f32"},
    {Float64, 0x21000040, 64, "f64"},
    {BFloat16, 0x22000010, 16, "bf16"},
    {Complex64, 0x23000040, 64, "complex64"},
    {F8E5M2, 0x24000008, 8, "f8E5M2_8"},
    {F8E4M3FN, 0x25000008, 8, "f8E4M3FN_8"},
    {F8E5M2FNUZ, 0x26000008, 8, "f8E5M2FNUZ_8"},
    {F8E4M3FNUZ, 0x27000008, 8, "f8E4M3FNUZ_8"},
    {F8E8M0FNU, 0x28000008, 8, "f8E8M0FNU_8"},
};

TEST(ElementTypeTest, CodesAreKindAndBits) {
  EXPECT_EQ(static_cast<uint32_t>(None), 0u);
  EXPECT_EQ(elementTypeName(None), "none");
  for (const Element &element : kElements) {
    EXPECT_EQ(static_cast<uint32_t>(element.type), element.code)
        << element.name;
    EXPECT_EQ(elementKind(element.type), element.code >> 24) << element.name;
    EXPECT_EQ(elementBits(element.type), element.bits) << element.name;
    EXPECT_EQ(elementTypeName(element.type), element.name);
  }
}

TEST(ElementTypeTest, DenseLengthsRoundUpAndAreChecked) {
  constexpr auto kDense = EncodingType::DenseRowMajor;
  EXPECT_EQ(static_cast<uint32_t>(EncodingType::Opaque), 0u);
  EXPECT_EQ(static_cast<uint32_t>(kDense), 1u);
  for (const Element &element : kElements)
    for (DeviceSize count : {1, 2, 3, 7, 8, 9, 1001}) {
      const DeviceSize expected = (count * element.bits + 7) / 8;
      const DeviceSize dims[] = {count};
      EXPECT_EQ(*denseByteLength(dims, element.type, kDense), expected);
      EXPECT_EQ(*denseByteLength(dims, element.type, EncodingType::Opaque),
                expected);
    }
  EXPECT_EQ(*denseByteLength({}, Float64, kDense), 8u); // rank 0: one element
  EXPECT_EQ(*denseByteLength(std::array<DeviceSize, 2>{3, 0}, Float64, kDense),
            0u);
  const DeviceSize one[] = {1};
  for (uint32_t encoding : {2u, 7u, ~0u})
    EXPECT_EQ(denseByteLength(one, Float32, EncodingType(encoding)).code(),
              StatusCode::Unimplemented);
  // The count, and the count times the bits, must fit 64 bits.
  constexpr DeviceSize kBig = DeviceSize{1} << 32;
  EXPECT_EQ(denseByteLength(std::array{kBig, kBig}, Int8, kDense).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(denseByteLength(std::array{kBig, kBig / 4}, Int8, kDense).code(),
            StatusCode::OutOfRange);
  EXPECT_EQ(*denseByteLength(std::array{kBig, kBig / 16}, Int8, kDense),
            kBig * (kBig / 16));
}

TEST(MemoryBitsTest, HaveTheirValues) {
  static_assert(kMemoryOptimal == 1 && kMemoryHostVisible == 2 &&
                kMemoryHostCoherent == 4 && kMemoryHostCached == 8 &&
                kMemoryDeviceVisible == 16 && kMemoryDeviceLocal == 48 &&
                kMemoryHostLocal == 70);
  static_assert(kAccessRead == 1 && kAccessWrite == 2 && kAccessDiscard == 4 &&
                kAccessMayAlias == 8 && kAccessUnaligned == 16 &&
                kAccessAny == 32 && kAccessAll == 7);
  static_assert(kUsageTransferSource == 1 && kUsageTransferTarget == 2 &&
                kUsageIndirectParams == 0x100 && kUsageUniformRead == 0x200 &&
                kUsageStorageRead == 0x400 && kUsageStorageWrite == 0x800 &&
                kUsageExport == 0x10000 && kUsageReplicate == 0x20000 &&
                kUsageConcurrent == 0x40000 && kUsageImmutable == 0x80000 &&
                kUsageMapScoped == 0x1000000 &&
                kUsageMapPersistent == 0x2000000 &&
                kUsageMapOptional == 0x4000000 && kUsageDefault == 0xC03);
  const BufferParams params;
  EXPECT_EQ(params.usage, kUsageDefault);
  EXPECT_EQ(params.access, kAccessAll);
  EXPECT_EQ(params.type, kMemoryDeviceLocal);
  EXPECT_EQ(params.queueAffinity, ~uint64_t{0});
  EXPECT_EQ(kWholeBuffer, ~DeviceSize{0});
  EXPECT_EQ(BufferRef().length, kWholeBuffer);
}

} // namespace
} // namespace fusilli::hal
