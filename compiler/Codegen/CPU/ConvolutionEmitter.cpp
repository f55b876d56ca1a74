// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code of convolutions with their epilogues, as products whose first operand is
// the input window. One workgroup is a block of rows of the output times a
// block of its channels; the workgroups of neighbouring rows share the packed
// filters:
//
//   for each workgroup
//     [window to local memory: channels innermost, padding written out]
//     for each panel of nr channels
//       [panel of the filter to local memory as [k][nr]] once per channel
//       block,
//                                           not where the filter was packed
//                                           before
//       for each block of k (taps, or parts of the channels)
//         for each tile of mr positions
//           mr x nr accumulators, from 0 or from local memory; then to local
//           memory, or (last block) the epilogue
//
// Tiles at an edge overlap their neighbours where there is room and recompute
// the same values; so no output of these kernels may be one of its inputs.

#include "compiler/Codegen/CPU/Convolution.h"

#include "compiler/Codegen/CPU/Emit/PackedColumns.h"
#include "compiler/Codegen/CPU/Emit/Packing.h"
#include "compiler/Codegen/CPU/Emit/TileEpilogue.h"
#include "compiler/Codegen/CPU/Emit/TileSums.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// One loop over a part of the reduction, outermost first.
struct KSegment {
  int64_t extent;
  int64_t aStride; ///< elements of the A source
};

/// The filter in the order of the steps: taps, then channels.
SmallVector<PackedColumns::Run> getFilterRuns(const Contraction &c) {
  SmallVector<PackedColumns::Run> runs;
  for (const SpatialDim &s : c.spatial)
    runs.push_back({s.taps, c.b.coefs[s.filterLoop]});
  if (!c.channelwise)
    runs.push_back({c.channels(), c.b.coefs[c.channelLoop()]});
  return runs;
}

class ConvolutionEmitter {
public:
  ConvolutionEmitter(const Contraction &c, const ConvolutionTiling &t,
                     KernelBuilder &k)
      : c(c), t(t), k(k), b(k.builder()), e(c.model, k), inner(*t.inner),
        columns(c, inner, t.lanes, t.nv, getFilterRuns(c)),
        sums(k, c.acc, t.mr, t.nv, t.lanes),
        epilogue(c, k, t.mr, t.nv, t.lanes), granule(inner.getGranule()),
        packed(inner.getPackedType(c)),
        panelsPerGroup(llvm::divideCeil(t.columns, t.nr())) {}

  LogicalResult run();

private:
  void planWindow();
  void planSteps();
  void allocate();
  void locateBlock(Value number);
  Value getPosition(Value tile);
  Value isPadding(Value position, Value block);
  void packWindow(Value first);
  void packWindowRow(Value inputBase, Value target);
  void computePanel(Value panelBase, Value n0);
  void positions(unsigned depth, Value aBase, Value panelBase, Value n0,
                 Value kStart);
  void tiles(Value aBase, Value panelBase, Value n0, Value kStart);
  SmallVector<Value> rowBases(Value aBase, Value first);
  SmallVector<Value> multiply(ArrayRef<Value> rows, Value bIndex, Value next,
                              Value skip, ValueRange init);
  void prefetch(Value from, Value line, int64_t count);
  void step(ArrayRef<Value> rows, Value aOffset, Value bIndex,
            SmallVectorImpl<Value> &acc);
  Value broadcastA(Value index);
  Value loadChannels(Value row, int64_t j);
  bool isMerged(const SpatialDim &s) const {
    return llvm::is_contained(c.mLoops, s.outputLoop);
  }

  const Contraction &c;
  const ConvolutionTiling &t;
  KernelBuilder &k;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  const InnerProduct &inner;
  PackedColumns columns;
  TileSums sums;
  TileEpilogue epilogue;
  int64_t granule;
  Type packed;
  int64_t panelsPerGroup;

  llvm::DenseMap<int, Value> loopIv; ///< batch, group, outer positions
  Value blockFirst;                  ///< first row of this workgroup
  SmallVector<int64_t, 3> aSpatial;  ///< A source stride per spatial dim
  int64_t aChannels = 0;             ///< of the window, padded to a granule
  int64_t windowSize = 0;            ///< elements of the local window
  SmallVector<KSegment, 6> outerSteps, innerSteps; ///< blocks of k, and in one
  int64_t numBlocks = 1, blockLines = 1;
  int64_t fetched = 0;        ///< words of the next block per step of a tile
  int64_t blockPositions = 1; ///< that are walked as one
  int64_t imageTiles = 1, numTiles = 1; ///< of them, and in a workgroup
  int64_t outerPositions = 1, windowRows = 1;
  Value firstTile, tileCount; ///< of this workgroup
  Value aMem, bMem;
};

