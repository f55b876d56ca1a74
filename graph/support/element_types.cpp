// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing of 4-bit integers, and the conversions to bf16 which clang calls for
// `__bf16` and which the libgcc of GCC 12 lacks.

#include <fusilli/support/export.h>
#include <fusilli/support/float_types.h>
#include <fusilli/support/int_types.h>

#include <bit>
#include <cmath>

namespace fusilli {

std::vector<uint8_t> Int4::pack(const std::vector<Int4> &values) {
  std::vector<uint8_t> packed((values.size() + 1) / 2, 0);
  for (size_t i = 0; i < values.size(); ++i)
    packed[i / 2] |= static_cast<uint8_t>(values[i].toBits() << (i % 2 * 4));
  return packed;
}

std::vector<Int4> Int4::unpack(const uint8_t *data, size_t count) {
  std::vector<Int4> values;
  values.reserve(count);
  for (size_t i = 0; i < count; ++i)
    values.push_back(
        fromBits(static_cast<uint8_t>(data[i / 2] >> (i % 2 * 4))));
  return values;
}

} // namespace fusilli

// The x86-64 calling convention returns __bf16 in the low 16 bits of xmm0, and
// float in the low 32: so these may return float, which every compiler has.
#if defined(__x86_64__)
namespace {
float inLowBits(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits));
}
} // namespace

extern "C" {
FUSILLI_EXPORT __attribute__((weak)) float __truncsfbf2(float value);
FUSILLI_EXPORT __attribute__((weak)) float __truncdfbf2(double value);

float __truncsfbf2(float value) {
  return inLowBits(fusilli::detail::floatToBFloat16Bits(value));
}

float __truncdfbf2(double value) {
  // Rounded once: to float towards odd, which keeps the final rounding right.
  float nearest = static_cast<float>(value);
  if (std::isfinite(nearest) && static_cast<double>(nearest) != value &&
      (std::bit_cast<uint32_t>(nearest) & 1u) == 0)
    nearest = std::nextafterf(
        nearest, static_cast<double>(nearest) < value ? INFINITY : -INFINITY);
  return inLowBits(fusilli::detail::floatToBFloat16Bits(nearest));
}
}
#endif
