// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What fusion weighs: how much work a pointwise op is per element, and shapes.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONCOST_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONCOST_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

namespace fusilli::ir {

/// Work of one element, in units of an addition.
int64_t getWeight(PointwiseMode mode);

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

/// Whether repeating `op` for every element of `shape`, to which it broadcasts,
/// costs less than a kernel of its own.
bool isCheapToRepeat(PointwiseOp op, llvm::ArrayRef<int64_t> shape);

/// Repeated work that a reduction kernel accepts per element, to save storing
/// and reading a tensor.
inline constexpr int64_t kMaxRecomputeWeight = 24;

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSIONCOST_H