LogicalResult ConvolutionEmitter::run() {
  epilogue.setNativeBf16(inner.getName() == "bf16-dot");
  planWindow();
  planSteps();
  allocate();

  const SpatialDim &first = c.spatial.front();
  int64_t rowBlocks = c.mergesAllPositions()
                          ? llvm::divideCeil(imageTiles, numTiles)
                          : llvm::divideCeil(first.outputs, t.block);
  int64_t groups = llvm::divideCeil(columns.getNumPanels(), panelsPerGroup);
  SmallVector<int, 4> outer, images;
  if (c.groupLoop >= 0)
    outer.push_back(c.groupLoop);
  for (int l : c.batchLoops)
    if (llvm::none_of(c.spatial,
                      [&](const SpatialDim &s) { return s.outputLoop == l; }))
      images.push_back(l);
  // Group, block of channels, image, block of rows: filters change slowest.
  SmallVector<Extent> extents;
  Extent count = groups * rowBlocks, sharing = rowBlocks;
  for (int l : outer) {
    extents.push_back(c.getExtent(l));
    count = count * c.getExtent(l);
  }
  extents.push_back(groups);
  for (int l : images) {
    extents.push_back(c.getExtent(l));
    count = count * c.getExtent(l);
    // A loop that the filters depend on too would make them new.
    sharing = c.b.coefs[l] ? Extent(0) : sharing * c.getExtent(l);
  }
  extents.push_back(rowBlocks);
  k.setWorkgroups(count);

  k.loop(k.begin(), k.end(), 1, {k.end()}, [&](Value id, ValueRange before) {
    SmallVector<Value> at = k.delinearize(id, extents);
    size_t next = 0;
    for (int l : outer)
      loopIv[l] = at[next++];
    Value group = at[next++];
    for (int l : images)
      loopIv[l] = at[next++];
    locateBlock(at[next]);
    Value key = before[0], isNew;
    if (!columns.isPrepared()) {
      key = sharing.is(0) ? id : k.divIndex(id, sharing);
      isNew =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, key, before[0]);
    }
    if (t.packA)
      k.outline("pack_a", [&] { packWindow(blockFirst); });
    Value lo = k.mulIndex(group, panelsPerGroup);
    Value hi =
        k.minIndex(k.addIndex(lo, panelsPerGroup), columns.getNumPanels());
    k.loop(lo, hi, 1, [&](Value panel) {
      Value n0 = columns.getFirstColumn(k, panel);
      Value base = columns.getBase(k, k.subIndex(panel, lo), panel, loopIv);
      if (isNew)
        k.ifThen(isNew, [&] {
          k.outline("pack_b", [&] { columns.pack(k, base, n0, loopIv); });
        });
      computePanel(base, n0);
    });
    return SmallVector<Value>{key};
  });
  return failure(epilogue.hasFailed());
}

/// The tiles of a block, and the rows of its window. The last window is moved
/// back to be a whole one.
void ConvolutionEmitter::locateBlock(Value number) {
  int64_t outputs = c.spatial.front().outputs;
  Value row;
  if (c.mergesAllPositions()) {
    firstTile = k.mulIndex(number, numTiles);
    tileCount = k.minIndex(k.index(numTiles),
                           k.subIndex(k.index(imageTiles), firstTile));
    row = k.divIndex(getPosition(k.index(0)), c.m / outputs);
  } else {
    firstTile = k.index(0);
    tileCount = k.index(numTiles);
    row = k.mulIndex(number, t.block);
  }
  blockFirst = k.minIndex(row, outputs - windowRows);
}

/// The first position of a tile of this block, of all that are walked as one;
/// the last tile is moved back to be a whole one.
Value ConvolutionEmitter::getPosition(Value tile) {
  Value number = k.addIndex(firstTile, tile);
  return k.minIndex(k.mulIndex(number, t.mr), blockPositions - t.mr);
}

