// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code of matmuls with their epilogues. One workgroup is a block of rows times
// a block of columns; the workgroups of neighbouring rows share what was packed
// of B:
//
//   for each workgroup
//     for each block of k
//       [block of A to local memory]              where A is not read in place
//       for each panel of nr columns
//         [panel of B to local memory as [k][nr]] once per block of columns,
//                                                 not where B was packed before
//         for each tile of mr rows
//           mr x nr accumulators, from 0 or from local memory, in registers
//           over the block of k, while the next panel is fetched; then to local
//           memory, or (last block) the epilogue
//
// Of symbolic rows, blocks are as large as the rows allow; where there are
// fewer than a tile has, there is code for each number, which reads B in place
// if it can. Tiles at an edge overlap their neighbours where there is room and
// recompute the same values; so no output of these kernels may be one of its
// inputs.

#include "compiler/Codegen/CPU/Emit/PackedColumns.h"
#include "compiler/Codegen/CPU/Emit/Packing.h"
#include "compiler/Codegen/CPU/Emit/TileEpilogue.h"
#include "compiler/Codegen/CPU/Emit/TileSums.h"
#include "compiler/Codegen/CPU/Matmul.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

SmallVector<PackedColumns::Run> toRuns(ArrayRef<ReductionRun> runs) {
  return llvm::map_to_vector(runs, [](const ReductionRun &run) {
    return PackedColumns::Run{run.extent, run.stride};
  });
}

class MatmulEmitter {
public:
  MatmulEmitter(const Contraction &c, const MatmulTiling &t, KernelBuilder &k)
      : c(c), t(t), k(k), b(k.builder()), e(c.model, k), inner(*t.inner),
        columns(c, inner, t.lanes, t.nv, toRuns(c.bRuns)), whole(c, t, k, t.mr),
        granule(inner.getGranule()),
        panelsPerGroup(llvm::divideCeil(t.columns, t.nr())),
        tiles(llvm::divideCeil(t.rows, t.mr)) {}

  LogicalResult run();

private:
  /// Tiles of some number of rows.
  struct Tile {
    Tile(const Contraction &c, const MatmulTiling &t, KernelBuilder &k,
         int64_t rows)
        : rows(rows), sums(k, c.acc, rows, t.nv, t.lanes),
          epilogue(c, k, rows, t.nv, t.lanes) {
      epilogue.setNativeBf16(t.inner->getName() == "bf16-dot");
    }
    int64_t rows;
    TileSums sums;
    TileEpilogue epilogue;
  };
  /// One panel in one block of k.
  struct Panel {
    Value slot; ///< number in this group of columns
    Value base; ///< of its lines
    Value n0;   ///< its first column
    Value kBlock;
    bool inPlace; ///< B itself is read, not a packed panel
  };

  void allocate();
  void packA(Value kBlock);
  void packRows(Value from, Value kBlock, int64_t length);
  void packRow(Value localRow, Value from, Value kBlock);
  Value getRowOffset(Value row);
  void computeBlock(Value group, Value isNew, Value kBlock);
  void emitTiles(Tile &tile, Value count, int64_t slots, const Panel &panel);
  void emitTile(Tile &tile, Value localRow, Value number, Value tileId,
                const Panel &panel);
  SmallVector<Value> multiply(const Tile &tile, Value aIndex, Value bIndex,
                              Value tileId, const Panel &panel,
                              ValueRange init);
  void steps(int64_t rows, Value aIndex, bool inPlace, Value bIndex,
             int64_t count, SmallVectorImpl<Value> &acc);
  void prefetch(Value mem, Value from, Value step, int64_t perStep);
  Value batchOffset(const ContractionOperand &o);
  /// Words from line to line of B or of its panels.
  int64_t getLine(bool inPlace) const {
    return inPlace ? c.bRuns.back().stride : columns.getWidth();
  }

  const Contraction &c;
  const MatmulTiling &t;
  KernelBuilder &k;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  const InnerProduct &inner;
  PackedColumns columns;
  Tile whole;
  /// Of symbolic rows: tiles of 1, 2, ... rows for fewer than a tile has.
  std::vector<Tile> few;
  int64_t granule, panelsPerGroup, tiles;
  int64_t runLength = 1; ///< of A's innermost run, in whole granules
  int64_t depth = 1;     ///< of the reduction, in whole granules of each run
  int64_t kBlocks = 1;
  llvm::DenseMap<int, Value> loopIv; ///< batch loops
  Value firstRow;                    ///< of this workgroup's tiles
  Value row, rowCount;               ///< of its block of A
  Value aMem, bMem;
  int64_t aRowStride = 0, aStep = 0; ///< in elements of aMem
  int64_t fetched = 0; ///< words of the next panel per step of a tile
  int64_t fetchedA = 0, fetchedB = 0; ///< of the next workgroup's operands
};

