// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The element types of tensors: the one list of their numbers
// (fusilli::DataType, GraphDef, artifact), sizes and kinds, for all layers.
// graph/serialize.cpp checks that the public enumeration and the GraphDef have
// the same.
#ifndef SUPPORT_DATA_TYPE_H
#define SUPPORT_DATA_TYPE_H

#include <cstddef>
#include <cstdint>

namespace fusilli::dtype {

/// What the bits of an element mean.
enum class Kind : uint8_t {
  Float,
  BFloat,
  Float8E5M2,
  Signed,
  Unsigned,
  Boolean
};

/// Calls `_(name, number, bits, kind, text)` for every data type but NotSet.
/// Numbers are never changed. Boolean takes a byte, 0 or 1; Int4 half of one.
#define FUSILLI_DATA_TYPE_LIST(_)                                              \
  _(Half, 1, 16, Float, "f16")                                                 \
  _(BFloat16, 2, 16, BFloat, "bf16")                                           \
  _(Float, 3, 32, Float, "f32")                                                \
  _(Double, 4, 64, Float, "f64")                                               \
  _(Uint8, 5, 8, Unsigned, "ui8")                                              \
  _(Int4, 6, 4, Signed, "si4")                                                 \
  _(Int8, 7, 8, Signed, "si8")                                                 \
  _(Int16, 8, 16, Signed, "si16")                                              \
  _(Int32, 9, 32, Signed, "si32")                                              \
  _(Int64, 10, 64, Signed, "si64")                                             \
  _(Boolean, 11, 8, Boolean, "i1")                                             \
  _(FP8E5M2, 12, 8, Float8E5M2, "f8E5M2")

/// One data type.
struct Info {
  uint8_t number;
  uint8_t bits; ///< of one stored element
  Kind kind;
  const char *name; ///< of the enumerator of fusilli::DataType
  const char *text; ///< as kDataTypeToMlirTypeAsm has it
};

/// All data types, by number.
inline constexpr Info kAll[] = {
#define FUSILLI_DATA_TYPE_INFO(NAME, NUMBER, BITS, KIND, TEXT)                 \
  {NUMBER, BITS, Kind::KIND, #NAME, TEXT},
    FUSILLI_DATA_TYPE_LIST(FUSILLI_DATA_TYPE_INFO)
#undef FUSILLI_DATA_TYPE_INFO
};

/// The numbers by name: `dtype::Half`.
enum Number : uint8_t {
  NotSet = 0,
#define FUSILLI_DATA_TYPE_NUMBER(NAME, NUMBER, BITS, KIND, TEXT) NAME = NUMBER,
  FUSILLI_DATA_TYPE_LIST(FUSILLI_DATA_TYPE_NUMBER)
#undef FUSILLI_DATA_TYPE_NUMBER
};

/// The type with this number; null for NotSet and unknown numbers.
constexpr const Info *find(uint8_t number) {
  for (const Info &info : kAll)
    if (info.number == number)
      return &info;
  return nullptr;
}

/// The type of this kind and size; null if there is none.
constexpr const Info *find(Kind kind, unsigned bits) {
  for (const Info &info : kAll)
    if (info.kind == kind && info.bits == bits)
      return &info;
  return nullptr;
}

constexpr bool isFloat(Kind kind) {
  return kind == Kind::Float || kind == Kind::BFloat ||
         kind == Kind::Float8E5M2;
}

} // namespace fusilli::dtype

#endif // SUPPORT_DATA_TYPE_H
