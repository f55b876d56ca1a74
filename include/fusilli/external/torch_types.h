// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The scalar type numbers of PyTorch, as they appear in custom-op text.

#ifndef FUSILLI_EXTERNAL_TORCH_TYPES_H
#define FUSILLI_EXTERNAL_TORCH_TYPES_H

#include <cstdint>

namespace fusilli::torch_upstream {

/// Numbers of c10::ScalarType.
enum class ScalarType : int8_t {
  Byte,
  Char,
  Short,
  Int,
  Long,
  Half,
  Float,
  Double,
  ComplexHalf,
  ComplexFloat,
  ComplexDouble,
  Bool,
  QInt8,
  QUInt8,
  QInt32,
  BFloat16,
  QUInt4x2,
  QUInt2x4,
  Bits1x8,
  Bits2x4,
  Bits4x2,
  Bits8,
  Bits16,
  Float8_e5m2,
  Float8_e4m3fn,
  Float8_e5m2fnuz,
  Float8_e4m3fnuz,
  QInt16,
  Undefined,
  NumOptions,
};

} // namespace fusilli::torch_upstream

#endif // FUSILLI_EXTERNAL_TORCH_TYPES_H
