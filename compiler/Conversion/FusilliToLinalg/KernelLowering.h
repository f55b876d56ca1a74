// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the lowerings of the single ops share: the values of one kernel in their
// linalg form, indexing maps of operands, and the creation of linalg.generic.
// Each op family has its lowering in a file of its own, declared at the end.
#ifndef COMPILER_CONVERSION_FUSILLITOLINALG_KERNELLOWERING_H
#define COMPILER_CONVERSION_FUSILLITOLINALG_KERNELLOWERING_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace fusilli::compiler {

class KernelLowering {
public:
  explicit KernelLowering(mlir::func::FuncOp source);

  /// Lowers the whole function; the source is erased on success.
  mlir::LogicalResult run();

  mlir::ImplicitLocOpBuilder &builder() { return b; }

  /// The linalg form of a fusilli value: a kernel argument (stored element
  /// type, layout as its encoding) or a computed tensor (compute type).
  mlir::Value lowered(mlir::Value v) const { return values.lookup(v); }
  void setLowered(mlir::Value from, mlir::Value to) { values[from] = to; }

  /// Map from loops to the dims of `lowered(v)`. Logical dim j of v is indexed
  /// by exprs[j]; unit and broadcast dims by 0.
  mlir::AffineMap operandMap(mlir::Value v,
                             llvm::ArrayRef<mlir::AffineExpr> exprs,
                             unsigned numLoops);
  /// The same where v broadcasts, right-aligned, against loops 0..rank-1.
  mlir::AffineMap broadcastMap(mlir::Value v, unsigned numLoops);

  using Payload =
      llvm::function_ref<mlir::FailureOr<mlir::Value>(mlir::ValueRange args)>;
  /// An element-wise linalg.generic over `shape`; the payload gets scalars of
  /// the inputs' element types, Boolean ones as i1.
  mlir::FailureOr<mlir::Value> elementwise(llvm::ArrayRef<int64_t> shape,
                                           mlir::Type element,
                                           mlir::ValueRange inputs,
                                           llvm::ArrayRef<mlir::AffineMap> maps,
                                           Payload payload);
  /// The same with a result of type `type`.
  mlir::FailureOr<mlir::Value> elementwise(mlir::RankedTensorType type,
                                           mlir::ValueRange inputs,
                                           llvm::ArrayRef<mlir::AffineMap> maps,
                                           Payload payload);
  /// A linalg.generic that accumulates into `init`; the payload gets the
  /// inputs' scalars and the accumulator.
  mlir::FailureOr<mlir::Value>
  accumulate(mlir::RankedTensorType type, mlir::TypedAttr init,
             mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps,
             llvm::ArrayRef<mlir::utils::IteratorType> iterators,
             Payload payload);
  /// Element-wise conversion of a computed tensor to another element type.
  mlir::FailureOr<mlir::Value> convert(mlir::Value tensor, mlir::Type element);

private:
  mlir::FailureOr<mlir::Value> store(mlir::Value result,
                                     mlir::RankedTensorType logical);
  mlir::Value asComputed(mlir::Value scalar, mlir::Value input,
                         mlir::Value original);

  mlir::func::FuncOp src, dst;
  mlir::ImplicitLocOpBuilder b;
  llvm::DenseMap<mlir::Value, mlir::Value> values;
  llvm::DenseSet<mlir::Value> booleanArguments; ///< lowered, i8 in memory
};

/// Loop dim expressions 0..n-1.
llvm::SmallVector<mlir::AffineExpr> loopExprs(mlir::MLIRContext *ctx,
                                              unsigned n);
/// The element type of a stored tensor: i8 for Boolean.
mlir::Type getStorageElement(mlir::Type element);

mlir::LogicalResult lower(KernelLowering &k, ir::PointwiseOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::ReductionOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::MatmulOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::ConvFPropOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::SdpaOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::ConvDGradOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::ConvWGradOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::CustomOp op);
mlir::LogicalResult lower(KernelLowering &k, ir::ConstantOp op);

/// Accumulator of products whose result has elements of type `result`.
mlir::Type getProductAccumulator(mlir::Type result);
/// acc + a * b with both operands converted to the accumulator's type.
mlir::FailureOr<mlir::Value> buildProductPayload(mlir::ImplicitLocOpBuilder &b,
                                                 mlir::ValueRange args);

} // namespace fusilli::compiler

#endif // COMPILER_CONVERSION_FUSILLITOLINALG_KERNELLOWERING_H
