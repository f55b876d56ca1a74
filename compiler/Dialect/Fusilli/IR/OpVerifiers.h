// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that the verifiers of several ops share, and facts about pointwise
// modes. A check emits its diagnostic on the op.
#ifndef COMPILER_DIALECT_FUSILLI_IR_OPVERIFIERS_H
#define COMPILER_DIALECT_FUSILLI_IR_OPVERIFIERS_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

namespace fusilli::ir {

/// Number of operands of a mode, 1 to 3.
unsigned getNumInputs(PointwiseMode mode);

/// CMP_* and LOGICAL_*: the result is i1.
bool isPredicate(PointwiseMode mode);

/// Defined for floating-point results only.
bool isFloatOnly(PointwiseMode mode);

/// May give an i1 result: predicates and what only moves values.
bool allowsBooleanResult(PointwiseMode mode);

/// Whether a tensor of shape `from` broadcasts, right-aligned, to shape `to`.
bool isBroadcastableTo(llvm::ArrayRef<int64_t> from,
                       llvm::ArrayRef<int64_t> to);

/// The shapes of a convolution as its op, or the op of a gradient, names them:
/// `x` and `y` are what the filter `w` is moved over and gives.
struct ConvShapes {
  llvm::StringRef xName, wName, yName;
  llvm::ArrayRef<int64_t> x, w, y;
  llvm::ArrayRef<int64_t> padding, stride, dilation;
};

/// Dims of y: N, K, spatial.
llvm::SmallVector<int64_t> inferConvShape(const ConvShapes &shapes);

/// Fails if the shapes are not those of a convolution, or the result is i1 or
/// has broadcast strides.
llvm::LogicalResult verifyConv(mlir::Operation *op, const ConvShapes &shapes);

/// The tensors that every normalization has.
struct NormTensors {
  mlir::TypedValue<mlir::RankedTensorType> x, y, epsilon;
};

/// Fails unless x has at least rank 2, y its shape and epsilon one element, all
/// results are stored in full and everything is of floating-point type.
llvm::LogicalResult verifyNorm(mlir::Operation *op, const NormTensors &tensors);

/// Fails if `value` is there and has another shape.
llvm::LogicalResult verifyShape(mlir::Operation *op, llvm::StringRef name,
                                mlir::Value value,
                                llvm::ArrayRef<int64_t> shape);

/// Fails unless there are no statistics or two of the given shape.
llvm::LogicalResult verifyStatistics(mlir::Operation *op,
                                     mlir::ValueRange statistics,
                                     llvm::ArrayRef<int64_t> shape);

/// Fails if the type of a result has broadcast strides.
llvm::LogicalResult verifyStoredInFull(mlir::Operation *op);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_IR_OPVERIFIERS_H
