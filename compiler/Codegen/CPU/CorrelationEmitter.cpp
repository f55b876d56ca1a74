// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `correlation`. One workgroup is one tap, a block of channels of one
// operand (rows) and a panel of channels of the other (columns, vectors):
//
//   sums = 0, in local memory
//   for each chunk of rows of positions
//     where each row begins and ends; rows packed, where not read in place
//     for each tile of mr rows
//       mr x nr accumulators in registers over the chunk's positions
//       sums += accumulators
//   epilogue on the sums, store
//
// So no accumulator adds up more than a chunk, and what a chunk reads stays in
// the cache for all tiles. Positions whose input lies in the padding are left
// out by the bounds of the loops.

#include "compiler/Codegen/CPU/Correlation.h"
#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/Emit/Packing.h"
#include "compiler/Codegen/CPU/Strategy.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Positions of a row that are handled together, and of a chunk.
constexpr int64_t kSegment = 256, kChunk = 384;
/// Bytes of one operand's packed chunk.
constexpr int64_t kPackedBytes = 192 << 10;
/// Workgroups that a kernel has where its work allows.
constexpr int64_t kWorkgroups = 64;
constexpr double kInlineFlops = 400e3;

/// What was decided.
struct CorrelationTiling {
  bool channelwise = false; ///< columns are groups: both operands are vectors
  bool columnsAreWindowed = true;
  int64_t lanes = 16, mr = 6, nv = 2;
  int64_t mBlock = 1;
  bool packA = false, packB = false;

  int64_t nr() const { return nv * lanes; }
};

/// The roles under a tiling: A is read as rows, B as columns.
struct Roles {
  const Correlation::Operand *a, *b;
  int mLoop, nLoop;
  int64_t m, n;

  Roles(const Correlation &c, bool channelwise, bool columnsAreWindowed) {
    a = columnsAreWindowed ? &c.plain : &c.windowed;
    b = columnsAreWindowed ? &c.windowed : &c.plain;
    mLoop = a->channelLoop;
    nLoop = channelwise ? c.groupLoop : b->channelLoop;
    m = c.extents[mLoop];
    n = c.extents[nLoop];
  }
};

double flopsOf(const Correlation &c) {
  double flops = 2;
  for (int64_t extent : c.extents)
    flops *= extent;
  return flops;
}

int64_t tapsOf(const Correlation &c) {
  int64_t taps = 1;
  for (const Correlation::Window &w : c.windows)
    taps *= w.taps;
  return taps;
}

CorrelationTiling chooseTiling(const Correlation &c, const TargetInfo &target) {
  CorrelationTiling t;
  t.lanes = target.lanes(c.acc.getIntOrFloatBitWidth());
  t.channelwise = c.groups() > 1 && c.extents[c.plain.channelLoop] == 1 &&
                  c.extents[c.windowed.channelLoop] == 1;
  // Columns: what fills vectors, and lies in memory as they do.
  auto score = [&](bool columnsAreWindowed) {
    Roles roles(c, false, columnsAreWindowed);
    double useful = double(roles.n) / llvm::alignTo(roles.n, t.lanes);
    return useful * (roles.b->coefs[roles.nLoop] == 1 ? 1.0 : 0.8);
  };
  t.columnsAreWindowed = t.channelwise || score(true) >= score(false);
  Roles roles(c, t.channelwise, t.columnsAreWindowed);
  t.nv = std::min<int64_t>(t.channelwise ? 4 : 2,
                           llvm::divideCeil(roles.n, t.lanes));
  int64_t registers = target.numVectorRegisters - 1;
  int64_t limit = std::clamp<int64_t>((registers - t.nv) / t.nv, 1, 14);
  double best = 0;
  t.mr = 1;
  for (int64_t r = 1; r <= std::min(limit, roles.m); ++r) {
    double useful = double(roles.m) / llvm::alignTo(roles.m, r);
    double products = r * t.nv;
    double value =
        useful * products / std::max({products, 10.0, 1.15 * (r + t.nv)});
    if (value > best * 1.001) {
      best = value;
      t.mr = r;
    }
  }
  int64_t others = (t.channelwise ? 1 : c.groups()) * tapsOf(c) *
                   llvm::divideCeil(roles.n, t.nr());
  int64_t blocks = std::clamp<int64_t>(llvm::divideCeil(kWorkgroups, others), 1,
                                       llvm::divideCeil(roles.m, 2 * t.mr));
  blocks = std::max<int64_t>(blocks, llvm::divideCeil(roles.m, 128));
  t.mBlock = std::min<int64_t>(
      roles.m, llvm::alignTo(llvm::divideCeil(roles.m, blocks), t.mr));
  auto isInPlace = [&](const Correlation::Operand &o, bool isVector) {
    return o.isPlain() && o.element == c.acc &&
           (!isVector || o.coefs[roles.nLoop] == 1);
  };
  t.packA = !isInPlace(*roles.a, t.channelwise);
  t.packB = !isInPlace(*roles.b, true);
  return t;
}

