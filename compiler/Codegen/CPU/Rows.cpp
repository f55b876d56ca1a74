// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `rows`: kernels with reductions over the same dims of one iteration
// space. One row is one position of the kept dims:
//
//   for each row (workgroups share them out)
//     for each phase
//       for all reduced positions
//         accumulate the phase's reductions from their inlined producers;
//         store results that span the reduced dims and need only earlier phases
//     evaluate and store the other results
//
// A reduction that needs another one's value belongs to a later phase, so a
// softmax is three phases over one row. Vectors run along the innermost dim in
// memory: if it is reduced, lanes are combined at the end of the row; if it is
// kept, each lane is a row of its own. The order of combination is fixed.

#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/Strategy.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

struct Reduction {
  const Stage *stage = nullptr;
  unsigned phase = 0;
  const Combiner &combiner() const { return *stage->combiner; }
  Value result() const {
    auto op = stage->op;
    return op.getResult(0);
  }
};

/// What the strategy knows of a kernel: phases and loops.
struct RowLoops {
  explicit RowLoops(const KernelModel &model) : model(model) { analyse(); }

  const KernelModel &model;
  std::string defect; ///< why it does not fit, or empty
  SmallVector<Reduction, 4> reductions;
  SmallVector<bool, 6> reduced; ///< per kernel dim
  SmallVector<Access> accesses;
  SmallVector<LoopGroup, 4> keptGroups, reducedGroups;
  bool vectorReduced = false; ///< vectors run along a reduced dim
  unsigned numPhases = 1;

  /// The phase from which on `tensor` can be read.
  unsigned phaseOf(Value tensor) const {
    auto op = tensor.getDefiningOp<linalg::GenericOp>();
    if (!op)
      return 0;
    unsigned needed = 0;
    for (Value input : op.getInputs())
      needed = std::max(needed, phaseOf(input));
    return needed + (op.getNumReductionLoops() ? 1 : 0);
  }
  /// Whether result `i` spans the reduced dims.
  bool isFullShape(unsigned i) const {
    AffineMap position = model.getResultPosition(i);
    for (unsigned d = 0; d < model.getNumDims(); ++d)
      if (reduced[d] && position.isFunctionOfDim(d))
        return true;
    return false;
  }

private:
  void analyse();
  void chooseLoops();
};

void RowLoops::analyse() {
  auto stages = model.getReductions();
  if (stages.empty()) {
    defect = "has no reduction";
    return;
  }
  reduced.assign(model.getNumDims(), false);
  for (unsigned d : stages.front()->reducedDims)
    reduced[d] = true;
  for (const Stage *stage : stages) {
    if (!stage->combiner) {
      defect = "has a reduction whose body is not understood";
      return;
    }
    auto op = stage->op;
    bool same =
        stage->position && stage->reducedDims == stages.front()->reducedDims;
    // Every kernel dim is a loop of every reduction.
    for (unsigned d = 0; same && d < model.getNumDims(); ++d)
      same = stage->position.isFunctionOfDim(d);
    if (!same) {
      defect = "has reductions over different iteration spaces";
      return;
    }
    for (Value input : op.getInputs())
      if (auto pad = input.getDefiningOp<tensor::PadOp>()) {
        defect = "reads a padded operand";
        return;
      }
    unsigned phase = phaseOf(op.getResult(0)) - 1;
    reductions.push_back({stage, phase});
    numPhases = std::max(numPhases, phase + 1);
  }
  bool linear = true;
  auto isReduction = [&](Value v) {
    auto op = v.getDefiningOp<linalg::GenericOp>();
    return op && op.getNumReductionLoops();
  };
  for (const Stage *stage : stages) {
    auto op = stage->op;
    for (auto [i, input] : llvm::enumerate(op.getInputs()))
      linear &= model.collect(
          input, KernelModel::getOperandPosition(op, i, stage->position),
          accesses, isReduction);
  }
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    AffineMap position = model.getResultPosition(i);
    std::optional<Access> store;
    if (position)
      store = model.getAccess(model.getResultBinding(i), position);
    if (!store) {
      defect = "has a result outside of the reductions' iteration space";
      return;
    }
    linear &=
        model.collect(model.getResultValue(i), position, accesses, isReduction);
    accesses.push_back(*store);
    if (isFullShape(i))
      numPhases = std::max(numPhases, phaseOf(model.getResultValue(i)) + 1);
  }
  if (!linear || accesses.empty()) {
    defect = "reads an operand that is not addressed linearly";
    return;
  }
  chooseLoops();
}

