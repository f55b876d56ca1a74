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
  unsigned fromBits = from.getIntOrFloatBitWidth();
  unsigned toBits = type.getIntOrFloatBitWidth();
  if (isa<FloatType>(type)) {
    if (!isa<FloatType>(from))
      return arith::SIToFPOp::create(b, to, v);
    return fromBits < toBits ? e.widen(v, type) : e.narrow(v, type);
  }
  if (isa<FloatType>(from))
    return arith::FPToSIOp::create(b, to, v);
  if (fromBits < toBits)
    return arith::ExtSIOp::create(b, to, v);
  return arith::TruncIOp::create(b, to, v);
}

Value Packer::line(Value mem, Value index, int64_t active, int64_t stride) {
  return convert(e.load(mem, index, lanes, active, stride));
}

SmallVector<Value> Packer::transpose(llvm::function_ref<Value(int64_t)> chunk,
                                     int64_t rows, Type element) {
  // Register j holds, in each 128-bit part p, the chunk of row p * g + j; a
  // g x g transpose inside the parts then gives g columns of all rows.
  int64_t g = chunkSize();
  VectorType full = e.vectorType(element, lanes);
  SmallVector<Value> r;
  for (int64_t j = 0; j < g; ++j) {
    Value v = e.zero(full);
    for (int64_t p = 0; p * g + j < rows; ++p) {
      SmallVector<int64_t> place, blend;
      for (int64_t i = 0; i < lanes; ++i) {
        bool here = i / g == p;
        place.push_back(here ? i % g : vector::ShuffleOp::kPoisonIndex);
        blend.push_back(here ? lanes + i : i);
      }
      Value part = chunk(p * g + j);
      part = vector::ShuffleOp::create(b, part, part, place);
      v = vector::ShuffleOp::create(b, v, part, blend);
    }
    r.push_back(v);
  }
  // The perfect shuffle: each round interleaves register j with j + g / 2 and
  // so moves one bit of the row number into the column number.
  SmallVector<int64_t> low, high;
  for (int64_t part = 0; part < lanes; part += g)
    for (int64_t i = 0; i < g / 2; ++i) {
      low.append({part + i, lanes + part + i});
      high.append({part + g / 2 + i, lanes + part + g / 2 + i});
    }
  for (int64_t round = 1; round < g; round *= 2) {
    SmallVector<Value> next(g);
    for (int64_t j = 0; j < g / 2; ++j) {
      next[2 * j] = vector::ShuffleOp::create(b, r[j], r[j + g / 2], low);
      next[2 * j + 1] = vector::ShuffleOp::create(b, r[j], r[j + g / 2], high);
    }
    r = std::move(next);
  }
  return r;
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
  // Neighbouring lines are neighbours in memory: load chunks across the lines
  // and transpose.
  int64_t g = chunkSize();
  blocks(e, length, lanes, [&](Value i, int64_t active) {
    int64_t room = active == lanes
                       ? lanes
                       : std::min(lanes, padded - length / lanes * lanes);
    blocks(e, lines, g, [&](Value l, int64_t activeLines) {
      Value from =
          e.addIndex(s.base, e.addIndex(l, e.mulIndex(i, s.elementStride)));
      SmallVector<Value> out = transpose(
          [&](int64_t r) {
            return convert(e.load(s.mem, e.addIndex(from, r * s.elementStride),
                                  g, activeLines, 1));
          },
          active, type);
      Value to = e.addIndex(offset(dstBase, l, dstStride), i);
      for (int64_t c = 0; c < activeLines; ++c)
        e.store(out[c], dst, e.addIndex(to, c * dstStride), room, 1);
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
  // Memory runs along the lines' direction (k): load chunks along k for each
  // column and transpose. With pairs one 32-bit word holds two k.
  int64_t g = chunkSize(), per = pairs ? 2 : 1;
  Type word = pairs ? Type(b.getI32Type()) : type;
  VectorType words = e.vectorType(word, lanes);
  auto block = [&](Value k, int64_t activeK, Value j, int64_t activeColumns) {
    Value from = e.addIndex(offset(s.base, j, s.elementStride), k);
    SmallVector<Value> out = transpose(
        [&](int64_t c) -> Value {
          Value at = e.addIndex(from, c * s.elementStride);
          Value v = e.load(s.mem, at, g * per, activeK, 1);
          if (pairs)
            return vector::BitCastOp::create(b, e.vectorType(word, g), v);
          return convert(v);
        },
        activeColumns, word);
    Value first = k;
    if (pairs)
      first = arith::DivUIOp::create(b, k, e.index(2));
    Value to = e.addIndex(offset(dstBase, first, width), j);
    for (int64_t r = 0, n = llvm::divideCeil(activeK, per); r < n; ++r)
      e.store(out[r], dst, e.addIndex(to, r * width), lanes, 1);
  };
  blocks(e, active, lanes, [&](Value j, int64_t activeColumns) {
    blocks(e, lines, g * per, [&](Value k, int64_t activeK) {
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
