// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emission of attention, with the softmax taken online:
//
//   for each workgroup: some heads that share K and V, some blocks of rows
//     for each block of keys that the rows see
//       K and V of the block to local memory in panels, unless they are there
//       for each block of rows
//         scores = Q K^T, scaled, in base 2, a tile of registers at a time
//         for each row: mask; largest so far; weights = 2^(score - largest)
//         factor = 2^(largest before - largest), sum = sum * factor + weights
//         O = O * factor + weights V, a tile of registers at a time
//     O / sum
//
// Keys and rows are masked at their ends at run time, so their number may be a
// symbol. Scores of keys that a row does not see are -infinity; the largest
// starts from a finite number, so that their weights are 0 and never undefined.

#include "compiler/Codegen/CPU/Attention.h"
#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/Emit/Packing.h"
#include "compiler/Codegen/CPU/MathExpansion.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>
#include <numbers>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Steps of the inner product in one turn of its loop.
constexpr int64_t kUnroll = 4;
/// Elements added to the lines of a buffer, so that equal places of
/// neighbouring lines are not in one set of the cache.
constexpr int64_t kLinePad = 16;

class AttentionEmitter {
public:
  AttentionEmitter(const KernelModel &model, KernelBuilder &k,
                   const AttentionProblem &p, const AttentionTiles &t)
      : k(k), e(model, k), b(k.builder()), p(p), t(t), acc(p.accumulator),
        nr(t.columns()), step(t.perStep()),
        depthSteps(llvm::alignTo(p.depth, step * kUnroll) / step),
        widthPad(llvm::alignTo(p.width, nr)) {}

  void run();

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

  VectorType vectorType() { return k.vectorType(acc, t.lanes); }
  Value number(double v) {
    return arith::ConstantOp::create(b, b.getFloatAttr(acc, v));
  }
  Value splat(double v) { return k.splat(number(v), t.lanes); }
  Value splat(Value v) { return k.splat(v, t.lanes); }
  Value scalarAt(Value mem, Value at) {
    return memref::LoadOp::create(b, mem, ValueRange{at});
  }
  void setScalar(Value v, Value mem, Value at) {
    memref::StoreOp::create(b, v, mem, ValueRange{at});
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
    Value isLarger = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, y);
    return arith::SelectOp::create(b, isLarger, x, y);
  }
  /// A float, or a vector of them, in the accumulator's type.
  Value toAccumulator(Value v);
  /// All lanes combined.
  Value reduce(Value v, llvm::function_ref<Value(Value, Value)> combine);
  Value power(Value x);
  Value fill(Value mem, int64_t count, double v);

  KernelBuilder &k;
  Evaluator e;
  ImplicitLocOpBuilder &b;
  const AttentionProblem &p;
  const AttentionTiles &t;
  Type acc;
  int64_t nr, step, depthSteps, widthPad;
  int64_t capacity = 0; ///< keys that the panels hold
  int64_t qStride = 0, scoreStride = 0, weightStride = 0;

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

//===----------------------------------------------------------------------===//
// Small things
//===----------------------------------------------------------------------===//

Value AttentionEmitter::add(Value x, Value y) {
  auto cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(*cx + *cy);
  if (cx == 0)
    return y;
  return cy == 0 ? x : Value(arith::AddIOp::create(b, x, y));
}

Value AttentionEmitter::sub(Value x, Value y) {
  auto cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(*cx - *cy);
  return cy == 0 ? x : Value(arith::SubIOp::create(b, x, y));
}

Value AttentionEmitter::mul(Value x, Value y) {
  auto cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(*cx * *cy);
  if (cx == 1 || cy == 0)
    return y;
  return cy == 1 || cx == 0 ? x : Value(arith::MulIOp::create(b, x, y));
}

Value AttentionEmitter::div(Value x, int64_t y) {
  if (auto cx = getConstantIntValue(x))
    return index(*cx / y);
  return y == 1 ? x : Value(arith::DivUIOp::create(b, x, index(y)));
}

Value AttentionEmitter::rem(Value x, int64_t y) {
  if (auto cx = getConstantIntValue(x))
    return index(*cx % y);
  return y == 1 ? index(0) : Value(arith::RemUIOp::create(b, x, index(y)));
}

