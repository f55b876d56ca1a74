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
/// content does not change between calls. Of a parameter of a kernel: all that
/// it is called with is constant, while other parameters are not.
inline constexpr llvm::StringLiteral kConstantAttr = "fusilli.constant";

inline bool isConstantParameter(mlir::func::FuncOp function, unsigned number) {
  return bool(function.getArgAttr(number, kConstantAttr));
}

/// A constant operand that a kernel reads as another kernel has packed it.
struct Prepacking {
  llvm::StringRef kernel; ///< (operand, packed buffer)
  unsigned operand;       ///< number of the kernel's parameter
  int64_t bytes;          ///< of the packed buffer
};

/// What code generation decided about a kernel function: an array of
/// {kernel = @name, operand = i64, bytes = i64}, none if there are none.
inline constexpr llvm::StringLiteral kPrepackAttr = "fusilli.prepack";

void setPrepackings(mlir::func::FuncOp kernel,
                    llvm::ArrayRef<Prepacking> packings);
llvm::SmallVector<Prepacking, 1> getPrepackings(mlir::func::FuncOp kernel);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_IR_CONSTANTPARAMETERS_H
