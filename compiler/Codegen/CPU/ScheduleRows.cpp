// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedule of kernels with reductions. The root dims are those of the
// reductions' input; every result either has that shape or has 1 at each
// reduced dim. One row is one position of the kept dims:
//
//   for each row (workgroups share them out)
//     for each phase
//       for all reduced positions
//         accumulate the phase's reductions from their inlined producers;
//         store full-shape results that only need earlier phases
//     evaluate and store the reduced-shape results
//
// A reduction that needs another one's value belongs to a later phase, so a
// softmax is three phases over one row. Vectors run along the innermost dim in
// memory: if it is reduced, lanes are combined at the end of the row; if it is
// kept, each lane is a row of its own. The order of combination is fixed.

#include "compiler/Codegen/CPU/KernelEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

struct Reduction {
  linalg::GenericOp op;
  unsigned phase = 0;
  TypedAttr init;
};

class RowEmitter {
public:
  explicit RowEmitter(KernelEmitter &e) : e(e), b(e.builder()) {}
  LogicalResult run();

private:
  LogicalResult analyse();
  LogicalResult findPhases();
  unsigned phaseOf(Value tensor);
  LogicalResult findInits();
  SmallVector<int> loopDims(linalg::GenericOp op) const;
  bool isFullShape(unsigned result) const;
  void chooseLoops();

  /// Column sums of tall inputs: accumulators in local memory, so that whole
  /// stretches of several input rows are read at a time.
  bool prefersColumns() const;
  void columns(Space base, int64_t width);
  int64_t columnWidth() const;
  /// One row (or `lanes` neighbouring rows) with everything in it.
  void row(Space base, int64_t copies, int64_t active);
  /// The loops over the reduced dims of one phase.
  void phase(unsigned number, std::vector<Space> &spaces);
  SmallVector<Value> sweep(unsigned number, unsigned depth,
                           std::vector<Space> &spaces, ValueRange carried);
  SmallVector<Value> step(unsigned number, std::vector<Space> &spaces,
                          ValueRange carried, Value iv, int64_t active,
                          unsigned copies);
  Value combine(Reduction &r, Value value, Value acc);
  FailureOr<Value> element(Reduction &r, Space &space);
  Value initVector(Reduction &r, int64_t lanes);
  Value horizontal(Reduction &r, Value v);

  KernelEmitter &e;
  ImplicitLocOpBuilder &b;
  SmallVector<Reduction, 4> reductions;
  SmallVector<int64_t, 6> extents;
  SmallVector<bool, 6> reduced;
  SmallVector<Access> accesses;
  SmallVector<LoopGroup, 4> keptGroups, reducedGroups;
  bool vectorReduced = false; ///< vectors run along a reduced dim
  int64_t lanes = 1, unroll = 1;
  unsigned numPhases = 1;
  int64_t cost = 0;
  bool failedAny = false;
};

SmallVector<int> RowEmitter::loopDims(linalg::GenericOp op) const {
  SmallVector<int> dims;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (unsigned i = 0; i < ranges.size(); ++i)
    dims.push_back(ranges[i] == extents[i] && ranges[i] != 1 ? int(i) : -1);
  return dims;
}

bool RowEmitter::isFullShape(unsigned result) const {
  SmallVector<int64_t> ranges = e.resultOp(result).getStaticLoopRanges();
  for (unsigned i = 0; i < ranges.size(); ++i)
    if (reduced[i] && ranges[i] != 1)
      return true;
  return false;
}

unsigned RowEmitter::phaseOf(Value tensor) {
  auto op = tensor.getDefiningOp<linalg::GenericOp>();
  if (!op)
    return 0;
  unsigned needed = 0;
  for (Value input : op.getInputs())
    needed = std::max(needed, phaseOf(input));
  if (!op.getNumReductionLoops())
    return needed;
  return needed + 1; // readable from the phase after the one that computes it
}

LogicalResult RowEmitter::findInits() {
  for (Reduction &r : reductions) {
    Value init = r.op.getDpsInits()[0];
    auto fill = init.getDefiningOp<linalg::FillOp>();
    auto constant =
        fill ? fill.getInputs()[0].getDefiningOp<arith::ConstantOp>() : nullptr;
    if (!constant)
      return r.op.emitOpError("the accumulator must start from a constant");
    r.init = constant.getValue();
  }
  return success();
}

