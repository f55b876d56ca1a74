// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "compiler/Dialect/Fusilli/IR/DataTypes.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace fusilli::ir {

using dtype::Kind;

Type getElementType(MLIRContext *context, uint8_t dataType) {
  const dtype::Info *info = dtype::find(dataType);
  if (!info)
    return Type();
  switch (info->kind) {
  case Kind::Float:
    return info->bits == 16   ? Type(Float16Type::get(context))
           : info->bits == 32 ? Type(Float32Type::get(context))
                              : Type(Float64Type::get(context));
  case Kind::BFloat:
    return BFloat16Type::get(context);
  case Kind::Float8E5M2:
    return Float8E5M2Type::get(context);
  case Kind::Signed:
    return IntegerType::get(context, info->bits);
  case Kind::Unsigned:
    return IntegerType::get(context, info->bits, IntegerType::Unsigned);
  case Kind::Boolean:
    return IntegerType::get(context, 1);
  }
  return Type();
}

const dtype::Info *findDataType(Type elementType) {
  for (const dtype::Info &info : dtype::kAll)
    if (getElementType(elementType.getContext(), info.number) == elementType)
      return &info;
  return nullptr;
}

bool isComputable(Type elementType) {
  const dtype::Info *info = findDataType(elementType);
  return info && info->kind != Kind::Unsigned &&
         info->kind != Kind::Float8E5M2 && info->bits >= 8;
}

} // namespace fusilli::ir
