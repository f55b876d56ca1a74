// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Signed 4-bit integers, one per byte as a value and two per byte when packed.

#ifndef FUSILLI_SUPPORT_INT_TYPES_H
#define FUSILLI_SUPPORT_INT_TYPES_H

#include <fusilli/support/export.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fusilli {

/// A signed integer of 4 bits, -8 to 7. Thread safety: a plain value.
class FUSILLI_EXPORT Int4 {
public:
  static constexpr unsigned kBitWidth = 4;

  /// Zero.
  constexpr Int4() = default;
  /// `value`, clamped to [-8, 7].
  constexpr Int4(int8_t value)
      : bits_(static_cast<uint8_t>(value < -8  ? -8
                                   : value > 7 ? 7
                                               : value) &
              0xFu) {}

  /// The value, sign-extended.
  constexpr int8_t toInt() const {
    return static_cast<int8_t>(bits_ & 0x8u ? static_cast<int>(bits_) - 16
                                            : static_cast<int>(bits_));
  }
  constexpr operator int8_t() const { return toInt(); }

  /// The bit pattern in the low 4 bits.
  constexpr uint8_t toBits() const { return bits_; }
  /// From the low 4 bits of `bits`; nothing is clamped.
  static constexpr Int4 fromBits(uint8_t bits) {
    Int4 result;
    result.bits_ = bits & 0xFu;
    return result;
  }

  /// ceil(n/2) bytes: element 2k in the low, 2k+1 in the high nibble of byte k;
  /// an unused nibble is 0.
  static std::vector<uint8_t> pack(const std::vector<Int4> &values);
  /// The inverse of `pack`; `data` holds ceil(count/2) bytes.
  static std::vector<Int4> unpack(const uint8_t *data, size_t count);

private:
  uint8_t bits_ = 0;
};

using int4 = Int4;

/// Whether values of T take less than a byte when packed: only Int4.
template <typename T> inline constexpr bool kIsSubByteElement = false;
template <> inline constexpr bool kIsSubByteElement<Int4> = true;

} // namespace fusilli

#endif // FUSILLI_SUPPORT_INT_TYPES_H
