// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementary functions as straight-line arith/vector code, so that a kernel
// image calls no libm. Used by CPU code generation when it turns a scalar
// payload into vectors, and by the pass fusilli-expand-math.
//
// What comes out: ops of arith and vector plus those of math that LLVM selects
// as single instructions (fma, floor, ceil, roundeven, sqrt, absf, copysign)
// and, with MathOptions::avx512, x86vector.avx512.mask.scalef. No branches, no
// memory, no calls. Round-to-nearest and gradual underflow are assumed; no
// fast-math flags are set.
//
// Stated bounds, in units of the last place of the exact result, over all
// finite arguments (MathExpansionTest measures them). Not-a-numbers and
// infinities give what IEEE 754 and C Annex F say; subnormal arguments and
// results are kept; odd functions keep the sign of zero.
//
// | function | f32 | f64 | notes                                          |
// |----------|-----|-----|------------------------------------------------|
// | exp      | 1.5 | 1.5 |                                                |
// | exp2     | 1.5 | 1.5 |                                                |
// | expm1    | 2   | 2   |                                                |
// | log      | 1.5 | 1.5 |                                                |
// | log1p    | 2   | 2   |                                                |
// | erf      | 2   | 2.5 |                                                |
// | tanh     | 3   | 3   |                                                |
// | sin, cos | 2   | 2   | f64: for |x| <= 2^45, see MathTrig.cpp         |
// | tan      | 3   | 3   | the same                                       |
// | rsqrt    | 1.5 | 1.5 | a square root and a division                   |
// | sigmoid  | 3   | 3   | 1/(1+e^-x), subnormal results included         |
#ifndef COMPILER_CODEGEN_CPU_MATHEXPANSION_H
#define COMPILER_CODEGEN_CPU_MATHEXPANSION_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace fusilli::compiler {

/// The functions this library emits. All take one operand.
enum class MathFn {
  Exp,
  Exp2,
  Expm1,
  Log,
  Log1p,
  Erf,
  Tanh,
  Sin,
  Cos,
  Tan,
  Rsqrt,
  Sigmoid,
};

/// What the target offers.
struct MathOptions {
  /// x86vector.avx512.mask.scalef may be used on vectors whose innermost
  /// extent is a multiple of 16 (f32) or 8 (f64). Everything else in the
  /// emitted code is target-neutral, but wants FMA.
  bool avx512 = false;
  /// The result does not overflow and the argument is finite; exp (not exp2)
  /// takes -infinity all the same. Saves exp and exp2 their clamps.
  /// expandMathOp and the patterns take it from the op (fastmath<ninf>).
  bool noInfinities = false;
};

/// The function computed by a math dialect op, or nothing when the op is not
/// expanded here: either not of the math dialect, or one that LLVM selects as
/// instructions (fma, sqrt, floor, ...).
std::optional<MathFn> getMathFn(mlir::Operation *op);

/// True for f32, f64 and fixed-size vectors of them.
bool isExpandableMathType(mlir::Type type);

/// Emits `fn` on operands of type f32, f64 or a (possibly multi-dimensional)
/// vector of them at the builder's insertion point. The result has the type of
/// the operand. Precondition: isExpandableMathType(operands[0].getType()).
mlir::Value expandMath(mlir::ImplicitLocOpBuilder &b, MathFn fn,
                       mlir::ValueRange operands, const MathOptions &options);

/// 2^x for x <= 0, -infinity included, as weights of a softmax need it: a
/// result below 2^-126 is 0, so that nothing is subnormal. The relative error
/// is at most 2^-22 or, where `isShort` (for results that become bf16), 2^-18;
/// f64 is as exp2. Not-a-numbers stay; positive x below 1 are allowed.
mlir::Value expandExp2OfNonPositive(mlir::ImplicitLocOpBuilder &b,
                                    mlir::Value x, bool isShort,
                                    const MathOptions &options);

/// Emits the function of the math dialect op `mathDialectOp` on
/// `vectorOperands`, which need not be the op's own operands (nor have their
/// type): the vectoriser passes the vectors that stand for them. Ops that LLVM
/// selects as instructions (fma, sqrt, floor, ...) are cloned. Fails, with
/// nothing emitted, on any other op and when the type is not expandable.
llvm::FailureOr<mlir::Value> expandMathOp(mlir::ImplicitLocOpBuilder &b,
                                          mlir::Operation *mathDialectOp,
                                          mlir::ValueRange vectorOperands,
                                          const MathOptions &options);

/// Adds patterns that replace every math dialect op which getMathFn knows.
/// f16 and bf16 operands are extended to f32 and the result is truncated.
void populateMathExpansionPatterns(mlir::RewritePatternSet &patterns,
                                   const MathOptions &options);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_MATHEXPANSION_H