class CorrelationEmitter {
public:
  CorrelationEmitter(const Correlation &c, const CorrelationTiling &t,
                     KernelBuilder &k)
      : k(k), b(k.builder()), e(c.model, k), c(c), t(t),
        roles(c, t.channelwise, t.columnsAreWindowed), inner(c.windows.back()) {
    segment = std::min(inner.outputs, kSegment);
    segments = llvm::divideCeil(inner.outputs, segment);
    a = plan(*roles.a, t.packA,
             t.channelwise ? t.nr() : llvm::alignTo(t.mBlock, t.lanes));
    bb = plan(*roles.b, t.packB, t.nr());
    chunk = std::max<int64_t>(1, kChunk / segment);
    for (const Side *side : {&a, &bb})
      if (side->packed)
        chunk = std::clamp<int64_t>(
            kPackedBytes / (side->rowElements() * accBytes()), 1, chunk);
    for (Side *side : {&a, &bb})
      if (side->packed)
        side->mem = k.local(c.acc, chunk * side->rowElements() + t.lanes);
      else
        side->mem = k.binding(side->o->binding);
    for (Value *array : {&a.bases, &bb.bases, &firsts, &lasts})
      *array = k.local(b.getI64Type(), chunk);
    sums = k.local(c.acc, t.mBlock * t.nr());
  }

  LogicalResult run() {
    int64_t panels = llvm::divideCeil(roles.n, t.nr());
    int64_t blocks = llvm::divideCeil(roles.m, t.mBlock);
    SmallVector<Extent> extents = {blocks};
    if (!t.channelwise && c.groupLoop >= 0)
      extents.push_back(c.groups());
    for (const Correlation::Window &w : c.windows)
      extents.push_back(w.taps);
    extents.push_back(panels);
    Extent count = 1;
    for (const Extent &extent : extents)
      count = count * extent;
    k.setWorkgroups(count);
    k.loop(k.begin(), k.end(), 1, [&](Value id) {
      SmallVector<Value> at = k.delinearize(id, extents);
      unsigned next = 0;
      // The last block and panel are moved back to be whole ones.
      m0 = k.minIndex(k.mulIndex(at[next++], t.mBlock), roles.m - t.mBlock);
      if (!t.channelwise && c.groupLoop >= 0)
        loopIv[c.groupLoop] = at[next++];
      for (const Correlation::Window &w : c.windows)
        loopIv[w.tapLoop] = at[next++];
      n0 = k.mulIndex(at[next], t.nr());
      if (roles.n >= t.nr())
        n0 = k.minIndex(n0, roles.n - t.nr());
      workgroup();
    });
    return failure(anyFailed);
  }

private:
  /// Where the inner loop reads an operand.
  struct Side {
    const Correlation::Operand *o;
    bool packed;
    int64_t width = 0, lines = 0; ///< of a packed row
    int64_t step = 0;             ///< from position to position
    int64_t channelStep = 0;      ///< from channel to channel
    Value mem, bases;

    int64_t rowElements() const { return lines * width; }
  };

  int64_t accBytes() const {
    return std::max(8u, c.acc.getIntOrFloatBitWidth()) / 8;
  }

  Side plan(const Correlation::Operand &o, bool packed, int64_t width) {
    Side side;
    side.o = &o;
    side.packed = packed;
    side.width = width;
    // Positions of the buffer that one segment of a row reads.
    side.lines = segment;
    if (o.isWindowed)
      side.lines =
          std::min((segment - 1) * inner.stride + 1, inner.inputExtent);
    side.step = packed ? width * (o.isWindowed ? inner.stride : 1)
                       : o.coefs[inner.outputLoop];
    side.channelStep = packed ? 1 : o.coefs[channelLoopOf(o)];
    return side;
  }
  int channelLoopOf(const Correlation::Operand &o) const {
    return t.channelwise ? c.groupLoop : o.channelLoop;
  }

