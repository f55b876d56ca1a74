// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing of operand blocks. Each block is walked in full vectors by loops;
// its static remainder is emitted once more with masks.

#include "compiler/Codegen/CPU/Emit/Packing.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

/// Calls `body(position, active)` for full blocks of `step` in a loop and for
/// the remainder of `extent` once.
static void blocks(KernelBuilder &k, int64_t extent, int64_t step,
                   llvm::function_ref<void(Value, int64_t)> body) {
  int64_t full = extent / step * step;
  if (full == step)
    body(k.index(0), step);
  else if (full)
    k.loop(k.index(0), k.index(full), step, [&](Value i) { body(i, step); });
  if (extent > full)
    body(k.index(full), extent - full);
}

Value Packer::offset(Value base, Value i, const Extent &stride) {
  return k.addIndex(base, k.mulIndex(i, stride));
}

Value Packer::line(Value mem, Value index, int64_t active,
                   const Extent &stride) {
  return convert(k.load(mem, index, lanes, active, stride));
}

SmallVector<Value> Packer::transpose(llvm::function_ref<Value(int64_t)> chunk,
                                     int64_t rows, Type element) {
  // Register j holds, in each 128-bit part p, the chunk of row p * g + j; a
  // g x g transpose inside the parts then gives g columns of all rows.
  int64_t g = chunkSize();
  VectorType full = k.vectorType(element, lanes);
  SmallVector<Value> r;
  for (int64_t j = 0; j < g; ++j) {
    Value v = k.zero(full);
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
  int64_t width = std::max<int64_t>(lanes, k.target().vectorBits /
                                               element.getIntOrFloatBitWidth());
  Value zero = packedZero ? k.constant(packedZero, width)
                          : k.zero(k.vectorType(element, width));
  blocks(k, count, width, [&](Value i, int64_t active) {
    k.store(zero, dst, k.addIndex(dstBase, i), active, 1);
  });
}

void Packer::packLines(const PackSource &s, int64_t lines, int64_t length,
                       int64_t padTo, Value dst, Value dstBase,
                       int64_t dstStride) {
  int64_t padded = llvm::alignTo(length, padTo);
  if (s.elementStride.is(1) || !s.lineStride.is(1) || lines == 1) {
    k.loop(k.index(0), k.index(lines), 1, [&](Value l) {
      Value from = offset(s.base, l, s.lineStride);
      Value to = offset(dstBase, l, dstStride);
      blocks(k, length, lanes, [&](Value i, int64_t active) {
        Value v = line(s.mem, offset(from, i, s.elementStride), active,
                       s.elementStride);
        // Masked lanes are 0: they are the padding.
        int64_t room = std::min(lanes, padded - length / lanes * lanes);
        k.store(v, dst, k.addIndex(to, i), active == lanes ? lanes : room, 1);
      });
    });
    return;
  }
  // Neighbouring lines are neighbours in memory: load chunks across the lines
  // and transpose.
  int64_t g = chunkSize();
  blocks(k, length, lanes, [&](Value i, int64_t active) {
    int64_t room = active == lanes
                       ? lanes
                       : std::min(lanes, padded - length / lanes * lanes);
    blocks(k, lines, g, [&](Value l, int64_t activeLines) {
      Value from =
          k.addIndex(s.base, k.addIndex(l, k.mulIndex(i, s.elementStride)));
      SmallVector<Value> out = transpose(
          [&](int64_t r) {
            return convert(k.load(s.mem, k.addIndex(from, s.elementStride * r),
                                  g, activeLines, 1));
          },
          active, type);
      Value to = k.addIndex(offset(dstBase, l, dstStride), i);
      for (int64_t c = 0; c < activeLines; ++c)
        k.store(out[c], dst, k.addIndex(to, c * dstStride), room, 1);
    });
  });
}

void Packer::packPanel(const PackSource &s, int64_t lines, int64_t active,
                       int64_t width, Value dst, Value dstBase) {
  if (s.lineStride.is(1) && !s.elementStride.is(1) && active > 1)
    panelByTranspose(s, lines, active, width, dst, dstBase);
  else
    panelByLines(s, lines, active, width, dst, dstBase);
}

void Packer::panelByLines(const PackSource &s, int64_t lines, int64_t active,
                          int64_t width, Value dst, Value dstBase) {
  auto vectorAt = [&](Value l, int64_t j) -> Value {
    int64_t count = std::clamp<int64_t>(active - j, 0, lanes);
    if (!count)
      return k.zero(k.vectorType(type, lanes));
    Value at = k.addIndex(offset(s.base, l, s.lineStride), s.elementStride * j);
    return line(s.mem, at, count, s.elementStride);
  };
  if (granule == 1) {
    k.loop(k.index(0), k.index(lines), 1, [&](Value l) {
      for (int64_t j = 0; j < width; j += lanes)
        k.store(vectorAt(l, j), dst, k.addIndex(offset(dstBase, l, width), j),
                lanes, 1);
    });
    return;
  }
  VectorType words = k.vectorType(b.getI32Type(), lanes);
  auto interleave = [&](Value low, Value high) -> Value {
    int64_t n = cast<VectorType>(low.getType()).getNumElements();
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < n; ++i)
      order.append({i, n + i});
    return vector::ShuffleOp::create(b, low, high, order);
  };
  // A granule: pairs of lines side by side, then pairs of pairs.
  auto granuleLine = [&](Value number, int64_t present) {
    Value l = k.mulIndex(number, granule);
    for (int64_t j = 0; j < width; j += lanes) {
      SmallVector<Value> v;
      for (int64_t g = 0; g < granule; ++g)
        v.push_back(g < present ? vectorAt(k.addIndex(l, g), j)
                                : k.zero(k.vectorType(type, lanes)));
      Value both = interleave(v[0], v[1]);
      if (granule == 4) {
        VectorType pairs = k.vectorType(b.getI16Type(), lanes);
        Value low = vector::BitCastOp::create(b, pairs, both);
        Value high =
            vector::BitCastOp::create(b, pairs, interleave(v[2], v[3]));
        both = interleave(low, high);
      }
      k.store(vector::BitCastOp::create(b, words, both), dst,
              k.addIndex(offset(dstBase, number, width), j), lanes, 1);
    }
  };
  if (lines / granule)
    k.loop(k.index(0), k.index(lines / granule), 1,
           [&](Value number) { granuleLine(number, granule); });
  if (lines % granule)
    granuleLine(k.index(lines / granule), lines % granule);
}

