// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing of operand blocks. Each block is walked in full vectors by loops;
// its static remainder is emitted once more with masks.

#include "compiler/Codegen/CPU/Packing.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

/// Calls `body(position, active)` for full blocks of `step` in a loop and for
/// the remainder of `extent` once.
static void blocks(KernelEmitter &e, int64_t extent, int64_t step,
                   llvm::function_ref<void(Value, int64_t)> body) {
  int64_t full = extent / step * step;
  if (full == step)
    body(e.index(0), step);
  else if (full)
    e.loop(e.index(0), e.index(full), step, [&](Value i) { body(i, step); });
  if (extent > full)
    body(e.index(full), extent - full);
}

Value Packer::offset(Value base, Value i, int64_t stride) {
  return e.addIndex(base, e.mulIndex(i, stride));
}

Value Packer::convert(Value v) {
  auto vt = cast<VectorType>(v.getType());
  Type from = vt.getElementType();
  if (from == type)
    return v;
  VectorType to = vt.clone(type);
  if (isa<FloatType>(type)) {
    if (isa<FloatType>(from))
      return arith::ExtFOp::create(b, to, v);
    return arith::SIToFPOp::create(b, to, v);
  }
  return arith::ExtSIOp::create(b, to, v);
}

Value Packer::line(Value mem, Value index, int64_t active, int64_t stride) {
  return convert(e.load(mem, index, lanes, active, stride));
}

SmallVector<Value> Packer::transpose(SmallVector<Value> rows) {
  // log2(n) rounds of interleaving row i with row i + n/2 (the perfect
  // shuffle): every round moves one bit of the row number into the column.
  int64_t n = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < n / 2; ++i) {
    low.append({i, n + i});
    high.append({n / 2 + i, n + n / 2 + i});
  }
  for (int64_t round = 1; round < n; round *= 2) {
    SmallVector<Value> next(n);
    for (int64_t i = 0; i < n / 2; ++i) {
      next[2 * i] = vector::ShuffleOp::create(b, rows[i], rows[i + n / 2], low);
      next[2 * i + 1] =
          vector::ShuffleOp::create(b, rows[i], rows[i + n / 2], high);
    }
    rows = std::move(next);
  }
  return rows;
}

void Packer::zeroFill(Value dst, Value dstBase, int64_t count) {
  Type element = cast<MemRefType>(dst.getType()).getElementType();
  int64_t width = std::max<int64_t>(lanes, e.target().vectorBits /
                                               element.getIntOrFloatBitWidth());
  Value zero = e.zero(e.vectorType(element, width));
  blocks(e, count, width, [&](Value i, int64_t active) {
    e.store(zero, dst, e.addIndex(dstBase, i), active, 1);
  });
}

void Packer::packLines(const PackSource &s, int64_t lines, int64_t length,
                       int64_t padTo, Value dst, Value dstBase,
                       int64_t dstStride) {
  int64_t padded = llvm::alignTo(length, padTo);
  if (s.elementStride == 1 || s.lineStride != 1 || lines == 1) {
    e.loop(e.index(0), e.index(lines), 1, [&](Value l) {
      Value from = offset(s.base, l, s.lineStride);
      Value to = offset(dstBase, l, dstStride);
      blocks(e, length, lanes, [&](Value i, int64_t active) {
        Value v = line(s.mem, offset(from, i, s.elementStride), active,
                       s.elementStride);
        // Masked lanes are 0: they are the padding.
        int64_t room = std::min(lanes, padded - length / lanes * lanes);
        e.store(v, dst, e.addIndex(to, i), active == lanes ? lanes : room, 1);
      });
    });
    return;
  }
  // Neighbouring lines are neighbours in memory: load across and transpose.
  blocks(e, lines, lanes, [&](Value l, int64_t activeLines) {
    blocks(e, length, lanes, [&](Value i, int64_t active) {
      SmallVector<Value> rows;
      for (int64_t r = 0; r < lanes; ++r) {
        if (r >= active) {
          rows.push_back(e.zero(e.vectorType(type, lanes)));
          continue;
        }
        Value at = e.addIndex(offset(s.base, l, 1),
                              e.mulIndex(e.addIndex(i, r), s.elementStride));
        rows.push_back(line(s.mem, at, activeLines, 1));
      }
      rows = transpose(std::move(rows));
      int64_t room = active == lanes
                         ? lanes
                         : std::min(lanes, padded - length / lanes * lanes);
      for (int64_t r = 0; r < activeLines; ++r)
        e.store(rows[r], dst,
                e.addIndex(offset(dstBase, e.addIndex(l, r), dstStride), i),
                room, 1);
    });
  });
}

