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
//       [panel of the filter to local memory as [k][nr]] once per channel block
//       for each block of k (taps, or parts of the channels)
//         for each tile of mr positions
//           mr x nr accumulators, from 0 or from local memory; then to local
//           memory, or (last block) the epilogue
//
// Tiles at an edge overlap their neighbours where there is room and recompute
// the same values; so no output of these kernels may be one of its inputs.

#include "compiler/Codegen/CPU/Convolution.h"

#include "compiler/Codegen/CPU/Emit/Packing.h"
#include "compiler/Codegen/CPU/Emit/TileEpilogue.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// One loop over a part of the reduction, outermost first.
struct KSegment {
  int64_t extent;
  int64_t aStride; ///< elements of the A source
};

class ConvolutionEmitter {
public:
  ConvolutionEmitter(const Contraction &c, const ConvolutionTiling &t,
                     KernelBuilder &k)
      : c(c), t(t), k(k), b(k.builder()), e(c.model, k), inner(*t.inner),
        epilogue(c, k, t.mr, t.nv, t.lanes), granule(inner.getGranule()),
        packed(inner.getPackedType(c)), panels(llvm::divideCeil(c.n, t.nr())),
        panelsPerGroup(llvm::divideCeil(t.columns, t.nr())) {}

  LogicalResult run();

private:
  void planWindow();
  void planSteps();
  void allocate();
  InnerProduct::Convert getConvert(const ContractionOperand &o, bool isA);
  void packWindow(Value first);
  void packWindowRow(Value inputBase, Value target);
  void packPanel(Value slot, Value n0);
  void computePanel(Value slot, Value n0);
  void positions(unsigned depth, Value aBase, Value slot, Value n0,
                 Value kStart);
  void tiles(Value aBase, Value slot, Value n0, Value kStart);
  SmallVector<Value> rowBases(Value aBase, Value first);
  SmallVector<Value> multiply(ArrayRef<Value> rows, Value bIndex,
                              ValueRange init);
  void step(ArrayRef<Value> rows, Value aOffset, Value bIndex,
            SmallVectorImpl<Value> &acc);
  Value broadcastA(Value index);
  bool isMerged(const SpatialDim &s) const {
    return llvm::is_contained(c.mLoops, s.outputLoop);
  }

  const Contraction &c;
  const ConvolutionTiling &t;
  KernelBuilder &k;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  const InnerProduct &inner;
  TileEpilogue epilogue;
  int64_t granule;
  Type packed;
  int64_t panels, panelsPerGroup;

  llvm::DenseMap<int, Value> loopIv; ///< batch, group, outer positions
  Value blockFirst;                  ///< first row of this workgroup
  SmallVector<int64_t, 3> aSpatial;  ///< A source stride per spatial dim
  int64_t aChannels = 0;             ///< of the window, padded to a granule
  int64_t windowSize = 0;            ///< elements of the local window
  SmallVector<KSegment, 6> outerSteps, innerSteps; ///< blocks of k, and in one
  int64_t numBlocks = 1, blockLines = 1;
  int64_t kLines = 1; ///< lines of a panel
  int64_t blockPositions = 1, numTiles = 1, outerPositions = 1;
  Value aMem, bMem, sums, compensation;
};

LogicalResult ConvolutionEmitter::run() {
  epilogue.setNativeBf16(inner.getName() == "bf16-dot");
  planWindow();
  planSteps();
  allocate();

  const SpatialDim &first = c.spatial.front();
  int64_t rowBlocks = llvm::divideCeil(first.outputs, t.rows);
  int64_t groups = llvm::divideCeil(panels, panelsPerGroup);
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
    // The last block is moved back to be a whole one.
    blockFirst =
        k.minIndex(k.mulIndex(at[next], t.rows), first.outputs - t.rows);
    Value key = sharing.is(0) ? id : k.divIndex(id, sharing);
    Value isNew =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, key, before[0]);
    if (t.packA)
      k.outline("pack_a", [&] { packWindow(blockFirst); });
    Value lo = k.mulIndex(group, panelsPerGroup);
    Value hi = k.minIndex(k.addIndex(lo, panelsPerGroup), panels);
    k.loop(lo, hi, 1, [&](Value panel) {
      Value slot = k.subIndex(panel, lo);
      Value n0 = k.mulIndex(panel, t.nr());
      if (c.n >= t.nr())
        n0 = k.minIndex(n0, c.n - t.nr());
      k.ifThen(isNew,
               [&] { k.outline("pack_b", [&] { packPanel(slot, n0); }); });
      computePanel(slot, n0);
    });
    return SmallVector<Value>{key};
  });
  return failure(epilogue.hasFailed());
}

