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
// kept, each lane is a row of its own. Values that later phases need again are
// kept in a buffer of one row (RowLoops.h). The order of combination is fixed,
// and no accumulator takes more than kMaxSteps elements before it is added to
// one that stands for more: an error grows with the length of a sum.

#include "compiler/Codegen/CPU/RowLoops.h"
#include "compiler/Codegen/CPU/Strategy.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Elements that one accumulator takes.
constexpr int64_t kMaxSteps = 256;

/// Local memory of one worker.
constexpr int64_t kMaxLocalBytes = 8 << 20;

/// Bytes of the row buffers of one workgroup.
int64_t getBufferBytes(const RowLoops &loops, int64_t width) {
  int64_t bytes = 0;
  for (Type element : loops.slots)
    bytes += loops.getDepth() * width *
             std::max(8u, element.getIntOrFloatBitWidth()) / 8;
  return bytes;
}

/// Rows too long for a buffer are computed again in each phase.
void limitBuffers(RowLoops &loops, int64_t lanes) {
  int64_t width = loops.vectorReduced ? 1 : 2 * lanes;
  if (getBufferBytes(loops, width) <= kMaxLocalBytes)
    return;
  loops.kept.clear();
  loops.slots.clear();
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
  /// A loop of `count` iterations from `lo`, each of which adds `steps`
  /// elements to every accumulator; split where that is too many for one.
  SmallVector<Value> boundedLoop(unsigned number, Value lo, int64_t count,
                                 int64_t step, int64_t steps,
                                 ValueRange carried,
                                 KernelBuilder::LoopBody body);
  /// Elements that every accumulator takes in one sweep from `depth` inwards,
  /// before any split.
  int64_t getSteps(unsigned depth) const;
  SmallVector<Value> initAccumulators(unsigned number);
  SmallVector<Value> combineAccumulators(unsigned number, ValueRange parts,
                                         ValueRange carried);
  /// Loads the values that earlier phases kept for this one, then computes and
  /// stores those that it keeps for later ones.
  LogicalResult passKept(unsigned number, Space &space, unsigned copy);
  SmallVector<Value> step(unsigned number, std::vector<Space> &spaces,
                          ValueRange carried, Value iv, int64_t active,
                          unsigned copies);
  FailureOr<Value> element(RowReduction &r, Space &space);
  Value initVector(RowReduction &r, int64_t lanes) {
    return k.constant(r.combiner().identity, lanes);
  }
  Value combine(RowReduction &r, Value value, Value acc) {
    return e.combine(r.combiner(), acc, value);
  }
  Value horizontal(RowReduction &r, Value v);
  /// The complete value: accumulators start from the identity.
  Value fromInit(RowReduction &r, Value total) {
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
  SmallVector<RowReduction, 4> &reductions;
  SmallVector<LoopGroup, 4> &keptGroups, &reducedGroups;
  bool vectorReduced;
  unsigned numPhases;
  int64_t lanes, unroll;
  ir::ScheduleAttr schedule;
  SmallVector<Value, 2> buffers; ///< of the values kept between phases
  bool failedAny = false;
};

/// What the combining op of `r` takes besides the accumulator.
FailureOr<Value> RowEmitter::element(RowReduction &r, Space &space) {
  FailureOr<SmallVector<Value>> args =
      e.evaluateInputs(r.stage->op, r.stage->position, space);
  if (failed(args))
    return failure();
  return e.payload(r.stage->op, *args, r.combiner().element, r.stage->position,
                   &space);
}

Value RowEmitter::horizontal(RowReduction &r, Value v) {
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

LogicalResult RowEmitter::passKept(unsigned number, Space &space,
                                   unsigned copy) {
  if (loops.kept.empty())
    return success();
  unsigned firstReduced = keptGroups.size() - (vectorReduced ? 0 : 1);
  Value at = k.index(0);
  for (size_t i = 0; i < reducedGroups.size(); ++i) {
    at = k.mulIndex(at, reducedGroups[i].extent);
    at = k.addIndex(at, space.groups[firstReduced + i].iv);
  }
  if (!vectorReduced)
    at = k.addIndex(k.mulIndex(at, unroll * lanes), copy * lanes);
  for (const RowValue &v : loops.kept)
    if (v.first < number && number <= v.last)
      space.known[v.tensor] = k.load(buffers[v.slot], at, lanes, lanes, 1);
  for (const RowValue &v : loops.kept) {
    if (v.first != number)
      continue;
    FailureOr<Value> value = e.evaluate(v.tensor, v.position, space);
    if (failed(value))
      return failure();
    Value vector = e.asVector(*value, space);
    space.known[v.tensor] = vector;
    k.store(vector, buffers[v.slot], at, lanes, 1);
  }
  return success();
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
    if (failed(passKept(number, space, u))) {
      failedAny = true;
      return next;
    }
    unsigned slot = u;
    for (RowReduction &r : reductions) {
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

int64_t RowEmitter::getSteps(unsigned depth) const {
  int64_t steps = 1;
  for (size_t i = depth; i < reducedGroups.size(); ++i) {
    int64_t extent = reducedGroups[i].extent.get();
    bool isVector = vectorReduced && i + 1 == reducedGroups.size();
    steps *= isVector ? llvm::divideCeil(extent, lanes * unroll) : extent;
  }
  return steps;
}

SmallVector<Value> RowEmitter::initAccumulators(unsigned number) {
  SmallVector<Value> inits;
  for (RowReduction &r : reductions)
    if (r.phase == number)
      inits.append(unroll, initVector(r, lanes));
  return inits;
}

SmallVector<Value> RowEmitter::combineAccumulators(unsigned number,
                                                   ValueRange parts,
                                                   ValueRange carried) {
  SmallVector<Value> sums;
  for (RowReduction &r : reductions)
    for (int64_t u = 0; r.phase == number && u < unroll; ++u)
      sums.push_back(combine(r, parts[sums.size()], carried[sums.size()]));
  return sums;
}

SmallVector<Value> RowEmitter::boundedLoop(unsigned number, Value lo,
                                           int64_t count, int64_t step,
                                           int64_t steps, ValueRange carried,
                                           KernelBuilder::LoopBody body) {
  Value hi = k.addIndex(lo, count * step);
  if (count * steps <= kMaxSteps || !loops.hasSums(number))
    return k.loop(lo, hi, step, carried, body);
  int64_t chunk = std::max<int64_t>(1, kMaxSteps / steps);
  return boundedLoop(
      number, lo, llvm::divideCeil(count, chunk), chunk * step, 1, carried,
      [&](Value iv, ValueRange in) {
        SmallVector<Value> part = initAccumulators(number);
        part = chunk == 1
                   ? body(iv, part)
                   : k.loop(iv, k.minIndex(k.addIndex(iv, chunk * step), hi),
                            step, part, body);
        return combineAccumulators(number, part, in);
      });
}

SmallVector<Value> RowEmitter::sweep(unsigned number, unsigned depth,
                                     std::vector<Space> &spaces,
                                     ValueRange carried) {
  unsigned firstReduced = keptGroups.size();
  if (!vectorReduced)
    --firstReduced; // the vectorised kept group comes last
  bool innermost = depth + 1 == reducedGroups.size();
  int64_t extent = reducedGroups[depth].extent.get();
  auto setIv = [&](Value iv) {
    for (Space &s : spaces)
      s.groups[firstReduced + depth].iv = iv;
  };
  if (!innermost || !vectorReduced)
    return boundedLoop(number, k.index(0), extent, 1, getSteps(depth + 1),
                       carried, [&](Value iv, ValueRange in) {
                         setIv(iv);
                         if (innermost)
                           return step(number, spaces, in, Value(), lanes,
                                       spaces.size());
                         return sweep(number, depth + 1, spaces, in);
                       });
  // Vectors along this loop: unrolled part, whole vectors, masked tail.
  SmallVector<Value> acc(carried);
  int64_t unrolled = extent / (lanes * unroll) * lanes * unroll;
  int64_t whole = extent / lanes * lanes;
  if (unrolled)
    acc = boundedLoop(number, k.index(0), unrolled / (lanes * unroll),
                      lanes * unroll, 1, acc, [&](Value iv, ValueRange in) {
                        return step(number, spaces, in, iv, lanes, unroll);
                      });
  if (whole > unrolled)
    acc = k.loop(k.index(unrolled), k.index(whole), lanes, acc,
                 [&](Value iv, ValueRange in) {
                   return step(number, spaces, in, iv, lanes, 1);
                 });
  if (extent > whole)
    acc = step(number, spaces, acc, k.index(whole), extent - whole, 1);
  return acc;
}

/// Runs phase `number` and makes its reductions known to the spaces.
void RowEmitter::phase(unsigned number, std::vector<Space> &spaces) {
  SmallVector<Value> inits = initAccumulators(number);
  SmallVector<Value> acc = sweep(number, 0, spaces, inits);
  unsigned slot = 0;
  for (RowReduction &r : reductions) {
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

  // Sums of level 0 take rows, those of a higher one sums of the level below.
  SmallVector<SmallVector<Value>> sums;
  auto forEachColumn = [&](function_ref<void(Value)> body) {
    k.loop(k.index(0), k.index(width), lanes, body);
  };
  auto fill = [&](unsigned level) {
    forEachColumn([&](Value c) {
      for (auto [buffer, r] : llvm::zip(sums[level], reductions))
        k.store(initVector(r, lanes), buffer, c, lanes, 1);
    });
  };
  auto addLevel = [&] {
    SmallVector<Value> &level = sums.emplace_back();
    for (RowReduction &r : reductions)
      level.push_back(k.local(r.combiner().identity.getType(), width));
    fill(sums.size() - 1);
  };
  auto flush = [&](unsigned level) {
    forEachColumn([&](Value c) {
      for (auto [from, to, r] :
           llvm::zip(sums[level], sums[level + 1], reductions))
        k.store(combine(r, k.load(from, c, lanes, lanes, 1),
                        k.load(to, c, lanes, lanes, 1)),
                to, c, lanes, 1);
    });
    fill(level);
  };
  constexpr int64_t kRows = 4;
  auto sweepRows = [&](Value row, int64_t count) {
    forEachColumn([&](Value c) {
      SmallVector<Value> acc;
      for (Value buffer : sums[0])
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
      for (auto [buffer, a] : llvm::zip(sums[0], acc))
        k.store(a, buffer, c, lanes, 1);
    });
  };
  // What a nest of loops adds: to which level, and how often to one sum there.
  struct Added {
    unsigned level = 0;
    int64_t steps = 1;
  };
  // Levels are there before the loops that use them.
  bool bounded = loops.hasSums(0);
  auto levelsAfter = [&](Added added, int64_t count) {
    while (bounded && added.steps * count > kMaxSteps) {
      count = llvm::divideCeil(count,
                               std::max<int64_t>(1, kMaxSteps / added.steps));
      added = {added.level + 1, 1};
    }
    return Added{added.level, added.steps * count};
  };
  std::function<void(Value, int64_t, int64_t, Added, function_ref<void(Value)>)>
      nestLoop = [&](Value lo, int64_t count, int64_t step, Added added,
                     function_ref<void(Value)> body) {
        Value hi = k.addIndex(lo, count * step);
        if (!bounded || added.steps * count <= kMaxSteps) {
          k.loop(lo, hi, step, body);
          return;
        }
        int64_t chunk = std::max<int64_t>(1, kMaxSteps / added.steps);
        nestLoop(lo, llvm::divideCeil(count, chunk), chunk * step,
                 {added.level + 1, 1}, [&](Value iv) {
                   k.loop(iv, k.minIndex(k.addIndex(iv, chunk * step), hi),
                          step, body);
                   flush(added.level);
                 });
      };
  SmallVector<Added> inside(reducedGroups.size() + 1);
  inside.back().steps = kRows;
  for (size_t depth = reducedGroups.size(); depth-- > 0;) {
    int64_t extent = reducedGroups[depth].extent.get();
    bool isInnermost = depth + 1 == reducedGroups.size();
    inside[depth] =
        levelsAfter(inside[depth + 1], isInnermost ? extent / kRows : extent);
  }
  while (sums.size() <= inside.front().level)
    addLevel();
  std::function<void(unsigned)> nest = [&](unsigned depth) {
    int64_t extent = reducedGroups[depth].extent.get();
    if (depth + 1 < reducedGroups.size()) {
      nestLoop(k.index(0), extent, 1, inside[depth + 1], [&](Value iv) {
        space.groups[firstReduced + depth].iv = iv;
        nest(depth + 1);
      });
      return;
    }
    int64_t whole = extent / kRows * kRows;
    if (whole)
      nestLoop(k.index(0), whole / kRows, kRows, inside[depth + 1],
               [&](Value row) { sweepRows(row, kRows); });
    if (extent == whole)
      return;
    sweepRows(k.index(whole), extent - whole);
    for (unsigned level = 0; level < inside[depth].level; ++level)
      flush(level);
  };
  nest(0);
  k.loop(k.index(0), k.index(width), lanes, [&](Value c) {
    Space at = space;
    at.groups.back().iv = k.addIndex(first, c);
    for (auto [buffer, r] : llvm::zip(sums[inside.front().level], reductions))
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
  int64_t rows = 1;
  for (LoopGroup &g : outer)
    rows *= g.extent.get();
  k.setWorkgroups(int64_t(llvm::divideCeil(rows, perGroup)));

  if (!byColumns)
    for (Type element : loops.slots)
      buffers.push_back(
          k.local(element, vectorReduced ? loops.getDepth() + lanes
                                         : loops.getDepth() * lanes * unroll));
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
            .extent.get();
    fields.unroll = std::clamp<int64_t>(
        inner / lanes, 1, cost > 24 ? 2 : (loops.vectorReduced ? 4 : 8));
    // The buffers of side by side rows stay in the second-level cache.
    limitBuffers(loops, lanes);
    while (!loops.vectorReduced && fields.unroll > 2 &&
           getBufferBytes(loops, lanes * fields.unroll) >
               int64_t(target.l2Bytes) / 2)
      fields.unroll /= 2;
    int64_t depth = loops.getDepth(), rows = 1;
    for (const LoopGroup &g : loops.keptGroups)
      rows *= g.extent.get();
    int64_t total = depth * rows;
    if (!loops.vectorReduced) {
      int64_t strip = lanes * fields.unroll;
      if (prefersColumns(loops, depth, lanes)) {
        strip = std::min<int64_t>(inner / lanes * lanes, 128 * lanes);
        fields.tile = {strip};
      }
      rows = rows / inner * llvm::divideCeil(inner, strip);
    }
    fields.isInline = isInlineWork(model.getBytes(loops.accesses),
                                   double(total) * cost, target);
    int64_t perRow = std::max<int64_t>(1, total / std::max<int64_t>(rows, 1));
    fields.workgroup = {
        fields.isInline ? rows : std::clamp<int64_t>(32768 / perRow, 1, rows)};
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    RowLoops loops(model);
    if (!loops.defect.empty() || schedule.getWorkgroup().empty())
      return emitError(model.getFunction().getLoc())
             << "strategy rows does not fit: " << loops.defect;
    limitBuffers(loops, schedule.getLanes());
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
    return depth >= 32 && loops.keptGroups.back().extent.get() >= 16 * lanes;
  }
};

} // namespace

const Strategy &getRowsStrategy() {
  static const RowsStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
