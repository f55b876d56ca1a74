// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedule of matmuls and convolutions with their epilogues. One workgroup is
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

#include "compiler/Codegen/CPU/ContractionPlan.h"
#include "compiler/Codegen/CPU/Packing.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

class ContractionEmitter {
public:
  ContractionEmitter(KernelEmitter &e, ContractionPlan &p)
      : e(e), b(e.builder()), p(p) {}

  LogicalResult run();

private:
  struct Row {       // where the rows of a tile are
    Value aBase;     // A source index of row 0, k 0
    int64_t aStride; // A source elements from row to row
  };

  void planSources();
  void packWindow(Value blockBase);
  void packWindowRow(Value inputBase, Value target);
  void panel(Value panelBase);
  void packB(Value n0);
  void tiles(Value n0);
  void convRows(unsigned depth, Value aBase, Value n0);
  void rowTiles(Value aBase, Value firstRow, Value n0);
  SmallVector<Value> product(Row row);
  void multiply(Value aIndex, int64_t aStride, Value bIndex,
                SmallVectorImpl<Value> &acc);
  Value broadcastA(Value index);
  void epilogue(ArrayRef<Value> acc, Value m0, Value n0);
  Space makeSpace(Value m, Value n, int64_t active) const;
  bool inlineEpilogue() const;
  /// The results of the kernel at one vector of the tile.
  struct Piece {
    Space space;
    SmallVector<Value> values;
  };
  void evaluateAt(Value value, Value m, Value n, int64_t active,
                  std::vector<Piece> &out);
  void storeAll(std::vector<Piece> &pieces);
  int64_t activeAt(int64_t j) const;
  void longEpilogue(Value m0, Value n0);

  KernelEmitter &e;
  ImplicitLocOpBuilder &b;
  ContractionPlan &p;
  SmallVector<int> rootDims;
  llvm::DenseMap<int, Value> loopIv; // current position of batch loops
  Value aMem, bMem;                  // sources of the inner loop
  SmallVector<KSegment, 4> segments;
  SmallVector<int64_t, 3> aSpatial; // A source stride per spatial dim
  int64_t aChannelPad = 0;          // channels in the window
  int64_t aRowStride = 1;           // A source stride from row to row
  int64_t kTotal = 0;               // lines of the panel, pairs counted twice
  int64_t bStride = 0;              // B source stride from line to line
  Value scratch;                    // tile for long epilogues
  Value directBase;                 // index of the panel in B, if in place
  Value blockFirst;                 // first row (or output position) of block
  bool failedAny = false;
};

