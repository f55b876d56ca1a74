// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Storage and rounding of element types, by arithmetic on doubles: every number
// of every narrower format is a double, so scaling and nearbyint are exact.

#include "reference/element.h"

#include "support/data_type.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace fusilli::reference {

double FloatFormat::unit() const { return std::ldexp(1.0, -precision); }
double FloatFormat::tiny() const {
  return std::ldexp(1.0, minExponent - precision);
}
double FloatFormat::minNormal() const { return std::ldexp(1.0, minExponent); }
double FloatFormat::overflow() const {
  if (maxExponent == 1023)
    return std::numeric_limits<double>::infinity();
  return std::ldexp(2.0 - std::ldexp(1.0, -precision), maxExponent);
}

bool isFloatType(DataType type) {
  const dtype::Info *info = dtype::find(static_cast<uint8_t>(type));
  return info && dtype::isFloat(info->kind);
}

FloatFormat formatOf(DataType type) {
  switch (type) {
  case DataType::Half:
    return {11, -14, 15};
  case DataType::BFloat16:
    return {8, -126, 127};
  case DataType::Float:
    return {24, -126, 127};
  case DataType::FP8E5M2:
    return {3, -14, 15};
  default:
    return {53, -1022, 1023};
  }
}

int elementBits(DataType type) {
  const dtype::Info *info = dtype::find(static_cast<uint8_t>(type));
  return info ? info->bits : 0;
}

size_t elementBytes(DataType type, int64_t count) {
  return (static_cast<size_t>(count) * elementBits(type) + 7) / 8;
}

double roundTo(DataType type, double value) {
  if (type == DataType::Double || value == 0.0 || !std::isfinite(value))
    return value;
  if (type == DataType::Float)
    return static_cast<float>(value);
  const FloatFormat format = formatOf(type);
  const int exponent = std::max(std::ilogb(value), format.minExponent);
  const int quantum = exponent - format.precision + 1;
  const double rounded =
      std::ldexp(std::nearbyint(std::ldexp(value, -quantum)), quantum);
  if (std::fabs(rounded) >= format.overflow())
    return std::copysign(std::numeric_limits<double>::infinity(), value);
  return rounded;
}

int64_t wrapTo(DataType type, int64_t value) {
  switch (type) {
  case DataType::Boolean:
    return value != 0;
  case DataType::Uint8:
    return static_cast<uint8_t>(value);
  case DataType::Int4:
    return static_cast<int64_t>(static_cast<uint64_t>(value) << 60) >> 60;
  case DataType::Int8:
    return static_cast<int8_t>(value);
  case DataType::Int16:
    return static_cast<int16_t>(value);
  case DataType::Int32:
    return static_cast<int32_t>(value);
  default:
    return value;
  }
}

int64_t saturateTo(DataType type, double value) {
  if (type == DataType::Boolean)
    return value != 0.0;
  if (std::isnan(value))
    return 0;
  const bool isUnsigned = type == DataType::Uint8;
  const int bits = elementBits(type) - (isUnsigned ? 0 : 1);
  const double top = std::ldexp(1.0, bits);
  const double bottom = isUnsigned ? 0.0 : -top;
  if (value <= bottom)
    return static_cast<int64_t>(bottom);
  if (value >= top)
    return bits == 63 ? std::numeric_limits<int64_t>::max()
                      : static_cast<int64_t>(top) - 1;
  return static_cast<int64_t>(value);
}

namespace {

template <typename T> T load(const uint8_t *data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * static_cast<int64_t>(sizeof(T)),
              sizeof(T));
  return value;
}

template <typename T> void store(uint8_t *data, int64_t index, T value) {
  std::memcpy(data + index * static_cast<int64_t>(sizeof(T)), &value,
              sizeof(T));
}