LogicalResult RowEmitter::analyse() {
  e.source().walk([&](linalg::GenericOp op) {
    cost += payloadCost(op.getBody());
    if (op.getNumReductionLoops())
      reductions.push_back({op, 0, {}});
  });
  linalg::GenericOp first = reductions.front().op;
  extents.assign(first.getStaticLoopRanges());
  reduced.assign(extents.size(), false);
  for (auto [i, type] : llvm::enumerate(first.getIteratorTypesArray()))
    reduced[i] = type == utils::IteratorType::reduction;
  e.setRootRank(extents.size());
  for (Reduction &r : reductions) {
    if (SmallVector<int64_t>(r.op.getStaticLoopRanges()) !=
            SmallVector<int64_t>(extents) ||
        r.op.getIteratorTypesArray() != first.getIteratorTypesArray())
      return r.op.emitOpError("reductions of one kernel must agree in shape");
    r.phase = phaseOf(r.op.getResult(0)) - 1;
    numPhases = std::max(numPhases, r.phase + 1);
  }
  if (failed(findInits()))
    return failure();

  for (Reduction &r : reductions)
    e.collect(r.op, identityDims(extents.size()), false, accesses);
  for (unsigned i = 0; i < e.numResults(); ++i) {
    linalg::GenericOp op = e.resultOp(i);
    // A product's result lacks the reduced dim, which is the last one.
    if (op.getNumLoops() > extents.size())
      return op.emitOpError("results of a reduction kernel must keep the rank");
    e.collect(op, loopDims(op), true, accesses);
    if (isFullShape(i))
      numPhases = std::max(numPhases, phaseOf(op.getResult(0)) + 1);
  }
  return success();
}

void RowEmitter::chooseLoops() {
  // The operand with the most elements says what innermost means.
  const Access *primary = &accesses.front();
  auto volume = [&](const Access &a) {
    int64_t v = 1;
    for (size_t d = 0; d < extents.size(); ++d)
      if (a.coefs[d])
        v *= extents[d];
    return v;
  };
  for (const Access &a : accesses)
    if (volume(a) > volume(*primary))
      primary = &a;
  SmallVector<int> kept, over;
  int innermost = -1;
  for (int d = 0; d < int(extents.size()); ++d) {
    (reduced[d] ? over : kept).push_back(d);
    if (extents[d] != 1 && primary->coefs[d] &&
        (innermost < 0 || primary->coefs[d] < primary->coefs[innermost]))
      innermost = d;
  }
  keptGroups = formGroups(kept, extents, primary->coefs, accesses);
  reducedGroups = formGroups(over, extents, primary->coefs, accesses);
  if (reducedGroups.empty()) { // only unit dims are reduced
    LoopGroup g;
    g.dims.push_back(over.empty() ? 0 : over.front());
    reducedGroups.push_back(g);
  }
  vectorReduced = innermost < 0 || reduced[innermost] || keptGroups.empty();
  lanes = computeLanes(e);
  int64_t inner = (vectorReduced ? reducedGroups : keptGroups).back().extent;
  unroll = std::clamp<int64_t>(inner / lanes, 1,
                               cost > 24 ? 2 : (vectorReduced ? 4 : 8));
}

Value RowEmitter::initVector(Reduction &r, int64_t n) {
  if (n == 0)
    return arith::ConstantOp::create(b, r.init);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(e.vectorType(r.init.getType(), n),
                                Attribute(r.init)));
}

/// The body's op that reads the accumulator, applied to `value` and `acc`.
Value RowEmitter::combine(Reduction &r, Value value, Value acc) {
  Block *body = r.op.getBody();
  Value accArg = body->getArguments().back();
  Operation *op = *accArg.getUsers().begin();
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, operand == accArg ? acc : value);
  Operation *clone = b.clone(*op, mapping);
  clone->getResult(0).setType(acc.getType());
  return clone->getResult(0);
}

/// What the combining op of `r` takes besides the accumulator.
FailureOr<Value> RowEmitter::element(Reduction &r, Space &space) {
  SmallVector<AffineMap> maps = r.op.getIndexingMapsArray();
  SmallVector<int> dims = identityDims(extents.size());
  SmallVector<Value> args;
  for (auto [i, input] : llvm::enumerate(r.op.getInputs())) {
    FailureOr<Value> v = e.evaluate(input, composeMap(maps[i], dims), space);
    if (failed(v))
      return failure();
    args.push_back(*v);
  }
  args.push_back(Value()); // the accumulator
  Value accArg = r.op.getBody()->getArguments().back();
  Operation *combiner = *accArg.getUsers().begin();
  Value other = combiner->getOperand(0) == accArg ? combiner->getOperand(1)
                                                  : combiner->getOperand(0);
  return e.payload(r.op, args, other);
}