LogicalResult MatmulEmitter::run() {
  allocate();
  Extent rowBlocks = ceilDiv(c.rows, t.rows);
  int64_t groups = llvm::divideCeil(columns.getNumPanels(), panelsPerGroup);
  Extent count = rowBlocks * groups;
  SmallVector<Extent> extents;
  for (int l : c.batchLoops) {
    extents.push_back(c.getExtent(l));
    count = count * c.getExtent(l);
  }
  extents.push_back(groups);
  extents.push_back(rowBlocks);
  k.setWorkgroups(count);

  rowCount =
      c.rows.isStatic() ? k.index(t.rows) : k.minIndex(k.index(t.rows), c.rows);
  auto emitBlocks = [&](Value group, Value isNew) {
    if (kBlocks == 1) {
      computeBlock(group, isNew, k.index(0));
      return;
    }
    k.loop(k.index(0), k.index(kBlocks), 1, [&](Value kBlock) {
      Value first = k.isEqual(kBlock, k.index(0));
      computeBlock(group,
                   isNew ? arith::AndIOp::create(b, first, isNew) : isNew,
                   kBlock);
    });
  };
  // What is packed of B holds for the row blocks that follow.
  bool packsB = t.packingB == ir::OperandPacking::InKernel;
  k.loop(k.begin(), k.end(), 1, {k.end()}, [&](Value id, ValueRange packed) {
    SmallVector<Value> at = k.delinearize(id, extents);
    for (auto [i, l] : llvm::enumerate(c.batchLoops))
      loopIv[l] = at[i];
    // The last block of A is moved back to be a whole one; the tiles are not.
    firstRow = k.mulIndex(at.back(), t.rows);
    row = k.minIndex(firstRow, k.subIndex(k.index(c.rows), rowCount));
    Value key = packed[0], isNew;
    if (packsB) {
      key = k.divIndex(id, rowBlocks);
      isNew =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, key, packed[0]);
    }
    emitBlocks(at[at.size() - 2], isNew);
    return SmallVector<Value>{key};
  });
  return failure(whole.epilogue.hasFailed() ||
                 llvm::any_of(few, [](const Tile &tile) {
                   return tile.epilogue.hasFailed();
                 }));
}

void MatmulEmitter::allocate() {
  runLength = llvm::alignTo(c.aRuns.back().extent, granule);
  depth = runLength;
  for (const ReductionRun &run : llvm::drop_end(c.aRuns))
    depth *= run.extent;
  assert(depth / granule == columns.getNumLines());
  kBlocks = llvm::divideCeil(depth, t.kBlock);
  Type packed = inner.getPackedType(c);
  int64_t bits = packed.getIntOrFloatBitWidth();
  if (t.packA) {
    // An odd number of cache lines from row to row avoids set conflicts.
    int64_t line = 512 / bits;
    aRowStride = llvm::alignTo(std::min(t.kBlock, depth), line);
    if (aRowStride / line % 2 == 0)
      aRowStride += line;
    aStep = 1;
    aMem = k.local(packed, t.rows * aRowStride + line);
  } else {
    assert(c.aRuns.size() == 1 && c.rowsAreLinear);
    aMem = k.binding(c.a.binding);
    aRowStride = c.a.coefs[c.mLoops.back()];
    aStep = c.aRuns.back().stride;
  }
  if (t.directB()) {
    bMem = k.binding(c.b.binding);
    // Neither operand is packed: each step fetches a share of what the next
    // workgroup reads, where that follows in memory.
    int64_t panels = std::min(panelsPerGroup, columns.getNumPanels());
    if (!t.packA && kBlocks == 1 && aRowStride == depth &&
        depth >= 2 * t.unroll) {
      fetchedA = llvm::divideCeil(t.mr, panels);
      if (c.bRuns.back().stride == c.n && !c.batchLoops.empty() &&
          c.m <= t.rows)
        fetchedB = llvm::divideCeil(t.nr(), tiles);
    }
  } else {
    if (t.packingB == ir::OperandPacking::Prepared)
      columns.prepare(k);
    else
      columns.allocate(k, panelsPerGroup);
    bMem = columns.getMemory();
    // One tile after the other fetches its share of the next panel; few tiles
    // stream through B, which the hardware sees.
    int64_t lines = std::min(t.kBlock, depth) / granule;
    if (lines >= 2 * t.unroll && columns.getNumPanels() > 1 && tiles >= 4)
      fetched = llvm::divideCeil(columns.getWidth(), tiles);
  }
  if (!c.rows.isStatic())
    for (int64_t rows = 1; rows < t.mr; ++rows)
      few.emplace_back(c, t, k, rows);
  if (kBlocks > 1) {
    whole.sums.allocate(panelsPerGroup * tiles);
    for (Tile &tile : few)
      tile.sums.allocate(panelsPerGroup);
  }
}

