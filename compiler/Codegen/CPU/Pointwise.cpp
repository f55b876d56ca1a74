// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `pointwise`: kernels without reductions, one pass over the outputs
// in the order of their memory. Dims that all operands walk through linearly
// become one loop; the innermost is vectorised, its tail masked. Workgroups are
// fixed chunks of elements or rows.

#include "compiler/Codegen/CPU/Emit/Evaluator.h"
#include "compiler/Codegen/CPU/Strategy.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Operations of one element from which one vector at a time fills the core.
constexpr int64_t kHeavyCost = 24;

/// The loops of the kernel: a function of the model alone.
struct Loops {
  SmallVector<LoopGroup, 4> groups;
  SmallVector<Access> accesses;
  std::string defect;

  explicit Loops(const KernelModel &model) {
    if (!model.getReductions().empty()) {
      defect = "has a reduction";
      return;
    }
    for (unsigned i = 0; i < model.getNumResults(); ++i) {
      AffineMap position = model.getResultPosition(i);
      std::optional<Access> store;
      if (position)
        store = model.getAccess(model.getResultBinding(i), position);
      if (!store) {
        defect = "has results of different iteration spaces";
        return;
      }
      if (!coversAllDims(model, position)) {
        defect = "has results of different shapes";
        return;
      }
      accesses.push_back(*store);
    }
    for (unsigned i = 0; i < model.getNumResults(); ++i)
      if (!model.collect(model.getResultValue(i), model.getResultPosition(i),
                         accesses)) {
        defect = "reads an operand that is not addressed linearly";
        return;
      }
    SmallVector<unsigned> dims;
    for (unsigned d = 0; d < model.getNumDims(); ++d)
      dims.push_back(d);
    groups = formGroups(dims, model.getExtents(), accesses.front(), accesses);
    if (groups.empty()) { // one element
      groups.emplace_back();
      groups.back().dims.push_back(0);
    }
  }

  static bool coversAllDims(const KernelModel &model, AffineMap position) {
    for (unsigned d = 0; d < model.getNumDims(); ++d)
      if (!position.isFunctionOfDim(d))
        return false;
    return true;
  }

  const Extent &inner() const { return groups.back().extent; }
  Extent rows() const {
    Extent rows = 1;
    for (const LoopGroup &g : llvm::drop_end(groups))
      rows = rows * g.extent;
    return rows;
  }
};

/// Emits the kernel body for one choice of groups and vector length.
class Body {
public:
  Body(KernelBuilder &k, Evaluator &e, Loops &loops, int64_t lanes,
       int64_t unroll)
      : k(k), e(e), groups(loops.groups), lanes(lanes), unroll(unroll) {}

  /// Elements of the innermost group from `lo` to where its last whole step
  /// ends or to `hi`; then, where `tail` holds (null: always), the rest.
  void row(Value lo, Value hi, const Extent &inner, Value tail) {
    int64_t step = lanes * unroll;
    if (!inner.isStatic()) {
      Value n = k.index(inner);
      auto upTo = [&](int64_t multiple) {
        return k.minIndex(k.mulIndex(k.divIndex(n, multiple), multiple), hi);
      };
      Value steps = upTo(step), whole = upTo(lanes);
      k.loop(lo, steps, step, [&](Value iv) { unrolled(iv); });
      if (unroll > 1)
        k.loop(steps, whole, lanes,
               [&](Value iv) { position(iv, lanes, lanes); });
      k.loop(whole, k.minIndex(hi, n), lanes, [&](Value iv) {
        position(iv, lanes, ActiveLanes(k.subIndex(n, iv)));
      });
      return;
    }
    int64_t n = inner.get();
    int64_t steps = n / step * step, full = n / lanes * lanes;
    if (steps)
      k.loop(lo, k.minIndex(hi, steps), step, [&](Value iv) { unrolled(iv); });
    auto rest = [&] {
      if (full - steps == lanes)
        position(k.index(steps), lanes, lanes);
      else if (full > steps)
        k.loop(k.index(steps), k.index(full), lanes,
               [&](Value iv) { position(iv, lanes, lanes); });
      if (n > full)
        position(k.index(full), lanes, n - full);
    };
    if (n == steps)
      return;
    if (tail)
      k.ifThen(tail, rest);
    else
      rest();
  }