Value AttentionEmitter::least(Value x, Value y) {
  auto cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(std::min(*cx, *cy));
  return arith::MinSIOp::create(b, x, y);
}

/// x in [0, high].
Value AttentionEmitter::clamp(Value x, Value high) {
  auto cx = getConstantIntValue(x);
  if (cx && *cx >= 0)
    return least(x, high);
  return least(arith::MaxSIOp::create(b, x, index(0)), high);
}

Value AttentionEmitter::toAccumulator(Value v) {
  Type element = getElementTypeOrSelf(v.getType());
  unsigned from = element.getIntOrFloatBitWidth();
  unsigned to = acc.getIntOrFloatBitWidth();
  if (from == to)
    return v;
  return from < to ? e.widen(v, acc) : e.narrow(v, acc);
}

Value AttentionEmitter::reduce(
    Value v, llvm::function_ref<Value(Value, Value)> combine) {
  int64_t lanes = t.lanes;
  while (lanes > 1) {
    lanes /= 2;
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes; ++i) {
      low.push_back(i);
      high.push_back(lanes + i);
    }
    v = combine(vector::ShuffleOp::create(b, v, v, low),
                vector::ShuffleOp::create(b, v, v, high));
  }
  return vector::ExtractOp::create(b, v, int64_t(0));
}

Value AttentionEmitter::laneNumbers() {
  unsigned bits = acc.getIntOrFloatBitWidth();
  SmallVector<Attribute> numbers;
  for (int64_t i = 0; i < t.lanes; ++i)
    numbers.push_back(b.getIntegerAttr(b.getIntegerType(bits), i));
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(k.vectorType(b.getIntegerType(bits), t.lanes),
                                numbers));
}

/// 2^x for x <= 0.
Value AttentionEmitter::power(Value x) {
  return expandExp2OfNonPositive(b, x, /*isShort=*/t.dot,
                                 {.avx512 = k.target().hasAvx512});
}

Value AttentionEmitter::fill(Value mem, int64_t count, double v) {
  Value value = splat(v);
  k.loop(index(0), index(count), t.lanes,
         [&](Value i) { setVector(value, mem, i); });
  return mem;
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

void AttentionEmitter::allocate() {
  capacity = t.getCapacity(p);
  Type word = t.dot ? Type(b.getI32Type()) : acc;
  Type narrow = t.dot ? Type(b.getBF16Type()) : acc;
  kPanels = k.local(word, capacity * depthSteps);
  vPanels = k.local(word, capacity / step * widthPad);
  kTail = k.local(p.k.element, nr * p.depth);
  vTail = k.local(p.v.element, nr * p.width);
  qStride = (depthSteps + kLinePad) * step;
  qRows = k.local(narrow, t.rowBlock * qStride);
  scoreStride = t.keyBlock + kLinePad;
  scoreRows = k.local(acc, t.rowBlock * scoreStride);
  weightStride = scoreStride;
  weightRows = scoreRows;
  if (t.dot) {
    weightStride = t.keyBlock + 2 * kLinePad;
    weightRows = k.local(narrow, t.rowBlock * weightStride);
  }
  int64_t lines = t.getSlots() * t.rowBlock;
  outputRows = k.local(acc, lines * widthPad);
  largest = k.local(acc, lines);
  total = k.local(acc, lines);
  newLargest = k.local(acc, t.rowBlock);
  sum = k.local(acc, t.rowBlock);
  factor = k.local(acc, t.rowBlock);
}

void AttentionEmitter::run() {
  allocate();
  int64_t groupRows = t.blocks * t.rowBlock, groups = p.heads / t.heads;
  Value chunks = div(add(index(p.rows), groupRows - 1), groupRows);
  // Panels that are kept: those of the last workgroup's heads.
  Value none = index(-1);
  SmallVector<Value> inits;
  if (t.resident)
    inits.push_back(none);
  k.loop(k.begin(), k.end(), 1, inits, [&](Value id, ValueRange kept) {
    Group g;
    Value outer = arith::DivUIOp::create(b, id, chunks);
    g.row = mul(Value(arith::RemUIOp::create(b, id, chunks)), groupRows);
    g.batch = div(outer, groups);
    g.head = mul(rem(outer, groups), t.heads);
    Value kHead = div(g.head, p.heads / p.kHeads);
    Value vHead = div(g.head, p.heads / p.vHeads);
    g.kBase = add(mul(g.batch, p.k.strides[0]), mul(kHead, p.k.strides[1]));
    g.vBase = add(mul(g.batch, p.v.strides[0]), mul(vHead, p.v.strides[1]));
    SmallVector<Value> next;
    if (t.resident) {
      Value key = add(mul(add(mul(g.batch, p.kHeads), kHead), p.vHeads), vHead);
      Value differs =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, key, kept.front());
      k.ifThen(differs, [&] { packKeys(g, index(0), index(p.keys)); });
      next.push_back(key);
    }
    workgroup(g);
    return next;
  });
}