/// Where the inner loop finds the input.
void ConvolutionEmitter::planWindow() {
  size_t rank = c.spatial.size();
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
    running *= i == 0 ? (t.rows - 1) * s.stride + (s.taps - 1) * s.dilation + 1
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
  for (const KSegment &s : segments)
    kLines *= s.extent;
  if (c.channelwise) {
    innerSteps = segments;
    blockLines = kLines;
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
  numBlocks = kLines / blockLines;
}

void ConvolutionEmitter::allocate() {
  if (t.packA)
    aMem = k.local(packed, windowSize + 64);
  else
    aMem = k.binding(c.a.binding);
  bMem = k.local(granule > 1 ? Type(b.getI32Type()) : packed,
                 panelsPerGroup * kLines * t.nr());
  blockPositions = 1;
  for (auto [i, s] : llvm::enumerate(c.spatial)) {
    int64_t extent = i == 0 ? t.rows : s.outputs;
    if (c.mergesAllPositions() || isMerged(s))
      blockPositions *= extent;
    else
      outerPositions *= extent;
  }
  numTiles = llvm::divideCeil(blockPositions, t.mr);
  if (numBlocks > 1)
    sums = k.local(c.acc, outerPositions * numTiles * t.mr * t.nr());
  if (inner.isCompensated())
    compensation = k.local(c.acc, panelsPerGroup * t.nr());
}

InnerProduct::Convert
ConvolutionEmitter::getConvert(const ContractionOperand &o, bool isA) {
  InnerProduct::Convert fromBody;
  if (!o.isPlain())
    fromBody = [this, &o](Value v) -> Value {
      SmallVector<Value> args(3);
      args[o.input] = v;
      return *e.payload(c.getOp(), args, o.inBody);
    };
  return inner.getConvert(k, isA, fromBody);
}

/// Copies this workgroup's part of A to local memory.
void ConvolutionEmitter::packWindow(Value first) {
  Packer packer(k, packed, t.lanes, 1, getConvert(c.a, true));
  packer.setPackedZero(inner.getPackedZero(b.getContext()));
  Value base = k.index(0);
  for (auto [l, iv] : loopIv)
    base = k.addIndex(base, k.mulIndex(iv, c.a.coefs[l]));
  size_t rank = c.spatial.size();
  if (rank == 1) {
    // The block's part of the only dim; what is outside of it is zero.
    const SpatialDim &s = c.spatial[0];
    int64_t extent = (t.rows - 1) * s.stride + (s.taps - 1) * s.dilation + 1;
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
    extents.push_back(i == 0 ? (t.rows - 1) * s.stride +
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
  Packer packer(k, packed, t.lanes, 1, getConvert(c.a, true));
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

/// Copies the panel of the filter that starts at column n0 to its slot.
void ConvolutionEmitter::packPanel(Value slot, Value n0) {
  Packer packer(k, packed, t.lanes, granule, getConvert(c.b, false));
  int64_t nStride = c.b.coefs[c.nLoop];
  Value base = k.addIndex(k.mulIndex(n0, nStride), c.b.offset);
  for (auto [l, iv] : loopIv)
    base = k.addIndex(base, k.mulIndex(iv, c.b.coefs[l]));
  Value to = k.mulIndex(slot, kLines * t.nr());
  // Lines in the order of the steps: taps, then channels. The outer part is a
  // loop nest, the inner one a packed block.
  SmallVector<KSegment, 4> parts;
  auto add = [&](int64_t extent, int64_t stride) {
    if (extent == 1)
      return;
    if (!parts.empty() && granule == 1 &&
        parts.back().aStride == stride * extent)
      parts.back() = {parts.back().extent * extent, stride};
    else
      parts.push_back({extent, stride});
  };
  for (const SpatialDim &s : c.spatial)
    add(s.taps, c.b.coefs[s.filterLoop]);
  KSegment block{1, 1};
  if (!c.channelwise && (c.channels() > 1 || granule > 1)) {
    if (granule > 1)
      parts.push_back({c.channels(), c.b.coefs[c.channelLoop()]});
    else
      add(c.channels(), c.b.coefs[c.channelLoop()]);
  }
  // A filter that is walked backwards is no packed block.
  if (!parts.empty() && parts.back().aStride >= 0)
    block = parts.pop_back_val();
  int64_t lines = llvm::divideCeil(block.extent, granule);
  std::function<void(unsigned, Value, Value)> nest = [&](unsigned depth,
                                                         Value from,
                                                         Value line) {
    if (depth == parts.size()) {
      packer.packPanel({k.binding(c.b.binding), from, block.aStride, nStride},
                       block.extent, std::min(c.n, t.nr()), t.nr(), bMem,
                       k.addIndex(to, k.mulIndex(line, lines * t.nr())));
      return;
    }
    k.loop(k.index(0), k.index(parts[depth].extent), 1, [&](Value i) {
      int64_t stride = parts[depth].aStride;
      nest(depth + 1,
           stride < 0 ? k.subIndex(from, k.mulIndex(i, -stride))
                      : k.addIndex(from, k.mulIndex(i, stride)),
           k.addIndex(k.mulIndex(line, parts[depth].extent), i));
    });
  };
  nest(0, base, k.index(0));
  if (!compensation)
    return;
  SmallVector<Value> zeros(t.nv, k.zero(k.vectorType(c.acc, t.lanes)));
  SmallVector<Value> total = k.loop(
      k.index(0), k.index(kLines), 1, zeros, [&](Value l, ValueRange carried) {
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

/// All blocks of k and tiles of one panel.
void ConvolutionEmitter::computePanel(Value slot, Value n0) {
  Value base = k.index(0);
  if (!t.packA) {
    for (auto [l, iv] : loopIv)
      base = k.addIndex(base, k.mulIndex(iv, c.a.coefs[l]));
    base = k.addIndex(
        base, k.mulIndex(blockFirst, aSpatial[0] * c.spatial[0].stride));
  }
  if (numBlocks == 1) {
    positions(0, base, slot, n0, k.index(0));
    return;
  }
  SmallVector<Extent> extents;
  for (const KSegment &s : outerSteps)
    extents.push_back(s.extent);
  k.loop(k.index(0), k.index(numBlocks), 1, [&](Value block) {
    Value from = base;
    for (auto [s, i] : llvm::zip(outerSteps, k.delinearize(block, extents)))
      from = k.addIndex(from, k.mulIndex(i, s.aStride));
    positions(0, from, slot, n0, block);
  });
}

/// Loops over the output positions that are not walked as one.
void ConvolutionEmitter::positions(unsigned depth, Value aBase, Value slot,
                                   Value n0, Value kStart) {
  if (depth == c.spatial.size()) {
    tiles(aBase, slot, n0, kStart);
    return;
  }
  const SpatialDim &s = c.spatial[depth];
  if (c.mergesAllPositions() || isMerged(s)) {
    positions(depth + 1, aBase, slot, n0, kStart);
    return;
  }
  int64_t extent = depth == 0 ? t.rows : s.outputs;
  k.loop(k.index(0), k.index(extent), 1, [&](Value i) {
    loopIv[s.outputLoop] = depth == 0 ? k.addIndex(i, blockFirst) : i;
    positions(depth + 1,
              k.addIndex(aBase, k.mulIndex(i, s.stride * aSpatial[depth])),
              slot, n0, kStart);
    loopIv.erase(s.outputLoop);
  });
}

/// Tiles of mr positions; the last one is moved back to be a whole one.
void ConvolutionEmitter::tiles(Value aBase, Value slot, Value n0,
                               Value kStart) {
  // Where the block's first position is among all that are walked as one.
  Value blockStart = k.index(0);
  if (c.mergesAllPositions())
    blockStart = k.mulIndex(blockFirst, c.m / c.spatial.front().outputs);
  Value outer = k.index(0); // number of the positions outside
  for (auto [i, s] : llvm::enumerate(c.spatial))
    if (Value iv = loopIv.lookup(s.outputLoop)) {
      if (i == 0)
        iv = k.subIndex(iv, blockFirst);
      outer = k.addIndex(k.mulIndex(outer, i == 0 ? t.rows : s.outputs), iv);
    }
  k.loop(k.index(0), k.index(numTiles), 1, [&](Value number) {
    Value p0 = k.minIndex(k.mulIndex(number, t.mr), blockPositions - t.mr);
    VectorType type = k.vectorType(c.acc, t.lanes);
    SmallVector<Value> init(t.mr * t.nv, k.zero(type));
    if (compensation)
      for (int64_t j = 0; j < t.nv; ++j) {
        Value v = k.load(compensation,
                         k.addIndex(k.mulIndex(slot, t.nr()), j * t.lanes),
                         t.lanes, t.lanes, 1);
        for (int64_t i = 0; i < t.mr; ++i)
          init[i * t.nv + j] = v;
      }
    Value at;
    if (sums) {
      at = k.mulIndex(k.addIndex(k.mulIndex(outer, numTiles), number),
                      t.mr * t.nr());
      SmallVector<Type> types(t.mr * t.nv, type);
      auto branch = scf::IfOp::create(b, types, k.isEqual(kStart, k.index(0)),
                                      /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(branch.thenBlock());
      scf::YieldOp::create(b, init);
      b.setInsertionPointToEnd(branch.elseBlock());
      SmallVector<Value> loaded;
      for (int64_t i = 0; i < t.mr * t.nv; ++i)
        loaded.push_back(
            k.load(sums, k.addIndex(at, i * t.lanes), t.lanes, t.lanes, 1));
      scf::YieldOp::create(b, loaded);
      init.assign(branch.getResults().begin(), branch.getResults().end());
    }
    SmallVector<Value> rows = rowBases(aBase, p0);
    if (c.channelwise)
      for (Value &row : rows)
        row = k.addIndex(row, n0);
    Value bIndex = k.addIndex(k.mulIndex(slot, kLines * t.nr()),
                              k.mulIndex(kStart, blockLines * t.nr()));
    SmallVector<Value> acc = multiply(rows, bIndex, init);
    Value m0 = k.addIndex(p0, blockStart);
    if (!sums) {
      epilogue.emit(acc, loopIv, m0, n0);
      return;
    }
    k.ifThenElse(
        k.isEqual(kStart, k.index(numBlocks - 1)),
        [&] { epilogue.emit(acc, loopIv, m0, n0); },
        [&] {
          for (auto [i, v] : llvm::enumerate(acc))
            k.store(v, sums, k.addIndex(at, int64_t(i) * t.lanes), t.lanes, 1);
        });
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
    rows.push_back(base);
  }
  return rows;
}

/// The loops over one block of k.
SmallVector<Value> ConvolutionEmitter::multiply(ArrayRef<Value> rows,
                                                Value bIndex, ValueRange init) {
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
            SmallVector<Value> next(in);
            for (int64_t u = 0; u < count; ++u) {
              if (u)
                k.barrier();
              step(rows, k.addIndex(at, u * s.aStride),
                   k.addIndex(bIndex,
                              k.addIndex(k.mulIndex(l, t.nr()), u * t.nr())),
                   next);
            }
            return next;
          };
        };
        int64_t whole = s.extent / unroll * unroll;
        SmallVector<Value> acc =
            k.loop(k.index(0), k.index(whole), unroll, carried, body(unroll));
        if (whole < s.extent)
          acc = k.loop(k.index(whole), k.index(s.extent), 1, acc, body(1));
        return acc;
      };
  return nest(0, k.index(0), k.index(0), init);
}

/// One step of k for the whole tile.
void ConvolutionEmitter::step(ArrayRef<Value> rows, Value aOffset, Value bIndex,
                              SmallVectorImpl<Value> &acc) {
  SmallVector<Value> columns;
  for (int64_t j = 0; j < t.nv; ++j)
    columns.push_back(
        k.load(bMem, k.addIndex(bIndex, j * t.lanes), t.lanes, t.lanes, 1));
  for (int64_t i = 0; i < t.mr; ++i) {
    Value row = k.addIndex(rows[i], aOffset);
    Value a = c.channelwise ? Value() : broadcastA(row);
    for (int64_t j = 0; j < t.nv; ++j) {
      if (c.channelwise)
        a = k.load(aMem, k.addIndex(row, j * t.lanes), t.lanes, t.lanes, 1);
      Value &sum = acc[i * t.nv + j];
      sum = inner.step(k, a, columns[j], sum);
    }
  }
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
