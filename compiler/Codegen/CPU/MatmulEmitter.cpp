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
//         [panel of B to local memory as [k][nr]] once per block of columns
//         for each tile of mr rows
//           mr x nr accumulators, from 0 or from local memory, in registers
//           over the block of k; then to local memory, or (last block) the
//           epilogue
//
// Tiles at an edge overlap their neighbours where there is room and recompute
// the same values; so no output of these kernels may be one of its inputs.

#include "compiler/Codegen/CPU/Emit/Packing.h"
#include "compiler/Codegen/CPU/Emit/TileEpilogue.h"
#include "compiler/Codegen/CPU/Matmul.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

class MatmulEmitter {
public:
  MatmulEmitter(const Contraction &c, const MatmulTiling &t, KernelBuilder &k)
      : c(c), t(t), k(k), b(k.builder()), e(c.model, k), inner(*t.inner),
        epilogue(c, k, t.mr, t.nv, t.lanes), granule(inner.getGranule()),
        depth(std::max<int64_t>(c.k, 1)), kBlocks(t.numKBlocks(c)),
        panels(llvm::divideCeil(c.n, t.nr())),
        panelsPerGroup(llvm::divideCeil(t.columns, t.nr())),
        tiles(llvm::divideCeil(t.rows, t.mr)) {}

  LogicalResult run();

private:
  void allocate();
  InnerProduct::Convert getConvert(const ContractionOperand &o, bool isA);
  void packA(Value row, Value kBlock);
  void packAPart(Value row, Value from, int64_t length);
  void packPanel(Value slot, Value n0);
  void computeBlock(Value row, Value group, Value isNew, Value kBlock);
  void tile(Value row, Value localRow, Value slot, Value tileId, Value n0,
            Value kBlock);
  SmallVector<Value> startTile(Value slot, Value at, Value kBlock);
  SmallVector<Value> multiply(Value aIndex, Value bIndex, Value kBlock,
                              ValueRange init);
  void steps(Value aIndex, Value bIndex, int64_t count,
             SmallVectorImpl<Value> &acc);
  Value broadcastA(Value index);
  Value batchOffset(const ContractionOperand &o);

  const Contraction &c;
  const MatmulTiling &t;
  KernelBuilder &k;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  const InnerProduct &inner;
  TileEpilogue epilogue;
  int64_t granule, depth, kBlocks, panels, panelsPerGroup, tiles;
  llvm::DenseMap<int, Value> loopIv; ///< batch loops
  Value aMem, bMem, sums, compensation;
  int64_t aRowStride = 0, aStep = 0; ///< in elements of aMem
  int64_t bLine = 0;                 ///< words from line to line of B
};

LogicalResult MatmulEmitter::run() {
  epilogue.setNativeBf16(inner.getName() == "bf16-dot");
  allocate();
  int64_t rowBlocks = llvm::divideCeil(c.m, t.rows);
  int64_t groups = llvm::divideCeil(panels, panelsPerGroup);
  Extent count = rowBlocks * groups;
  SmallVector<Extent> extents;
  for (int l : c.batchLoops) {
    extents.push_back(c.getExtent(l));
    count = count * c.getExtent(l);
  }
  extents.push_back(groups);
  extents.push_back(rowBlocks);
  k.setWorkgroups(count);

  // What is packed of B holds for the row blocks that follow.
  k.loop(k.begin(), k.end(), 1, {k.end()}, [&](Value id, ValueRange packed) {
    SmallVector<Value> at = k.delinearize(id, extents);
    for (auto [i, l] : llvm::enumerate(c.batchLoops))
      loopIv[l] = at[i];
    Value group = at[at.size() - 2];
    // The last block is moved back to be a whole one.
    Value row = k.minIndex(k.mulIndex(at.back(), t.rows), c.m - t.rows);
    Value key = k.divIndex(id, rowBlocks);
    Value isNew =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, key, packed[0]);
    if (kBlocks == 1)
      computeBlock(row, group, isNew, k.index(0));
    else
      k.loop(k.index(0), k.index(kBlocks), 1, [&](Value kBlock) {
        Value first = k.isEqual(kBlock, k.index(0));
        computeBlock(row, group, arith::AndIOp::create(b, first, isNew),
                     kBlock);
      });
    return SmallVector<Value>{key};
  });
  return failure(epilogue.hasFailed());
}