  // Sums of which a part may be below zero.
  Value add(Value x, Value y) {
    if (x == k.index(0))
      return y;
    return y == k.index(0) ? x : Value(arith::AddIOp::create(b, x, y));
  }
  Value add(Value x, int64_t y) { return y ? add(x, k.index(y)) : x; }
  Value mul(Value x, int64_t y) {
    if (y == 0 || x == k.index(0))
      return k.index(0);
    return y == 1 ? x : Value(arith::MulIOp::create(b, x, k.index(y)));
  }
  Value maxIndex(Value x, Value y) { return arith::MaxUIOp::create(b, x, y); }

  void workgroup() {
    Value zero = k.zero(k.vectorType(c.acc, t.lanes));
    k.loop(k.index(0), k.index(t.mBlock * t.nr()), t.lanes,
           [&](Value i) { k.store(zero, sums, i, t.lanes, 1); });
    // Outputs [first, last) of the innermost dim whose input is inside.
    Value tap = mul(loopIv[inner.tapLoop], inner.dilation);
    auto countBelow = [&](int64_t input) { // outputs whose input is below it
      Value end = maxIndex(k.index(input + inner.pad), tap);
      return k.divIndex(add(k.subIndex(end, tap), inner.stride - 1),
                        inner.stride);
    };
    first = countBelow(0);
    last = k.minIndex(countBelow(inner.inputExtent), inner.outputs);

    SmallVector<Extent> rowExtents;
    for (int l : c.imageLoops)
      rowExtents.push_back(c.extents[l]);
    for (const Correlation::Window &w : llvm::drop_end(c.windows))
      rowExtents.push_back(w.outputs);
    rowExtents.push_back(segments);
    int64_t rows = 1;
    for (const Extent &extent : rowExtents)
      rows *= extent.get();
    k.loop(k.index(0), k.index(rows), chunk, [&](Value from) {
      Value count = k.minIndex(k.subIndex(k.index(rows), from), chunk);
      k.outline("rows", [&] {
        k.loop(k.index(0), count, 1, [&](Value i) {
          prepareRow(i, k.delinearize(k.addIndex(from, i), rowExtents));
        });
      });
      int64_t whole = t.mBlock / t.mr * t.mr;
      k.loop(k.index(0), k.index(whole), t.mr,
             [&](Value m) { tile(m, t.mr, count); });
      if (whole != t.mBlock)
        tile(k.index(whole), t.mBlock - whole, count);
    });
    k.outline("epilogue", [&] { epilogue(); });
  }

  /// Bounds and bases of row `i` of the chunk, which is at `at`.
  void prepareRow(Value i, ArrayRef<Value> at) {
    unsigned next = 0;
    Value baseA = k.index(0), baseB = k.index(0), inside;
    for (int l : c.imageLoops) {
      baseA = add(baseA, mul(at[next], roles.a->coefs[l]));
      baseB = add(baseB, mul(at[next++], roles.b->coefs[l]));
    }
    for (const Correlation::Window &w : llvm::drop_end(c.windows)) {
      Value output = at[next++];
      Value input =
          add(add(mul(output, w.stride), mul(loopIv[w.tapLoop], w.dilation)),
              -w.pad);
      Value ok = k.isLess(input, k.index(w.inputExtent));
      inside = inside ? Value(arith::AndIOp::create(b, inside, ok)) : ok;
      auto place = [&](const Correlation::Operand &o) {
        return o.isWindowed ? mul(input, w.inputStride)
                            : mul(output, o.coefs[w.outputLoop]);
      };
      baseA = add(baseA, place(*roles.a));
      baseB = add(baseB, place(*roles.b));
    }
    if (!t.channelwise && c.groupLoop >= 0) {
      baseA = add(baseA, mul(loopIv[c.groupLoop], roles.a->coefs[c.groupLoop]));
      baseB = add(baseB, mul(loopIv[c.groupLoop], roles.b->coefs[c.groupLoop]));
    }
    baseA = add(baseA, mul(t.channelwise ? n0 : m0,
                           roles.a->coefs[channelLoopOf(*roles.a)]));
    baseB = add(baseB, mul(n0, roles.b->coefs[roles.nLoop]));

    Value begin = k.mulIndex(at[next], segment);
    Value lo = maxIndex(first, begin);
    Value hi = k.minIndex(last, k.addIndex(begin, segment));
    if (inside)
      hi = arith::SelectOp::create(b, inside, hi, lo);
    // Rows without a position read nothing, packed or not.
    k.ifThen(k.isLess(lo, hi), [&] {
      storeIndex(a.bases, i, rowBase(a, i, baseA, begin));
      storeIndex(bb.bases, i, rowBase(bb, i, baseB, begin));
    });
    storeIndex(firsts, i, lo);
    storeIndex(lasts, i, hi);
  }