void RowLoops::chooseLoops() {
  // The operand with the most elements says what innermost means.
  ArrayRef<Extent> extents = model.getExtents();
  auto volume = [&](const Access &a) {
    double v = a.binding == Access::kIndex ? 0 : 1;
    for (size_t d = 0; d < extents.size(); ++d)
      if (!a.coefs[d].is(0))
        v *= extents[d].representative();
    return v;
  };
  const Access *primary = &accesses.front();
  for (const Access &a : accesses)
    if (volume(a) > volume(*primary))
      primary = &a;
  SmallVector<unsigned> kept, over;
  int innermost = -1;
  auto coef = [&](unsigned d) { return primary->coefs[d].representative(); };
  for (unsigned d = 0; d < extents.size(); ++d) {
    (reduced[d] ? over : kept).push_back(d);
    if (!extents[d].is(1) && coef(d) &&
        (innermost < 0 || coef(d) < coef(innermost)))
      innermost = d;
  }
  keptGroups = formGroups(kept, extents, *primary, accesses);
  reducedGroups = formGroups(over, extents, *primary, accesses);
  if (reducedGroups.empty()) { // only unit dims are reduced
    LoopGroup g;
    g.dims.push_back(over.empty() ? 0 : over.front());
    reducedGroups.push_back(g);
  }
  vectorReduced = innermost < 0 || reduced[innermost] || keptGroups.empty();
  if (!vectorReduced && !keptGroups.back().extent.isStatic())
    defect = "has neighbouring rows of a symbolic number";
}

class RowEmitter {
public:
  RowEmitter(RowLoops &loops, ir::ScheduleAttr schedule, KernelBuilder &k)
      : loops(loops), model(loops.model), k(k), b(k.builder()), e(model, k),
        reductions(loops.reductions), keptGroups(loops.keptGroups),
        reducedGroups(loops.reducedGroups), vectorReduced(loops.vectorReduced),
        numPhases(loops.numPhases), lanes(schedule.getLanes()),
        unroll(schedule.getUnroll()), schedule(schedule) {}
  LogicalResult run();

private:
  /// Column sums of tall inputs: accumulators in local memory, so that whole
  /// stretches of several input rows are read at a time.
  void columns(Space base, int64_t width);
  /// One row (or `lanes` neighbouring rows) with everything in it.
  void row(Space base, int64_t copies, int64_t active);
  /// The loops over the reduced dims of one phase.
  void phase(unsigned number, std::vector<Space> &spaces);
  SmallVector<Value> sweep(unsigned number, unsigned depth,
                           std::vector<Space> &spaces, ValueRange carried);
  SmallVector<Value> step(unsigned number, std::vector<Space> &spaces,
                          ValueRange carried, Value iv, int64_t active,
                          unsigned copies);
  FailureOr<Value> element(Reduction &r, Space &space);
  Value initVector(Reduction &r, int64_t lanes) {
    return k.constant(r.combiner().identity, lanes);
  }
  Value combine(Reduction &r, Value value, Value acc) {
    return e.combine(r.combiner(), acc, value);
  }
  Value horizontal(Reduction &r, Value v);
  /// The complete value: accumulators start from the identity.
  Value fromInit(Reduction &r, Value total) {
    const Combiner &c = r.combiner();
    if (c.init == c.identity)
      return total;
    auto type = dyn_cast<VectorType>(total.getType());
    return combine(r, total,
                   k.constant(c.init, type ? type.getNumElements() : 0));
  }

  RowLoops &loops;
  const KernelModel &model;
  KernelBuilder &k;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  SmallVector<Reduction, 4> &reductions;
  SmallVector<LoopGroup, 4> &keptGroups, &reducedGroups;
  bool vectorReduced;
  unsigned numPhases;
  int64_t lanes, unroll;
  ir::ScheduleAttr schedule;
  bool failedAny = false;
};