void AttentionEmitter::workgroup(const Group &g) {
  Value rows = index(p.rows), allKeys = index(p.keys);
  Value seen = allKeys;
  if (p.causal)
    seen = least(allKeys, add(g.row, t.blocks * t.rowBlock));
  auto forSlots = [&](llvm::function_ref<void(Block)> body) {
    k.loop(index(0), index(t.getSlots()), 1, [&](Value s) {
      if (t.getSlots() == 1)
        s = index(0);
      Block block;
      block.head = add(g.head, div(s, t.blocks));
      block.first = add(g.row, mul(rem(s, t.blocks), t.rowBlock));
      block.rows = least(sub(rows, block.first), index(t.rowBlock));
      block.slot = mul(s, t.rowBlock);
      body(block);
    });
  };
  resetState();
  bool single = t.getSlots() == 1;
  if (single)
    forSlots([&](const Block &block) { packRows(g, block); });
  k.loop(index(0), seen, t.keyBlock, [&](Value key) {
    Value keys = least(sub(seen, key), index(t.keyBlock));
    if (!t.resident)
      packKeys(g, key, keys);
    forSlots([&](Block block) {
      block.key = key;
      block.keys = keys;
      block.panels = t.resident ? key : index(0);
      auto body = [&] {
        if (!single)
          packRows(g, block);
        k.outline("scores", [&] { scores(block); });
        k.outline("softmax", [&] { softmax(g, block); });
        k.outline("weigh", [&] { weigh(block); });
      };
      if (single)
        return body();
      // Blocks past the last row, or before the first key, have nothing.
      Value busy = k.isLess(block.first, rows);
      if (p.causal)
        busy = arith::AndIOp::create(
            b, busy, k.isLess(key, add(block.first, t.rowBlock)));
      k.ifThen(busy, body);
    });
  });
  forSlots([&](const Block &block) {
    k.outline("store", [&] {
      store(g, block.head, block.first, block.rows, block.slot);
    });
  });
}

void AttentionEmitter::resetState() {
  int64_t lines = t.getSlots() * t.rowBlock;
  // Scores below this are as good as -infinity.
  double low = acc.isF64() ? -1e300 : -1e30;
  fill(largest, lines, low);
  fill(total, lines, 0);
  fill(outputRows, lines * widthPad, 0);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

void AttentionEmitter::packKeys(const Group &g, Value first, Value count) {
  Value kMem = k.binding(p.k.binding), vMem = k.binding(p.v.binding);
  Value whole = mul(div(count, nr), nr);
  k.outline("pack_keys", [&] {
    k.loop(index(0), whole, nr, [&](Value at) {
      Value key = add(first, at);
      packPanels(kMem, add(g.kBase, mul(key, p.k.strides[2])),
                 ArrayRef(p.k.strides).drop_front(2), vMem,
                 add(g.vBase, mul(key, p.v.strides[2])),
                 ArrayRef(p.v.strides).drop_front(2), at);
    });
  });
  if (p.keys.isStatic() && p.keys.get() % nr == 0)
    return;
  Value rest = sub(count, whole);
  Value some =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, rest, index(0));
  k.ifThen(some, [&] {
    k.outline("pack_last_keys", [&] {
      Value key = add(first, whole);
      packTail(kMem, add(g.kBase, mul(key, p.k.strides[2])),
               ArrayRef(p.k.strides).drop_front(2), p.depth, rest, kTail);
      packTail(vMem, add(g.vBase, mul(key, p.v.strides[2])),
               ArrayRef(p.v.strides).drop_front(2), p.width, rest, vTail);
      Extent kTailStrides[] = {p.depth, 1}, vTailStrides[] = {p.width, 1};
      packPanels(kTail, index(0), kTailStrides, vTail, index(0), vTailStrides,
                 whole);
    });
  });
}