LogicalResult ContractionEmitter::run() {
  rootDims = identityDims(p.rootExtents.size());
  planSources();
  e.setNativeBf16(p.dot);

  int64_t rowBlocks =
      p.isConv() ? (p.spatial.size() > 1
                        ? llvm::divideCeil(p.spatial.front().outputs, p.mBlock)
                        : 1)
                 : llvm::divideCeil(p.m, p.mBlock);
  int64_t panelGroups = llvm::divideCeil(p.panels, p.panelsPerGroup);
  int64_t count = rowBlocks * panelGroups;
  SmallVector<LoopGroup, 4> batch;
  for (int l : p.batchLoops) {
    if (p.isConv() && p.spatial.size() > 1 &&
        llvm::any_of(p.spatial,
                     [&](const SpatialDim &s) { return s.outputLoop == l; }))
      continue;
    LoopGroup g;
    g.dims.push_back(l);
    g.extent = p.extents[l];
    batch.push_back(g);
    count *= g.extent;
  }
  if (p.groupLoop >= 0) {
    LoopGroup g;
    g.dims.push_back(p.groupLoop);
    g.extent = p.extents[p.groupLoop];
    batch.push_back(g);
    count *= g.extent;
  }

  // Row blocks innermost where A is read in place: the panel of B changes
  // slowest and stays in the cache.
  e.loop(e.begin(), e.end(), 1, [&](Value id) {
    LoopGroup rows, panels;
    rows.extent = rowBlocks;
    panels.extent = panelGroups;
    SmallVector<LoopGroup, 6> order(batch.begin(), batch.end());
    order.push_back(p.packA ? rows : panels);
    order.push_back(p.packA ? panels : rows);
    delinearize(e, id, order);
    for (size_t i = 0; i < batch.size(); ++i)
      loopIv[batch[i].dims[0]] = order[i].iv;
    Value rowBlock = order[batch.size() + (p.packA ? 0 : 1)].iv;
    Value panelGroup = order[batch.size() + (p.packA ? 1 : 0)].iv;

    int64_t blockExtent =
        p.isConv() ? (p.spatial.size() > 1 ? p.spatial.front().outputs : 1)
                   : p.m;
    // The last block is moved back to be a whole one.
    blockFirst = e.minIndex(e.mulIndex(rowBlock, p.mBlock),
                            std::max<int64_t>(blockExtent - p.mBlock, 0));
    if (p.packA)
      e.outline("pack_a", [&] { packWindow(blockFirst); });
    Value lo = e.mulIndex(panelGroup, p.panelsPerGroup);
    Value hi = e.minIndex(e.addIndex(lo, p.panelsPerGroup), p.panels);
    e.loop(lo, hi, 1, [&](Value panelId) {
      Value n0 = e.mulIndex(panelId, p.nr());
      if (p.n >= p.nr())
        n0 = e.minIndex(n0, p.n - p.nr());
      panel(n0);
    });
  });
  if (failedAny)
    return failure();

  double flops = p.flops();
  bool inlined = flops < 400e3;
  std::string strategy = std::string(p.channelwise ? "channelwise"
                                     : p.isConv()  ? "implicit gemm"
                                                   : "gemm") +
                         ": tile " + std::to_string(p.mr) + "x" +
                         std::to_string(p.nr()) + (p.dot ? ", bf16 dot" : "") +
                         (p.packA ? ", A packed" : ", A in place") +
                         (p.directB ? ", B in place" : ", B packed") +
                         ", rows per workgroup " + std::to_string(p.mBlock);
  e.finish({count, 1, 1}, inlined, strategy, uint64_t(flops));
  return success();
}