Value RowEmitter::horizontal(Reduction &r, Value v) {
  auto type = dyn_cast<VectorType>(v.getType());
  if (!type)
    return v;
  for (int64_t n = type.getNumElements(); n > 1; n /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < n / 2; ++i) {
      low.push_back(i);
      high.push_back(n / 2 + i);
    }
    Value l = vector::ShuffleOp::create(b, v, v, low);
    Value h = vector::ShuffleOp::create(b, v, v, high);
    v = combine(r, h, l);
  }
  return vector::ExtractOp::create(b, v, int64_t(0));
}

/// One position of the reduced loops for `copies` spaces; `iv` moves the
/// vectorised reduced loop (null if vectors run along kept dims).
SmallVector<Value> RowEmitter::step(unsigned number, std::vector<Space> &spaces,
                                    ValueRange carried, Value iv,
                                    int64_t active, unsigned copies) {
  SmallVector<Value> next(carried);
  for (unsigned u = 0; u < copies; ++u) {
    Space space = spaces[vectorReduced ? 0 : u];
    space.memo.clear();
    if (vectorReduced) {
      space.groups.back().iv = e.addIndex(iv, u * lanes);
      space.activeLanes = active;
    }
    unsigned slot = u;
    for (Reduction &r : reductions) {
      if (r.phase != number)
        continue;
      FailureOr<Value> v = element(r, space);
      if (failed(v)) {
        failedAny = true;
        return next;
      }
      Value value = e.asVector(*v, space);
      if (vectorReduced && active < lanes) // identity in the masked lanes
        value = arith::SelectOp::create(b, e.firstLanes(lanes, active), value,
                                        initVector(r, lanes));
      next[slot] = combine(r, value, next[slot]);
      slot += unroll;
    }
    for (unsigned i = 0; i < e.numResults(); ++i) {
      linalg::GenericOp op = e.resultOp(i);
      if (!isFullShape(i) || phaseOf(op.getResult(0)) != number)
        continue;
      FailureOr<Value> v = e.evaluateResult(i, loopDims(op), space);
      if (failed(v)) {
        failedAny = true;
        return next;
      }
      e.storeResult(i, *v, loopDims(op), space);
    }
  }
  return next;
}

SmallVector<Value> RowEmitter::sweep(unsigned number, unsigned depth,
                                     std::vector<Space> &spaces,
                                     ValueRange carried) {
  unsigned firstReduced = keptGroups.size();
  if (!vectorReduced)
    --firstReduced; // the vectorised kept group comes last
  bool innermost = depth + 1 == reducedGroups.size();
  int64_t extent = reducedGroups[depth].extent;
  auto setIv = [&](Value iv) {
    for (Space &s : spaces)
      s.groups[firstReduced + depth].iv = iv;
  };
  if (!innermost || !vectorReduced)
    return e.loop(
        e.index(0), e.index(extent), 1, carried, [&](Value iv, ValueRange in) {
          setIv(iv);
          if (innermost)
            return step(number, spaces, in, Value(), lanes, spaces.size());
          return sweep(number, depth + 1, spaces, in);
        });
  // Vectors along this loop: unrolled part, whole vectors, masked tail.
  SmallVector<Value> acc(carried);
  int64_t unrolled = extent / (lanes * unroll) * lanes * unroll;
  int64_t whole = extent / lanes * lanes;
  if (unrolled)
    acc = e.loop(e.index(0), e.index(unrolled), lanes * unroll, acc,
                 [&](Value iv, ValueRange in) {
                   return step(number, spaces, in, iv, lanes, unroll);
                 });
  if (whole > unrolled)
    acc = e.loop(e.index(unrolled), e.index(whole), lanes, acc,
                 [&](Value iv, ValueRange in) {
                   return step(number, spaces, in, iv, lanes, 1);
                 });
  if (extent > whole)
    acc = step(number, spaces, acc, e.index(whole), extent - whole, 1);
  return acc;
}

/// Runs phase `number` and makes its reductions known to the spaces.
void RowEmitter::phase(unsigned number, std::vector<Space> &spaces) {
  SmallVector<Value> inits;
  for (Reduction &r : reductions)
    if (r.phase == number)
      for (int64_t u = 0; u < unroll; ++u)
        inits.push_back(initVector(r, lanes));
  SmallVector<Value> acc = sweep(number, 0, spaces, inits);
  unsigned slot = 0;
  for (Reduction &r : reductions) {
    if (r.phase != number)
      continue;
    if (vectorReduced) {
      for (int64_t width = unroll; width > 1;) { // pairwise
        int64_t half = (width + 1) / 2;
        for (int64_t u = 0; u + half < width; ++u)
          acc[slot + u] = combine(r, acc[slot + u + half], acc[slot + u]);
        width = half;
      }
      Value total = horizontal(r, acc[slot]);
      for (Space &s : spaces)
        s.known[r.op.getResult(0)] = total;
    } else {
      for (size_t u = 0; u < spaces.size(); ++u)
        spaces[u].known[r.op.getResult(0)] = acc[slot + u];
    }
    slot += unroll;
  }
}