Value MatmulEmitter::batchOffset(const ContractionOperand &o) {
  Value base = k.index(o.offset);
  for (int l : c.batchLoops)
    base = k.addIndex(base, k.mulIndex(loopIv.lookup(l), o.coefs[l]));
  return base;
}

/// Copies rows of A, this block of k, to local memory.
void MatmulEmitter::packA(Value kBlock) {
  if (c.aRuns.size() > 1 || !c.rowsAreLinear || !c.rows.isStatic()) {
    k.outline("pack_a", [&] {
      k.loop(k.index(0), rowCount, 1, [&](Value localRow) {
        Value from = k.addIndex(batchOffset(c.a),
                                getRowOffset(k.addIndex(row, localRow)));
        packRow(localRow, from, kBlock);
      });
    });
    return;
  }
  Value from =
      k.addIndex(batchOffset(c.a), k.mulIndex(row, c.a.coefs[c.mLoops.back()]));
  int64_t last = c.aRuns.back().extent - (kBlocks - 1) * t.kBlock;
  if (last == t.kBlock || kBlocks == 1) {
    k.outline("pack_a", [&] { packRows(from, kBlock, last); });
    return;
  }
  k.ifThenElse(
      k.isLess(kBlock, k.index(kBlocks - 1)),
      [&] { k.outline("pack_a", [&] { packRows(from, kBlock, t.kBlock); }); },
      [&] { k.outline("pack_a", [&] { packRows(from, kBlock, last); }); });
}

/// Where a row of A begins.
Value MatmulEmitter::getRowOffset(Value at) {
  if (c.rowsAreLinear)
    return k.mulIndex(at, c.a.coefs[c.mLoops.back()]);
  SmallVector<Extent> extents;
  for (int l : c.mLoops)
    extents.push_back(c.getExtent(l));
  Value offset = k.index(0);
  for (auto [l, digit] : llvm::zip(c.mLoops, k.delinearize(at, extents)))
    offset = k.addIndex(offset, k.mulIndex(digit, c.a.coefs[l]));
  return offset;
}

/// `length` elements of each of the rows, a constant stride apart.
void MatmulEmitter::packRows(Value from, Value kBlock, int64_t length) {
  Packer packer(k, inner.getPackedType(c), t.lanes, 1,
                getConvert(c, /*isA=*/true, inner, e, k));
  int64_t stride = c.aRuns.back().stride;
  from = k.addIndex(from, k.mulIndex(kBlock, t.kBlock * stride));
  PackSource source{k.binding(c.a.binding), from, c.a.coefs[c.mLoops.back()],
                    stride};
  packer.packLines(source, t.rows, length, granule, aMem, k.index(0),
                   aRowStride);
}

/// A row, run by run.
void MatmulEmitter::packRow(Value localRow, Value from, Value kBlock) {
  Packer packer(k, inner.getPackedType(c), t.lanes, 1,
                getConvert(c, /*isA=*/true, inner, e, k));
  const ReductionRun &run = c.aRuns.back();
  Value mem = k.binding(c.a.binding), to = k.mulIndex(localRow, aRowStride);
  auto copy = [&](Value begin, Value target, int64_t length) {
    packer.packLines({mem, begin, 0, run.stride}, 1, length, granule, aMem,
                     target, 0);
  };
  if (c.aRuns.size() == 1) {
    from = k.addIndex(from, k.mulIndex(kBlock, t.kBlock * run.stride));
    int64_t last = run.extent - (kBlocks - 1) * t.kBlock;
    if (kBlocks == 1)
      copy(from, to, run.extent);
    else
      k.ifThenElse(
          k.isLess(kBlock, k.index(kBlocks - 1)),
          [&] { copy(from, to, t.kBlock); }, [&] { copy(from, to, last); });
    return;
  }
  int64_t perBlock = t.kBlock / runLength, all = depth / runLength;
  Value first = k.mulIndex(kBlock, perBlock);
  Value count = k.minIndex(k.index(perBlock), k.subIndex(k.index(all), first));
  SmallVector<Extent> extents;
  for (const ReductionRun &outer : llvm::drop_end(c.aRuns))
    extents.push_back(outer.extent);
  k.loop(k.index(0), count, 1, [&](Value i) {
    Value begin = from;
    SmallVector<Value> digits = k.delinearize(k.addIndex(first, i), extents);
    for (auto [outer, digit] : llvm::zip(llvm::drop_end(c.aRuns), digits))
      begin = k.addIndex(begin, k.mulIndex(digit, outer.stride));
    copy(begin, k.addIndex(to, k.mulIndex(i, runLength)), run.extent);
  });
}