/// Decides where the inner loop finds A and B and allocates local memory.
void ContractionEmitter::planSources() {
  Type aElement = p.dot ? Type(b.getBF16Type()) : p.acc;
  int64_t step = p.perStep();
  if (!p.isConv()) {
    int kLoop = p.innerK();
    kTotal = llvm::alignTo(p.k, step);
    if (p.packA) {
      // An odd number of cache lines from row to row avoids set conflicts.
      aRowStride = llvm::alignTo(kTotal, 16) + 16;
      aMem = e.local(aElement, p.mBlock * aRowStride + 64);
      segments.push_back({kTotal, 1});
    } else {
      aMem = e.binding(p.a.binding);
      aRowStride = p.a.coefs[p.mLoops.back()];
      segments.push_back({kTotal, p.a.coefs[kLoop]});
    }
  } else {
    // Every lane of a whole vector of channels is there.
    int64_t channels =
        llvm::alignTo(p.channels(), p.channelwise ? p.lanes : step);
    size_t rank = p.spatial.size();
    aSpatial.resize(rank);
    if (p.packA) {
      aChannelPad = channels;
      int64_t running = channels;
      for (size_t i = rank; i-- > 0;) {
        aSpatial[i] = running;
        const SpatialDim &s = p.spatial[i];
        int64_t extent = s.inputExtent + 2 * s.pad;
        if (i == 0 && rank > 1)
          extent = (p.mBlock - 1) * s.stride + (s.taps - 1) * s.dilation + 1;
        running *= extent;
      }
      aMem = e.local(aElement, running + 64);
    } else {
      aMem = e.binding(p.a.binding);
      for (size_t i = 0; i < rank; ++i)
        aSpatial[i] = p.spatial[i].inputStride;
    }
    for (size_t i = 0; i < rank; ++i) {
      const SpatialDim &s = p.spatial[i];
      segments.push_back({s.taps, aSpatial[i] * s.dilation});
    }
    if (!p.channelwise)
      segments.push_back({channels, 1});
    aRowStride = aSpatial.back() * p.spatial.back().stride;
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

  if (p.directB) {
    bMem = e.binding(p.b.binding);
    bStride = 0;
    for (int l : p.kLoops)
      if (p.extents[l] != 1)
        bStride = p.b.coefs[l];
  } else {
    bStride = p.nr();
    bMem =
        e.local(p.dot ? Type(b.getI32Type()) : p.acc, kTotal / step * p.nr());
  }
  if (!inlineEpilogue())
    scratch = e.local(p.acc, p.mr * p.nr());
}

/// Copies this workgroup's part of A to local memory.
void ContractionEmitter::packWindow(Value first) {
  Type element = p.dot ? Type(b.getBF16Type()) : p.acc;
  Packer packer(e, element, p.lanes, false);
  Value base = e.index(0);
  for (auto [l, iv] : loopIv)
    base = e.addIndex(base, e.mulIndex(iv, p.a.coefs[l]));
  if (!p.isConv()) {
    int kLoop = p.innerK();
    int64_t rowStride = p.a.coefs[p.mLoops.back()];
    PackSource source{e.binding(p.a.binding),
                      e.addIndex(base, e.mulIndex(first, rowStride)), rowStride,
                      p.a.coefs[kLoop]};
    packer.packLines(source, p.mBlock, p.k, p.perStep(), aMem, e.index(0),
                     aRowStride);
    return;
  }
  size_t rank = p.spatial.size();
  if (rank == 1) {
    packWindowRow(base, e.index(0));
    return;
  }
  // All but the innermost spatial dim: rows outside of the image are zero.
  SmallVector<int64_t> extents;
  for (size_t i = 0; i + 1 < rank; ++i) {
    const SpatialDim &s = p.spatial[i];
    extents.push_back(i == 0 ? (p.mBlock - 1) * s.stride +
                                   (s.taps - 1) * s.dilation + 1
                             : s.inputExtent + 2 * s.pad);
  }
  int64_t total = 1;
  for (int64_t x : extents)
    total *= x;
  int64_t rowElements =
      (p.spatial.back().inputExtent + 2 * p.spatial.back().pad) * aChannelPad;
  e.loop(e.index(0), e.index(total), 1, [&](Value row) {
    SmallVector<LoopGroup, 3> at(extents.size());
    for (size_t i = 0; i < extents.size(); ++i)
      at[i].extent = extents[i];
    delinearize(e, row, at);
    Value inside, from = base;
    for (size_t i = 0; i < extents.size(); ++i) {
      const SpatialDim &s = p.spatial[i];
      Value window = at[i].iv;
      if (i == 0)
        window = e.addIndex(window, e.mulIndex(first, s.stride));
      // Below the image the subtraction wraps to a huge number.
      Value input = arith::SubIOp::create(b, window, e.index(s.pad));
      Value ok = e.isLess(input, e.index(s.inputExtent));
      inside = inside ? Value(arith::AndIOp::create(b, inside, ok)) : ok;
      from = arith::AddIOp::create(
          b, from, arith::MulIOp::create(b, input, e.index(s.inputStride)));
    }
    Value to = e.mulIndex(row, rowElements);
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
  Packer packer(e, p.dot ? Type(b.getBF16Type()) : p.acc, p.lanes, false);
  const SpatialDim &s = p.spatial.back();
  int c = p.channelLoop();
  if (s.pad) {
    packer.zeroFill(aMem, target, s.pad * aChannelPad);
    packer.zeroFill(aMem,
                    e.addIndex(target, (s.pad + s.inputExtent) * aChannelPad),
                    s.pad * aChannelPad);
  }
  Value to = e.addIndex(target, s.pad * aChannelPad);
  PackSource source{e.binding(p.a.binding), inputBase, s.inputStride,
                    p.a.coefs[c]};
  bool contiguous = s.inputStride == p.extents[c] && p.a.coefs[c] == 1 &&
                    aChannelPad == p.extents[c];
  if (contiguous) // one long line
    packer.packLines({source.mem, inputBase, 0, 1}, 1,
                     s.inputExtent * p.extents[c], 1, aMem, to, 0);
  else
    packer.packLines(source, s.inputExtent, p.extents[c],
                     p.channelwise ? p.lanes : p.perStep(), aMem, to,
                     aChannelPad);
}

/// Copies the panel of B that starts at column n0 to local memory.
void ContractionEmitter::packB(Value n0) {
  Packer packer(e, p.acc, p.lanes, p.dot);
  Value base = e.mulIndex(n0, p.b.coefs[p.nLoop]);
  for (auto [l, iv] : loopIv)
    base = e.addIndex(base, e.mulIndex(iv, p.b.coefs[l]));
  int64_t active = std::min(p.n, p.nr());
  int64_t nStride = p.b.coefs[p.nLoop];
  // Order of the panel's lines: filter positions, then channels. The outer
  // part is a loop nest, the inner one a packed block.
  SmallVector<int, 4> order;
  if (p.isConv()) {
    for (const SpatialDim &s : p.spatial)
      order.push_back(s.filterLoop);
    order.push_back(p.kLoops.front());
  } else {
    for (int l : p.kLoops)
      if (p.extents[l] != 1)
        order.push_back(l);
    if (order.empty())
      order.push_back(p.kLoops.front());
  }
  bool oddPairs = p.dot && p.extents[order.back()] % 2 != 0;
  SmallVector<KSegment, 4> parts;
  for (int l : order) {
    int64_t stride = p.b.coefs[l];
    if (p.extents[l] == 1 && l != order.back())
      continue;
    bool merge = !parts.empty() && !oddPairs &&
                 parts.back().aStride == stride * p.extents[l];
    if (merge)
      parts.back() = {parts.back().extent * p.extents[l], stride};
    else
      parts.push_back({p.extents[l], stride});
  }
  KSegment inner = parts.pop_back_val();
  int64_t lines = llvm::alignTo(inner.extent, p.perStep()) / p.perStep();
  std::function<void(unsigned, Value, Value)> nest = [&](unsigned depth,
                                                         Value from,
                                                         Value line) {
    if (depth == parts.size()) {
      packer.packPanel({e.binding(p.b.binding), from, inner.aStride, nStride},
                       inner.extent, active, p.nr(), bMem,
                       e.mulIndex(e.mulIndex(line, lines), p.nr()));
      return;
    }
    e.loop(e.index(0), e.index(parts[depth].extent), 1, [&](Value i) {
      nest(depth + 1, e.addIndex(from, e.mulIndex(i, parts[depth].aStride)),
           e.addIndex(e.mulIndex(line, parts[depth].extent), i));
    });
  };
  nest(0, base, e.index(0));
}

void ContractionEmitter::panel(Value n0) {
  if (p.directB) {
    directBase = n0; // columns are neighbours in memory
    for (auto [l, iv] : loopIv)
      directBase = e.addIndex(directBase, e.mulIndex(iv, p.b.coefs[l]));
  } else {
    e.outline("pack_b", [&] { packB(n0); });
  }
  tiles(n0);
}

void ContractionEmitter::tiles(Value n0) {
  Value base = e.index(0);
  if (!p.packA)
    for (auto [l, iv] : loopIv)
      base = e.addIndex(base, e.mulIndex(iv, p.a.coefs[l]));
  if (!p.isConv()) {
    if (!p.packA)
      base = e.addIndex(base, e.mulIndex(blockFirst, aRowStride));
    rowTiles(base, blockFirst, n0);
    return;
  }
  convRows(0, base, n0);
}

/// Loops over the outer spatial positions of the block.
void ContractionEmitter::convRows(unsigned depth, Value aBase, Value n0) {
  const SpatialDim &s = p.spatial[depth];
  if (depth + 1 == p.spatial.size()) {
    rowTiles(aBase, e.index(0), n0);
    return;
  }
  int64_t extent = depth == 0 ? p.mBlock : s.outputs;
  e.loop(e.index(0), e.index(extent), 1, [&](Value i) {
    Value output = depth == 0 ? e.addIndex(i, blockFirst) : i;
    loopIv[s.outputLoop] = output;
    // The window starts at the block's first row; in place, at the image's.
    Value from = p.packA ? i : output;
    convRows(depth + 1,
             e.addIndex(aBase, e.mulIndex(from, s.stride * aSpatial[depth])),
             n0);
    loopIv.erase(s.outputLoop);
  });
}

/// Tiles of mr rows; the last one is moved back to be a whole one.
void ContractionEmitter::rowTiles(Value aBase, Value firstRow, Value n0) {
  int64_t rows = p.isConv() ? p.spatial.back().outputs : p.mBlock;
  int64_t count = llvm::divideCeil(rows, p.mr);
  e.loop(e.index(0), e.index(count), 1, [&](Value t) {
    Value m0 = e.minIndex(e.mulIndex(t, p.mr), rows - p.mr);
    Row row{e.addIndex(aBase, e.mulIndex(m0, aRowStride)), aRowStride};
    if (p.channelwise)
      row.aBase = e.addIndex(row.aBase, n0);
    SmallVector<Value> acc = product(row);
    epilogue(acc, e.addIndex(m0, firstRow), n0);
  });
}

Value ContractionEmitter::broadcastA(Value index) {
  if (!p.dot) {
    Value s = memref::LoadOp::create(b, aMem, ValueRange{index});
    return e.splat(s, p.lanes);
  }
  Value pair =
      vector::LoadOp::create(b, e.vectorType(b.getBF16Type(), 2), aMem, index);
  Value word =
      vector::BitCastOp::create(b, e.vectorType(b.getI32Type(), 1), pair);
  word = vector::ExtractOp::create(b, word, int64_t(0));
  return vector::BitCastOp::create(
      b, e.vectorType(b.getBF16Type(), 2 * p.lanes), e.splat(word, p.lanes));
}

/// One step of the reduction for the whole tile.
void ContractionEmitter::multiply(Value aIndex, int64_t aStride, Value bIndex,
                                  SmallVectorImpl<Value> &acc) {
  SmallVector<Value> columns;
  for (int64_t j = 0; j < p.nv; ++j) {
    Value v =
        e.load(bMem, e.addIndex(bIndex, j * p.lanes), p.lanes, p.lanes, 1);
    if (p.dot)
      v = vector::BitCastOp::create(
          b, e.vectorType(b.getBF16Type(), 2 * p.lanes), v);
    columns.push_back(v);
  }
  for (int64_t i = 0; i < p.mr; ++i) {
    Value row = e.addIndex(aIndex, i * aStride);
    Value a = p.channelwise ? Value() : broadcastA(row);
    for (int64_t j = 0; j < p.nv; ++j) {
      if (p.channelwise)
        a = e.load(aMem, e.addIndex(row, j * p.lanes), p.lanes, p.lanes, 1);
      Value &c = acc[i * p.nv + j];
      if (p.dot)
        c = x86vector::DotBF16Op::create(b, c.getType(), c, a, columns[j]);
      else if (isa<FloatType>(p.acc))
        c = vector::FMAOp::create(b, a, columns[j], c);
      else
        c = arith::AddIOp::create(b, arith::MulIOp::create(b, a, columns[j]),
                                  c);
    }
  }
}

SmallVector<Value> ContractionEmitter::product(Row row) {
  Value zero = e.zero(e.vectorType(p.acc, p.lanes));
  SmallVector<Value> acc(p.mr * p.nv, zero);
  int64_t step = p.perStep();
  Value bBase = e.index(0);
  if (p.directB)
    bBase = directBase;
  std::function<SmallVector<Value>(unsigned, Value, Value, ValueRange)> nest =
      [&](unsigned depth, Value aIndex, Value line, ValueRange carried) {
        bool innermost = depth + 1 == segments.size();
        const KSegment &s = segments[depth];
        return e.loop(
            e.index(0), e.index(s.extent), innermost ? step : 1, carried,
            [&](Value k, ValueRange in) {
              Value at = e.addIndex(aIndex, e.mulIndex(k, s.aStride));
              SmallVector<Value> next(in);
              if (!innermost)
                return nest(depth + 1, at,
                            e.addIndex(e.mulIndex(line, s.extent), k), in);
              Value l = k;
              if (depth)
                l = e.addIndex(e.mulIndex(line, s.extent), k);
              // Pairs: k counts single elements, the panel has k / 2 lines.
              multiply(at, row.aStride,
                       e.addIndex(bBase, e.mulIndex(l, bStride / step)), next);
              return next;
            });
      };
  return nest(0, row.aBase, e.index(0), acc);
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

bool ContractionEmitter::inlineEpilogue() const {
  int64_t cost = 0;
  const_cast<KernelEmitter &>(e).source().walk([&](linalg::GenericOp op) {
    if (op != p.op)
      cost += payloadCost(op.getBody());
  });
  return cost * p.mr * p.nv <= 160;
}

Space ContractionEmitter::makeSpace(Value m, Value n, int64_t active) const {
  Space space;
  space.lanes = p.lanes;
  space.activeLanes = active;
  auto add = [&](ArrayRef<int> loops, int64_t extent, Value iv) {
    LoopGroup g;
    for (int l : loops)
      g.dims.push_back(p.rootDim[l]);
    g.extent = extent;
    g.iv = iv;
    space.groups.push_back(g);
  };
  for (auto [l, iv] : loopIv)
    if (l != p.groupLoop)
      add({l}, p.extents[l], iv);
  add(p.mLoops, p.m, m);
  Value column = n;
  if (p.groupLoop >= 0)
    column = e.addIndex(column, e.mulIndex(loopIv.lookup(p.groupLoop), p.n));
  add({p.nLoop}, p.n, column);
  space.vectorGroup = space.groups.size() - 1;
  return space;
}

/// Evaluates all results where the contraction has `value`.
void ContractionEmitter::evaluateAt(Value value, Value m, Value n,
                                    int64_t active, std::vector<Piece> &out) {
  Piece piece{makeSpace(m, n, active), {}};
  piece.space.known[p.result] = value;
  for (unsigned r = 0; r < e.numResults(); ++r) {
    FailureOr<Value> v = e.evaluateResult(r, rootDims, piece.space);
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
      e.storeResult(r, piece.values[r], rootDims, piece.space);
}

int64_t ContractionEmitter::activeAt(int64_t j) const {
  return p.n >= p.nr() ? p.lanes
                       : std::clamp<int64_t>(p.n - j * p.lanes, 0, p.lanes);
}

void ContractionEmitter::epilogue(ArrayRef<Value> acc, Value m0, Value n0) {
  if (inlineEpilogue()) {
    std::vector<Piece> pieces;
    for (int64_t j = 0; j < p.nv; ++j)
      for (int64_t i = 0; i < p.mr; ++i)
        if (activeAt(j))
          evaluateAt(acc[i * p.nv + j], e.addIndex(m0, i),
                     e.addIndex(n0, j * p.lanes), activeAt(j), pieces);
    storeAll(pieces);
    return;
  }
  // Long epilogues once, in loops over the tile in local memory.
  for (int64_t i = 0; i < p.mr; ++i)
    for (int64_t j = 0; j < p.nv; ++j)
      e.store(acc[i * p.nv + j], scratch, e.index(i * p.nr() + j * p.lanes),
              p.lanes, 1);
  e.outline("epilogue", [&] { longEpilogue(m0, n0); });
}

/// The epilogue on the tile in local memory, in loops.
void ContractionEmitter::longEpilogue(Value m0, Value n0) {
  int64_t whole = std::min(p.n, p.nr()) / p.lanes;
  e.loop(e.index(0), e.index(p.mr), 1, [&](Value i) {
    auto column = [&](Value j, int64_t active) {
      Value at = e.addIndex(e.mulIndex(i, p.nr()), j);
      std::vector<Piece> pieces;
      evaluateAt(e.load(scratch, at, p.lanes, p.lanes, 1), e.addIndex(m0, i),
                 e.addIndex(n0, j), active, pieces);
      storeAll(pieces);
    };
    if (whole)
      e.loop(e.index(0), e.index(whole * p.lanes), p.lanes,
             [&](Value j) { column(j, p.lanes); });
    if (p.n < p.nr() && p.n % p.lanes)
      column(e.index(whole * p.lanes), p.n % p.lanes);
  });
}

} // namespace

LogicalResult scheduleContraction(KernelEmitter &e,
                                  linalg::GenericOp contraction) {
  FailureOr<ContractionPlan> plan = ContractionPlan::create(e, contraction);
  if (failed(plan))
    return failure();
  // Few rows against a B that is contiguous along the reduction: one dot
  // product per result reads B once, without packing it.
  if (plan->prefersDotProducts())
    return scheduleRows(e);
  ContractionEmitter emitter(e, *plan);
  return emitter.run();
}

} // namespace fusilli::compiler