/// Where the inner loop finds the input.
void ConvolutionEmitter::planWindow() {
  size_t rank = c.spatial.size();
  windowRows = t.getWindowRows(c);
  aSpatial.resize(rank);
  // Every lane of a whole vector of channels is there.
  aChannels = llvm::alignTo(c.channels(), c.channelwise ? t.lanes : granule);
  if (!t.packA) {
    for (size_t i = 0; i < rank; ++i)
      aSpatial[i] = c.spatial[i].inputStride;
    return;
  }
  int64_t running = aChannels;
  for (size_t i = rank; i-- > 0;) {
    aSpatial[i] = running;
    const SpatialDim &s = c.spatial[i];
    running *= i == 0
                   ? (windowRows - 1) * s.stride + (s.taps - 1) * s.dilation + 1
                   : s.paddedExtent();
  }
  windowSize = running;
}

/// Loops over k: taps, then channels; merged where the input is walked
/// linearly, and cut into blocks that a panel's part in the first cache level
/// is for.
void ConvolutionEmitter::planSteps() {
  SmallVector<KSegment, 6> segments;
  auto add = [&](KSegment s) {
    if (s.extent == 1)
      return;
    if (!segments.empty() && segments.back().aStride == s.aStride * s.extent) {
      segments.back() = {segments.back().extent * s.extent, s.aStride};
      return;
    }
    segments.push_back(s);
  };
  for (size_t i = 0; i < c.spatial.size(); ++i)
    add({c.spatial[i].taps, aSpatial[i] * c.spatial[i].dilation});
  // In granules.
  if (!c.channelwise)
    add({aChannels / granule, granule});
  if (segments.empty())
    segments.push_back({1, granule});
  if (c.channelwise) {
    innerSteps = segments;
    blockLines = columns.getNumLines();
    return;
  }
  // A long innermost run is cut at a divisor.
  KSegment last = segments.pop_back_val();
  for (int64_t parts = 1; last.extent / parts > 0; ++parts)
    if (last.extent % parts == 0 && last.extent / parts <= t.kBlock) {
      if (parts > 1)
        segments.push_back({parts, last.aStride * (last.extent / parts)});
      last.extent /= parts;
      break;
    }
  innerSteps.push_back(last);
  blockLines = last.extent;
  while (!segments.empty() && blockLines * segments.back().extent <= t.kBlock) {
    blockLines *= segments.back().extent;
    innerSteps.insert(innerSteps.begin(), segments.pop_back_val());
  }
  outerSteps = segments;
  numBlocks = columns.getNumLines() / blockLines;
}

void ConvolutionEmitter::allocate() {
  if (t.packA)
    aMem = k.local(packed, windowSize + 64);
  else
    aMem = k.binding(c.a.binding);
  if (t.packingB == ir::OperandPacking::Prepared)
    columns.prepare(k);
  else
    columns.allocate(k, panelsPerGroup);
  bMem = columns.getMemory();
  blockPositions = c.m;
  imageTiles = llvm::divideCeil(c.m, t.mr);
  numTiles =
      c.mergesAllPositions() ? llvm::divideCeil(t.block, t.mr) : imageTiles;
  for (auto [i, s] : llvm::enumerate(c.spatial))
    if (!c.mergesAllPositions() && !isMerged(s))
      outerPositions *= i == 0 ? t.block : s.outputs;
  int64_t allTiles = outerPositions * numTiles;
  if (numBlocks > 1)
    sums.allocate(allTiles);
  // One tile after the other fetches its share of the next block of the filter.
  if (!c.channelwise && blockLines >= 2 * t.unroll && allTiles >= 4)
    fetched = llvm::divideCeil(columns.getWidth(), allTiles);
}

