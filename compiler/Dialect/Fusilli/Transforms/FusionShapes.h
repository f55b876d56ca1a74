// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Facts about ops, shapes and views that the parts of fusion share.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONSHAPES_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONSHAPES_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"

namespace fusilli::ir {

/// The value that `value` is another view of, or itself.
mlir::Value skipReshape(mlir::Value value);

/// A matmul, a convolution or a gradient of one.
bool isContraction(mlir::Operation *op);

/// Shape of an op's first result.
llvm::ArrayRef<int64_t> getResultShape(mlir::Operation *op);

/// Number of elements of the result.
int64_t getVolume(mlir::Operation *op);

/// Whether a tensor of shape `from`, broadcast to `to`, does not change along
/// the last dimension of `to`: loops over that dimension compute it once.
bool isConstantAlongRows(llvm::ArrayRef<int64_t> from,
                         llvm::ArrayRef<int64_t> to);

/// Extents of a tensor; a dynamic one is its representative, negated, so that
/// it equals no static extent.
using FusionShape = llvm::SmallVector<int64_t>;
FusionShape getFusionShape(mlir::Value value);

/// Values of the shape of `value` that it is computed from by pointwise ops
/// alone, itself among them; not all of very many.
llvm::SmallVector<mlir::Value> collectRoots(mlir::Value value);

/// The space of a reduction in the memory order of what it finally reads.
ReductionSpace getReductionSpace(ReductionOp reduction);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONSHAPES_H