void MatmulEmitter::computeBlock(Value group, Value isNew, Value kBlock) {
  if (t.packA)
    packA(kBlock);
  Value lo = k.mulIndex(group, panelsPerGroup);
  Value hi = k.minIndex(k.addIndex(lo, panelsPerGroup), columns.getNumPanels());
  k.loop(lo, hi, 1, [&](Value number) {
    Panel panel{k.subIndex(number, lo), {}, {}, kBlock, t.directB()};
    panel.n0 = columns.getFirstColumn(k, number);
    Value inPlace = k.addIndex(batchOffset(c.b), panel.n0);
    panel.base =
        t.directB() ? inPlace : columns.getBase(k, panel.slot, number, loopIv);
    auto packPanel = [&] {
      if (isNew)
        k.ifThen(isNew, [&] {
          k.outline("pack_b",
                    [&] { columns.pack(k, panel.base, panel.n0, loopIv); });
        });
    };
    auto emitWhole = [&] {
      packPanel();
      Value rest = k.subIndex(k.index(c.rows), firstRow);
      Value count = k.index(tiles);
      if (!c.rows.is(t.rows))
        count = k.minIndex(
            count, k.divIndex(k.addIndex(rest, t.mr - 1), Extent(t.mr)));
      emitTiles(whole, count, tiles, panel);
    };
    if (few.empty()) {
      emitWhole();
      return;
    }
    auto emitFew = [&] {
      Panel read = panel;
      if (isNew && t.canReadB(c)) {
        read.inPlace = true;
        read.base = inPlace;
      } else {
        packPanel();
      }
      for (Tile &tile : few)
        k.ifThen(k.isEqual(rowCount, k.index(tile.rows)),
                 [&] { emitTiles(tile, k.index(1), 1, read); });
    };
    k.ifThenElse(k.isLess(rowCount, k.index(t.mr)), emitFew, emitWhole);
  });
}

/// All tiles of a panel; `slots` is the most that there can be.
void MatmulEmitter::emitTiles(Tile &tile, Value count, int64_t slots,
                              const Panel &panel) {
  k.loop(k.index(0), count, 1, [&](Value id) {
    // The last tile of all is moved back to be a whole one.
    Value first = k.minIndex(k.addIndex(firstRow, k.mulIndex(id, tile.rows)),
                             k.subIndex(k.index(c.rows), k.index(tile.rows)));
    Value localRow = k.subIndex(first, row);
    Value number = k.addIndex(k.mulIndex(panel.slot, slots), id);
    emitTile(tile, localRow, number, id, panel);
  });
}

void MatmulEmitter::emitTile(Tile &tile, Value localRow, Value number,
                             Value tileId, const Panel &panel) {
  Value aIndex = k.mulIndex(localRow, aRowStride);
  if (!t.packA) {
    aIndex = k.addIndex(
        aIndex, k.addIndex(batchOffset(c.a), k.mulIndex(row, aRowStride)));
    aIndex = k.addIndex(aIndex, k.mulIndex(panel.kBlock, t.kBlock * aStep));
  }
  int64_t line = getLine(panel.inPlace);
  Value bIndex = k.addIndex(
      panel.base, k.mulIndex(panel.kBlock, t.kBlock / granule * line));
  SmallVector<Value> start =
      panel.inPlace
          ? SmallVector<Value>(t.nv, k.zero(k.vectorType(c.acc, t.lanes)))
          : columns.getStart(k, panel.base);
  SmallVector<Value> init =
      tile.sums.start(number, k.isEqual(panel.kBlock, k.index(0)), start);
  SmallVector<Value> acc = multiply(tile, aIndex, bIndex, tileId, panel, init);
  tile.sums.finish(
      acc, number, k.isEqual(panel.kBlock, k.index(kBlocks - 1)), [&] {
        tile.epilogue.emit(acc, loopIv, k.addIndex(row, localRow), panel.n0);
      });
}