/// `base` has the counters of the outer kept groups; `copies` vectors of rows
/// side by side when vectors run along a kept group.
void RowEmitter::row(Space base, int64_t copies, int64_t active) {
  std::vector<Space> spaces;
  for (int64_t u = 0; u < copies; ++u) {
    Space s = base;
    for (LoopGroup &g : reducedGroups)
      s.groups.push_back(g);
    s.lanes = lanes;
    s.activeLanes = u + 1 == copies ? active : lanes;
    if (!vectorReduced) {
      // Keep the vectorised kept group last.
      LoopGroup v = keptGroups.back();
      v.iv = e.addIndex(base.groups[keptGroups.size() - 1].iv, u * lanes);
      s.groups.erase(s.groups.begin() + keptGroups.size() - 1);
      s.groups.push_back(v);
    }
    s.vectorGroup = s.groups.size() - 1;
    spaces.push_back(std::move(s));
  }
  for (unsigned n = 0; n < numPhases && !failedAny; ++n)
    phase(n, spaces);

  for (Space &s : spaces) {
    s.memo.clear();
    if (vectorReduced) { // scalars
      s.vectorGroup = -1;
      s.lanes = s.activeLanes = 1;
    }
    SmallVector<std::pair<unsigned, Value>> values;
    for (unsigned i = 0; i < e.numResults() && !failedAny; ++i) {
      if (isFullShape(i))
        continue;
      FailureOr<Value> v = e.evaluateResult(i, loopDims(e.resultOp(i)), s);
      if (failed(v))
        failedAny = true;
      else
        values.push_back({i, *v});
    }
    for (auto [i, v] : values)
      e.storeResult(i, v, loopDims(e.resultOp(i)), s);
  }
}

int64_t RowEmitter::columnWidth() const {
  int64_t inner = keptGroups.back().extent;
  return std::min<int64_t>(inner / lanes * lanes, 128 * lanes);
}

bool RowEmitter::prefersColumns() const {
  if (vectorReduced || numPhases != 1)
    return false;
  for (unsigned i = 0; i < e.numResults(); ++i)
    if (isFullShape(i))
      return false;
  int64_t depth = 1;
  for (const LoopGroup &g : reducedGroups)
    depth *= g.extent;
  return depth >= 32 && keptGroups.back().extent >= 16 * lanes;
}

/// `base` has the counters of the kept groups, the last one at the first of
/// `width` columns.
void RowEmitter::columns(Space base, int64_t width) {
  Space space = base;
  for (LoopGroup &g : reducedGroups)
    space.groups.push_back(g);
  // The vectorised kept group comes last.
  LoopGroup column = space.groups[keptGroups.size() - 1];
  Value first = column.iv;
  space.groups.erase(space.groups.begin() + keptGroups.size() - 1);
  space.groups.push_back(column);
  unsigned firstReduced = keptGroups.size() - 1;
  space.lanes = space.activeLanes = lanes;
  space.vectorGroup = space.groups.size() - 1;

  SmallVector<Value> buffers;
  for (Reduction &r : reductions) {
    buffers.push_back(e.local(r.init.getType(), width));
    Value init = initVector(r, lanes);
    e.loop(e.index(0), e.index(width), lanes,
           [&](Value c) { e.store(init, buffers.back(), c, lanes, 1); });
  }
  constexpr int64_t kRows = 4;
  auto sweepRows = [&](Value row, int64_t count) {
    e.loop(e.index(0), e.index(width), lanes, [&](Value c) {
      SmallVector<Value> acc;
      for (Value buffer : buffers)
        acc.push_back(e.load(buffer, c, lanes, lanes, 1));
      for (int64_t u = 0; u < count; ++u) {
        Space at = space;
        at.groups[firstReduced + reducedGroups.size() - 1].iv =
            e.addIndex(row, u);
        at.groups.back().iv = e.addIndex(first, c);
        for (auto [i, r] : llvm::enumerate(reductions)) {
          FailureOr<Value> v = element(r, at);
          if (failed(v)) {
            failedAny = true;
            return;
          }
          acc[i] = combine(r, e.asVector(*v, at), acc[i]);
        }
      }
      for (auto [buffer, a] : llvm::zip(buffers, acc))
        e.store(a, buffer, c, lanes, 1);
    });
  };
  std::function<void(unsigned)> nest = [&](unsigned depth) {
    int64_t extent = reducedGroups[depth].extent;
    if (depth + 1 < reducedGroups.size()) {
      e.loop(e.index(0), e.index(extent), 1, [&](Value iv) {
        space.groups[firstReduced + depth].iv = iv;
        nest(depth + 1);
      });
      return;
    }
    int64_t whole = extent / kRows * kRows;
    if (whole)
      e.loop(e.index(0), e.index(whole), kRows,
             [&](Value row) { sweepRows(row, kRows); });
    if (extent > whole)
      sweepRows(e.index(whole), extent - whole);
  };
  nest(0);
  e.loop(e.index(0), e.index(width), lanes, [&](Value c) {
    Space at = space;
    at.groups.back().iv = e.addIndex(first, c);
    for (auto [buffer, r] : llvm::zip(buffers, reductions))
      at.known[r.op.getResult(0)] = e.load(buffer, c, lanes, lanes, 1);
    SmallVector<Value> values;
    for (unsigned i = 0; i < e.numResults() && !failedAny; ++i) {
      FailureOr<Value> v = e.evaluateResult(i, loopDims(e.resultOp(i)), at);
      if (failed(v))
        failedAny = true;
      else
        values.push_back(*v);
    }
    for (auto [i, v] : llvm::enumerate(values))
      e.storeResult(i, v, loopDims(e.resultOp(i)), at);
  });
}