/// Value of the bits of a format narrower than 32 bits.
double decode(const FloatFormat &format, uint32_t bits, int width) {
  const int fractionBits = format.precision - 1;
  const uint32_t fraction = bits & ((1u << fractionBits) - 1);
  const int field =
      static_cast<int>((bits & ((1u << (width - 1)) - 1)) >> fractionBits);
  const double sign = (bits >> (width - 1)) & 1 ? -1.0 : 1.0;
  if (field == format.maxExponent - format.minExponent + 2)
    return fraction ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  const uint32_t significand =
      field ? fraction | (1u << fractionBits) : fraction;
  const int exponent = format.minExponent + (field ? field - 1 : 0);
  return sign * std::ldexp(significand, exponent - fractionBits);
}

/// Bits of a number that the format holds exactly.
uint32_t encode(const FloatFormat &format, double value, int width) {
  const int fractionBits = format.precision - 1;
  const uint32_t sign = std::signbit(value) ? 1u << (width - 1) : 0;
  const uint32_t special =
      static_cast<uint32_t>(format.maxExponent - format.minExponent + 2)
      << fractionBits;
  if (std::isnan(value))
    return sign | special | (1u << (fractionBits - 1));
  if (std::isinf(value))
    return sign | special;
  const double magnitude = std::fabs(value);
  if (magnitude < format.minNormal())
    return sign | static_cast<uint32_t>(
                      std::ldexp(magnitude, fractionBits - format.minExponent));
  const int exponent = std::ilogb(magnitude);
  const auto significand =
      static_cast<uint32_t>(std::ldexp(magnitude, fractionBits - exponent));
  const auto field = static_cast<uint32_t>(exponent - format.minExponent + 1);
  return sign | (field << fractionBits) |
         (significand & ((1u << fractionBits) - 1));
}

} // namespace

double loadFloat(DataType type, const uint8_t *data, int64_t index) {
  switch (type) {
  case DataType::Double:
    return load<double>(data, index);
  case DataType::Float:
    return load<float>(data, index);
  case DataType::BFloat16:
    return std::bit_cast<float>(
        static_cast<uint32_t>(load<uint16_t>(data, index)) << 16);
  case DataType::FP8E5M2:
    return decode(formatOf(type), data[index], 8);
  default:
    return decode(formatOf(type), load<uint16_t>(data, index), 16);
  }
}

int64_t loadInteger(DataType type, const uint8_t *data, int64_t index) {
  switch (type) {
  case DataType::Boolean:
    return data[index] != 0;
  case DataType::Uint8:
    return data[index];
  case DataType::Int4:
    return wrapTo(type, data[index / 2] >> (index % 2 ? 4 : 0));
  case DataType::Int8:
    return load<int8_t>(data, index);
  case DataType::Int16:
    return load<int16_t>(data, index);
  case DataType::Int32:
    return load<int32_t>(data, index);
  default:
    return load<int64_t>(data, index);
  }
}

void storeFloat(DataType type, uint8_t *data, int64_t index, double value) {
  const double rounded = roundTo(type, value);
  switch (type) {
  case DataType::Double:
    store<double>(data, index, rounded);
    return;
  case DataType::Float:
    store<float>(data, index, static_cast<float>(rounded));
    return;
  case DataType::FP8E5M2:
    data[index] = static_cast<uint8_t>(encode(formatOf(type), rounded, 8));
    return;
  default:
    store<uint16_t>(data, index,
                    static_cast<uint16_t>(encode(formatOf(type), rounded, 16)));
  }
}

void storeInteger(DataType type, uint8_t *data, int64_t index, int64_t value) {
  const int64_t wrapped = wrapTo(type, value);
  switch (type) {
  case DataType::Int4: {
    uint8_t &byte = data[index / 2];
    const int shift = index % 2 ? 4 : 0;
    byte = static_cast<uint8_t>((byte & ~(15 << shift)) |
                                ((wrapped & 15) << shift));
    return;
  }
  case DataType::Int16:
    store<int16_t>(data, index, static_cast<int16_t>(wrapped));
    return;
  case DataType::Int32:
    store<int32_t>(data, index, static_cast<int32_t>(wrapped));
    return;
  case DataType::Int64:
    store<int64_t>(data, index, wrapped);
    return;
  default:
    data[index] = static_cast<uint8_t>(wrapped);
  }
}

} // namespace fusilli::reference