void Packer::panelByTranspose(const PackSource &s, int64_t lines,
                              int64_t active, int64_t width, Value dst,
                              Value dstBase) {
  // Memory runs along the lines' direction (k): load chunks along k for each
  // column and transpose. A 32-bit word holds a granule of k.
  int64_t g = chunkSize(), per = granule;
  Type word = granule > 1 ? Type(b.getI32Type()) : type;
  VectorType words = k.vectorType(word, lanes);
  auto block = [&](Value l, int64_t activeK, Value j, int64_t activeColumns) {
    Value from = k.addIndex(offset(s.base, j, s.elementStride), l);
    SmallVector<Value> out = transpose(
        [&](int64_t c) -> Value {
          Value at = k.addIndex(from, s.elementStride * c);
          Value v = k.load(s.mem, at, g * per, activeK, 1);
          v = convert(v);
          if (granule > 1)
            return vector::BitCastOp::create(b, k.vectorType(word, g), v);
          return v;
        },
        activeColumns, word);
    Value first = l;
    if (granule > 1)
      first = arith::DivUIOp::create(b, l, k.index(granule));
    Value to = k.addIndex(offset(dstBase, first, width), j);
    for (int64_t r = 0, n = llvm::divideCeil(activeK, per); r < n; ++r)
      k.store(out[r], dst, k.addIndex(to, r * width), lanes, 1);
  };
  blocks(k, active, lanes, [&](Value j, int64_t activeColumns) {
    blocks(k, lines, g * per, [&](Value l, int64_t activeK) {
      block(l, activeK, j, activeColumns);
    });
  });
  for (int64_t j = llvm::alignTo(active, lanes); j < width; j += lanes) {
    int64_t outLines = llvm::divideCeil(lines, granule);
    k.loop(k.index(0), k.index(outLines), 1, [&](Value l) {
      k.store(k.zero(words), dst, k.addIndex(offset(dstBase, l, width), j),
              lanes, 1);
    });
  }
}

} // namespace fusilli::compiler
