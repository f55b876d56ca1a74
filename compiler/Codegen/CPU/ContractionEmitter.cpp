// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code of matmuls and convolutions with their epilogues. One workgroup is
// one block of rows times some panels of columns:
//
//   [block of A to local memory, widened, padded]     where A is not read in
//   for each panel of nr columns                      place
//     panel of B to local memory as [k][nr]
//     for each tile of mr rows
//       mr x nr accumulators in registers over the whole reduction
//       epilogue on the accumulators, store
//
// A convolution is the same product with the input window (channels innermost,
// zero padding written out) as A and the innermost output position as rows.
// Tiles at an edge overlap their neighbours where there is room and recompute
// the same values; so no output of these kernels may be one of its inputs.

#include "compiler/Codegen/CPU/ContractionEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;

namespace fusilli::compiler {

LogicalResult ContractionEmitter::run() {
  planSources();
  e.setNativeBf16(t.dot);

  int64_t rowBlocks =
      c.isConv() ? (c.spatial.size() > 1
                        ? llvm::divideCeil(c.spatial.front().outputs, t.mBlock)
                        : 1)
                 : llvm::divideCeil(c.m, t.mBlock);
  int64_t panelGroups = llvm::divideCeil(t.panels, t.panelsPerGroup);
  Extent count = rowBlocks * panelGroups;
  SmallVector<int, 4> outerLoops; // batch and group
  SmallVector<Extent> outerExtents;
  for (int l : c.batchLoops) {
    if (c.isConv() && c.spatial.size() > 1 &&
        llvm::any_of(c.spatial,
                     [&](const SpatialDim &s) { return s.outputLoop == l; }))
      continue;
    outerLoops.push_back(l);
  }
  if (c.groupLoop >= 0)
    outerLoops.push_back(c.groupLoop);
  for (int l : outerLoops) {
    outerExtents.push_back(c.getExtent(l));
    count = count * c.getExtent(l);
  }
  k.setWorkgroups(count);

  // Row blocks innermost where A is read in place: the panel of B changes
  // slowest and stays in the cache.
  k.loop(k.begin(), k.end(), 1, [&](Value id) {
    SmallVector<Extent> extents(outerExtents);
    extents.push_back(t.packA ? rowBlocks : panelGroups);
    extents.push_back(t.packA ? panelGroups : rowBlocks);
    SmallVector<Value> at = k.delinearize(id, extents);
    for (auto [i, l] : llvm::enumerate(outerLoops))
      loopIv[l] = at[i];
    Value rowBlock = at[outerLoops.size() + (t.packA ? 0 : 1)];
    Value panelGroup = at[outerLoops.size() + (t.packA ? 1 : 0)];

    int64_t blockExtent =
        c.isConv() ? (c.spatial.size() > 1 ? c.spatial.front().outputs : 1)
                   : c.m;
    // The last block is moved back to be a whole one.
    blockFirst = k.minIndex(k.mulIndex(rowBlock, t.mBlock),
                            std::max<int64_t>(blockExtent - t.mBlock, 0));
    if (t.packA)
      k.outline("pack_a", [&] { packWindow(blockFirst); });
    Value lo = k.mulIndex(panelGroup, t.panelsPerGroup);
    Value hi = k.minIndex(k.addIndex(lo, t.panelsPerGroup), t.panels);
    k.loop(lo, hi, 1, [&](Value panelId) {
      Value n0 = k.mulIndex(panelId, t.nr());
      if (c.n >= t.nr())
        n0 = k.minIndex(n0, c.n - t.nr());
      panel(n0);
    });
  });
  return failure(failedAny);
}

Packer::Convert
ContractionEmitter::getConvert(const ContractionOperand &o) const {
  if (t.dot || o.isPlain())
    return nullptr;
  return [this, &o](Value v) -> Value {
    SmallVector<Value> args(3);
    args[o.input] = v;
    return *e.payload(c.getOp(), args, o.inBody);
  };
}

/// Decides where the inner loop finds A and B and allocates local memory.
void ContractionEmitter::planSources() {
  Type aElement = t.dot ? Type(b.getBF16Type()) : c.acc;
  int64_t step = t.perStep();
  if (!c.isConv()) {
    int kLoop = c.innerK();
    kTotal = llvm::alignTo(c.k, step);
    if (t.packA) {
      // An odd number of cache lines from row to row avoids set conflicts.
      aRowStride = llvm::alignTo(kTotal, 16) + 16;
      aMem = k.local(aElement, t.mBlock * aRowStride + 64);
      segments.push_back({kTotal, 1});
    } else {
      aMem = k.binding(c.a.binding);
      aRowStride = c.a.coefs[c.mLoops.back()];
      segments.push_back({kTotal, c.a.coefs[kLoop]});
    }
  } else {
    // Every lane of a whole vector of channels is there.
    int64_t channels =
        llvm::alignTo(c.channels(), c.channelwise ? t.lanes : step);
    size_t rank = c.spatial.size();
    aSpatial.resize(rank);
    if (t.packA) {
      aChannelPad = channels;
      int64_t running = channels;
      for (size_t i = rank; i-- > 0;) {
        aSpatial[i] = running;
        const SpatialDim &s = c.spatial[i];
        int64_t extent = s.inputExtent + 2 * s.pad;
        if (i == 0 && rank > 1)
          extent = (t.mBlock - 1) * s.stride + (s.taps - 1) * s.dilation + 1;
        running *= extent;
      }
      aMem = k.local(aElement, running + 64);
    } else {
      aMem = k.binding(c.a.binding);
      for (size_t i = 0; i < rank; ++i)
        aSpatial[i] = c.spatial[i].inputStride;
    }
    for (size_t i = 0; i < rank; ++i) {
      const SpatialDim &s = c.spatial[i];
      segments.push_back({s.taps, aSpatial[i] * s.dilation});
    }
    if (!c.channelwise)
      segments.push_back({channels, 1});
    aRowStride = aSpatial.back() * c.spatial.back().stride;
    kTotal = 1;
    for (const KSegment &s : segments)
      kTotal *= s.extent;
  }
  // Merge what is walked linearly; drop what is walked once.
  SmallVector<KSegment, 4> merged;
  for (const KSegment &s : segments) {
    if (s.extent == 1)
      continue;
    if (!merged.empty() && merged.back().aStride == s.aStride * s.extent) {
      merged.back().extent *= s.extent;
      merged.back().aStride = s.aStride;
    } else {
      merged.push_back(s);
    }
  }
  if (merged.empty())
    merged.push_back({step, 1});
  segments = std::move(merged);

  if (t.directB) {
    bMem = k.binding(c.b.binding);
    bStride = 0;
    for (int l : c.kLoops)
      if (c.extents[l] != 1)
        bStride = c.b.coefs[l];
  } else {
    bStride = t.nr();
    bMem =
        k.local(t.dot ? Type(b.getI32Type()) : c.acc, kTotal / step * t.nr());
  }
  if (!inlineEpilogue())
    scratch = k.local(c.acc, t.mr * t.nr());
}

/// Copies this workgroup's part of A to local memory.
void ContractionEmitter::packWindow(Value first) {
  Type element = t.dot ? Type(b.getBF16Type()) : c.acc;
  Packer packer(k, element, t.lanes, false, getConvert(c.a));
  Value base = k.index(0);
  for (auto [l, iv] : loopIv)
    base = k.addIndex(base, k.mulIndex(iv, c.a.coefs[l]));
  if (!c.isConv()) {
    int kLoop = c.innerK();
    int64_t rowStride = c.a.coefs[c.mLoops.back()];
    PackSource source{k.binding(c.a.binding),
                      k.addIndex(base, k.mulIndex(first, rowStride)), rowStride,
                      c.a.coefs[kLoop]};
    packer.packLines(source, t.mBlock, c.k, t.perStep(), aMem, k.index(0),
                     aRowStride);
    return;
  }
  size_t rank = c.spatial.size();
  if (rank == 1) {
    packWindowRow(base, k.index(0));
    return;
  }
  // All but the innermost spatial dim: rows outside of the image are zero.
  SmallVector<int64_t> extents;
  for (size_t i = 0; i + 1 < rank; ++i) {
    const SpatialDim &s = c.spatial[i];
    extents.push_back(i == 0 ? (t.mBlock - 1) * s.stride +
                                   (s.taps - 1) * s.dilation + 1
                             : s.inputExtent + 2 * s.pad);
  }
  int64_t total = 1;
  for (int64_t x : extents)
    total *= x;
  int64_t rowElements =
      (c.spatial.back().inputExtent + 2 * c.spatial.back().pad) * aChannelPad;
  k.loop(k.index(0), k.index(total), 1, [&](Value row) {
    SmallVector<Value> at =
        k.delinearize(row, SmallVector<Extent>(extents.begin(), extents.end()));
    Value inside, from = base;
    for (size_t i = 0; i < extents.size(); ++i) {
      const SpatialDim &s = c.spatial[i];
      Value window = at[i];
      if (i == 0)
        window = k.addIndex(window, k.mulIndex(first, s.stride));
      // Below the image the subtraction wraps to a huge number.
      Value input = arith::SubIOp::create(b, window, k.index(s.pad));
      Value ok = k.isLess(input, k.index(s.inputExtent));
      inside = inside ? Value(arith::AndIOp::create(b, inside, ok)) : ok;
      from = arith::AddIOp::create(
          b, from, arith::MulIOp::create(b, input, k.index(s.inputStride)));
    }
    Value to = k.mulIndex(row, rowElements);
    auto branch = scf::IfOp::create(b, inside, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    packWindowRow(from, to);
    b.setInsertionPoint(branch.elseBlock()->getTerminator());
    packer.zeroFill(aMem, to, rowElements);
  });
}

/// One row of the input along the innermost spatial dim, with its padding.
void ContractionEmitter::packWindowRow(Value inputBase, Value target) {
  Packer packer(k, t.dot ? Type(b.getBF16Type()) : c.acc, t.lanes, false,
                getConvert(c.a));
  const SpatialDim &s = c.spatial.back();
  int channel = c.channelLoop();
  if (s.pad) {
    packer.zeroFill(aMem, target, s.pad * aChannelPad);
    packer.zeroFill(aMem,
                    k.addIndex(target, (s.pad + s.inputExtent) * aChannelPad),
                    s.pad * aChannelPad);
  }
  Value to = k.addIndex(target, s.pad * aChannelPad);
  PackSource source{k.binding(c.a.binding), inputBase, s.inputStride,
                    c.a.coefs[channel]};
  bool contiguous = s.inputStride == c.extents[channel] &&
                    c.a.coefs[channel] == 1 &&
                    aChannelPad == c.extents[channel];
  if (contiguous) // one long line
    packer.packLines({source.mem, inputBase, 0, 1}, 1,
                     s.inputExtent * c.extents[channel], 1, aMem, to, 0);
  else
    packer.packLines(source, s.inputExtent, c.extents[channel],
                     c.channelwise ? t.lanes : t.perStep(), aMem, to,
                     aChannelPad);
}

/// Copies the panel of B that starts at column n0 to local memory.
void ContractionEmitter::packB(Value n0) {
  Packer packer(k, c.acc, t.lanes, t.dot, getConvert(c.b));
  Value base = k.mulIndex(n0, c.b.coefs[c.nLoop]);
  for (auto [l, iv] : loopIv)
    base = k.addIndex(base, k.mulIndex(iv, c.b.coefs[l]));
  int64_t active = std::min(c.n, t.nr());
  int64_t nStride = c.b.coefs[c.nLoop];
  // Order of the panel's lines: filter positions, then channels. The outer
  // part is a loop nest, the inner one a packed block.
  SmallVector<int, 4> order;
  if (c.isConv()) {
    for (const SpatialDim &s : c.spatial)
      order.push_back(s.filterLoop);
    order.push_back(c.kLoops.front());
  } else {
    for (int l : c.kLoops)
      if (c.extents[l] != 1)
        order.push_back(l);
    if (order.empty())
      order.push_back(c.kLoops.front());
  }
  bool oddPairs = t.dot && c.extents[order.back()] % 2 != 0;
  SmallVector<KSegment, 4> parts;
  for (int l : order) {
    int64_t stride = c.b.coefs[l];
    if (c.extents[l] == 1 && l != order.back())
      continue;
    bool merge = !parts.empty() && !oddPairs &&
                 parts.back().aStride == stride * c.extents[l];
    if (merge)
      parts.back() = {parts.back().extent * c.extents[l], stride};
    else
      parts.push_back({c.extents[l], stride});
  }
  KSegment inner = parts.pop_back_val();
  int64_t lines = llvm::alignTo(inner.extent, t.perStep()) / t.perStep();
  std::function<void(unsigned, Value, Value)> nest = [&](unsigned depth,
                                                         Value from,
                                                         Value line) {
    if (depth == parts.size()) {
      packer.packPanel({k.binding(c.b.binding), from, inner.aStride, nStride},
                       inner.extent, active, t.nr(), bMem,
                       k.mulIndex(k.mulIndex(line, lines), t.nr()));
      return;
    }
    k.loop(k.index(0), k.index(parts[depth].extent), 1, [&](Value i) {
      nest(depth + 1, k.addIndex(from, k.mulIndex(i, parts[depth].aStride)),
           k.addIndex(k.mulIndex(line, parts[depth].extent), i));
    });
  };
  nest(0, base, k.index(0));
}

void ContractionEmitter::panel(Value n0) {
  if (t.directB) {
    directBase = n0; // columns are neighbours in memory
    for (auto [l, iv] : loopIv)
      directBase = k.addIndex(directBase, k.mulIndex(iv, c.b.coefs[l]));
  } else {
    k.outline("pack_b", [&] { packB(n0); });
  }
  tiles(n0);
}

void ContractionEmitter::tiles(Value n0) {
  Value base = k.index(0);
  if (!t.packA)
    for (auto [l, iv] : loopIv)
      base = k.addIndex(base, k.mulIndex(iv, c.a.coefs[l]));
  if (!c.isConv()) {
    if (!t.packA)
      base = k.addIndex(base, k.mulIndex(blockFirst, aRowStride));
    rowTiles(base, blockFirst, n0);
    return;
  }
  convRows(0, base, n0);
}

/// Loops over the outer spatial positions of the block.
void ContractionEmitter::convRows(unsigned depth, Value aBase, Value n0) {
  const SpatialDim &s = c.spatial[depth];
  if (depth + 1 == c.spatial.size()) {
    rowTiles(aBase, k.index(0), n0);
    return;
  }
  int64_t extent = depth == 0 ? t.mBlock : s.outputs;
  k.loop(k.index(0), k.index(extent), 1, [&](Value i) {
    Value output = depth == 0 ? k.addIndex(i, blockFirst) : i;
    loopIv[s.outputLoop] = output;
    // The window starts at the block's first row; in place, at the image's.
    Value from = t.packA ? i : output;
    convRows(depth + 1,
             k.addIndex(aBase, k.mulIndex(from, s.stride * aSpatial[depth])),
             n0);
    loopIv.erase(s.outputLoop);
  });
}

/// Tiles of mr rows; the last one is moved back to be a whole one.
void ContractionEmitter::rowTiles(Value aBase, Value firstRow, Value n0) {
  int64_t rows = c.isConv() ? c.spatial.back().outputs : t.mBlock;
  int64_t count = llvm::divideCeil(rows, t.mr);
  k.loop(k.index(0), k.index(count), 1, [&](Value tile) {
    Value m0 = k.minIndex(k.mulIndex(tile, t.mr), rows - t.mr);
    Row row{k.addIndex(aBase, k.mulIndex(m0, aRowStride)), aRowStride};
    if (c.channelwise)
      row.aBase = k.addIndex(row.aBase, n0);
    SmallVector<Value> acc = product(row);
    epilogue(acc, k.addIndex(m0, firstRow), n0);
  });
}

Value ContractionEmitter::broadcastA(Value index) {
  if (!t.dot) {
    Value s = memref::LoadOp::create(b, aMem, ValueRange{index});
    return k.splat(s, t.lanes);
  }
  Value pair =
      vector::LoadOp::create(b, k.vectorType(b.getBF16Type(), 2), aMem, index);
  Value word =
      vector::BitCastOp::create(b, k.vectorType(b.getI32Type(), 1), pair);
  word = vector::ExtractOp::create(b, word, int64_t(0));
  return vector::BitCastOp::create(
      b, k.vectorType(b.getBF16Type(), 2 * t.lanes), k.splat(word, t.lanes));
}

/// One step of the reduction for the whole tile.
void ContractionEmitter::multiply(Value aIndex, int64_t aStride, Value bIndex,
                                  SmallVectorImpl<Value> &acc) {
  SmallVector<Value> columns;
  for (int64_t j = 0; j < t.nv; ++j) {
    Value v =
        k.load(bMem, k.addIndex(bIndex, j * t.lanes), t.lanes, t.lanes, 1);
    if (t.dot)
      v = vector::BitCastOp::create(
          b, k.vectorType(b.getBF16Type(), 2 * t.lanes), v);
    columns.push_back(v);
  }
  for (int64_t i = 0; i < t.mr; ++i) {
    Value row = k.addIndex(aIndex, i * aStride);
    Value a = c.channelwise ? Value() : broadcastA(row);
    for (int64_t j = 0; j < t.nv; ++j) {
      if (c.channelwise)
        a = k.load(aMem, k.addIndex(row, j * t.lanes), t.lanes, t.lanes, 1);
      Value &sum = acc[i * t.nv + j];
      if (t.dot)
        sum =
            x86vector::DotBF16Op::create(b, sum.getType(), sum, a, columns[j]);
      else if (isa<FloatType>(c.acc))
        sum = vector::FMAOp::create(b, a, columns[j], sum);
      else
        sum = arith::AddIOp::create(b, arith::MulIOp::create(b, a, columns[j]),
                                    sum);
    }
  }
}

SmallVector<Value> ContractionEmitter::product(Row row) {
  Value zero = k.zero(k.vectorType(c.acc, t.lanes));
  SmallVector<Value> acc(t.mr * t.nv, zero);
  Value bBase = k.index(0);
  if (t.directB)
    bBase = directBase;
  std::function<SmallVector<Value>(unsigned, Value, Value, ValueRange)> nest =
      [&](unsigned depth, Value aIndex, Value line, ValueRange carried) {
        bool innermost = depth + 1 == segments.size();
        const KSegment &s = segments[depth];
        return k.loop(
            k.index(0), k.index(s.extent), innermost ? t.perStep() : 1, carried,
            [&](Value step, ValueRange in) {
              Value at = k.addIndex(aIndex, k.mulIndex(step, s.aStride));
              SmallVector<Value> next(in);
              if (!innermost)
                return nest(depth + 1, at,
                            k.addIndex(k.mulIndex(line, s.extent), step), in);
              Value l = step;
              if (depth)
                l = k.addIndex(k.mulIndex(line, s.extent), step);
              // Pairs: k counts single elements, the panel has k / 2 lines.
              multiply(at, row.aStride,
                       k.addIndex(bBase, k.mulIndex(l, bStride / t.perStep())),
                       next);
              return next;
            });
      };
  return nest(0, row.aBase, k.index(0), acc);
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

bool ContractionEmitter::inlineEpilogue() const {
  auto op = c.getOp();
  int64_t cost = c.model.getCost() - getBodyCost(op.getBody());
  return cost * t.mr * t.nv <= 160;
}

Space ContractionEmitter::makeSpace(Value m, Value n, int64_t active) const {
  Space space;
  space.lanes = t.lanes;
  space.activeLanes = active;
  // A loop of extent 1 is no dim: nothing changes along it.
  unsigned none = c.model.getNumDims();
  auto add = [&](ArrayRef<int> loops, int64_t extent, Value iv) {
    LoopGroup g;
    for (int l : loops)
      g.dims.push_back(c.dim[l] < 0 ? none : unsigned(c.dim[l]));
    g.extent = extent;
    g.iv = iv;
    space.groups.push_back(g);
  };
  for (auto [l, iv] : loopIv)
    add({l}, c.extents[l], iv);
  add(c.mLoops, c.m, m);
  add({c.nLoop}, c.n, n);
  space.vectorGroup = space.groups.size() - 1;
  return space;
}

/// Evaluates all results where the contraction has `value`.
void ContractionEmitter::evaluateAt(Value value, Value m, Value n,
                                    int64_t active, std::vector<Piece> &out) {
  Piece piece{makeSpace(m, n, active), {}};
  piece.space.known[c.result] = value;
  for (unsigned r = 0; r < c.model.getNumResults(); ++r) {
    FailureOr<Value> v = e.evaluateResult(r, piece.space);
    if (failed(v)) {
      failedAny = true;
      return;
    }
    piece.values.push_back(*v);
  }
  out.push_back(std::move(piece));
}

void ContractionEmitter::storeAll(std::vector<Piece> &pieces) {
  for (Piece &piece : pieces)
    for (unsigned r = 0; r < piece.values.size(); ++r)
      e.storeResult(r, piece.values[r], piece.space);
}

int64_t ContractionEmitter::activeAt(int64_t j) const {
  return c.n >= t.nr() ? t.lanes
                       : std::clamp<int64_t>(c.n - j * t.lanes, 0, t.lanes);
}

void ContractionEmitter::epilogue(ArrayRef<Value> acc, Value m0, Value n0) {
  if (inlineEpilogue()) {
    std::vector<Piece> pieces;
    for (int64_t j = 0; j < t.nv; ++j)
      for (int64_t i = 0; i < t.mr; ++i)
        if (activeAt(j))
          evaluateAt(acc[i * t.nv + j], k.addIndex(m0, i),
                     k.addIndex(n0, j * t.lanes), activeAt(j), pieces);
    storeAll(pieces);
    return;
  }
  // Long epilogues once, in loops over the tile in local memory.
  for (int64_t i = 0; i < t.mr; ++i)
    for (int64_t j = 0; j < t.nv; ++j)
      k.store(acc[i * t.nv + j], scratch, k.index(i * t.nr() + j * t.lanes),
              t.lanes, 1);
  k.outline("epilogue", [&] { longEpilogue(m0, n0); });
}

/// The epilogue on the tile in local memory, in loops.
void ContractionEmitter::longEpilogue(Value m0, Value n0) {
  int64_t whole = std::min(c.n, t.nr()) / t.lanes;
  k.loop(k.index(0), k.index(t.mr), 1, [&](Value i) {
    auto column = [&](Value j, int64_t active) {
      Value at = k.addIndex(k.mulIndex(i, t.nr()), j);
      std::vector<Piece> pieces;
      evaluateAt(k.load(scratch, at, t.lanes, t.lanes, 1), k.addIndex(m0, i),
                 k.addIndex(n0, j), active, pieces);
      storeAll(pieces);
    };
    if (whole)
      k.loop(k.index(0), k.index(whole * t.lanes), t.lanes,
             [&](Value j) { column(j, t.lanes); });
    if (c.n < t.nr() && c.n % t.lanes)
      column(k.index(whole * t.lanes), c.n % t.lanes);
  });
}

} // namespace fusilli::compiler
