// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar bodies of reductions, in four parts that the lowering and schedules
// put together:
//
//   acc = identity
//   for each element x: acc = combine(acc, preMap(x))
//   partial results of threads or lanes: combine(acc0, acc1)
//   y = finalize(acc, count)
//
// | mode         | preMap         | combine | identity     | finalize |
// |--------------|----------------|---------|--------------|-------------------|
// | ADD, SUM     | x              | +       | 0            | | | AVG          |
// x              | +       | 0            | acc / count       | | MUL | x | *
// | 1            |                   | | MUL_NO_ZEROS | x == 0 ? 1 : x | * | 1
// |                   | | MIN, MAX     | x              | min,max | +inf, -inf
// |                   | | AMAX         | |x|            | max     | 0 | | |
// NORM1        | |x|            | +       | 0            |                   |
// | NORM2        | x * x          | +       | 0            | sqrt(acc), to an |
// |              |                |         |              | integer: rounded |
//
// The accumulator type is that of the result, but f32 for f16 and bf16, i32
// for i8, i16 and i1, and f64 for NORM2 on integers (squares of 26-bit numbers
// are exact there). Integer sums wrap at the accumulator type and are then
// converted. min and max propagate NaN; which zero they return is unspecified.
#ifndef COMPILER_CONVERSION_FUSILLITOLINALG_REDUCTIONPAYLOAD_H
#define COMPILER_CONVERSION_FUSILLITOLINALG_REDUCTIONPAYLOAD_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace fusilli::compiler {

/// The type of the accumulator of a reduction whose result has elements of
/// type `resultElement`.
mlir::Type getReductionAccumulatorType(ir::ReductionMode mode,
                                       mlir::Type resultElement);

/// The identity of combine, an attribute of type `accumulator`.
mlir::TypedAttr getReductionIdentity(ir::ReductionMode mode,
                                     mlir::Type accumulator);

/// What combine is on a whole vector (for vector.reduction).
mlir::vector::CombiningKind getReductionKind(ir::ReductionMode mode,
                                             mlir::Type accumulator);

/// Converts `element` (a scalar of the input's element type) to `accumulator`
/// and applies the mode's map.
mlir::Value buildReductionPreMap(mlir::ImplicitLocOpBuilder &b,
                                 ir::ReductionMode mode, mlir::Value element,
                                 mlir::Type accumulator);

/// Both operands have the accumulator's type (scalars or vectors of it).
mlir::Value buildReductionCombine(mlir::ImplicitLocOpBuilder &b,
                                  ir::ReductionMode mode, mlir::Value lhs,
                                  mlir::Value rhs);

/// Elements that are reduced to one, at least 1: a number times the run-time
/// extents of symbols, which are named by their representatives.
struct ReducedCount {
  int64_t fixed = 1;
  llvm::SmallVector<int64_t> symbols = {};
};

/// From the accumulated scalar to one of type `resultElement`.
mlir::Value buildReductionFinalize(mlir::ImplicitLocOpBuilder &b,
                                   ir::ReductionMode mode, mlir::Value acc,
                                   const ReducedCount &count,
                                   mlir::Type resultElement);

} // namespace fusilli::compiler

#endif // COMPILER_CONVERSION_FUSILLITOLINALG_REDUCTIONPAYLOAD_H
