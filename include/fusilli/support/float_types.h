// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 16-bit floating point: binary16 and bfloat16 as plain structs that every
// compiler has, and `half` and `bf16`, the compiler's own types where it has
// them. Invariant: no exported function may have `half` or `bf16` in its
// signature, since compilers differ in what they are.

#ifndef FUSILLI_SUPPORT_FLOAT_TYPES_H
#define FUSILLI_SUPPORT_FLOAT_TYPES_H

#include <fusilli/support/target_platform.h>

#include <bit>
#include <cstdint>

namespace fusilli {

namespace detail {

/// binary32 to binary16, round to nearest, ties to even; IEEE 754-2019, 4.3.1.
constexpr uint16_t floatToHalfBits(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) // NaN stays a NaN, made quiet.
    return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x1FFu));
  if (magnitude >= 0x47800000u) // 2^16 and above, infinity included
    return static_cast<uint16_t>(sign | 0x7C00u);
  int exponent = static_cast<int>(magnitude >> 23) - 127;
  uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
  if (exponent < -25) // below half of the smallest subnormal
    return sign;
  // Result = mantissa >> shift, with the exponent added if it is normal.
  int shift = exponent < -14 ? 13 + (-14 - exponent) : 13;
  uint32_t result = mantissa >> shift;
  if (exponent >= -14)
    result += static_cast<uint32_t>(exponent + 14) << 10;
  uint32_t rest = mantissa & ((1u << shift) - 1);
  uint32_t halfway = 1u << (shift - 1);
  if (rest > halfway || (rest == halfway && (result & 1u)))
    ++result; // may carry into the exponent, up to infinity: that is right
  return static_cast<uint16_t>(sign | result);
}

/// binary16 to binary32, exact.
constexpr float halfBitsToFloat(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t exponent = (bits >> 10) & 0x1Fu;
  uint32_t mantissa = bits & 0x3FFu;
  if (exponent == 0x1Fu)
    return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112u) << 23) |
                                (mantissa << 13));
  // Zero or subnormal: mantissa * 2^-24.
  float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

/// binary32 to bfloat16, round to nearest, ties to even.
constexpr uint16_t floatToBFloat16Bits(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

/// bfloat16 to binary32, exact.
constexpr float bfloat16BitsToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

} // namespace detail

/// IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. Arithmetic is done in
/// float. Conversion from float rounds to nearest even; too large gives
/// infinity, too small gives zero.
struct Float16 {
  uint16_t data = 0;

  constexpr Float16() = default;
  constexpr Float16(float value) : data(detail::floatToHalfBits(value)) {}

  /// The value, exactly.
  constexpr float toFloat() const { return detail::halfBitsToFloat(data); }
  constexpr operator float() const { return toFloat(); }

  /// From and to the bit pattern.
  static constexpr Float16 fromBits(uint16_t bits) {
    Float16 result;
    result.data = bits;
    return result;
  }
  constexpr uint16_t toBits() const { return data; }
};

/// bfloat16: the upper half of an IEEE binary32. Otherwise as Float16.
struct BFloat16 {
  uint16_t data = 0;

  constexpr BFloat16() = default;
  constexpr BFloat16(float value) : data(detail::floatToBFloat16Bits(value)) {}

  /// The value, exactly.
  constexpr float toFloat() const { return detail::bfloat16BitsToFloat(data); }
  constexpr operator float() const { return toFloat(); }

  /// From and to the bit pattern.
  static constexpr BFloat16 fromBits(uint16_t bits) {
    BFloat16 result;
    result.data = bits;
    return result;
  }
  constexpr uint16_t toBits() const { return data; }
};

static_assert(sizeof(Float16) == 2 && sizeof(BFloat16) == 2);

/// The compiler's 16-bit types where it has them (GCC 12 has no __bf16).
#if defined(FUSILLI_PLATFORM_LINUX)
using half = _Float16;
#if defined(__clang__) || __GNUC__ >= 13
using bf16 = __bf16;
#else
using bf16 = BFloat16;
#endif
#else
using half = Float16;
using bf16 = BFloat16;
#endif

} // namespace fusilli

#endif // FUSILLI_SUPPORT_FLOAT_TYPES_H