void MatmulEmitter::allocate() {
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
    aMem = k.binding(c.a.binding);
    aRowStride = c.a.coefs[c.mLoops.back()];
    aStep = c.a.coefs[c.innerK()];
  }
  if (t.directB) {
    bMem = k.binding(c.b.binding);
    bLine = c.b.coefs[c.innerK()];
  } else {
    bLine = t.nr();
    int64_t lines = llvm::divideCeil(depth, granule);
    bMem = k.local(granule > 1 ? Type(b.getI32Type()) : packed,
                   panelsPerGroup * lines * t.nr());
  }
  if (kBlocks > 1)
    sums = k.local(c.acc, panelsPerGroup * tiles * t.mr * t.nr());
  if (inner.isCompensated())
    compensation = k.local(c.acc, panelsPerGroup * t.nr());
}

InnerProduct::Convert MatmulEmitter::getConvert(const ContractionOperand &o,
                                                bool isA) {
  InnerProduct::Convert fromBody;
  if (!o.isPlain())
    fromBody = [this, &o](Value v) -> Value {
      SmallVector<Value> args(3);
      args[o.input] = v;
      return *e.payload(c.getOp(), args, o.inBody);
    };
  return inner.getConvert(k, isA, fromBody);
}

Value MatmulEmitter::batchOffset(const ContractionOperand &o) {
  Value base = k.index(o.offset);
  for (int l : c.batchLoops)
    base = k.addIndex(base, k.mulIndex(loopIv.lookup(l), o.coefs[l]));
  return base;
}

/// Copies rows of A, this block of k, to local memory.
void MatmulEmitter::packA(Value row, Value kBlock) {
  Value from =
      k.addIndex(batchOffset(c.a), k.mulIndex(row, c.a.coefs[c.mLoops.back()]));
  from = k.addIndex(from, k.mulIndex(kBlock, t.kBlock * c.a.coefs[c.innerK()]));
  int64_t last = depth - (kBlocks - 1) * t.kBlock;
  if (last == t.kBlock || kBlocks == 1) {
    k.outline("pack_a", [&] { packAPart(row, from, last); });
    return;
  }
  k.ifThenElse(
      k.isLess(kBlock, k.index(kBlocks - 1)),
      [&] { k.outline("pack_a", [&] { packAPart(row, from, t.kBlock); }); },
      [&] { k.outline("pack_a", [&] { packAPart(row, from, last); }); });
}

void MatmulEmitter::packAPart(Value row, Value from, int64_t length) {
  Type packed = inner.getPackedType(c);
  Packer packer(k, packed, t.lanes, 1, getConvert(c.a, true));
  PackSource source{k.binding(c.a.binding), from, c.a.coefs[c.mLoops.back()],
                    c.a.coefs[c.innerK()]};
  packer.packLines(source, t.rows, length, granule, aMem, k.index(0),
                   aRowStride);
}

