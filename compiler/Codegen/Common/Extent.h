// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A number of the iteration space or of memory: an extent, a stride, an offset.
// Known at compile time, or an expression of the kernel's symbols, whose values
// are arguments of the kernel.
#ifndef COMPILER_CODEGEN_COMMON_EXTENT_H
#define COMPILER_CODEGEN_COMMON_EXTENT_H

#include "mlir/IR/AffineExpr.h"

#include <cstdint>

namespace fusilli::compiler {

/// Thread safety: immutable value.
class Extent {
public:
  Extent(int64_t value = 0) : value(value) {}
  /// The kernel's symbol number `position`; `representative` is the value that
  /// decisions are taken for.
  static Extent symbol(mlir::MLIRContext *context, unsigned position,
                       int64_t representative) {
    return Extent(representative, mlir::getAffineSymbolExpr(position, context));
  }

  bool isStatic() const { return !expr; }
  bool is(int64_t number) const { return isStatic() && value == number; }
  /// The value of a static extent.
  int64_t get() const {
    assert(isStatic());
    return value;
  }
  /// The value, or what stands for it when a decision is taken.
  int64_t representative() const { return value; }
  /// Of a symbolic extent: the expression of symbols.
  mlir::AffineExpr getExpr() const { return expr; }

  bool operator==(const Extent &o) const {
    return expr == o.expr && (expr || value == o.value);
  }
  Extent operator*(const Extent &o) const {
    if (is(0) || o.is(0))
      return 0;
    if (!expr)
      return o.expr ? Extent(value * o.value, o.expr * value)
                    : Extent(value * o.value);
    return Extent(value * o.value, o.expr ? expr * o.expr : expr * o.value);
  }
  Extent operator+(const Extent &o) const {
    if (!expr)
      return o.expr ? Extent(value + o.value, o.expr + value)
                    : Extent(value + o.value);
    return Extent(value + o.value, o.expr ? expr + o.expr : expr + o.value);
  }

  friend Extent ceilDiv(const Extent &x, int64_t divisor) {
    int64_t number = (x.value + divisor - 1) / divisor;
    return x.expr ? Extent(number, x.expr.ceilDiv(divisor)) : Extent(number);
  }
  friend Extent floorDiv(const Extent &x, int64_t divisor) {
    int64_t number = x.value / divisor;
    return x.expr ? Extent(number, x.expr.floorDiv(divisor)) : Extent(number);
  }

private:
  Extent(int64_t value, mlir::AffineExpr e) : value(value), expr(e) {
    // A product with 0 or 1 may have folded.
    if (auto c = mlir::dyn_cast_or_null<mlir::AffineConstantExpr>(expr)) {
      this->value = c.getValue();
      expr = {};
    }
  }
  int64_t value;
  mlir::AffineExpr expr; ///< null: static
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_COMMON_EXTENT_H
