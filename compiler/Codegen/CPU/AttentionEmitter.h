// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The emitter of attention: one class, whose loops are in AttentionEmitter.cpp
// and whose products and softmax of a block are in AttentionBlock.cpp.
#ifndef COMPILER_CODEGEN_CPU_ATTENTIONEMITTER_H
#define COMPILER_CODEGEN_CPU_ATTENTIONEMITTER_H

#include "compiler/Codegen/CPU/Attention.h"
#include "compiler/Codegen/CPU/Emit/Evaluator.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace fusilli::compiler {

/// Emits the loops of one kernel, once. Thread safety: one thread.
class AttentionEmitter {
public:
  /// Steps of the inner product in one turn of its loop.
  static constexpr int64_t kUnroll = 4;

  AttentionEmitter(const KernelModel &model, KernelBuilder &k,
                   const AttentionProblem &p, const AttentionTiles &t)
      : model(model), k(k), e(model, k), b(k.builder()), p(p), t(t),
        acc(p.accumulator), nr(t.columns()), step(t.perStep()),
        depthSteps(llvm::alignTo(p.depth, step * kUnroll) / step),
        widthPad(llvm::alignTo(p.width, nr)) {}

  void run();
  bool hasFailed() const { return failedAny; }

private:
  // What a workgroup is doing: its place, and that of the block of rows.
  struct Group {
    Value batch, head, row; ///< the first ones
    Value kBase, vBase;     ///< K and V of its heads
  };
  struct Block {
    Value head, first, rows; ///< rows [first, first + rows) of `head`
    Value slot;              ///< first line of its state
    Value key, keys;         ///< the keys, [key, key + keys)
    Value panels;            ///< where their panels are
  };

  void allocate();
  void workgroup(const Group &g);
  void resetState();
  void packKeys(const Group &g, Value first, Value count);
  void packPanels(Value kMem, Value kAt, ArrayRef<Extent> kStrides, Value vMem,
                  Value vAt, ArrayRef<Extent> vStrides, Value slot);
  void packTail(Value mem, Value at, ArrayRef<Extent> strides, int64_t length,
                Value count, Value tail);
  void packRows(const Group &g, const Block &block);
  void scores(const Block &block);
  void softmax(const Group &g, const Block &block);
  void softmaxRow(const Group &g, const Block &block, Value r);
  void applyMask(const Group &g, const Block &block, Value r, Value line);
  void rescale(const Block &block);
  void weigh(const Block &block);
  void store(const Group &g, Value head, Value first, Value rows, Value slot);

  SmallVector<Value> product(Value aMem, Value aAt, int64_t aStride, Value bMem,
                             Value bAt, Value steps, ValueRange init);
  Value broadcast(Value mem, Value at);
  Value getLimit(const Block &block, Value tile);

  // Index arithmetic that folds; differences may be negative.
  Value index(int64_t v) { return k.index(v); }
  Value index(const Extent &v) { return k.index(v); }
  Value add(Value x, Value y);
  Value add(Value x, int64_t y) { return add(x, index(y)); }
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value mul(Value x, int64_t y) { return mul(x, index(y)); }
  Value mul(Value x, const Extent &y) { return mul(x, index(y)); }
  Value div(Value x, int64_t y);
  Value rem(Value x, int64_t y);
  Value roundUp(Value x, int64_t y) { return mul(div(add(x, y - 1), y), y); }
  Value clamp(Value x, Value high);
  Value least(Value x, Value y);

  mlir::VectorType vectorType() { return k.vectorType(acc, t.lanes); }
  Value number(double v) {
    return mlir::arith::ConstantOp::create(b, b.getFloatAttr(acc, v));
  }
  Value splat(double v) { return k.splat(number(v), t.lanes); }
  Value splat(Value v) { return k.splat(v, t.lanes); }
  Value scalarAt(Value mem, Value at) {
    return mlir::memref::LoadOp::create(b, mem, ValueRange{at});
  }
  void setScalar(Value v, Value mem, Value at) {
    mlir::memref::StoreOp::create(b, v, mem, ValueRange{at});
  }
  Value vectorAt(Value mem, Value at) {
    return k.load(mem, at, t.lanes, t.lanes, 1);
  }
  void setVector(Value v, Value mem, Value at) {
    k.store(v, mem, at, t.lanes, 1);
  }
  /// 0, 1, 2, ... as integers of the accumulator's width.
  Value laneNumbers();
  /// max(x, y) in one instruction; a y that is not a number wins.
  Value larger(Value x, Value y) {
    Value isLarger =
        mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::OGT, x, y);
    return mlir::arith::SelectOp::create(b, isLarger, x, y);
  }
  /// A float, or a vector of them, in the accumulator's type.
  Value toAccumulator(Value v);
  /// All lanes combined.
  Value reduce(Value v, llvm::function_ref<Value(Value, Value)> combine);
  Value power(Value x);
  Value fill(Value mem, int64_t count, double v);

  const KernelModel &model;
  KernelBuilder &k;
  Evaluator e;
  mlir::ImplicitLocOpBuilder &b;
  const AttentionProblem &p;
  const AttentionTiles &t;
  Type acc;
  int64_t nr, step, depthSteps, widthPad;
  int64_t capacity = 0; ///< keys that the panels hold
  int64_t qStride = 0, scoreStride = 0, weightStride = 0;
  bool failedAny = false;

  // Worker-local memory.
  Value kPanels; ///< [keys / nr][depthSteps][nr]
  Value vPanels; ///< [width / nr][keys / step][nr]
  Value kTail, vTail;
  Value qRows;          ///< [rowBlock][depthSteps * step]
  Value scoreRows;      ///< [rowBlock][keyBlock]
  Value weightRows;     ///< the same, where the inner product takes bf16
  Value outputRows;     ///< [slots * rowBlock][widthPad]
  Value largest, total; ///< [slots * rowBlock]
  Value newLargest, sum, factor; ///< [rowBlock]
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_ATTENTIONEMITTER_H
