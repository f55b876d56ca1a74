// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Float16, BFloat16 and Int4: every bit pattern, and rounding against exact
// arithmetic in double.

#include <fusilli/attributes/types.h>
#include <fusilli/backend/buffer.h>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace fusilli {
namespace {

/// The value of a binary float with the given field widths, from definition.
double valueOf(uint16_t bits, int exponentBits, int fractionBits) {
  int bias = (1 << (exponentBits - 1)) - 1;
  int exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
  double fraction = std::ldexp(bits & ((1 << fractionBits) - 1), -fractionBits);
  double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == (1 << exponentBits) - 1)
    return fraction != 0 ? std::nan("") : sign * INFINITY;
  return exponent == 0 ? sign * std::ldexp(fraction, 1 - bias)
                       : sign * std::ldexp(1 + fraction, exponent - bias);
}

template <typename T>
void checkAllPatterns(int exponentBits, int fractionBits) {
  for (uint32_t i = 0; i <= 0xFFFF; ++i) {
    uint16_t bits = static_cast<uint16_t>(i);
    T value = T::fromBits(bits);
    double expected = valueOf(bits, exponentBits, fractionBits);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value.toFloat())) << i;
      EXPECT_TRUE(std::isnan(T(value.toFloat()).toFloat())) << i;
      continue;
    }
    ASSERT_EQ(static_cast<double>(value.toFloat()), expected) << i;
    ASSERT_EQ(std::signbit(value.toFloat()), (i & 0x8000) != 0) << i;
    ASSERT_EQ(T(value.toFloat()).toBits(), bits) << i;
  }
}

/// Halfway cases and their neighbours between all adjacent positive values.
template <typename T> void checkRounding(uint16_t infinity) {
  for (uint32_t i = 0; i + 1 < infinity; ++i) {
    uint16_t low = static_cast<uint16_t>(i);
    uint16_t high = static_cast<uint16_t>(i + 1);
    // Exact in float: both have at most 11 significant bits.
    float middle =
        static_cast<float>((static_cast<double>(T::fromBits(low).toFloat()) +
                            static_cast<double>(T::fromBits(high).toFloat())) /
                           2);
    uint16_t even = low % 2 == 0 ? low : high;
    ASSERT_EQ(T(middle).toBits(), even) << i;
    ASSERT_EQ(T(std::nextafterf(middle, 0.0f)).toBits(), low) << i;
    ASSERT_EQ(T(std::nextafterf(middle, INFINITY)).toBits(), high) << i;
    ASSERT_EQ(T(-middle).toBits(), even | 0x8000) << i;
  }
}

TEST(Float16Test, EveryBitPattern) { checkAllPatterns<Float16>(5, 10); }
TEST(BFloat16Test, EveryBitPattern) { checkAllPatterns<BFloat16>(8, 7); }
TEST(Float16Test, RoundsToNearestEven) { checkRounding<Float16>(0x7C00); }
TEST(BFloat16Test, RoundsToNearestEven) { checkRounding<BFloat16>(0x7F80); }

TEST(Float16Test, KnownValues) {
  EXPECT_EQ(Float16(1.0f).toBits(), 0x3C00);
  EXPECT_EQ(Float16(2.0f).toBits(), 0x4000);
  EXPECT_EQ(Float16().toBits(), 0);
  EXPECT_EQ(Float16(65504.0f).toBits(), 0x7BFF);
  EXPECT_EQ(Float16(65519.0f).toBits(), 0x7BFF);
  EXPECT_EQ(Float16(65520.0f).toBits(), 0x7C00);
  EXPECT_EQ(Float16(1e10f).toBits(), 0x7C00);
  EXPECT_EQ(Float16(-INFINITY).toBits(), 0xFC00);
  EXPECT_EQ(Float16(1e-20f).toBits(), 0);
  EXPECT_EQ(Float16(-0.0f).toBits(), 0x8000);
  for (uint16_t bits : {0x0001, 0x03FF}) {
    float value = Float16::fromBits(bits);
    EXPECT_GT(value, 0.0f);
    EXPECT_TRUE(std::isnormal(value));
  }
  static_assert(Float16(1.5f).toFloat() == 1.5f);
}