  /// Index of position 0 of the row where the inner loop reads it; packs it.
  Value rowBase(const Side &side, Value i, Value base, Value begin) {
    const Correlation::Operand &o = *side.o;
    // Input position of output 0.
    Value shift = o.isWindowed ? add(mul(loopIv[inner.tapLoop], inner.dilation),
                                     -inner.pad)
                               : k.index(0);
    int64_t stride =
        o.isWindowed ? inner.inputStride : o.coefs[inner.outputLoop];
    if (!side.packed)
      return add(base, mul(shift, stride));
    // The lines that hold the segment, moved to be inside of the buffer.
    int64_t extent = o.isWindowed ? inner.inputExtent : inner.outputs;
    Value from = add(mul(begin, o.isWindowed ? inner.stride : 1), shift);
    Value signedMost = k.index(extent - side.lines);
    from = arith::MaxSIOp::create(b, from, k.index(0));
    from = arith::MinSIOp::create(b, from, signedMost);
    Value to = k.mulIndex(i, side.rowElements());
    Packer packer(k, c.acc, t.lanes, /*granule=*/1, getConvert(o));
    bool isB = &side == &bb;
    int64_t active =
        isB || t.channelwise ? std::min(roles.n, t.nr()) : t.mBlock;
    packer.packPanel({k.binding(o.binding), add(base, mul(from, stride)),
                      stride, o.coefs[channelLoopOf(o)]},
                     side.lines, active, side.width, side.mem, to);
    return add(to, mul(k.subIndex(shift, from), side.width));
  }

  Packer::Convert getConvert(const Correlation::Operand &o) {
    if (o.isPlain())
      return nullptr;
    return [this, &o](Value v) -> Value {
      SmallVector<Value> args(3);
      args[o.input] = v;
      return *e.payload(c.getOp(), args, o.inBody);
    };
  }

  void storeIndex(Value array, Value i, Value v) {
    memref::StoreOp::create(b, arith::IndexCastOp::create(b, b.getI64Type(), v),
                            array, ValueRange{i});
  }
  Value loadIndex(Value array, Value i) {
    return arith::IndexCastOp::create(
        b, b.getIndexType(),
        memref::LoadOp::create(b, array, ValueRange{i}).getResult());
  }

