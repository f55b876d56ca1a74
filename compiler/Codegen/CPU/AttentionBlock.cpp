// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention on one block of rows and one of keys: scores, masks, softmax, and
// the weighted values. Differences of indices may be negative.

#include "compiler/Codegen/CPU/AttentionEmitter.h"
#include "compiler/Codegen/CPU/MathExpansion.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>
#include <numbers>

using namespace mlir;

namespace fusilli::compiler {

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
          setVector(
              t.dot ? Value(arith::MulFOp::create(b, c[i * t.nv + j], scale))
                    : c[i * t.nv + j],
              scoreRows, add(to, i * scoreStride + j * t.lanes));
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

} // namespace fusilli::compiler