TEST(BFloat16Test, KnownValues) {
  EXPECT_EQ(BFloat16(1.0f).toBits(), 0x3F80);
  EXPECT_EQ(BFloat16(2.0f).toBits(), 0x4000);
  EXPECT_EQ(BFloat16(std::numeric_limits<float>::max()).toBits(), 0x7F80);
  EXPECT_TRUE(std::isnan(BFloat16(std::bit_cast<float>(0x7F800001u))));
}

TEST(NativeTypesTest, AgreeWithTheStructs) {
  std::mt19937 random(7);
  for (int i = 0; i < 100000; ++i) {
    float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(value))
      continue;
    EXPECT_EQ(std::bit_cast<uint16_t>(static_cast<half>(value)),
              Float16(value).toBits())
        << value;
    EXPECT_EQ(std::bit_cast<uint16_t>(static_cast<bf16>(value)),
              BFloat16(value).toBits())
        << value;
  }
}

TEST(Int4Test, ClampsAndExtends) {
  for (int i = -128; i <= 127; ++i)
    EXPECT_EQ(Int4(static_cast<int8_t>(i)).toInt(), std::clamp(i, -8, 7));
  for (int i = 0; i < 256; ++i)
    EXPECT_EQ(Int4::fromBits(static_cast<uint8_t>(i)).toBits(), i & 15);
  EXPECT_EQ(Int4::fromBits(0xF).toInt(), -1);
  EXPECT_EQ(Int4().toInt(), 0);
  EXPECT_EQ(Int4::kBitWidth, 4u);
  static_assert(kIsSubByteElement<int4> && !kIsSubByteElement<int8_t>);
}

TEST(Int4Test, PacksLowNibbleFirst) {
  EXPECT_EQ(Int4::pack({}), std::vector<uint8_t>());
  EXPECT_EQ(Int4::pack({1, -1, 7}), (std::vector<uint8_t>{0xF1, 0x07}));
  std::vector<Int4> values;
  for (int i = -8; i < 8; ++i)
    values.push_back(static_cast<int8_t>(i));
  for (size_t n = 0; n <= values.size(); ++n) {
    std::vector<Int4> part(values.begin(),
                           values.begin() + static_cast<std::ptrdiff_t>(n));
    std::vector<uint8_t> packed = Int4::pack(part);
    EXPECT_EQ(packed.size(), (n + 1) / 2);
    std::vector<Int4> back = Int4::unpack(packed.data(), n);
    ASSERT_EQ(back.size(), n);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(back[i].toInt(), part[i].toInt());
  }
}

TEST(DataTypeTest, MapsAgree) {
  EXPECT_EQ(kDataTypeToMlirTypeAsm.size(), 12u);
  EXPECT_EQ(kDataTypeToTorchType.size(), 12u);
  for (const auto &[type, text] : kDataTypeToMlirTypeAsm)
    EXPECT_EQ(kMlirTypeAsmToDataType.at(text), type);
  EXPECT_EQ(static_cast<int>(DataType::FP8E5M2), 12);
  EXPECT_EQ(kDataTypeToMlirTypeAsm.at(DataType::Boolean), "i1");
  EXPECT_EQ(static_cast<int>(kDataTypeToTorchType.at(DataType::BFloat16)), 15);
  EXPECT_EQ(static_cast<int>(kDataTypeToTorchType.at(DataType::Int4)), 28);
  EXPECT_EQ(static_cast<int>(kDataTypeToTorchType.at(DataType::FP8E5M2)), 23);
  for (DataType type : {DataType::Uint8, DataType::Int4, DataType::Int8,
                        DataType::Int16, DataType::Int32, DataType::Int64})
    EXPECT_TRUE(isIntegerType(type) && isIntegralOrBoolType(type));
  EXPECT_FALSE(isIntegerType(DataType::Boolean));
  EXPECT_TRUE(isIntegralOrBoolType(DataType::Boolean));
  EXPECT_FALSE(isIntegralOrBoolType(DataType::Double));
  EXPECT_FALSE(isIntegralOrBoolType(DataType::FP8E5M2));
}

TEST(ElementTypeTest, Codes) {
  EXPECT_EQ(getIreeHalElementTypeForT<Int4>(), IREE_HAL_ELEMENT_TYPE_SINT_4);
  EXPECT_EQ(IreeHalElementType<int8_t>::kType, IREE_HAL_ELEMENT_TYPE_INT_8);
  static_assert(std::is_same_v<iree_hal_dim_t, size_t>);
}

} // namespace
} // namespace fusilli