/// `count` < nr lines of `length` elements to `tail`, zeros after them.
void AttentionEmitter::packTail(Value mem, Value at, ArrayRef<Extent> strides,
                                int64_t length, Value count, Value tail) {
  Type element = cast<MemRefType>(tail.getType()).getElementType();
  int64_t lanes = k.target().lanes(element.getIntOrFloatBitWidth());
  Packer(k, acc, t.lanes, false, {}).zeroFill(tail, index(0), nr * length);
  k.loop(index(0), count, 1, [&](Value line) {
    Value from = add(at, mul(line, strides[0])), to = mul(line, length);
    auto copy = [&](Value i, int64_t active) {
      Value v =
          k.load(mem, add(from, mul(i, strides[1])), lanes, active, strides[1]);
      k.store(v, tail, add(to, i), active, 1);
    };
    int64_t whole = length / lanes * lanes;
    if (whole)
      k.loop(index(0), index(whole), lanes, [&](Value i) { copy(i, lanes); });
    if (length > whole)
      copy(index(whole), length - whole);
  });
}

/// The panels of nr keys; `slot` is the place of the first in the panels.
void AttentionEmitter::packPanels(Value kMem, Value kAt,
                                  ArrayRef<Extent> kStrides, Value vMem,
                                  Value vAt, ArrayRef<Extent> vStrides,
                                  Value slot) {
  auto widen = [&](Value v) { return toAccumulator(v); };
  Packer packer(k, acc, t.lanes, t.dot, widen);
  Value to = mul(slot, depthSteps);
  packer.packPanel({kMem, kAt, kStrides[1], kStrides[0]}, p.depth, nr, nr,
                   kPanels, to);
  int64_t filled = llvm::divideCeil(p.depth, step);
  if (filled < depthSteps)
    packer.zeroFill(kPanels, add(to, filled * nr), (depthSteps - filled) * nr);
  auto columns = [&](Value j, int64_t active) {
    packer.packPanel(
        {vMem, add(vAt, mul(mul(j, nr), vStrides[1])), vStrides[0],
         vStrides[1]},
        nr, active, nr, vPanels,
        add(mul(j, capacity / step * nr), mul(div(slot, step), nr)));
  };
  int64_t whole = p.width / nr;
  if (whole == 1)
    columns(index(0), nr);
  else if (whole)
    k.loop(index(0), index(whole), 1, [&](Value j) { columns(j, nr); });
  if (p.width % nr)
    columns(index(whole), p.width % nr);
}

