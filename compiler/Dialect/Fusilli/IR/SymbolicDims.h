// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which dims of an op's operands and results have one extent, and the check of
// an op's dynamic dims that follows from it.
#ifndef COMPILER_DIALECT_FUSILLI_IR_SYMBOLICDIMS_H
#define COMPILER_DIALECT_FUSILLI_IR_SYMBOLICDIMS_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <string>

namespace fusilli::ir {

/// Dim `dim` of an operand or result.
struct TensorDim {
  mlir::Value tensor;
  int64_t dim = 0;
};

/// Dims of one extent.
using EqualDims = llvm::SmallVector<TensorDim, 4>;

/// Dims of `tensors`, aligned at the last one, as element-wise ops have them.
llvm::SmallVector<EqualDims>
getElementwiseDims(llvm::ArrayRef<mlir::Value> tensors);

/// Fails, with an error that names the tensor and the dim, if the op is not
/// defined for a dynamic dim that it has, or where dims of one extent are
/// dynamic and static. `describe` names a tensor ("result 'y'").
mlir::LogicalResult
verifySymbolicDims(mlir::Operation *op,
                   llvm::function_ref<std::string(mlir::Value)> describe);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_IR_SYMBOLICDIMS_H