  MutableArrayRef<LoopGroup> outer() {
    return MutableArrayRef<LoopGroup>(groups).drop_back();
  }
  bool hasFailed() const { return anyFailed; }

private:
  void unrolled(Value iv) {
    for (int64_t u = 0; u < unroll; ++u)
      position(k.addIndex(iv, u * lanes), lanes, lanes);
  }

  void position(Value iv, int64_t vector, const ActiveLanes &active) {
    Space space;
    space.groups = groups;
    space.vectorGroup = vector > 1 || lanes == 1 ? int(groups.size()) - 1 : -1;
    space.lanes = vector;
    space.activeLanes = active;
    space.groups.back().iv = iv;
    if (failed(e.storeAllResults(space)))
      anyFailed = true;
  }

  KernelBuilder &k;
  Evaluator &e;
  SmallVector<LoopGroup, 4> groups;
  int64_t lanes, unroll;
  bool anyFailed = false;
};

class PointwiseStrategy : public Strategy {
public:
  StringRef getName() const override { return "pointwise"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    Loops loops(model);
    if (!loops.defect.empty())
      return Match::decline(loops.defect);
    int64_t cost = model.getCost();
    ScheduleFields fields;
    fields.lanes = getComputeLanes(model, target);
    int64_t inner = loops.inner().representative();
    int64_t rows = loops.rows().representative();
    int64_t most = cost > kHeavyCost ? 1 : 4;
    fields.unroll = loops.inner().isStatic()
                        ? std::clamp<int64_t>(inner / fields.lanes, 1, most)
                        : most;
    fields.isInline =
        model.isStatic() && isInlineWork(model.getBytes(loops.accesses),
                                         double(inner) * rows * cost, target);
    // A chunk takes some ten microseconds.
    int64_t chunk = cost > kHeavyCost ? 8192 : 16384;
    if (loops.rows().is(1)) {
      if (loops.inner().isStatic())
        chunk = fields.isInline ? inner : std::min(chunk, inner);
      chunk = llvm::alignTo(chunk, fields.lanes * fields.unroll);
      fields.workgroup = {chunk};
    } else {
      int64_t most = loops.rows().isStatic() ? rows : chunk;
      int64_t perGroup =
          fields.isInline ? rows
                          : std::clamp<int64_t>(
                                chunk / std::max<int64_t>(inner, 1), 1, most);
      fields.workgroup = {perGroup, std::max<int64_t>(inner, 1)};
    }
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    Loops loops(model);
    if (!loops.defect.empty() || schedule.getWorkgroup().empty())
      return emitError(model.getFunction().getLoc())
             << "strategy pointwise does not fit: " << loops.defect;
    Evaluator e(model, k);
    int64_t lanes = schedule.getLanes(), unroll = schedule.getUnroll();
    int64_t chunk = schedule.getWorkgroup()[0];
    const Extent inner = loops.inner(), rows = loops.rows();
    Body body(k, e, loops, lanes, unroll);
    if (rows.is(1)) {
      k.setWorkgroups(ceilDiv(inner, chunk));
      Value lo = k.mulIndex(k.begin(), chunk);
      Value end = k.mulIndex(k.end(), chunk);
      bool single = k.getWorkgroups().is(1);
      Value tail =
          single ? Value() : k.isEqual(k.end(), k.index(k.getWorkgroups()));
      // Results that no cache keeps are written past it: that saves reading
      // each line before it is overwritten.
      if (model.isStatic() && model.getBytes(loops.accesses) > kStreamBytes)
        k.ifThenElse(
            k.resultsAligned(k.target().vectorBits / 8),
            [&] {
              k.setNonTemporal(true);
              body.row(lo, end, inner, tail);
              k.setNonTemporal(false);
              k.fenceStores();
            },
            [&] { body.row(lo, end, inner, tail); });
      else
        body.row(lo, end, inner, tail);
    } else {
      k.setWorkgroups(ceilDiv(rows, chunk));
      Value lo = k.mulIndex(k.begin(), chunk);
      Value hi = k.minIndex(k.mulIndex(k.end(), chunk), rows);
      k.loop(lo, hi, 1, [&](Value row) {
        delinearize(k, row, body.outer());
        body.row(k.index(0), k.index(inner), inner, Value());
      });
    }
    return failure(body.hasFailed());
  }
};

} // namespace

const Strategy &getPointwiseStrategy() {
  static const PointwiseStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
