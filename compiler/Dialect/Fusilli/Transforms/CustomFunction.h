// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions that fusilli.custom ops name: text of people, brought into the
// few forms that lowering and code generation take.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_CUSTOMFUNCTION_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_CUSTOMFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fusilli::ir {

/// Rewrites the body to straight-line `linalg.generic` without scalar operands,
/// captured values or results that do not depend on each other, beside fills,
/// constants, pads, slices and reshapes of static shape. Fails, with a
/// diagnostic at the op, where that is not possible.
llvm::LogicalResult normalizeCustomFunction(mlir::func::FuncOp function);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_CUSTOMFUNCTION_H
