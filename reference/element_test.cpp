// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types: bit patterns, rounding, wrapping.

#include "reference/element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fusilli::reference {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

uint32_t bits16(DataType type, double value) {
  uint8_t data[2];
  storeFloat(type, data, 0, value);
  return data[0] | (data[1] << 8);
}

TEST(ElementTest, KnownBitPatterns) {
  EXPECT_EQ(bits16(DataType::Half, 1.0), 0x3c00u);
  EXPECT_EQ(bits16(DataType::Half, 2.0), 0x4000u);
  EXPECT_EQ(bits16(DataType::Half, -0.0), 0x8000u);
  EXPECT_EQ(bits16(DataType::Half, 65504.0), 0x7bffu);
  EXPECT_EQ(bits16(DataType::Half, 0x1p-24), 0x0001u);
  EXPECT_EQ(bits16(DataType::Half, kInf), 0x7c00u);
  EXPECT_EQ(bits16(DataType::BFloat16, 1.0), 0x3f80u);
  EXPECT_EQ(bits16(DataType::BFloat16, -2.0), 0xc000u);
  EXPECT_EQ(bits16(DataType::BFloat16, 0x1p-133), 0x0001u);
  EXPECT_EQ(bits16(DataType::BFloat16, -kInf), 0xff80u);
}

TEST(ElementTest, EveryHalfAndBFloat16RoundTrips) {
  for (DataType type : {DataType::Half, DataType::BFloat16})
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      const uint8_t data[2] = {static_cast<uint8_t>(bits),
                               static_cast<uint8_t>(bits >> 8)};
      const double value = loadFloat(type, data, 0);
      if (!std::isnan(value)) {
        ASSERT_EQ(bits16(type, value), bits) << value;
      }
    }
}

TEST(ElementTest, RoundsToNearestEvenOnce) {
  // Between 1 and 1 + 2^-10: the tie goes to the even neighbour.
  EXPECT_EQ(roundTo(DataType::Half, 1.0 + 0x1p-11), 1.0);
  EXPECT_EQ(roundTo(DataType::Half, 1.0 + 3 * 0x1p-11), 1.0 + 0x1p-9);
  // Just above the tie; by way of f32 it would fall on the tie first.
  EXPECT_EQ(roundTo(DataType::Half, 1.0 + 0x1p-11 + 0x1p-40), 1.0 + 0x1p-10);
  EXPECT_EQ(roundTo(DataType::Half, 65519.0), 65504.0);
  EXPECT_EQ(roundTo(DataType::Half, 65520.0), kInf);
  EXPECT_EQ(roundTo(DataType::Half, 0x1p-25), 0.0);
  EXPECT_EQ(roundTo(DataType::Half, 0x1.8p-25), 0x1p-24);
  EXPECT_TRUE(std::isnan(roundTo(DataType::BFloat16, std::nan(""))));
}

TEST(ElementTest, IntegersWrapAndSaturate) {
  EXPECT_EQ(wrapTo(DataType::Int8, 200), -56);
  EXPECT_EQ(wrapTo(DataType::Int4, 9), -7);
  EXPECT_EQ(wrapTo(DataType::Uint8, -1), 255);
  EXPECT_EQ(wrapTo(DataType::Boolean, 2), 1);
  EXPECT_EQ(saturateTo(DataType::Int8, 200.7), 127);
  EXPECT_EQ(saturateTo(DataType::Int8, -2.9), -2);
  EXPECT_EQ(saturateTo(DataType::Int64, 1e30),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(saturateTo(DataType::Int32, -kInf),
            std::numeric_limits<int32_t>::min());
  EXPECT_EQ(saturateTo(DataType::Int32, std::nan("")), 0);
}

TEST(ElementTest, Int4PacksLowNibbleFirst) {
  uint8_t data[2] = {};
  for (int k = 0; k < 3; ++k)
    storeInteger(DataType::Int4, data, k, k - 2);
  EXPECT_EQ(data[0], 0xfe);
  EXPECT_EQ(data[1], 0x00);
  EXPECT_EQ(loadInteger(DataType::Int4, data, 1), -1);
  EXPECT_EQ(elementBytes(DataType::Int4, 3), 2u);
}

} // namespace
} // namespace fusilli::reference