/// What the combining op of `r` takes besides the accumulator.
FailureOr<Value> RowEmitter::element(Reduction &r, Space &space) {
  FailureOr<SmallVector<Value>> args =
      e.evaluateInputs(r.stage->op, r.stage->position, space);
  if (failed(args))
    return failure();
  return e.payload(r.stage->op, *args, r.combiner().element, r.stage->position,
                   &space);
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
      space.groups.back().iv = k.addIndex(iv, u * lanes);
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
        value = arith::SelectOp::create(b, k.firstLanes(lanes, active), value,
                                        initVector(r, lanes));
      next[slot] = combine(r, value, next[slot]);
      slot += unroll;
    }
    for (unsigned i = 0; i < model.getNumResults(); ++i) {
      if (!loops.isFullShape(i) ||
          loops.phaseOf(model.getResultValue(i)) != number)
        continue;
      FailureOr<Value> v = e.evaluateResult(i, space);
      if (failed(v)) {
        failedAny = true;
        return next;
      }
      e.storeResult(i, *v, space);
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
  const Extent &extent = reducedGroups[depth].extent;
  auto setIv = [&](Value iv) {
    for (Space &s : spaces)
      s.groups[firstReduced + depth].iv = iv;
  };
  if (!innermost || !vectorReduced)
    return k.loop(
        k.index(0), k.index(extent), 1, carried, [&](Value iv, ValueRange in) {
          setIv(iv);
          if (innermost)
            return step(number, spaces, in, Value(), lanes, spaces.size());
          return sweep(number, depth + 1, spaces, in);
        });
  // Vectors along this loop: unrolled part, whole vectors, masked tail; that of
  // a symbolic extent element by element.
  SmallVector<Value> acc(carried);
  if (!extent.isStatic()) {
    Value n = k.index(extent);
    Value unrolled = k.mulIndex(k.divIndex(n, lanes * unroll), lanes * unroll);
    Value whole = k.mulIndex(k.divIndex(n, lanes), lanes);
    auto part = [&](Value from, Value to, int64_t active, int64_t copies) {
      acc =
          k.loop(from, to, active * copies, acc, [&](Value iv, ValueRange in) {
            return step(number, spaces, in, iv, active, copies);
          });
    };
    part(k.index(0), unrolled, lanes, unroll);
    part(unrolled, whole, lanes, 1);
    part(whole, n, 1, 1);
    return acc;
  }
  int64_t count = extent.get();
  int64_t unrolled = count / (lanes * unroll) * lanes * unroll;
  int64_t whole = count / lanes * lanes;
  if (unrolled)
    acc = k.loop(k.index(0), k.index(unrolled), lanes * unroll, acc,
                 [&](Value iv, ValueRange in) {
                   return step(number, spaces, in, iv, lanes, unroll);
                 });
  if (whole > unrolled)
    acc = k.loop(k.index(unrolled), k.index(whole), lanes, acc,
                 [&](Value iv, ValueRange in) {
                   return step(number, spaces, in, iv, lanes, 1);
                 });
  if (count > whole)
    acc = step(number, spaces, acc, k.index(whole), count - whole, 1);
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
      Value total = fromInit(r, horizontal(r, acc[slot]));
      for (Space &s : spaces)
        s.known[r.result()] = total;
    } else {
      for (size_t u = 0; u < spaces.size(); ++u)
        spaces[u].known[r.result()] = fromInit(r, acc[slot + u]);
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
      v.iv = k.addIndex(base.groups[keptGroups.size() - 1].iv, u * lanes);
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
    for (unsigned i = 0; i < model.getNumResults() && !failedAny; ++i) {
      if (loops.isFullShape(i))
        continue;
      FailureOr<Value> v = e.evaluateResult(i, s);
      if (failed(v))
        failedAny = true;
      else
        values.push_back({i, *v});
    }
    for (auto [i, v] : values)
      e.storeResult(i, v, s);
  }
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
    buffers.push_back(k.local(r.combiner().identity.getType(), width));
    Value init = initVector(r, lanes);
    k.loop(k.index(0), k.index(width), lanes,
           [&](Value c) { k.store(init, buffers.back(), c, lanes, 1); });
  }
  constexpr int64_t kRows = 4;
  auto sweepRows = [&](Value row, int64_t count) {
    k.loop(k.index(0), k.index(width), lanes, [&](Value c) {
      SmallVector<Value> acc;
      for (Value buffer : buffers)
        acc.push_back(k.load(buffer, c, lanes, lanes, 1));
      for (int64_t u = 0; u < count; ++u) {
        Space at = space;
        at.groups[firstReduced + reducedGroups.size() - 1].iv =
            k.addIndex(row, u);
        at.groups.back().iv = k.addIndex(first, c);
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
        k.store(a, buffer, c, lanes, 1);
    });
  };
  std::function<void(unsigned)> nest = [&](unsigned depth) {
    const Extent &extent = reducedGroups[depth].extent;
    if (depth + 1 < reducedGroups.size()) {
      k.loop(k.index(0), k.index(extent), 1, [&](Value iv) {
        space.groups[firstReduced + depth].iv = iv;
        nest(depth + 1);
      });
      return;
    }
    if (!extent.isStatic()) {
      Value n = k.index(extent);
      Value whole = k.mulIndex(k.divIndex(n, kRows), kRows);
      k.loop(k.index(0), whole, kRows,
             [&](Value row) { sweepRows(row, kRows); });
      k.loop(whole, n, 1, [&](Value row) { sweepRows(row, 1); });
      return;
    }
    int64_t whole = extent.get() / kRows * kRows;
    if (whole)
      k.loop(k.index(0), k.index(whole), kRows,
             [&](Value row) { sweepRows(row, kRows); });
    if (extent.get() > whole)
      sweepRows(k.index(whole), extent.get() - whole);
  };
  nest(0);
  k.loop(k.index(0), k.index(width), lanes, [&](Value c) {
    Space at = space;
    at.groups.back().iv = k.addIndex(first, c);
    for (auto [buffer, r] : llvm::zip(buffers, reductions))
      at.known[r.result()] = fromInit(r, k.load(buffer, c, lanes, lanes, 1));
    SmallVector<Value> values;
    for (unsigned i = 0; i < model.getNumResults() && !failedAny; ++i) {
      FailureOr<Value> v = e.evaluateResult(i, at);
      if (failed(v))
        failedAny = true;
      else
        values.push_back(*v);
    }
    for (auto [i, v] : llvm::enumerate(values))
      e.storeResult(i, v, at);
  });
}

