// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of element types and the size of dense tensors.
#include "runtime/hal/types.h"

namespace fusilli::hal {

namespace {

const char *kindName(uint32_t kind) {
  switch (kind) {
  case 0x00:
    return "opaque";
  case 0x10:
    return "i";
  case 0x11:
    return "si";
  case 0x12:
    return "ui";
  case 0x13:
    return "bool";
  case 0x21:
    return "f";
  case 0x22:
    return "bf";
  case 0x23:
    return "complex";
  case 0x24:
    return "f8E5M2_";
  case 0x25:
    return "f8E4M3FN_";
  case 0x26:
    return "f8E5M2FNUZ_";
  case 0x27:
    return "f8E4M3FNUZ_";
  case 0x28:
    return "f8E8M0FNU_";
  default:
    return "unknown";
  }
}

} // namespace

std::string elementTypeName(ElementType type) {
  if (type == ElementType::None)
    return "none";
  return strCat(kindName(elementKind(type)), elementBits(type));
}

StatusOr<DeviceSize> denseByteLength(std::span<const DeviceSize> dims,
                                     ElementType type, EncodingType encoding) {
  if (encoding != EncodingType::DenseRowMajor &&
      encoding != EncodingType::Opaque)
    return unimplementedError(
        strCat("size of encoding ", static_cast<uint32_t>(encoding)));
  DeviceSize count = 1;
  for (DeviceSize dim : dims)
    if (__builtin_mul_overflow(count, dim, &count))
      return outOfRangeError("element count overflows 64 bits");
  DeviceSize bits = 0;
  if (__builtin_mul_overflow(count, DeviceSize{elementBits(type)}, &bits))
    return outOfRangeError("byte length overflows 64 bits");
  return bits / 8 + (bits % 8 != 0 ? 1 : 0);
}

} // namespace fusilli::hal
