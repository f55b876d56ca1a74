// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Column sums of tall inputs: accumulators in local memory, so that whole
// stretches of several input rows are read at a time.

#include "compiler/Codegen/CPU/RowEmitter.h"

#include <functional>

using namespace mlir;

namespace fusilli::compiler {

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
  space.lanes = lanes;
  space.activeLanes = lanes;
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
  auto levelsAfter = [&](Added added, const Extent &extent) {
    if (!extent.isStatic()) // two levels are as many as a count ever needs
      return bounded ? Added{added.level + 2, kMaxSteps} : added;
    int64_t count = extent.get();
    while (bounded && added.steps * count > kMaxSteps) {
      count = llvm::divideCeil(count,
                               std::max<int64_t>(1, kMaxSteps / added.steps));
      added = {added.level + 1, 1};
    }
    return Added{added.level, added.steps * count};
  };
  std::function<void(Value, Extent, int64_t, Added, function_ref<void(Value)>)>
      nestLoop = [&](Value lo, Extent count, int64_t step, Added added,
                     function_ref<void(Value)> body) {
        Value hi = k.addIndex(lo, k.mulIndex(k.index(count), step));
        if (!bounded ||
            (count.isStatic() && added.steps * count.get() <= kMaxSteps)) {
          k.loop(lo, hi, step, body);
          return;
        }
        int64_t chunk = std::max<int64_t>(1, kMaxSteps / added.steps);
        auto part = [&](Value iv, Value end) {
          k.loop(iv, k.minIndex(k.addIndex(iv, chunk * step), end), step, body);
          flush(added.level);
        };
        if (count.isStatic()) {
          nestLoop(lo, llvm::divideCeil(count.get(), chunk), chunk * step,
                   {added.level + 1, 1}, [&](Value iv) { part(iv, hi); });
          return;
        }
        int64_t most = chunk * step * kMaxSteps;
        k.loop(lo, hi, most, [&](Value first) {
          Value end = k.minIndex(k.addIndex(first, most), hi);
          k.loop(first, end, chunk * step, [&](Value iv) { part(iv, end); });
          flush(added.level + 1);
        });
      };
  SmallVector<Added> inside(reducedGroups.size() + 1);
  inside.back().steps = kRows;
  for (size_t depth = reducedGroups.size(); depth-- > 0;) {
    const Extent &extent = reducedGroups[depth].extent;
    bool isInnermost = depth + 1 == reducedGroups.size();
    inside[depth] = levelsAfter(inside[depth + 1],
                                isInnermost ? floorDiv(extent, kRows) : extent);
  }
  while (sums.size() <= inside.front().level)
    addLevel();
  std::function<void(unsigned)> nest = [&](unsigned depth) {
    const Extent &extent = reducedGroups[depth].extent;
    if (depth + 1 < reducedGroups.size()) {
      nestLoop(k.index(0), extent, 1, inside[depth + 1], [&](Value iv) {
        space.groups[firstReduced + depth].iv = iv;
        nest(depth + 1);
      });
      return;
    }
    Extent whole = floorDiv(extent, kRows) * kRows;
    if (!whole.is(0))
      nestLoop(k.index(0), floorDiv(extent, kRows), kRows, inside[depth + 1],
               [&](Value row) { sweepRows(row, kRows); });
    if (extent == whole)
      return;
    if (extent.isStatic())
      sweepRows(k.index(whole), extent.get() - whole.get());
    else
      k.loop(k.index(whole), k.index(extent), 1,
             [&](Value row) { sweepRows(row, 1); });
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

} // namespace fusilli::compiler