/// The loop over this block of k.
SmallVector<Value> MatmulEmitter::multiply(const Tile &tile, Value aIndex,
                                           Value bIndex, Value tileId,
                                           const Panel &panel,
                                           ValueRange init) {
  int64_t all = std::min(t.kBlock, depth) / granule;
  int64_t line = getLine(panel.inPlace);
  int64_t last = (depth - (kBlocks - 1) * t.kBlock) / granule;
  Value next;
  if (fetched && !panel.inPlace)
    next = k.addIndex(k.addIndex(bIndex, columns.getPanelSize()),
                      k.mulIndex(tileId, fetched * all));
  Value nextA, nextB;
  if ((fetchedA || fetchedB) && panel.inPlace) {
    Value number = k.addIndex(k.mulIndex(panel.slot, tiles), tileId);
    if (fetchedA)
      nextA = k.addIndex(
          k.addIndex(batchOffset(c.a),
                     k.mulIndex(k.addIndex(row, rowCount), aRowStride)),
          k.mulIndex(number, fetchedA * all));
    if (fetchedB)
      nextB = k.addIndex(k.addIndex(batchOffset(c.b), depth * c.n),
                         k.mulIndex(number, fetchedB * all));
  }
  auto body = [&](int64_t count) {
    return [&, count](Value step, ValueRange carried) {
      SmallVector<Value> acc(carried);
      if (next && count == t.unroll)
        prefetch(bMem, next, step, fetched);
      if (nextA && count == t.unroll)
        prefetch(aMem, nextA, step, fetchedA);
      if (nextB && count == t.unroll)
        prefetch(bMem, nextB, step, fetchedB);
      steps(tile.rows, k.addIndex(aIndex, k.mulIndex(step, granule * aStep)),
            panel.inPlace, k.addIndex(bIndex, k.mulIndex(step, line)), count,
            acc);
      return acc;
    };
  };
  if (last == all) {
    int64_t unrolled = all / t.unroll * t.unroll;
    SmallVector<Value> acc(init);
    if (unrolled)
      acc =
          k.loop(k.index(0), k.index(unrolled), t.unroll, acc, body(t.unroll));
    if (unrolled < all)
      acc = k.loop(k.index(unrolled), k.index(all), 1, acc, body(1));
    return acc;
  }
  Value isLast = k.isEqual(panel.kBlock, k.index(kBlocks - 1));
  Value count = arith::SelectOp::create(b, isLast, k.index(last), k.index(all));
  Value unrolled =
      arith::SelectOp::create(b, isLast, k.index(last / t.unroll * t.unroll),
                              k.index(all / t.unroll * t.unroll));
  SmallVector<Value> acc =
      k.loop(k.index(0), unrolled, t.unroll, init, body(t.unroll));
  if (t.unroll == 1)
    return acc;
  return k.loop(unrolled, count, 1, acc, body(1));
}

/// What `unroll` steps from `step` on fetch of a buffer.
void MatmulEmitter::prefetch(Value mem, Value from, Value step,
                             int64_t perStep) {
  k.prefetch(mem, k.addIndex(from, k.mulIndex(step, perStep)),
             perStep * t.unroll);
}

/// `count` steps of k for the whole tile.
void MatmulEmitter::steps(int64_t rows, Value aIndex, bool inPlace,
                          Value bIndex, int64_t count,
                          SmallVectorImpl<Value> &acc) {
  Value mem = inPlace ? k.binding(c.b.binding) : bMem;
  int64_t pitch = getLine(inPlace);
  for (int64_t u = 0; u < count; ++u) {
    if (u)
      k.barrier();
    SmallVector<Value> line;
    for (int64_t j = 0; j < t.nv; ++j)
      line.push_back(k.load(mem, k.addIndex(bIndex, u * pitch + j * t.lanes),
                            t.lanes, t.lanes, 1));
    for (int64_t i = 0; i < rows; ++i) {
      Value a = k.loadWord(
          aMem, k.addIndex(aIndex, i * aRowStride + u * granule * aStep),
          granule, t.lanes);
      for (int64_t j = 0; j < t.nv; ++j) {
        Value &sum = acc[i * t.nv + j];
        sum = inner.step(k, a, line[j], sum);
      }
    }
  }
}

} // namespace

LogicalResult emitMatmul(const Contraction &c, const MatmulTiling &tiling,
                         KernelBuilder &k) {
  return MatmulEmitter(c, tiling, k).run();
}

} // namespace fusilli::compiler
