// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies of strided operand blocks into worker-local memory, converted to the
// accumulator's type, in the order in which the inner loops read them. Any
// source strides are vectorised: along the line, or by transposes in registers,
// or by gathers.
#ifndef COMPILER_CODEGEN_CPU_EMIT_PACKING_H
#define COMPILER_CODEGEN_CPU_EMIT_PACKING_H

#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"

#include <functional>

namespace fusilli::compiler {

/// A block of `lines` x `length` elements of a buffer.
struct PackSource {
  Value mem;
  Value base; ///< index of element (0, 0)
  Extent lineStride, elementStride;
};

class Packer {
public:
  /// What a loaded vector becomes: the part of a body that reads the operand.
  using Convert = std::function<Value(Value)>;
  /// Values become `type` by `convert` (null: they are of it); with `granule`
  /// 2 or 4 as many neighbours along a panel's lines become one i32.
  Packer(KernelBuilder &k, Type type, int64_t lanes, int64_t granule,
         Convert convert)
      : k(k), b(k.builder()), type(type), lanes(lanes), granule(granule),
        toType(std::move(convert)) {}

  /// dst[dstBase + line * dstStride + i] = source(line, i), i < length, padded
  /// with zeros to a multiple of `padTo` elements. Elements stay single: a
  /// granule is neighbours in the line. `dstStride` >= padded length.
  void packLines(const PackSource &source, int64_t lines, int64_t length,
                 int64_t padTo, Value dst, Value dstBase, int64_t dstStride);

  /// dst[dstBase + (line / granule) * width + i] = source(line, i) for
  /// i < active, 0 up to `width` (a multiple of the vector length); later lines
  /// of a granule are higher parts of the word.
  void packPanel(const PackSource &source, int64_t lines, int64_t active,
                 int64_t width, Value dst, Value dstBase);

  /// dst[dstBase + i] = what stands for 0, for i < count.
  void zeroFill(Value dst, Value dstBase, int64_t count);
  /// The packed element that stands for 0, where it is not 0 itself.
  void setPackedZero(mlir::TypedAttr value) { packedZero = value; }

private:
  /// `count` elements along the stride from `index`, converted.
  Value line(Value mem, Value index, int64_t active, const Extent &stride);
  Value convert(Value v) { return toType ? toType(v) : v; }
  /// Elements of the accumulator's width in 128 bits.
  int64_t chunkSize() const {
    return granule > 1 ? 4 : 128 / type.getIntOrFloatBitWidth();
  }
  /// Transposes `lanes` rows of chunkSize() elements; rows past `rows` are 0.
  SmallVector<Value> transpose(llvm::function_ref<Value(int64_t)> chunk,
                               int64_t rows, Type element);
  Value offset(Value base, Value i, const Extent &stride);
  void panelByLines(const PackSource &s, int64_t lines, int64_t active,
                    int64_t width, Value dst, Value dstBase);
  void panelByTranspose(const PackSource &s, int64_t lines, int64_t active,
                        int64_t width, Value dst, Value dstBase);

  KernelBuilder &k;
  mlir::ImplicitLocOpBuilder &b;
  Type type;
  int64_t lanes;
  int64_t granule;
  Convert toType;
  mlir::TypedAttr packedZero;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_EMIT_PACKING_H