void Packer::packPanel(const PackSource &s, int64_t lines, int64_t active,
                       int64_t width, Value dst, Value dstBase) {
  if (s.lineStride == 1 && s.elementStride != 1 && active > 1)
    panelByTranspose(s, lines, active, width, dst, dstBase);
  else
    panelByLines(s, lines, active, width, dst, dstBase);
}

void Packer::panelByLines(const PackSource &s, int64_t lines, int64_t active,
                          int64_t width, Value dst, Value dstBase) {
  auto vectorAt = [&](Value k, int64_t j) -> Value {
    int64_t count = std::clamp<int64_t>(active - j, 0, lanes);
    if (!count)
      return e.zero(e.vectorType(pairs ? b.getBF16Type() : type, lanes));
    Value at = e.addIndex(offset(s.base, k, s.lineStride), j * s.elementStride);
    if (pairs)
      return e.load(s.mem, at, lanes, count, s.elementStride);
    return line(s.mem, at, count, s.elementStride);
  };
  if (!pairs) {
    e.loop(e.index(0), e.index(lines), 1, [&](Value k) {
      for (int64_t j = 0; j < width; j += lanes)
        e.store(vectorAt(k, j), dst, e.addIndex(offset(dstBase, k, width), j),
                lanes, 1);
    });
    return;
  }
  SmallVector<int64_t> interleave;
  for (int64_t i = 0; i < lanes; ++i)
    interleave.append({i, lanes + i});
  VectorType words = e.vectorType(b.getI32Type(), lanes);
  auto pairLine = [&](Value half, bool last) {
    Value k = e.mulIndex(half, 2);
    for (int64_t j = 0; j < width; j += lanes) {
      Value even = vectorAt(k, j);
      Value odd = last ? e.zero(even.getType()) : vectorAt(e.addIndex(k, 1), j);
      Value both = vector::ShuffleOp::create(b, even, odd, interleave);
      e.store(vector::BitCastOp::create(b, words, both), dst,
              e.addIndex(offset(dstBase, half, width), j), lanes, 1);
    }
  };
  if (lines / 2)
    e.loop(e.index(0), e.index(lines / 2), 1,
           [&](Value half) { pairLine(half, false); });
  if (lines % 2)
    pairLine(e.index(lines / 2), true);
}

void Packer::panelByTranspose(const PackSource &s, int64_t lines,
                              int64_t active, int64_t width, Value dst,
                              Value dstBase) {
  // Memory runs along the lines' direction (k): load vectors along k for each
  // column and transpose. With pairs one 32-bit word holds two k.
  int64_t step = pairs ? 2 * lanes : lanes;
  VectorType words = e.vectorType(pairs ? b.getI32Type() : type, lanes);
  auto block = [&](Value k, int64_t activeK, Value j, int64_t activeColumns) {
    SmallVector<Value> columns;
    Value from = e.addIndex(offset(s.base, j, s.elementStride), k);
    for (int64_t c = 0; c < lanes; ++c) {
      if (c >= activeColumns) {
        columns.push_back(e.zero(words));
        continue;
      }
      Value at = e.addIndex(from, c * s.elementStride);
      if (pairs)
        columns.push_back(vector::BitCastOp::create(
            b, words, e.load(s.mem, at, step, activeK, 1)));
      else
        columns.push_back(line(s.mem, at, activeK, 1));
    }
    SmallVector<Value> rows = transpose(std::move(columns));
    int64_t outLines = pairs ? llvm::divideCeil(activeK, 2) : activeK;
    Value first = k;
    if (pairs)
      first = arith::DivUIOp::create(b, k, e.index(2));
    Value to = e.addIndex(offset(dstBase, first, width), j);
    for (int64_t r = 0; r < outLines; ++r)
      e.store(rows[r], dst, e.addIndex(to, r * width), lanes, 1);
  };
  // Whole columns' blocks in a loop: the code of a transpose is long.
  blocks(e, active, lanes, [&](Value j, int64_t activeColumns) {
    blocks(e, lines, step, [&](Value k, int64_t activeK) {
      block(k, activeK, j, activeColumns);
    });
  });
  for (int64_t j = llvm::alignTo(active, lanes); j < width; j += lanes) {
    int64_t outLines = pairs ? llvm::divideCeil(lines, 2) : lines;
    e.loop(e.index(0), e.index(outLines), 1, [&](Value l) {
      e.store(e.zero(words), dst, e.addIndex(offset(dstBase, l, width), j),
              lanes, 1);
    });
  }
}

} // namespace fusilli::compiler
