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
//         scores = scale Q K^T, for powers of 2, a tile of registers at a time
//         for each row: mask; largest so far; weights = 2^(score - largest)
//         factor = 2^(largest before - largest), sum = sum * factor + weights
//         O = O * factor + weights V, a tile of registers at a time
//     O / sum, and what follows element by element
//
// Keys and rows are masked at their ends at run time, so their number may be a
// symbol. Scores of keys that a row does not see are -infinity; the largest
// starts from a finite number, so that their weights are 0 and never undefined.

#include "compiler/Codegen/CPU/AttentionEmitter.h"

#include "compiler/Codegen/CPU/Emit/Packing.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numbers>

using namespace mlir;

namespace fusilli::compiler {

/// Elements added to the lines of a buffer, so that equal places of
/// neighbouring lines are not in one set of the cache.
static constexpr int64_t kLinePad = 16;

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
  Packer(k, acc, t.lanes, 1, {}).zeroFill(tail, index(0), nr * length);
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
  Packer::Convert widen = [&](Value v) { return toAccumulator(v); };
  Packer packer(k, t.dot ? Type(b.getBF16Type()) : acc, t.lanes, t.dot ? 2 : 1,
                t.dot ? Packer::Convert() : widen);
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
  // Scaled on the way, but for bf16: those scores are scaled later.
  Packer::Convert widen = [&](Value v) {
    auto vector = dyn_cast<VectorType>(v.getType());
    Value factor = number(p.scale * std::numbers::log2e);
    if (vector)
      factor = k.splat(factor, vector.getNumElements());
    return arith::MulFOp::create(b, toAccumulator(v), factor);
  };
  Packer packer(k, type, t.lanes, 1, t.dot ? Packer::Convert() : widen);
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
// Results
//===----------------------------------------------------------------------===//

void AttentionEmitter::store(const Group &g, Value head, Value first,
                             Value rows, Value slot) {
  Value zero = k.zero(vectorType());
  k.loop(index(0), rows, 1, [&](Value r) {
    Value line = add(slot, r);
    Value all = scalarAt(total, line);
    // A row that sees nothing is 0.
    Value empty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, all, number(0));
    Value inverse = splat(Value(arith::DivFOp::create(b, number(1), all)));
    Value from = mul(line, widthPad);
    auto columns = [&](Value column, int64_t active) {
      Value v = arith::MulFOp::create(
          b, vectorAt(outputRows, add(from, column)), inverse);
      v = arith::SelectOp::create(b, empty, zero, v);
      Space space;
      for (auto [dim, at] :
           llvm::zip(p.dims, std::array<Value, 4>{g.batch, head, add(first, r),
                                                  column})) {
        LoopGroup group;
        group.dims.push_back(dim < 0 ? model.getNumDims() : unsigned(dim));
        group.iv = at;
        space.groups.push_back(group);
      }
      space.vectorGroup = 3;
      space.lanes = t.lanes;
      space.activeLanes = active;
      space.known[p.quotient] = v;
      if (failed(e.storeAllResults(space)))
        failedAny = true;
    };
    int64_t whole = p.width / t.lanes * t.lanes;
    if (whole)
      k.loop(index(0), index(whole), t.lanes,
             [&](Value column) { columns(column, t.lanes); });
    if (p.width > whole)
      columns(index(whole), p.width - whole);
  });
}

LogicalResult emitAttention(const KernelModel &model, KernelBuilder &k,
                            const AttentionProblem &problem,
                            const AttentionTiles &tiles) {
  AttentionEmitter emitter(model, k, problem, tiles);
  emitter.run();
  return failure(emitter.hasFailed());
}

} // namespace fusilli::compiler
