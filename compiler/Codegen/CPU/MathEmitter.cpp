// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The op-creating shorthand of MathEmitter.h.
#include "compiler/Codegen/CPU/MathEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/TypeUtilities.h"

#include <bit>

using namespace mlir;

namespace fusilli::compiler::detail {

static Type withElement(Type shape, Type element) {
  if (auto vector = dyn_cast<VectorType>(shape))
    return VectorType::get(vector.getShape(), element);
  return element;
}

static Type integerLike(Type type) {
  unsigned bits = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  return withElement(type, IntegerType::get(type.getContext(), bits));
}

MathEmitter::MathEmitter(ImplicitLocOpBuilder &builder, Type valueType,
                         const MathOptions &mathOptions)
    : type(valueType), intType(integerLike(valueType)),
      isF64(getElementTypeOrSelf(valueType).isF64()), options(mathOptions),
      b(builder) {}

Value MathEmitter::constant(TypedAttr scalar, Type ofType, uint64_t key,
                            bool isInt) {
  for (const Cached &c : constants_)
    if (c.key == key && c.isInt == isInt)
      return c.value;
  TypedAttr attr = scalar;
  if (auto vector = dyn_cast<VectorType>(ofType))
    attr = DenseElementsAttr::get(vector, Attribute(scalar));
  Value value = arith::ConstantOp::create(b, attr);
  constants_.push_back({key, isInt, value});
  return value;
}

Value MathEmitter::f(double value) {
  Type element = getElementTypeOrSelf(type);
  return constant(b.getFloatAttr(element, value), type,
                  std::bit_cast<uint64_t>(value), /*isInt=*/false);
}

Value MathEmitter::i(int64_t value) {
  Type element = getElementTypeOrSelf(intType);
  return constant(b.getIntegerAttr(element, value), intType,
                  static_cast<uint64_t>(value), /*isInt=*/true);
}

Value MathEmitter::bitsOf(double value) {
  if (isF64)
    return i(std::bit_cast<int64_t>(value));
  return i(std::bit_cast<int32_t>(static_cast<float>(value)));
}

Value MathEmitter::add(Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
}
Value MathEmitter::sub(Value x, Value y) {
  return arith::SubFOp::create(b, x, y);
}
Value MathEmitter::mul(Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
Value MathEmitter::div(Value x, Value y) {
  return arith::DivFOp::create(b, x, y);
}
Value MathEmitter::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(b, x, y, z);
}
Value MathEmitter::neg(Value x) { return arith::NegFOp::create(b, x); }
Value MathEmitter::abs(Value x) { return math::AbsFOp::create(b, x); }
Value MathEmitter::sqrt(Value x) { return math::SqrtOp::create(b, x); }
Value MathEmitter::roundEven(Value x) {
  return math::RoundEvenOp::create(b, x);
}
Value MathEmitter::withSignOf(Value magnitude, Value sign) {
  // No copysign: LLVM moves a narrowing of its operand or of its result into
  // it, and f64 and f16 meet in a conversion that x86 does not have.
  Value signBit = iand(toBits(sign), bitsOf(-0.0));
  return fromBits(ixor(toBits(magnitude), signBit));
}

Value MathEmitter::cmp(Pred pred, Value x, Value y) {
  return arith::CmpFOp::create(b, pred, x, y);
}
Value MathEmitter::select(Value cond, Value yes, Value no) {
  return arith::SelectOp::create(b, cond, yes, no);
}
Value MathEmitter::atLeast(Value x, double lo) {
  return select(cmp(Pred::OGT, f(lo), x), f(lo), x);
}
Value MathEmitter::atMost(Value x, double hi) {
  return select(cmp(Pred::OLT, f(hi), x), f(hi), x);
}

Value MathEmitter::toBits(Value x) {
  return arith::BitcastOp::create(b, intType, x);
}
Value MathEmitter::fromBits(Value x) {
  return arith::BitcastOp::create(b, type, x);
}
Value MathEmitter::iadd(Value x, Value y) {
  return arith::AddIOp::create(b, x, y);
}
Value MathEmitter::isub(Value x, Value y) {
  return arith::SubIOp::create(b, x, y);
}
Value MathEmitter::iand(Value x, Value y) {
  return arith::AndIOp::create(b, x, y);
}
Value MathEmitter::ior(Value x, Value y) {
  return arith::OrIOp::create(b, x, y);
}
Value MathEmitter::ixor(Value x, Value y) {
  return arith::XOrIOp::create(b, x, y);
}
Value MathEmitter::shl(Value x, int64_t amount) {
  return arith::ShLIOp::create(b, x, i(amount));
}
Value MathEmitter::shrLogical(Value x, int64_t amount) {
  return arith::ShRUIOp::create(b, x, i(amount));
}
Value MathEmitter::icmpNonZero(Value x) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, i(0));
}