/// Copies the panel of B that starts at column n0 to its slot.
void MatmulEmitter::packPanel(Value slot, Value n0) {
  Packer packer(k, inner.getPackedType(c), t.lanes, granule,
                getConvert(c.b, false));
  int64_t nStride = c.b.coefs[c.nLoop];
  Value from = k.addIndex(batchOffset(c.b), k.mulIndex(n0, nStride));
  int64_t lines = llvm::divideCeil(depth, granule);
  Value to = k.mulIndex(slot, lines * t.nr());
  packer.packPanel(
      {k.binding(c.b.binding), from, c.b.coefs[c.innerK()], nStride}, depth,
      std::min(c.n, t.nr()), t.nr(), bMem, to);
  if (!compensation)
    return;
  SmallVector<Value> zeros(t.nv, k.zero(k.vectorType(c.acc, t.lanes)));
  SmallVector<Value> total = k.loop(
      k.index(0), k.index(lines), 1, zeros, [&](Value l, ValueRange carried) {
        SmallVector<Value> next;
        for (int64_t j = 0; j < t.nv; ++j) {
          Value word = k.load(
              bMem,
              k.addIndex(k.addIndex(to, k.mulIndex(l, t.nr())), j * t.lanes),
              t.lanes, t.lanes, 1);
          next.push_back(inner.compensate(k, word, carried[j]));
        }
        return next;
      });
  for (int64_t j = 0; j < t.nv; ++j)
    k.store(total[j], compensation,
            k.addIndex(k.mulIndex(slot, t.nr()), j * t.lanes), t.lanes, 1);
}

void MatmulEmitter::computeBlock(Value row, Value group, Value isNew,
                                 Value kBlock) {
  if (t.packA)
    packA(row, kBlock);
  Value lo = k.mulIndex(group, panelsPerGroup);
  Value hi = k.minIndex(k.addIndex(lo, panelsPerGroup), panels);
  k.loop(lo, hi, 1, [&](Value panel) {
    Value slot = k.subIndex(panel, lo);
    Value n0 = k.mulIndex(panel, t.nr());
    if (c.n >= t.nr())
      n0 = k.minIndex(n0, c.n - t.nr());
    if (!t.directB)
      k.ifThen(isNew,
               [&] { k.outline("pack_b", [&] { packPanel(slot, n0); }); });
    k.loop(k.index(0), k.index(tiles), 1, [&](Value tileId) {
      Value localRow = k.minIndex(k.mulIndex(tileId, t.mr), t.rows - t.mr);
      tile(row, localRow, slot, tileId, n0, kBlock);
    });
  });
}

