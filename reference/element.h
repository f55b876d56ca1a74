// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types of tensors as numbers: how each is stored, and how a double is
// rounded to it. Rounding is to nearest, ties to even, straight from double, so
// that no value is rounded twice. Subnormals are kept; overflow gives infinity.
// Integers wrap (two's complement). Boolean is one byte, any non-zero is true.

#ifndef REFERENCE_ELEMENT_H
#define REFERENCE_ELEMENT_H

#include <fusilli/attributes/types.h>

#include <cstddef>
#include <cstdint>

namespace fusilli::reference {

/// A binary floating-point format.
struct FloatFormat {
  int precision;   ///< bits of the significand, the hidden one included
  int minExponent; ///< exponent of the smallest normal number
  int maxExponent; ///< exponent of the largest finite number
  /// Half the distance of 1 to the next number: the relative rounding error.
  double unit() const;
  /// Half the smallest subnormal: the absolute rounding error near zero.
  double tiny() const;
  /// The smallest normal number.
  double minNormal() const;
  /// Numbers from here on round to infinity.
  double overflow() const;
};

/// Whether `type` is Half, BFloat16, Float, Double or FP8E5M2.
bool isFloatType(DataType type);
/// The format of a floating-point type. Precondition: isFloatType(type).
FloatFormat formatOf(DataType type);
/// Bits of one stored element; 0 for NotSet.
int elementBits(DataType type);
/// Bytes of `count` elements; Int4 packs two into a byte.
size_t elementBytes(DataType type, int64_t count);

/// The number of floating-point type `type` nearest to `value`.
double roundTo(DataType type, double value);
/// `value` reduced to the range of integer type or Boolean `type`: the low bits
/// in two's complement; Boolean: value != 0.
int64_t wrapTo(DataType type, int64_t value);
/// `value` truncated toward zero and saturated to the range of integer type
/// `type`; NaN gives 0. Boolean: value != 0 (NaN is true).
int64_t saturateTo(DataType type, double value);

/// Element `index` of an array of floating-point type at `data`.
double loadFloat(DataType type, const uint8_t *data, int64_t index);
/// Element `index` of an array of integer type or Boolean at `data`.
int64_t loadInteger(DataType type, const uint8_t *data, int64_t index);
/// Stores `value`, rounded to the floating-point type.
void storeFloat(DataType type, uint8_t *data, int64_t index, double value);
/// Stores `value`, wrapped to the integer type or Boolean.
void storeInteger(DataType type, uint8_t *data, int64_t index, int64_t value);

} // namespace fusilli::reference

#endif // REFERENCE_ELEMENT_H