LogicalResult RowEmitter::run() {
  if (failed(analyse()))
    return failure();
  chooseLoops();

  int64_t total = 1;
  for (int64_t x : extents)
    total *= x;
  double bytes = e.bytesOf(accesses, extents);
  bool inlined = isInlineWork(bytes, double(total) * cost, e.target());

  bool byColumns = prefersColumns();
  SmallVector<LoopGroup, 4> outer = keptGroups;
  int64_t strip = lanes * unroll, strips = 1, inner = 1;
  if (!vectorReduced) {
    inner = keptGroups.back().extent;
    if (byColumns)
      strip = columnWidth();
    strips = llvm::divideCeil(inner, strip);
    outer.back().extent = strips;
  }
  int64_t rows = 1;
  for (LoopGroup &g : outer)
    rows *= g.extent;
  int64_t perRow = std::max<int64_t>(1, total / std::max<int64_t>(rows, 1));
  int64_t perGroup =
      inlined ? rows : std::clamp<int64_t>(32768 / perRow, 1, rows);
  int64_t workgroups = llvm::divideCeil(rows, perGroup);

  Value lo = e.mulIndex(e.begin(), perGroup);
  Value hi = e.minIndex(e.mulIndex(e.end(), perGroup), rows);
  e.loop(lo, hi, 1, [&](Value id) {
    Space base;
    base.groups = outer;
    if (!outer.empty())
      delinearize(e, id, base.groups);
    if (vectorReduced) {
      row(base, 1, lanes);
      return;
    }
    LoopGroup &v = base.groups.back();
    Value stripId = v.iv;
    v.extent = inner;
    v.iv = e.mulIndex(stripId, strip);
    if (byColumns) {
      // The last strip is moved back to be a whole one.
      v.iv = e.minIndex(v.iv, inner - strip);
      columns(base, strip);
      return;
    }
    int64_t rest = inner % strip;
    if (!rest) {
      row(base, unroll, lanes);
      return;
    }
    Space last = base;
    if (strips > 1)
      e.ifThen(e.isLess(stripId, e.index(strips - 1)),
               [&] { row(base, unroll, lanes); });
    e.ifThen(e.isEqual(stripId, e.index(strips - 1)), [&] {
      int64_t copies = llvm::divideCeil(rest, lanes);
      row(last, copies, rest - (copies - 1) * lanes);
    });
  });
  if (failedAny)
    return failure();
  std::string strategy =
      std::string("rows: vectors along ") +
      (vectorReduced ? "reduced" : "kept") + " dim, " +
      (byColumns ? "accumulators in memory, " : "") + std::to_string(lanes) +
      " lanes x " + std::to_string(unroll) + ", " + std::to_string(numPhases) +
      " phase" + (numPhases > 1 ? "s" : "");
  e.finish({workgroups, 1, 1}, inlined, strategy, total * cost);
  return success();
}

} // namespace

LogicalResult scheduleRows(KernelEmitter &e) {
  RowEmitter emitter(e);
  return emitter.run();
}

} // namespace fusilli::compiler