  /// Adds the chunk's products for rows m to m + count of the block.
  void tile(Value m, int64_t rows, Value count) {
    SmallVector<Value> zeros(rows * t.nv, k.zero(k.vectorType(c.acc, t.lanes)));
    SmallVector<Value> total =
        k.loop(k.index(0), count, 1, zeros, [&](Value i, ValueRange carried) {
          Value baseA = loadIndex(a.bases, i);
          if (!t.channelwise)
            baseA = add(baseA, mul(m, a.channelStep));
          Value baseB = loadIndex(bb.bases, i);
          return k.loop(loadIndex(firsts, i), loadIndex(lasts, i), 1, carried,
                        [&](Value o, ValueRange in) {
                          SmallVector<Value> acc(in);
                          multiply(add(baseA, mul(o, a.step)),
                                   add(baseB, mul(o, bb.step)), rows, acc);
                          return acc;
                        });
        });
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < t.nv; ++j) {
        Value at = k.addIndex(k.mulIndex(m, t.nr()), i * t.nr() + j * t.lanes);
        Value sum = k.load(sums, at, t.lanes, t.lanes, 1);
        k.store(plus(sum, total[i * t.nv + j]), sums, at, t.lanes, 1);
      }
  }

  Value plus(Value x, Value y) {
    if (isa<FloatType>(c.acc))
      return arith::AddFOp::create(b, x, y);
    return arith::AddIOp::create(b, x, y);
  }

  int64_t activeAt(int64_t j) const {
    return roles.n >= t.nr()
               ? t.lanes
               : std::clamp<int64_t>(roles.n - j * t.lanes, 0, t.lanes);
  }

  /// A vector of columns from `index`, `j` vectors into the panel.
  Value columns(const Side &side, Value index, int64_t j) {
    int64_t active = side.packed ? t.lanes : activeAt(j);
    return k.load(side.mem, add(index, j * t.lanes), t.lanes, active, 1);
  }

  /// One position for the whole tile.
  void multiply(Value atA, Value atB, int64_t rows,
                SmallVectorImpl<Value> &acc) {
    SmallVector<Value> x;
    for (int64_t j = 0; j < t.nv; ++j)
      x.push_back(columns(bb, atB, j));
    for (int64_t i = 0; i < rows; ++i) {
      Value y;
      if (!t.channelwise)
        y = k.splat(k.loadScalar(a.mem, add(atA, i * a.channelStep)), t.lanes);
      for (int64_t j = 0; j < t.nv; ++j) {
        if (t.channelwise)
          y = columns(a, atA, j);
        Value &sum = acc[i * t.nv + j];
        if (isa<FloatType>(c.acc))
          sum = vector::FMAOp::create(b, y, x[j], sum);
        else
          sum =
              arith::AddIOp::create(b, arith::MulIOp::create(b, y, x[j]), sum);
      }
    }
  }

  void epilogue() {
    k.loop(k.index(0), k.index(t.mBlock), 1, [&](Value i) {
      for (int64_t j = 0; j < t.nv; ++j) {
        int64_t active = activeAt(j);
        if (!active)
          continue;
        Value at = k.addIndex(k.mulIndex(i, t.nr()), j * t.lanes);
        Space space =
            makeSpace(k.addIndex(m0, i), k.addIndex(n0, j * t.lanes), active);
        space.known[c.result] = k.load(sums, at, t.lanes, t.lanes, 1);
        if (failed(e.storeAllResults(space)))
          anyFailed = true;
      }
    });
  }

  Space makeSpace(Value m, Value n, int64_t active) {
    Space space;
    space.lanes = t.lanes;
    space.activeLanes = active;
    auto add = [&](int l, Value iv) {
      LoopGroup g; // a loop of extent 1 is no dim: nothing changes along it
      g.dims.push_back(c.dim[l] < 0 ? c.model.getNumDims()
                                    : unsigned(c.dim[l]));
      g.extent = c.extents[l];
      g.iv = iv;
      space.groups.push_back(g);
    };
    for (auto [l, iv] : loopIv)
      add(l, iv);
    add(roles.mLoop, m);
    add(roles.nLoop, n);
    space.vectorGroup = space.groups.size() - 1;
    return space;
  }

  KernelBuilder &k;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  const Correlation &c;
  const CorrelationTiling t;
  const Roles roles;
  const Correlation::Window &inner;
  int64_t segment, segments, chunk;
  Side a, bb;
  Value firsts, lasts, sums;
  Value m0, n0, first, last;
  llvm::MapVector<int, Value> loopIv; ///< of taps and the group
  bool anyFailed = false;
};

class CorrelationStrategy : public Strategy {
public:
  StringRef getName() const override { return "correlation"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    Correlation c(model);
    if (!c.defect.empty())
      return Match::decline(c.defect);
    CorrelationTiling t = chooseTiling(c, target);
    auto packing = [](bool packed) {
      return packed ? ir::OperandPacking::InKernel : ir::OperandPacking::None;
    };
    ScheduleFields fields;
    fields.workgroup = {t.mBlock, t.nr()};
    fields.tile = {t.mr, t.nr()};
    fields.lanes = t.lanes;
    fields.packing = {packing(t.packA), packing(t.packB)};
    fields.inner = t.channelwise          ? "channelwise"
                   : t.columnsAreWindowed ? "multiply-add"
                                          : "multiply-add-transposed";
    fields.isInline = flopsOf(c) < kInlineFlops;
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    Correlation c(model);
    if (!c.defect.empty() || schedule.getTile().size() != 2 ||
        schedule.getWorkgroup().size() != 2 ||
        schedule.getPacking().size() != 2 || !schedule.getInner())
      return emitError(model.getFunction().getLoc())
             << "strategy correlation does not fit: " << c.defect;
    CorrelationTiling t;
    StringRef inner = schedule.getInner().getValue();
    t.channelwise = inner == "channelwise";
    t.columnsAreWindowed = inner != "multiply-add-transposed";
    t.lanes = schedule.getLanes();
    t.mr = schedule.getTile()[0];
    t.nv = schedule.getTile()[1] / t.lanes;
    t.mBlock = schedule.getWorkgroup()[0];
    t.packA = schedule.getPacking()[0] != ir::OperandPacking::None;
    t.packB = schedule.getPacking()[1] != ir::OperandPacking::None;
    return CorrelationEmitter(c, t, k).run();
  }
};

} // namespace

const Strategy &getCorrelationStrategy() {
  static const CorrelationStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