LogicalResult RowEmitter::run() {
  SmallVector<LoopGroup, 4> outer = keptGroups;
  int64_t perGroup = schedule.getWorkgroup()[0];
  bool byColumns = schedule.getTile().size() == 1;
  int64_t strip = byColumns ? schedule.getTile()[0] : lanes * unroll;
  int64_t strips = 1, inner = 1;
  if (!vectorReduced) {
    inner = keptGroups.back().extent.get();
    strips = llvm::divideCeil(inner, strip);
    outer.back().extent = strips;
  }
  Extent rows = 1;
  for (LoopGroup &g : outer)
    rows = rows * g.extent;
  k.setWorkgroups(ceilDiv(rows, perGroup));

  Value lo = k.mulIndex(k.begin(), perGroup);
  Value hi = k.minIndex(k.mulIndex(k.end(), perGroup), rows);
  k.loop(lo, hi, 1, [&](Value id) {
    Space base;
    base.groups = outer;
    if (!outer.empty())
      delinearize(k, id, base.groups);
    if (vectorReduced) {
      row(base, 1, lanes);
      return;
    }
    LoopGroup &v = base.groups.back();
    Value stripId = v.iv;
    v.extent = inner;
    v.iv = k.mulIndex(stripId, strip);
    if (byColumns) {
      // The last strip is moved back to be a whole one.
      v.iv = k.minIndex(v.iv, inner - strip);
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
      k.ifThen(k.isLess(stripId, k.index(strips - 1)),
               [&] { row(base, unroll, lanes); });
    k.ifThen(k.isEqual(stripId, k.index(strips - 1)), [&] {
      int64_t copies = llvm::divideCeil(rest, lanes);
      row(last, copies, rest - (copies - 1) * lanes);
    });
  });
  return failure(failedAny);
}

class RowsStrategy : public Strategy {
public:
  StringRef getName() const override { return "rows"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    RowLoops loops(model);
    if (!loops.defect.empty())
      return Match::decline(loops.defect);
    int64_t cost = model.getCost();
    ScheduleFields fields;
    fields.lanes = getComputeLanes(model, target);
    int64_t lanes = fields.lanes;
    int64_t inner =
        (loops.vectorReduced ? loops.reducedGroups : loops.keptGroups)
            .back()
            .extent.representative();
    fields.unroll = std::clamp<int64_t>(
        inner / lanes, 1, cost > 24 ? 2 : (loops.vectorReduced ? 4 : 8));
    int64_t depth = 1, rows = 1;
    bool manyRows = false; // as many as there may be
    for (const LoopGroup &g : loops.reducedGroups)
      depth *= g.extent.representative();
    for (const LoopGroup &g : loops.keptGroups) {
      rows *= g.extent.representative();
      manyRows |= !g.extent.isStatic();
    }
    int64_t total = depth * rows;
    if (!loops.vectorReduced) {
      int64_t strip = lanes * fields.unroll;
      if (prefersColumns(loops, depth, lanes)) {
        strip = std::min<int64_t>(inner / lanes * lanes, 128 * lanes);
        fields.tile = {strip};
      }
      rows = rows / inner * llvm::divideCeil(inner, strip);
    }
    fields.isInline =
        model.isStatic() && isInlineWork(model.getBytes(loops.accesses),
                                         double(total) * cost, target);
    int64_t perRow = std::max<int64_t>(1, total / std::max<int64_t>(rows, 1));
    fields.workgroup = {
        fields.isInline
            ? rows
            : std::clamp<int64_t>(32768 / perRow, 1, manyRows ? 32768 : rows)};
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    RowLoops loops(model);
    if (!loops.defect.empty() || schedule.getWorkgroup().empty())
      return emitError(model.getFunction().getLoc())
             << "strategy rows does not fit: " << loops.defect;
    return RowEmitter(loops, schedule, k).run();
  }

private:
  static bool prefersColumns(const RowLoops &loops, int64_t depth,
                             int64_t lanes) {
    if (loops.numPhases != 1)
      return false;
    for (unsigned i = 0; i < loops.model.getNumResults(); ++i)
      if (loops.isFullShape(i))
        return false;
    return depth >= 32 &&
           loops.keptGroups.back().extent.representative() >= 16 * lanes;
  }
};

} // namespace

const Strategy &getRowsStrategy() {
  static const RowsStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