Value MathEmitter::poly(Value x, ArrayRef<double> c) {
  Value sum = f(c.back());
  for (double coefficient : llvm::reverse(c.drop_back()))
    sum = fma(sum, x, f(coefficient));
  return sum;
}

MathEmitter::Rounded MathEmitter::roundScaled(Value x, double factor) {
  // Adding 1.5 * 2^mantissaBits leaves the integer in the low mantissa bits.
  Value magic = f(pick(0x1.8p23, 0x1.8p52));
  Value shifted = factor == 1.0 ? add(x, magic) : fma(x, f(factor), magic);
  return {sub(shifted, magic), toBits(shifted)};
}

Value MathEmitter::scale(Value p, const Rounded &n, Value negative) {
  if (hasScalef())
    return scalef(p, n.value);
  // p * 2^(n +- h) is a normal number, multiplying by 2^-+h rounds once. Only
  // multiplications touch p, so that a not-a-number stays one.
  int64_t half = pickInt(64, 512);
  double up = pick(0x1p64, 0x1p512), down = pick(0x1p-64, 0x1p-512);
  Value isNegative = cmp(Pred::OLT, negative, f(0));
  Value one = select(isNegative, i((exponentBias() + half) << mantissaBits()),
                     i((exponentBias() - half) << mantissaBits()));
  Value power = fromBits(iadd(shl(n.bits, mantissaBits()), one));
  return mul(mul(p, power), select(isNegative, f(down), f(up)));
}

Value MathEmitter::powerOfTwo(const Rounded &n) {
  return fromBits(iadd(shl(n.bits, mantissaBits()), bitsOf(1.0)));
}

bool MathEmitter::hasScalef() const {
  auto vector = dyn_cast<VectorType>(type);
  return options.avx512 && vector && vector.getRank() > 0 &&
         !vector.isScalable() &&
         vector.getShape().back() % (isF64 ? 8 : 16) == 0;
}

/// Applies the instruction to pieces of one 512-bit register.
Value MathEmitter::scalef(Value p, Value n) {
  int64_t lanes = isF64 ? 8 : 16;
  auto piece = VectorType::get({lanes}, getElementTypeOrSelf(type));
  // All lanes active, rounding as MXCSR says. In the order of the intrinsic:
  // the number, the exponent, what masked-off lanes get.
  Value mask = arith::ConstantOp::create(
      b, b.getIntegerAttr(b.getIntegerType(lanes), -1));
  Value rounding = arith::ConstantOp::create(b, b.getI32IntegerAttr(4));
  auto apply = [&](Value x, Value y) -> Value {
    return x86vector::MaskScaleFOp::create(b, piece, x, y, x, mask, rounding);
  };
  auto vector = cast<VectorType>(type);
  if (vector == piece)
    return apply(p, n);
  auto flat =
      VectorType::get({vector.getNumElements()}, piece.getElementType());
  Value x = vector == flat ? p : vector::ShapeCastOp::create(b, flat, p);
  Value y = vector == flat ? n : vector::ShapeCastOp::create(b, flat, n);
  // By shuffles: the slices of the vector dialect have no lowering here.
  const int64_t count = flat.getNumElements();
  Value result = x;
  for (int64_t at = 0; at < count; at += lanes) {
    SmallVector<int64_t> slice, spread(count, 0), blend;
    for (int64_t k = 0; k < count; ++k) {
      const bool inside = k >= at && k < at + lanes;
      if (inside) {
        slice.push_back(k);
        spread[k] = k - at;
      }
      blend.push_back(inside ? count + k : k);
    }
    Value part = apply(vector::ShuffleOp::create(b, x, x, slice),
                       vector::ShuffleOp::create(b, y, y, slice));
    Value wide = vector::ShuffleOp::create(b, part, part, spread);
    result = vector::ShuffleOp::create(b, result, wide, blend);
  }
  return vector == flat ? result
                        : vector::ShapeCastOp::create(b, vector, result);
}

} // namespace fusilli::compiler::detail
