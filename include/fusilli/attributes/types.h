// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types of tensors and their names.

#ifndef FUSILLI_ATTRIBUTES_TYPES_H
#define FUSILLI_ATTRIBUTES_TYPES_H

#include <fusilli/external/torch_types.h>
#include <fusilli/support/float_types.h>
#include <fusilli/support/int_types.h>

#include <cstdint>
#include <string>
#include <unordered_map>

/// Calls `_(name, name of the torch scalar type, element text)` for every data
/// type but NotSet.
#define FUSILLI_FORALL_DATA_TYPES(_)                                           \
  _(Half, Half, "f16")                                                         \
  _(BFloat16, BFloat16, "bf16")                                                \
  _(Float, Float, "f32")                                                       \
  _(Double, Double, "f64")                                                     \
  _(Uint8, Byte, "ui8")                                                        \
  _(Int4, Undefined, "si4")                                                    \
  _(Int8, Char, "si8")                                                         \
  _(Int16, Short, "si16")                                                      \
  _(Int32, Int, "si32")                                                        \
  _(Int64, Long, "si64")                                                       \
  _(Boolean, Bool, "i1")                                                       \
  _(FP8E5M2, Float8_e5m2, "f8E5M2")

namespace fusilli {

/// Element type of a tensor. The numbers are stable (GraphDef stores them).
/// Boolean is stored as one byte, 0 or 1; Int4 as two elements per byte.
enum class DataType : uint8_t {
  NotSet,
#define FUSILLI_DEFINE_ENUM(NAME, TORCH, ASM) NAME,
  FUSILLI_FORALL_DATA_TYPES(FUSILLI_DEFINE_ENUM)
#undef FUSILLI_DEFINE_ENUM
};

/// Element text of each data type, for example `f32`; NotSet has none.
inline const std::unordered_map<DataType, std::string> kDataTypeToMlirTypeAsm =
    {
#define FUSILLI_DEFINE_ENTRY(NAME, TORCH, ASM) {DataType::NAME, ASM},
        FUSILLI_FORALL_DATA_TYPES(FUSILLI_DEFINE_ENTRY)
#undef FUSILLI_DEFINE_ENTRY
};

/// The reverse of kDataTypeToMlirTypeAsm.
inline const std::unordered_map<std::string, DataType> kMlirTypeAsmToDataType =
    {
#define FUSILLI_DEFINE_ENTRY(NAME, TORCH, ASM) {ASM, DataType::NAME},
        FUSILLI_FORALL_DATA_TYPES(FUSILLI_DEFINE_ENTRY)
#undef FUSILLI_DEFINE_ENTRY
};

/// The torch scalar type of each data type; NotSet has none.
inline const std::unordered_map<DataType, torch_upstream::ScalarType>
    kDataTypeToTorchType = {
#define FUSILLI_DEFINE_ENTRY(NAME, TORCH, ASM)                                 \
  {DataType::NAME, torch_upstream::ScalarType::TORCH},
        FUSILLI_FORALL_DATA_TYPES(FUSILLI_DEFINE_ENTRY)
#undef FUSILLI_DEFINE_ENTRY
};

/// Whether `type` is one of the integer types; Boolean is not.
inline bool isIntegerType(DataType type) {
  return type >= DataType::Uint8 && type <= DataType::Int64;
}

/// Whether `type` is an integer type or Boolean.
inline bool isIntegralOrBoolType(DataType type) {
  return isIntegerType(type) || type == DataType::Boolean;
}

} // namespace fusilli

#endif // FUSILLI_ATTRIBUTES_TYPES_H
