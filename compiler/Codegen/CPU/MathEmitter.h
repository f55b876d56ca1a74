// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shorthand for writing elementary functions as IR, private to the Math*.cpp
// files of this folder. An emitter works on one floating-point type (scalar or
// vector) and the integer type of the same shape and width; its methods create
// one op each unless they say more.
#ifndef COMPILER_CODEGEN_CPU_MATHEMITTER_H
#define COMPILER_CODEGEN_CPU_MATHEMITTER_H

#include "compiler/Codegen/CPU/MathExpansion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"

#include <initializer_list>

namespace fusilli::compiler::detail {

using mlir::Type;
using mlir::Value;
using Pred = mlir::arith::CmpFPredicate;

class MathEmitter {
public:
  MathEmitter(mlir::ImplicitLocOpBuilder &builder, Type valueType,
              const MathOptions &mathOptions);

  const Type type;    ///< the floating-point type
  const Type intType; ///< integers of the same shape and width
  const bool isF64;
  const MathOptions options;
  mlir::ImplicitLocOpBuilder &b;

  /// `f32` or `f64`, whichever is the element type.
  double pick(double f32, double f64) const { return isF64 ? f64 : f32; }
  int64_t pickInt(int64_t f32, int64_t f64) const { return isF64 ? f64 : f32; }
  unsigned mantissaBits() const { return isF64 ? 52 : 23; }
  int64_t exponentBias() const { return isF64 ? 1023 : 127; }

  // Constants, each created once per emitter.
  Value f(double value);
  Value i(int64_t value);
  /// The bit pattern of a floating-point number, as an integer constant.
  Value bitsOf(double value);

  // Arithmetic.
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, Value y);
  Value fma(Value x, Value y, Value z);
  Value neg(Value x);
  Value abs(Value x);
  Value sqrt(Value x);
  Value roundEven(Value x);
  /// `magnitude`, which is not negative, with the sign of `sign`.
  Value withSignOf(Value magnitude, Value sign);

  // Selection. Comparisons with a not-a-number are false for ordered
  // predicates, so that the second value of `select` catches it.
  Value cmp(Pred pred, Value x, Value y);
  Value select(Value cond, Value yes, Value no);
  /// max(x, lo) and min(x, hi) in one instruction each; NaN stays NaN.
  Value atLeast(Value x, double lo);
  Value atMost(Value x, double hi);

  // Integers.
  Value toBits(Value x);
  Value fromBits(Value x);
  Value iadd(Value x, Value y);
  Value isub(Value x, Value y);
  Value iand(Value x, Value y);
  Value ior(Value x, Value y);
  Value ixor(Value x, Value y);
  Value shl(Value x, int64_t amount);
  Value shrLogical(Value x, int64_t amount);
  Value icmpNonZero(Value x);

  /// c[0] + c[1] x + ... by Horner's rule.
  Value poly(Value x, llvm::ArrayRef<double> c);
  Value poly(Value x, std::initializer_list<double> c) {
    return poly(x, llvm::ArrayRef<double>(c.begin(), c.size()));
  }

  /// x * factor rounded to the nearest integer, twice: as a number, and as a
  /// bit pattern whose low bits are that integer modulo a power of two. Right
  /// while the integer needs fewer than mantissaBits() - 1 bits. Two ops.
  struct Rounded {
    Value value;
    Value bits;
  };
  Rounded roundScaled(Value x, double factor);

  /// p * 2^n for p near 1 and any n of the exponent range and somewhat beyond
  /// it: overflow gives infinity, and a subnormal result is rounded once.
  /// `negative` must have the sign of n wherever |n| is large.
  Value scale(Value p, const Rounded &n, Value negative);

  /// Whether `scale` is one instruction.
  bool hasScalef() const;

  /// 2^n for an n that gives a normal number.
  Value powerOfTwo(const Rounded &n);

private:
  Value constant(mlir::TypedAttr scalar, Type ofType, uint64_t key, bool isInt);
  Value scalef(Value p, Value n);

  struct Cached {
    uint64_t key;
    bool isInt;
    Value value;
  };
  llvm::SmallVector<Cached, 24> constants_;
};

// One function per family member; x has the emitter's type.
Value emitExp(MathEmitter &e, Value x);
Value emitExp2(MathEmitter &e, Value x);
Value emitExp2OfNonPositive(MathEmitter &e, Value x, bool isShort);
Value emitExpm1(MathEmitter &e, Value x);
/// (e^x - 1) / 2 for x <= 0; the sign of zero is lost.
Value emitHalfExpm1NonPositive(MathEmitter &e, Value x);
Value emitLog(MathEmitter &e, Value x);
Value emitLog1p(MathEmitter &e, Value x);
Value emitSigmoid(MathEmitter &e, Value x);
Value emitErf(MathEmitter &e, Value x);
Value emitTanh(MathEmitter &e, Value x);
Value emitSin(MathEmitter &e, Value x);
Value emitCos(MathEmitter &e, Value x);
Value emitTan(MathEmitter &e, Value x);

} // namespace fusilli::compiler::detail

#endif // COMPILER_CODEGEN_CPU_MATHEMITTER_H