/// Sums of the tile before this block of k.
SmallVector<Value> MatmulEmitter::startTile(Value slot, Value at,
                                            Value kBlock) {
  VectorType type = k.vectorType(c.acc, t.lanes);
  SmallVector<Value> zeros(t.mr * t.nv, k.zero(type));
  if (compensation)
    for (int64_t j = 0; j < t.nv; ++j) {
      Value v = k.load(compensation,
                       k.addIndex(k.mulIndex(slot, t.nr()), j * t.lanes),
                       t.lanes, t.lanes, 1);
      for (int64_t i = 0; i < t.mr; ++i)
        zeros[i * t.nv + j] = v;
    }
  if (!sums)
    return zeros;
  SmallVector<Type> types(t.mr * t.nv, type);
  auto branch = scf::IfOp::create(b, types, k.isEqual(kBlock, k.index(0)),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(b, zeros);
  b.setInsertionPointToEnd(branch.elseBlock());
  SmallVector<Value> loaded;
  for (int64_t i = 0; i < t.mr * t.nv; ++i)
    loaded.push_back(
        k.load(sums, k.addIndex(at, i * t.lanes), t.lanes, t.lanes, 1));
  scf::YieldOp::create(b, loaded);
  return SmallVector<Value>(branch.getResults());
}

void MatmulEmitter::tile(Value row, Value localRow, Value slot, Value tileId,
                         Value n0, Value kBlock) {
  Value at; // of the tile's sums
  if (sums)
    at = k.mulIndex(k.addIndex(k.mulIndex(slot, tiles), tileId), t.mr * t.nr());
  Value aIndex = k.mulIndex(localRow, aRowStride), bIndex;
  if (!t.packA) {
    aIndex = k.addIndex(
        aIndex, k.addIndex(batchOffset(c.a), k.mulIndex(row, aRowStride)));
    aIndex = k.addIndex(aIndex, k.mulIndex(kBlock, t.kBlock * aStep));
  }
  int64_t lines = llvm::divideCeil(depth, granule);
  if (t.directB)
    bIndex = k.addIndex(batchOffset(c.b), n0);
  else
    bIndex = k.mulIndex(slot, lines * t.nr());
  bIndex = k.addIndex(bIndex, k.mulIndex(kBlock, t.kBlock / granule * bLine));
  SmallVector<Value> acc =
      multiply(aIndex, bIndex, kBlock, startTile(slot, at, kBlock));
  Value m0 = k.addIndex(row, localRow);
  if (!sums) {
    epilogue.emit(acc, loopIv, m0, n0);
    return;
  }
  k.ifThenElse(
      k.isEqual(kBlock, k.index(kBlocks - 1)),
      [&] { epilogue.emit(acc, loopIv, m0, n0); },
      [&] {
        for (auto [i, v] : llvm::enumerate(acc))
          k.store(v, sums, k.addIndex(at, int64_t(i) * t.lanes), t.lanes, 1);
      });
}

/// The loop over this block of k.
SmallVector<Value> MatmulEmitter::multiply(Value aIndex, Value bIndex,
                                           Value kBlock, ValueRange init) {
  int64_t whole = llvm::divideCeil(std::min(t.kBlock, depth), granule);
  int64_t last = llvm::divideCeil(depth - (kBlocks - 1) * t.kBlock, granule);
  auto body = [&](int64_t count) {
    return [&, count](Value step, ValueRange carried) {
      SmallVector<Value> acc(carried);
      steps(k.addIndex(aIndex, k.mulIndex(step, granule * aStep)),
            k.addIndex(bIndex, k.mulIndex(step, bLine)), count, acc);
      return acc;
    };
  };
  if (last == whole) {
    int64_t unrolled = whole / t.unroll * t.unroll;
    SmallVector<Value> acc(init);
    if (unrolled)
      acc =
          k.loop(k.index(0), k.index(unrolled), t.unroll, acc, body(t.unroll));
    if (unrolled < whole)
      acc = k.loop(k.index(unrolled), k.index(whole), 1, acc, body(1));
    return acc;
  }
  Value isLast = k.isEqual(kBlock, k.index(kBlocks - 1));
  Value count =
      arith::SelectOp::create(b, isLast, k.index(last), k.index(whole));
  Value unrolled =
      arith::SelectOp::create(b, isLast, k.index(last / t.unroll * t.unroll),
                              k.index(whole / t.unroll * t.unroll));
  SmallVector<Value> acc =
      k.loop(k.index(0), unrolled, t.unroll, init, body(t.unroll));
  if (t.unroll == 1)
    return acc;
  return k.loop(unrolled, count, 1, acc, body(1));
}

/// `count` steps of k for the whole tile.
void MatmulEmitter::steps(Value aIndex, Value bIndex, int64_t count,
                          SmallVectorImpl<Value> &acc) {
  for (int64_t u = 0; u < count; ++u) {
    if (u)
      k.barrier();
    SmallVector<Value> columns;
    for (int64_t j = 0; j < t.nv; ++j)
      columns.push_back(k.load(bMem,
                               k.addIndex(bIndex, u * bLine + j * t.lanes),
                               t.lanes, t.lanes, 1));
    for (int64_t i = 0; i < t.mr; ++i) {
      Value a =
          broadcastA(k.addIndex(aIndex, i * aRowStride + u * granule * aStep));
      for (int64_t j = 0; j < t.nv; ++j) {
        Value &sum = acc[i * t.nv + j];
        sum = inner.step(k, a, columns[j], sum);
      }
    }
  }
}

/// The word of A at `index` in all lanes.
Value MatmulEmitter::broadcastA(Value index) {
  return k.loadWord(aMem, index, granule, t.lanes);
}

} // namespace

LogicalResult emitMatmul(const Contraction &c, const MatmulTiling &tiling,
                         KernelBuilder &k) {
  return MatmulEmitter(c, tiling, k).run();
}

} // namespace fusilli::compiler
