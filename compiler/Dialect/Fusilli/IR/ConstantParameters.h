// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters of a graph whose content stays the same from call to call.
#ifndef COMPILER_DIALECT_FUSILLI_IR_CONSTANTPARAMETERS_H
#define COMPILER_DIALECT_FUSILLI_IR_CONSTANTPARAMETERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fusilli::ir {

/// Unit attribute of a parameter of `@main`: the client promised that its
/// content does not change between calls.
inline constexpr llvm::StringLiteral kConstantAttr = "fusilli.constant";

inline bool isConstantParameter(mlir::func::FuncOp main, unsigned number) {
  return bool(main.getArgAttr(number, kConstantAttr));
}

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_IR_CONSTANTPARAMETERS_H
