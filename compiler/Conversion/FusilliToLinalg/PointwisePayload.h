// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar bodies of pointwise ops: the one place of the compiler that says what
// a mode computes. Used by the lowering to linalg, which puts them into
// linalg.generic. In: scalars of the operands' element types; out: arith and
// math ops on scalars, a value of the result's element type. Nothing here
// depends on shapes, and every op may also be cloned onto vectors.
//
// Element types: f16 and bf16 (computed in f32, rounded once at the end), f32,
// f64, signless i8 to i64 (two's complement; sums and products wrap) and i1
// (Boolean, values 0 and 1). Operands are converted to the compute type first:
// see computePointwiseType and convertElement.
//
// | modes                        | float | i8..i64             | Boolean      |
// |------------------------------|-------|---------------------|--------------|
// | IDENTITY BINARY_SELECT       | yes   | yes                 | yes          |
// | CMP_* LOGICAL_*              | yes   | yes, signed         | yes, 0 < 1   |
// | ADD SUB MUL ADD_SQUARE       | yes   | wrap                | or xor and or|
// | MAX_OP MIN_OP                | yes   | signed              | or, and      |
// | ABS NEG RELU_FWD             | yes   | wrap                | identity     |
// | CEIL FLOOR                   | yes   | identity            | identity     |
// | DIV                          | yes   | truncates; x/0 = 0, | and          |
// |                              |       | MIN/-1 = MIN        |              |
// | RELU_BWD                     | yes   | yes                 | and          |
// | all others: EXP, ERF, SQRT,  | yes   | in f64, then as     | rejected     |
// | RECIPROCAL, TANH_*, GELU_*...|       | convertElement does |              |
//
// Narrowing to bf16 is left as arith.truncf: code generation must not pass that
// on to LLVM, which calls a library function for it below AVX512-BF16.
//
// MAX_OP, MIN_OP and RELU_FWD return NaN if an operand is one. Comparisons with
// NaN are false except CMP_NEQ; NaN counts as true in logical modes.
#ifndef COMPILER_CONVERSION_FUSILLITOLINALG_POINTWISEPAYLOAD_H
#define COMPILER_CONVERSION_FUSILLITOLINALG_POINTWISEPAYLOAD_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeRange.h"
#include "mlir/IR/Value.h"

namespace fusilli::compiler {

/// The parameters of the modes that have some, with the API's defaults.
struct PointwiseParams {
  double eluAlpha = 1.0;
  double softplusBeta = 1.0;
  double softplusThreshold = 20.0;
  double swishBeta = 1.0;
};

/// The type that arithmetic on `element` happens in: f32 for f16 and bf16, else
/// `element`.
mlir::Type getComputeType(mlir::Type element);

/// The type that operands are converted to before `mode` is applied: the
/// compute type of the result, but for comparisons and logical modes the
/// common type of the operands (the widest float if there is one, else the
/// widest integer). Operand 0 of BINARY_SELECT is converted to i1 instead.
mlir::Type computePointwiseType(ir::PointwiseMode mode,
                                mlir::TypeRange operandElements,
                                mlir::Type resultElement);

/// Converts a scalar between element types. Integers sign-extend or wrap;
/// Boolean gives 0 and 1; to Boolean: x != 0; float to integer: toward zero,
/// saturated, NaN gives 0; to a narrower float: round to nearest even.
mlir::Value convertElement(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                           mlir::Type to);

/// Emits `mode` on `operands` (scalars of the operands' element types) at the
/// builder's insertion point. Returns a scalar of type `resultElement`. Fails
/// with a diagnostic at the builder's location that names the mode and the
/// type when the table above rejects them or the operand count is wrong.
llvm::FailureOr<mlir::Value>
buildPointwisePayload(mlir::ImplicitLocOpBuilder &b, ir::PointwiseMode mode,
                      const PointwiseParams &params, mlir::ValueRange operands,
                      mlir::Type resultElement);

} // namespace fusilli::compiler

#endif // COMPILER_CONVERSION_FUSILLITOLINALG_POINTWISEPAYLOAD_H