/// Copies this workgroup's part of A to local memory.
void ConvolutionEmitter::packWindow(Value first) {
  Packer packer(k, packed, t.lanes, 1, getConvert(c, true, inner, e, k));
  packer.setPackedZero(inner.getPackedZero(b.getContext()));
  Value base = k.index(0);
  for (auto [l, iv] : loopIv)
    base = k.addIndex(base, k.mulIndex(iv, c.a.coefs[l]));
  size_t rank = c.spatial.size();
  if (rank == 1) {
    // The block's part of the only dim; what is outside of it is zero.
    const SpatialDim &s = c.spatial[0];
    int64_t extent =
        (windowRows - 1) * s.stride + (s.taps - 1) * s.dilation + 1;
    k.loop(k.index(0), k.index(extent), 1, [&](Value position) {
      Value input = arith::SubIOp::create(
          b, k.addIndex(position, k.mulIndex(first, s.stride)), k.index(s.pad));
      Value to = k.mulIndex(position, aChannels);
      k.ifThenElse(
          k.isLess(input, k.index(s.inputExtent)),
          [&] {
            PackSource source{
                k.binding(c.a.binding),
                k.addIndex(base, k.mulIndex(input, s.inputStride)), 0,
                c.a.coefs[c.channelLoop()]};
            packer.packLines(source, 1, c.channels(),
                             c.channelwise ? t.lanes : granule, aMem, to, 0);
          },
          [&] { packer.zeroFill(aMem, to, aChannels); });
    });
    return;
  }
  // All but the innermost spatial dim: rows outside of the image are zero.
  SmallVector<int64_t> extents;
  for (size_t i = 0; i + 1 < rank; ++i) {
    const SpatialDim &s = c.spatial[i];
    extents.push_back(i == 0 ? (windowRows - 1) * s.stride +
                                   (s.taps - 1) * s.dilation + 1
                             : s.paddedExtent());
  }
  int64_t total = 1;
  for (int64_t x : extents)
    total *= x;
  int64_t rowElements = c.spatial.back().paddedExtent() * aChannels;
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
void ConvolutionEmitter::packWindowRow(Value inputBase, Value target) {
  Packer packer(k, packed, t.lanes, 1, getConvert(c, true, inner, e, k));
  packer.setPackedZero(inner.getPackedZero(b.getContext()));
  const SpatialDim &s = c.spatial.back();
  int channel = c.channelLoop();
  if (s.pad)
    packer.zeroFill(aMem, target, s.pad * aChannels);
  if (s.padHigh)
    packer.zeroFill(aMem,
                    k.addIndex(target, (s.pad + s.inputExtent) * aChannels),
                    s.padHigh * aChannels);
  Value to = k.addIndex(target, s.pad * aChannels);
  PackSource source{k.binding(c.a.binding), inputBase, s.inputStride,
                    c.a.coefs[channel]};
  bool contiguous = s.inputStride == c.extents[channel] &&
                    c.a.coefs[channel] == 1 && aChannels == c.extents[channel];
  if (contiguous) // one long line
    packer.packLines({source.mem, inputBase, 0, 1}, 1,
                     s.inputExtent * c.extents[channel], 1, aMem, to, 0);
  else
    packer.packLines(source, s.inputExtent, c.extents[channel],
                     c.channelwise ? t.lanes : granule, aMem, to, aChannels);
}

/// All blocks of k and tiles of one panel.
void ConvolutionEmitter::computePanel(Value panelBase, Value n0) {
  Value base = k.index(0);
  if (!t.packA) {
    for (auto [l, iv] : loopIv)
      base = k.addIndex(base, k.mulIndex(iv, c.a.coefs[l]));
    base = k.addIndex(
        base, k.mulIndex(blockFirst, aSpatial[0] * c.spatial[0].stride));
  }
  if (numBlocks == 1) {
    positions(0, base, panelBase, n0, k.index(0));
    return;
  }
  SmallVector<Extent> extents;
  for (const KSegment &s : outerSteps)
    extents.push_back(s.extent);
  k.loop(k.index(0), k.index(numBlocks), 1, [&](Value block) {
    Value from = base;
    for (auto [s, i] : llvm::zip(outerSteps, k.delinearize(block, extents)))
      from = k.addIndex(from, k.mulIndex(i, s.aStride));
    positions(0, from, panelBase, n0, block);
  });
}

/// Loops over the output positions that are not walked as one.
void ConvolutionEmitter::positions(unsigned depth, Value aBase, Value panelBase,
                                   Value n0, Value kStart) {
  if (depth == c.spatial.size()) {
    tiles(aBase, panelBase, n0, kStart);
    return;
  }
  const SpatialDim &s = c.spatial[depth];
  if (c.mergesAllPositions() || isMerged(s)) {
    positions(depth + 1, aBase, panelBase, n0, kStart);
    return;
  }
  int64_t extent = depth == 0 ? t.block : s.outputs;
  k.loop(k.index(0), k.index(extent), 1, [&](Value i) {
    loopIv[s.outputLoop] = depth == 0 ? k.addIndex(i, blockFirst) : i;
    positions(depth + 1,
              k.addIndex(aBase, k.mulIndex(i, s.stride * aSpatial[depth])),
              panelBase, n0, kStart);
    loopIv.erase(s.outputLoop);
  });
}

/// Whether the input that the tile at `position` needs in this block of k lies
/// all in the padding before or behind the first spatial dim.
Value ConvolutionEmitter::isPadding(Value position, Value block) {
  const SpatialDim &s = c.spatial.front();
  bool isTap = !outerSteps.empty() && s.taps > 1 &&
               outerSteps.front().extent == s.taps &&
               outerSteps.front().aStride == aSpatial[0] * s.dilation;
  // What a compensated product takes off is of all of the filter.
  if (!isTap || !s.isPadded() || !c.mergesAllPositions() ||
      inner.isCompensated())
    return {};
  Value tap = k.divIndex(block, numBlocks / s.taps);
  auto getInput = [&](Value at) {
    Value row = k.divIndex(at, c.m / s.outputs);
    return k.addIndex(k.mulIndex(row, s.stride), k.mulIndex(tap, s.dilation));
  };
  Value before =
      k.isLess(getInput(k.addIndex(position, t.mr - 1)), k.index(s.pad));
  Value behind =
      k.isLess(k.index(s.pad + s.inputExtent - 1), getInput(position));
  return arith::OrIOp::create(b, before, behind);
}

/// Tiles of mr positions.
void ConvolutionEmitter::tiles(Value aBase, Value panelBase, Value n0,
                               Value kStart) {
  // Where the window's first position is among all that are walked as one.
  Value windowStart = k.index(0);
  if (c.mergesAllPositions())
    windowStart = k.mulIndex(blockFirst, c.m / c.spatial.front().outputs);
  Value outer = k.index(0); // number of the positions outside
  for (auto [i, s] : llvm::enumerate(c.spatial))
    if (Value iv = loopIv.lookup(s.outputLoop)) {
      if (i == 0)
        iv = k.subIndex(iv, blockFirst);
      outer = k.addIndex(k.mulIndex(outer, i == 0 ? t.block : s.outputs), iv);
    }
  k.loop(k.index(0), tileCount, 1, [&](Value number) {
    Value p0 = getPosition(number);
    Value place = k.addIndex(k.mulIndex(outer, numTiles), number);
    SmallVector<Value> init = sums.start(place, k.isEqual(kStart, k.index(0)),
                                         columns.getStart(k, panelBase));
    SmallVector<Value> rows = rowBases(aBase, k.subIndex(p0, windowStart));
    if (c.channelwise)
      for (Value &row : rows)
        row = k.addIndex(row, k.divIndex(n0, c.multiplier()));
    Value bIndex = k.addIndex(
        panelBase, k.mulIndex(kStart, blockLines * columns.getWidth()));
    Value next;
    if (fetched)
      next = k.addIndex(k.addIndex(bIndex, blockLines * columns.getWidth()),
                        k.mulIndex(place, fetched * blockLines));
    if (next)
      next = k.keep(next);
    if (rows.size() > 1)
      bIndex = k.keep(bIndex);
    SmallVector<Value> acc =
        multiply(rows, bIndex, next, isPadding(p0, kStart), init);
    sums.finish(acc, place, k.isEqual(kStart, k.index(numBlocks - 1)),
                [&] { epilogue.emit(acc, loopIv, p0, n0); });
  });
}

/// Where the windows of mr positions from `first` on start in the A source.
SmallVector<Value> ConvolutionEmitter::rowBases(Value aBase, Value first) {
  SmallVector<const SpatialDim *, 3> dims;
  SmallVector<int64_t, 3> steps;
  SmallVector<Extent, 3> extents;
  for (auto [i, s] : llvm::enumerate(c.spatial))
    if (isMerged(s)) {
      dims.push_back(&s);
      steps.push_back(s.stride * aSpatial[i]);
      extents.push_back(s.outputs);
    }
  SmallVector<Value> rows;
  // Linear already: one base and a step.
  bool linear = true;
  for (size_t i = 0; i + 1 < dims.size(); ++i)
    linear &= steps[i] == steps[i + 1] * dims[i + 1]->outputs;
  for (int64_t r = 0; r < t.mr; ++r) {
    Value at = k.addIndex(first, r);
    if (linear) {
      rows.push_back(k.addIndex(
          k.addIndex(aBase,
                     k.mulIndex(first, steps.empty() ? 0 : steps.back())),
          steps.empty() ? 0 : r * steps.back()));
      continue;
    }
    Value base = aBase;
    for (auto [digit, step] : llvm::zip(k.delinearize(at, extents), steps))
      base = k.addIndex(base, k.mulIndex(digit, step));
    rows.push_back(k.keep(base));
  }
  return rows;
}

/// The loops over one block of k.
SmallVector<Value> ConvolutionEmitter::multiply(ArrayRef<Value> rows,
                                                Value bIndex, Value next,
                                                Value skip, ValueRange init) {
  std::function<SmallVector<Value>(unsigned, Value, Value, ValueRange)> nest =
      [&](unsigned depth, Value aOffset, Value line, ValueRange carried) {
        const KSegment &s = innerSteps[depth];
        bool innermost = depth + 1 == innerSteps.size();
        int64_t unroll = innermost ? std::min(t.unroll, s.extent) : 1;
        auto body = [&](int64_t count) {
          return [&, count](Value i, ValueRange in) {
            Value at = k.addIndex(aOffset, k.mulIndex(i, s.aStride));
            Value l = depth ? k.addIndex(k.mulIndex(line, s.extent), i) : i;
            if (!innermost)
              return nest(depth + 1, at, l, in);
            SmallVector<Value> acc(in);
            if (next && count == unroll)
              prefetch(next, l, count);
            for (int64_t u = 0; u < count; ++u) {
              if (u)
                k.barrier();
              step(rows, k.addIndex(at, u * s.aStride),
                   k.addIndex(bIndex,
                              k.addIndex(k.mulIndex(l, t.nr()), u * t.nr())),
                   acc);
            }
            return acc;
          };
        };
        int64_t whole = s.extent / unroll * unroll;
        auto end = [&](int64_t begin, int64_t end) -> Value {
          if (depth || !skip)
            return k.index(end);
          return arith::SelectOp::create(b, skip, k.index(begin), k.index(end));
        };
        SmallVector<Value> acc =
            k.loop(k.index(0), end(0, whole), unroll, carried, body(unroll));
        if (whole < s.extent)
          acc = k.loop(k.index(whole), end(whole, s.extent), 1, acc, body(1));
        return acc;
      };
  return nest(0, k.index(0), k.index(0), init);
}

/// What `count` steps from `line` on fetch of the next block.
void ConvolutionEmitter::prefetch(Value from, Value line, int64_t count) {
  k.prefetch(bMem, k.addIndex(from, k.mulIndex(line, fetched)),
             fetched * count);
}

/// One step of k for the whole tile.
void ConvolutionEmitter::step(ArrayRef<Value> rows, Value aOffset, Value bIndex,
                              SmallVectorImpl<Value> &acc) {
  SmallVector<Value> line;
  for (int64_t j = 0; j < t.nv; ++j)
    line.push_back(
        k.load(bMem, k.addIndex(bIndex, j * t.lanes), t.lanes, t.lanes, 1));
  // As many words of A at once as there are registers.
  int64_t registers = k.target().numVectorRegisters;
  int64_t free = registers - (t.mr + 1) * t.nv;
  for (int64_t i = 0; i < t.mr; ++i) {
    if (registers > 16 && i && free > 0 && i % free == 0)
      k.barrier();
    Value row = k.addIndex(rows[i], aOffset);
    Value a = c.channelwise ? Value() : broadcastA(row);
    for (int64_t j = 0; j < t.nv; ++j) {
      if (c.channelwise)
        a = loadChannels(row, j);
      Value &sum = acc[i * t.nv + j];
      sum = inner.step(k, a, line[j], sum);
    }
  }
}

/// The channels of the j-th vector of columns, each as often as it has results.
Value ConvolutionEmitter::loadChannels(Value row, int64_t j) {
  int64_t times = c.multiplier(), count = t.lanes / times;
  Value v = k.load(aMem, k.addIndex(row, j * count), count, count, 1);
  if (times == 1)
    return v;
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < t.lanes; ++i)
    order.push_back(i / times);
  return vector::ShuffleOp::create(b, v, v, order);
}

/// The word of A at `index` in all lanes.
Value ConvolutionEmitter::broadcastA(Value index) {
  return k.loadWord(aMem, index, granule, t.lanes);
}

} // namespace

LogicalResult emitConvolution(const Contraction &c,
                              const ConvolutionTiling &tiling,
                              KernelBuilder &k) {
  return ConvolutionEmitter(c, tiling, k).run();
}

} // namespace fusilli::compiler
