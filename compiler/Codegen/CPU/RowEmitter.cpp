// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emission of rows: phases, loops over the reduced dims, buffers of one row.

#include "compiler/Codegen/CPU/RowEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <utility>

using namespace mlir;

namespace fusilli::compiler {

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
                                    const ActiveLanes &active,
                                    unsigned copies) {
  SmallVector<Value> next(carried);
  for (unsigned u = 0; u < copies; ++u) {
    Space space = spaces[vectorReduced ? 0 : u];
    space.memo.clear();
    if (vectorReduced) {
      space.groups.back().iv = k.addIndex(iv, u * lanes);
      space.activeLanes = active;
    }
    readAhead(number, space, u);
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
      if (vectorReduced &&
          !active.areAll(lanes)) // identity in the masked lanes
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
      k.setNonTemporal(pastCache);
      e.storeResult(i, *v, space);
      k.setNonTemporal(false);
    }
  }
  return next;
}

int64_t RowEmitter::getSteps(unsigned depth) const {
  int64_t steps = 1;
  for (size_t i = depth; i < reducedGroups.size(); ++i) {
    if (!reducedGroups[i].extent.isStatic())
      return kMaxSteps;
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

SmallVector<Value> RowEmitter::partialLoop(
    unsigned number, Value lo, Value hi, int64_t size, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(Value, Value, ValueRange)> body) {
  return k.loop(lo, hi, size, carried, [&](Value iv, ValueRange in) {
    Value end = k.minIndex(k.addIndex(iv, size), hi);
    SmallVector<Value> part = body(iv, end, initAccumulators(number));
    return combineAccumulators(number, part, in);
  });
}

SmallVector<Value> RowEmitter::boundedLoop(unsigned number, Value lo,
                                           const Extent &count, int64_t step,
                                           int64_t steps, ValueRange carried,
                                           KernelBuilder::LoopBody body) {
  Value hi = k.addIndex(lo, k.mulIndex(k.index(count), step));
  if ((count.isStatic() && count.get() * steps <= kMaxSteps) ||
      !loops.hasSums(number))
    return k.loop(lo, hi, step, carried, body);
  int64_t chunk = std::max<int64_t>(1, kMaxSteps / steps);
  int64_t size = chunk * step;
  auto part = [&](Value from, Value to, ValueRange in) {
    return chunk == 1 ? body(from, in) : k.loop(from, to, step, in, body);
  };
  if (!count.isStatic()) // two levels are as many as a count ever needs
    return partialLoop(number, lo, hi, size * kMaxSteps, carried,
                       [&](Value from, Value to, ValueRange in) {
                         return partialLoop(number, from, to, size, in, part);
                       });
  return boundedLoop(
      number, lo, llvm::divideCeil(count.get(), chunk), size, 1, carried,
      [&](Value iv, ValueRange in) {
        SmallVector<Value> inits = initAccumulators(number);
        return combineAccumulators(
            number, part(iv, k.minIndex(k.addIndex(iv, size), hi), inits), in);
      });
}

SmallVector<Value> RowEmitter::sweep(unsigned number, unsigned depth,
                                     std::vector<Space> &spaces,
                                     ValueRange carried) {
  unsigned firstReduced = keptGroups.size();
  if (!vectorReduced)
    --firstReduced; // the vectorised kept group comes last
  bool innermost = depth + 1 == reducedGroups.size();
  const Extent count = reducedGroups[depth].extent;
  auto setIv = [&](Value iv) {
    for (Space &s : spaces)
      s.groups[firstReduced + depth].iv = iv;
  };
  if (!innermost || !vectorReduced)
    return boundedLoop(number, k.index(0), count, 1, getSteps(depth + 1),
                       carried, [&](Value iv, ValueRange in) {
                         setIv(iv);
                         if (innermost)
                           return step(number, spaces, in, Value(), lanes,
                                       spaces.size());
                         return sweep(number, depth + 1, spaces, in);
                       });
  // Vectors along this loop: unrolled part, whole vectors, masked tail.
  SmallVector<Value> acc(carried);
  auto unrolledStep = [&](Value iv, ValueRange in) {
    return step(number, spaces, in, iv, lanes, unroll);
  };
  auto wholeStep = [&](Value iv, ValueRange in) {
    return step(number, spaces, in, iv, lanes, 1);
  };
  if (!count.isStatic()) {
    Extent steps = floorDiv(count, lanes * unroll);
    acc = boundedLoop(number, k.index(0), steps, lanes * unroll, 1, acc,
                      unrolledStep);
    Value end = k.index(count);
    Value whole = k.mulIndex(k.divIndex(end, lanes), lanes);
    if (unroll > 1)
      acc = k.loop(k.index(steps * (lanes * unroll)), whole, lanes, acc,
                   wholeStep);
    return k.loop(whole, end, lanes, acc, [&](Value iv, ValueRange in) {
      return step(number, spaces, in, iv, ActiveLanes(k.subIndex(end, iv)), 1);
    });
  }
  int64_t extent = count.get();
  int64_t unrolled = extent / (lanes * unroll) * lanes * unroll;
  int64_t whole = extent / lanes * lanes;
  if (unrolled)
    acc = boundedLoop(number, k.index(0), unrolled / (lanes * unroll),
                      lanes * unroll, 1, acc, unrolledStep);
  if (whole > unrolled)
    acc = k.loop(k.index(unrolled), k.index(whole), lanes, acc, wholeStep);
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
void RowEmitter::row(Space base, int64_t copies, const ActiveLanes &active) {
  std::vector<Space> spaces;
  for (int64_t u = 0; u < copies; ++u) {
    Space s = base;
    for (LoopGroup &g : reducedGroups)
      s.groups.push_back(g);
    s.lanes = lanes;
    s.activeLanes = u + 1 == copies ? active : ActiveLanes(lanes);
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
      s.lanes = 1;
      s.activeLanes = 1;
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

void RowEmitter::strip(Space base, Value stripId) {
  const Extent inner = keptGroups.back().extent;
  LoopGroup &v = base.groups.back();
  v.extent = inner;
  if (schedule.getTile().size() == 1) {
    // The last strip is moved back to be a whole one.
    int64_t width = schedule.getTile()[0];
    v.iv = k.minIndex(k.mulIndex(stripId, width), inner.get() - width);
    columns(base, width);
    return;
  }
  int64_t width = lanes * unroll;
  v.iv = k.mulIndex(stripId, width);
  if (!inner.isStatic()) {
    Value first = v.iv, end = k.index(inner);
    auto rowsAt = [&](Value iv, const ActiveLanes &active) {
      Space at = base;
      at.groups.back().iv = iv;
      row(at, 1, active);
    };
    auto rest = [&] {
      Value whole = k.mulIndex(k.divIndex(end, lanes), lanes);
      if (unroll > 1)
        k.loop(first, whole, lanes, [&](Value iv) { rowsAt(iv, lanes); });
      k.loop(whole, end, lanes,
             [&](Value iv) { rowsAt(iv, ActiveLanes(k.subIndex(end, iv))); });
    };
    k.ifThenElse(k.isLess(end, k.addIndex(first, width)), rest,
                 [&] { row(base, unroll, lanes); });
    return;
  }
  int64_t strips = llvm::divideCeil(inner.get(), width);
  int64_t rest = inner.get() % width;
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
}

void RowEmitter::rowsOfWorkgroups() {
  SmallVector<LoopGroup, 4> outer = keptGroups;
  int64_t perGroup = schedule.getWorkgroup()[0];
  if (!vectorReduced)
    outer.back().extent =
        ceilDiv(keptGroups.back().extent, schedule.getTile().size() == 1
                                              ? schedule.getTile()[0]
                                              : lanes * unroll);
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
    if (vectorReduced)
      row(base, 1, lanes);
    else
      strip(base, base.groups.back().iv);
  });
}

LogicalResult RowEmitter::run() {
  if (!isStreamed || !loops.areStoresAligned(lanes)) {
    rows();
    return failure(failedAny);
  }
  auto stream = [&](bool past) {
    pastCache = past;
    rows();
    if (past)
      k.fenceStores();
  };
  k.ifThenElse(
      k.resultsAligned(k.target().vectorBits / 8), [&] { stream(true); },
      [&] { stream(false); });
  return failure(failedAny);
}

void RowEmitter::rows() {
  bool byColumns = schedule.getTile().size() == 1;
  if (byColumns || loops.kept.empty()) {
    rowsOfWorkgroups();
    return;
  }
  int64_t width = vectorReduced ? 1 : lanes * unroll;
  Extent depth = loops.getDepth();
  int64_t capacity = depth.isStatic()
                         ? depth.get()
                         : kSymbolicBytes / width / loops.getBytesPerElement();
  if (buffers.empty())
    for (Type element : loops.slots)
      buffers.push_back(
          k.local(element, capacity * width + (vectorReduced ? lanes : 0)));
  if (depth.isStatic()) {
    rowsOfWorkgroups();
    return;
  }
  k.ifThenElse(
      k.isLess(k.index(capacity), k.index(depth)),
      [&] {
        // Memory limits these: less code, which is there twice, is enough.
        auto kept = std::exchange(loops.kept, {});
        int64_t steps = std::exchange(unroll, vectorReduced ? 1 : unroll);
        rowsOfWorkgroups();
        loops.kept = kept;
        unroll = steps;
      },
      [&] { rowsOfWorkgroups(); });
}

} // namespace fusilli::compiler
