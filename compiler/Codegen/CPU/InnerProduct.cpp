// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inner products of x86: fused multiply-add, bf16 dot products, int8 by VNNI or
// by 16-bit multiply-add.

#include "compiler/Codegen/CPU/InnerProduct.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

#include <array>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Whether the body multiplies the operand's 8-bit integer, widened with its
/// sign.
bool isSignedByte(const ContractionOperand &o) {
  auto ext = o.inBody.getDefiningOp<arith::ExtSIOp>();
  return ext && isa<BlockArgument>(ext.getIn()) && o.element.isInteger(8);
}

Value callIntrinsic(KernelBuilder &k, StringRef name, Type result,
                    ValueRange operands) {
  auto &b = k.builder();
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name),
                                       operands)
      .getResults();
}

/// The same bits as a vector of `element`.
Value bitcast(KernelBuilder &k, Value v, Type element) {
  auto type = cast<VectorType>(v.getType());
  int64_t bits = type.getNumElements() * type.getElementTypeBitWidth();
  return vector::BitCastOp::create(
      k.builder(),
      k.vectorType(element, bits / element.getIntOrFloatBitWidth()), v);
}

/// acc += a * b in the accumulator's type: floats by FMA, integers by 32- or
/// 64-bit multiplication. Narrower operands are widened as the body says.
class MultiplyAdd : public InnerProduct {
public:
  StringRef getName() const override { return "multiply-add"; }
  bool fits(const Contraction &, const TargetInfo &) const override {
    return true;
  }
  Type getPackedType(const Contraction &c) const override { return c.acc; }
  Value step(KernelBuilder &k, Value a, Value b, Value acc) const override {
    auto &builder = k.builder();
    if (isa<FloatType>(getElementTypeOrSelf(acc.getType())))
      return vector::FMAOp::create(builder, a, b, acc);
    return arith::AddIOp::create(builder, arith::MulIOp::create(builder, a, b),
                                 acc);
  }
};

/// Pairs of bf16 accumulated in f32 (vdpbf16ps).
class Bf16Dot : public InnerProduct {
public:
  StringRef getName() const override { return "bf16-dot"; }
  bool fits(const Contraction &c, const TargetInfo &target) const override {
    return target.hasBf16Dot && c.acc.isF32() && c.a.isWidenedBf16() &&
           c.b.isWidenedBf16();
  }
  int64_t getGranule() const override { return 2; }
  Type getPackedType(const Contraction &c) const override {
    return BFloat16Type::get(c.model.getContext());
  }
  Convert getConvert(KernelBuilder &, bool, Convert) const override {
    return nullptr; // pairs stay as they are stored
  }
  Value step(KernelBuilder &k, Value a, Value b, Value acc) const override {
    Type bf16 = k.builder().getBF16Type();
    return x86vector::DotBF16Op::create(k.builder(), acc.getType(), acc,
                                        bitcast(k, a, bf16),
                                        bitcast(k, b, bf16));
  }
};

/// Four s8 x s8 products a lane by the instruction for u8 x s8 (vpdpbusd): A is
/// moved by 128, and 128 times the column sums of B are taken off again.
class Vnni : public InnerProduct {
public:
  StringRef getName() const override { return "int8-vnni"; }
  bool fits(const Contraction &c, const TargetInfo &target) const override {
    return target.hasVnni && c.acc.isInteger(32) && isSignedByte(c.a) &&
           isSignedByte(c.b);
  }
  int64_t getGranule() const override { return 4; }
  Type getPackedType(const Contraction &c) const override {
    return IntegerType::get(c.model.getContext(), 8);
  }
  Convert getConvert(KernelBuilder &k, bool isA, Convert) const override {
    if (!isA)
      return nullptr;
    return [&k](Value v) -> Value {
      auto &b = k.builder();
      auto type = cast<VectorType>(v.getType());
      Value flip = k.constant(b.getI8IntegerAttr(-128), type.getNumElements());
      return arith::XOrIOp::create(b, v, flip);
    };
  }
  Value step(KernelBuilder &k, Value a, Value b, Value acc) const override {
    Type i8 = k.builder().getI8Type();
    return callIntrinsic(k, "llvm.x86.avx512.vpdpbusd.512", acc.getType(),
                         {acc, bitcast(k, a, i8), bitcast(k, b, i8)});
  }
  TypedAttr getPackedZero(MLIRContext *context) const override {
    return Builder(context).getI8IntegerAttr(-128);
  }
  bool isCompensated() const override { return true; }
  Value compensate(KernelBuilder &k, Value b, Value acc) const override {
    auto &builder = k.builder();
    auto type = cast<VectorType>(b.getType());
    Value ones = k.constant(builder.getI32IntegerAttr(0x01010101),
                            type.getNumElements());
    // -128 * sum, as 128 * -(sum of this word's four bytes).
    Value sum = step(k, ones, b, k.zero(acc.getType()));
    Value scaled = arith::MulIOp::create(
        builder, sum,
        k.constant(builder.getI32IntegerAttr(-128), type.getNumElements()));
    return arith::AddIOp::create(builder, acc, scaled);
  }
};

/// Pairs of products of bytes widened to 16 bits (vpmaddwd): exact over the
/// full range, since a pair of products fits 32 bits.
class Int16MultiplyAdd : public InnerProduct {
public:
  StringRef getName() const override { return "int16-multiply-add"; }
  bool fits(const Contraction &c, const TargetInfo &) const override {
    return c.acc.isInteger(32) && isSignedByte(c.a) && isSignedByte(c.b);
  }
  int64_t getGranule() const override { return 2; }
  Type getPackedType(const Contraction &c) const override {
    return IntegerType::get(c.model.getContext(), 16);
  }
  Convert getConvert(KernelBuilder &k, bool, Convert) const override {
    return [&k](Value v) -> Value {
      auto type = cast<VectorType>(v.getType());
      return arith::ExtSIOp::create(k.builder(),
                                    type.clone(k.builder().getI16Type()), v);
    };
  }
  Value step(KernelBuilder &k, Value a, Value b, Value acc) const override {
    auto &builder = k.builder();
    Type i16 = builder.getI16Type();
    int64_t lanes = cast<VectorType>(acc.getType()).getNumElements();
    StringRef name =
        lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
    Value products = callIntrinsic(k, name, acc.getType(),
                                   {bitcast(k, a, i16), bitcast(k, b, i16)});
    return arith::AddIOp::create(builder, acc, products);
  }
  int64_t getTemporaries() const override { return 2; }
};

} // namespace

ArrayRef<const InnerProduct *> getInnerProducts() {
  static const Bf16Dot bf16Dot;
  static const Vnni vnni;
  static const Int16MultiplyAdd int16MultiplyAdd;
  static const MultiplyAdd multiplyAdd;
  static const std::array<const InnerProduct *, 4> list = {
      &bf16Dot, &vnni, &int16MultiplyAdd, &multiplyAdd};
  return list;
}

const InnerProduct *findInnerProduct(StringRef name) {
  for (const InnerProduct *product : getInnerProducts())
    if (product->getName() == name)
      return product;
  return nullptr;
}

} // namespace fusilli::compiler
