// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Data types of the graph (support/data_type.h) as element types of MLIR, one
// to one: signed integers are signless, Uint8 is ui8, Boolean is i1.
#ifndef COMPILER_DIALECT_FUSILLI_IR_DATATYPES_H
#define COMPILER_DIALECT_FUSILLI_IR_DATATYPES_H

#include "support/data_type.h"

#include "mlir/IR/Types.h"

namespace fusilli::ir {

/// The element type of the data type with this number; null for NotSet and
/// unknown numbers.
mlir::Type getElementType(mlir::MLIRContext *context, uint8_t dataType);

/// The reverse; null for a type that is none of them.
const dtype::Info *findDataType(mlir::Type elementType);

/// Whether ops take and give tensors of this element type.
bool isComputable(mlir::Type elementType);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_IR_DATATYPES_H