void AttentionEmitter::packRows(const Group &g, const Block &block) {
  Value base =
      add(add(mul(g.batch, p.q.strides[0]), mul(block.head, p.q.strides[1])),
          mul(block.first, p.q.strides[2]));
  Type type = t.dot ? Type(b.getBF16Type()) : acc;
  Packer::Convert widen = [&](Value v) { return toAccumulator(v); };
  Packer packer(k, type, t.lanes, false, t.dot ? Packer::Convert() : widen);
  k.outline("pack_rows", [&] {
    k.loop(index(0), block.rows, 1, [&](Value r) {
      packer.packLines({k.binding(p.q.binding),
                        add(base, mul(r, p.q.strides[2])), 0, p.q.strides[3]},
                       1, p.depth, kUnroll * step, qRows, mul(r, qStride),
                       qStride);
    });
    k.loop(block.rows, index(t.rowBlock), 1, [&](Value r) {
      packer.zeroFill(qRows, mul(r, qStride), depthSteps * step);
    });
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// One step's elements of the left operand in all lanes.
Value AttentionEmitter::broadcast(Value mem, Value at) {
  if (!t.dot)
    return splat(scalarAt(mem, at));
  Value pair =
      vector::LoadOp::create(b, k.vectorType(b.getBF16Type(), 2), mem, at);
  Value word =
      vector::BitCastOp::create(b, k.vectorType(b.getI32Type(), 1), pair);
  word = vector::ExtractOp::create(b, word, int64_t(0));
  return vector::BitCastOp::create(
      b, k.vectorType(b.getBF16Type(), 2 * t.lanes), splat(word));
}

/// init + A B: mr lines of A that are `aStride` apart, a panel of B.
SmallVector<Value> AttentionEmitter::product(Value aMem, Value aAt,
                                             int64_t aStride, Value bMem,
                                             Value bAt, Value steps,
                                             ValueRange init) {
  VectorType pairs = k.vectorType(b.getBF16Type(), 2 * t.lanes);
  return k.loop(index(0), steps, kUnroll, init,
                [&](Value at, ValueRange carried) {
                  SmallVector<Value> c(carried);
                  for (int64_t u = 0; u < kUnroll; ++u) {
                    SmallVector<Value> columns;
                    Value line = add(bAt, mul(add(at, u), nr));
                    for (int64_t j = 0; j < t.nv; ++j) {
                      Value v = vectorAt(bMem, add(line, j * t.lanes));
                      if (t.dot)
                        v = vector::BitCastOp::create(b, pairs, v);
                      columns.push_back(v);
                    }
                    Value place = add(aAt, mul(add(at, u), step));
                    for (int64_t i = 0; i < t.mr; ++i) {
                      Value a = broadcast(aMem, add(place, i * aStride));
                      for (int64_t j = 0; j < t.nv; ++j) {
                        Value &to = c[i * t.nv + j];
                        if (t.dot)
                          to = x86vector::DotBF16Op::create(b, to.getType(), to,
                                                            a, columns[j]);
                        else
                          to = vector::FMAOp::create(b, a, columns[j], to);
                      }
                    }
                  }
                  return c;
                });
}

/// The number of keys of the block, in whole panels, that some row of a tile
/// sees.
Value AttentionEmitter::getLimit(const Block &block, Value tile) {
  Value keys = block.keys;
  if (p.causal) {
    Value end = add(block.first, mul(add(tile, 1), t.mr));
    keys = clamp(sub(end, block.key), block.keys);
  }
  return roundUp(keys, nr);
}

void AttentionEmitter::scores(const Block &block) {
  Value tiles = div(add(block.rows, t.mr - 1), t.mr);
  SmallVector<Value> zeros(t.mr * t.nv, k.zero(vectorType()));
  Value scale = splat(p.scale * std::numbers::log2e);
  k.loop(index(0), roundUp(block.keys, nr), nr, [&](Value panel) {
    Value firstTile = index(0);
    if (p.causal) // tiles above see none of these keys
      firstTile = div(clamp(sub(add(block.key, panel), block.first),
                            index(std::numeric_limits<int32_t>::max())),
                      t.mr);
    Value bAt = mul(add(block.panels, panel), depthSteps);
    k.loop(firstTile, tiles, 1, [&](Value tile) {
      Value row = mul(tile, t.mr);
      SmallVector<Value> c = product(qRows, mul(row, qStride), qStride, kPanels,
                                     bAt, index(depthSteps), zeros);
      Value to = add(mul(row, scoreStride), panel);
      for (int64_t i = 0; i < t.mr; ++i)
        for (int64_t j = 0; j < t.nv; ++j)
          setVector(arith::MulFOp::create(b, c[i * t.nv + j], scale), scoreRows,
                    add(to, i * scoreStride + j * t.lanes));
    });
  });
}

void AttentionEmitter::weigh(const Block &block) {
  Value tiles = div(add(block.rows, t.mr - 1), t.mr);
  k.loop(index(0), index(widthPad / nr), 1, [&](Value panel) {
    Value bAt =
        add(mul(panel, capacity / step * nr), mul(div(block.panels, step), nr));
    k.loop(index(0), tiles, 1, [&](Value tile) {
      Value row = mul(tile, t.mr);
      Value at = add(mul(add(block.slot, row), widthPad), mul(panel, nr));
      SmallVector<Value> c;
      for (int64_t i = 0; i < t.mr; ++i) {
        Value f = splat(scalarAt(factor, add(row, i)));
        for (int64_t j = 0; j < t.nv; ++j)
          c.push_back(arith::MulFOp::create(
              b, f, vectorAt(outputRows, add(at, i * widthPad + j * t.lanes))));
      }
      c = product(weightRows, mul(row, weightStride), weightStride, vPanels,
                  bAt, div(getLimit(block, tile), step), c);
      for (int64_t i = 0; i < t.mr; ++i)
        for (int64_t j = 0; j < t.nv; ++j)
          setVector(c[i * t.nv + j], outputRows,
                    add(at, i * widthPad + j * t.lanes));
    });
  });
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

void AttentionEmitter::softmax(const Group &g, const Block &block) {
  k.loop(index(0), block.rows, 1, [&](Value r) { softmaxRow(g, block, r); });
  rescale(block);
}

/// Adds the mask to the scores of row `r`, which begin at `line`.
void AttentionEmitter::applyMask(const Group &g, const Block &block, Value r,
                                 Value line) {
  const AttentionOperand &m = *p.mask;
  Value mem = k.binding(m.binding);
  Value base =
      add(add(mul(g.batch, m.strides[0]), mul(block.head, m.strides[1])),
          add(mul(add(block.first, r), m.strides[2]),
              mul(block.key, m.strides[3])));
  bool keeps = m.element.isInteger(8), broadcasts = m.strides[3].is(0);
  double low = -std::numeric_limits<double>::infinity();
  auto apply = [&](Value j, bool isVector) {
    int64_t lanes = isVector ? t.lanes : 1;
    auto widened = [&](Type element) {
      return isVector ? Type(k.vectorType(element, lanes)) : element;
    };
    Value at = add(base, mul(j, m.strides[3])), v;
    if (!isVector || broadcasts) {
      v = scalarAt(mem, at);
      if (m.element.isBF16()) // LLVM takes single bf16 values apart
        v = arith::BitcastOp::create(b, b.getI16Type(), v);
      if (isVector)
        v = k.splat(v, lanes);
      if (m.element.isBF16())
        v = arith::BitcastOp::create(b, widened(m.element), v);
    } else {
      v = k.load(mem, at, lanes, lanes, m.strides[3]);
    }
    Value place = add(line, j);
    Value s =
        isVector ? vectorAt(scoreRows, place) : scalarAt(scoreRows, place);
    auto same = [&](double n) { return isVector ? splat(n) : number(n); };
    if (keeps) {
      Value kept = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, v,
                                         k.zero(v.getType()));
      s = arith::SelectOp::create(b, kept, s, same(low));
    } else {
      v = toAccumulator(v);
      s = arith::AddFOp::create(
          b, s, arith::MulFOp::create(b, v, same(std::numbers::log2e)));
    }
    if (isVector)
      setVector(s, scoreRows, place);
    else
      setScalar(s, scoreRows, place);
  };
  Value whole = mul(div(block.keys, t.lanes), t.lanes);
  k.loop(index(0), whole, t.lanes, [&](Value j) { apply(j, true); });
  k.loop(whole, block.keys, 1, [&](Value j) { apply(j, false); });
}

void AttentionEmitter::softmaxRow(const Group &g, const Block &block, Value r) {
  Value line = mul(r, scoreStride);
  if (p.mask)
    applyMask(g, block, r, line);
  Value limit = getLimit(block, div(r, t.mr));
  Value seen = block.keys;
  if (p.causal)
    seen = clamp(sub(add(add(block.first, r), 1), block.key), block.keys);

  // What the row does not see, up to the end of its last panel.
  Value low = splat(-std::numeric_limits<double>::infinity());
  Value lanes = laneNumbers();
  k.loop(mul(div(seen, t.lanes), t.lanes), limit, t.lanes, [&](Value j) {
    Type integer = b.getIntegerType(acc.getIntOrFloatBitWidth());
    Value left = arith::IndexCastOp::create(b, integer, sub(seen, j));
    Value kept =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lanes, splat(left));
    Value at = add(line, j);
    setVector(arith::SelectOp::create(b, kept, vectorAt(scoreRows, at), low),
              scoreRows, at);
  });

  SmallVector<Value> lows(t.nv, low);
  SmallVector<Value> most =
      k.loop(index(0), limit, nr, lows, [&](Value j, ValueRange carried) {
        SmallVector<Value> next;
        for (int64_t v = 0; v < t.nv; ++v)
          next.push_back(larger(
              carried[v], vectorAt(scoreRows, add(add(line, j), v * t.lanes))));
        return next;
      });
  for (int64_t v = 1; v < t.nv; ++v)
    most[0] = larger(most[0], most[v]);
  auto largerOf = [&](Value x, Value y) { return larger(x, y); };
  Value now =
      larger(reduce(most[0], largerOf), scalarAt(largest, add(block.slot, r)));
  setScalar(now, newLargest, r);

  Value from = splat(now);
  SmallVector<Value> zeros(t.nv, k.zero(vectorType()));
  Value weightLine = mul(r, weightStride);
  SmallVector<Value> sums =
      k.loop(index(0), limit, nr, zeros, [&](Value j, ValueRange carried) {
        SmallVector<Value> next;
        for (int64_t v = 0; v < t.nv; ++v) {
          Value at = add(add(line, j), v * t.lanes);
          Value w =
              power(arith::SubFOp::create(b, vectorAt(scoreRows, at), from));
          next.push_back(arith::AddFOp::create(b, carried[v], w));
          if (t.dot)
            w = x86vector::CvtPackedF32ToBF16Op::create(
                b, k.vectorType(b.getBF16Type(), t.lanes), w);
          setVector(w, weightRows, add(add(weightLine, j), v * t.lanes));
        }
        return next;
      });
  for (int64_t v = 1; v < t.nv; ++v)
    sums[0] = arith::AddFOp::create(b, sums[0], sums[v]);
  Value rowSum = reduce(sums[0], [&](Value x, Value y) {
    return Value(arith::AddFOp::create(b, x, y));
  });
  setScalar(rowSum, sum, r);
}

/// The factors by which the new maxima change what was summed up, for all rows
/// at once. Those past the last row hold what nobody reads.
void AttentionEmitter::rescale(const Block &block) {
  k.loop(index(0), index(t.rowBlock), t.lanes, [&](Value r) {
    Value at = add(block.slot, r);
    Value now = vectorAt(newLargest, r);
    Value f = power(arith::SubFOp::create(b, vectorAt(largest, at), now));
    setVector(f, factor, r);
    setVector(now, largest, at);
    Value old = arith::MulFOp::create(b, vectorAt(total, at), f);
    setVector(arith::AddFOp::create(b, old, vectorAt(sum, r)), total, at);
  });
}

void AttentionEmitter::store(const Group &g, Value head, Value first,
                             Value rows, Value slot) {
  Value mem = k.binding(p.o.binding);
  Value base = add(add(mul(g.batch, p.o.strides[0]), mul(head, p.o.strides[1])),
                   mul(first, p.o.strides[2]));
  Value zero = k.zero(vectorType());
  k.loop(index(0), rows, 1, [&](Value r) {
    Value line = add(slot, r);
    Value all = scalarAt(total, line);
    // A row that sees nothing is 0.
    Value empty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, all, number(0));
    Value inverse = splat(Value(arith::DivFOp::create(b, number(1), all)));
    Value from = mul(line, widthPad), to = add(base, mul(r, p.o.strides[2]));
    auto columns = [&](Value column, int64_t active) {
      Value v = arith::MulFOp::create(
          b, vectorAt(outputRows, add(from, column)), inverse);
      v = arith::SelectOp::create(b, empty, zero, v);
      if (p.o.element != acc)
        v = e.narrow(v, p.o.element);
      k.store(v, mem, add(to, mul(column, p.o.strides[3])), active,
              p.o.strides[3]);
    };
    int64_t whole = p.width / t.lanes * t.lanes;
    if (whole)
      k.loop(index(0), index(whole), t.lanes,
             [&](Value column) { columns(column, t.lanes); });
    if (p.width > whole)
      columns(index(whole), p.width - whole);
  });
}

} // namespace

void emitAttention(const KernelModel &model, KernelBuilder &k,
                   const AttentionProblem &problem,
                   const AttentionTiles &tiles) {
  AttentionEmitter(model, k, problem, tiles).run();
}

} // namespace fusilli::compiler
