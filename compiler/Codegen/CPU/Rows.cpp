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
//
// Extents may be symbolic. A last vector that is not whole is masked by a count
// that is computed at run time; rows of any length are kept in buffers of
// kSymbolicBytes where they fit in, and computed again in each phase elsewhere.

#include "compiler/Codegen/CPU/RowEmitter.h"
#include "compiler/Codegen/CPU/Strategy.h"

#include <algorithm>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Local memory of one worker.
constexpr int64_t kMaxLocalBytes = 8 << 20;
/// Elements of a workgroup, and what a symbolic row is taken to have at least:
/// the shape that is run may have few rows that are long.
constexpr int64_t kWorkgroupElements = 32768;
constexpr int64_t kSymbolicDepth = 2048;

/// Bytes of the row buffers of one workgroup of `width` rows side by side.
int64_t getBufferBytes(const RowLoops &loops, int64_t width) {
  return loops.getBytesPerElement() * loops.getDepth().representative() * width;
}

/// Rows too long for a buffer are computed again in each phase.
void limitBuffers(RowLoops &loops, int64_t lanes) {
  int64_t width = loops.vectorReduced ? 1 : 2 * lanes;
  if (!loops.getDepth().isStatic() ||
      getBufferBytes(loops, width) <= kMaxLocalBytes)
    return;
  loops.kept.clear();
  loops.slots.clear();
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
    const Extent inner =
        (loops.vectorReduced ? loops.reducedGroups : loops.keptGroups)
            .back()
            .extent;
    // What waits for memory has room for whole lines of many rows.
    bool isStreamed = loops.isStreamed();
    int64_t most = loops.vectorReduced ? 4 : 8;
    if (cost > 24 && !isStreamed)
      most = 2;
    fields.unroll = inner.isStatic()
                        ? std::clamp<int64_t>(inner.get() / lanes, 1, most)
                        : most;
    // The buffers of side by side rows stay in the second-level cache, those of
    // long ones in the third: a wider stretch of each row is worth more.
    limitBuffers(loops, lanes);
    int64_t bufferBytes =
        isStreamed ? kMaxLocalBytes : int64_t(target.l2Bytes) / 2;
    while (!loops.vectorReduced && fields.unroll > 2 &&
           getBufferBytes(loops, lanes * fields.unroll) > bufferBytes)
      fields.unroll /= 2;
    Extent depth = loops.getDepth();
    Extent rows = 1;
    for (const LoopGroup &g : loops.keptGroups)
      rows = rows * g.extent;
    int64_t total = depth.representative() * rows.representative();
    int64_t perRow = depth.isStatic()
                         ? depth.get()
                         : std::max(depth.representative(), kSymbolicDepth);
    if (!loops.vectorReduced) {
      int64_t strip = lanes * fields.unroll;
      if (prefersColumns(loops, lanes)) {
        strip = std::min<int64_t>(inner.get() / lanes * lanes, 128 * lanes);
        fields.tile = {strip};
      }
      rows = ceilDiv(inner, strip);
      for (const LoopGroup &g : ArrayRef(loops.keptGroups).drop_back())
        rows = rows * g.extent;
      perRow *= strip;
    }
    if (depth.isStatic() && inner.isStatic())
      perRow = total / std::max<int64_t>(rows.representative(), 1);
    fields.isInline =
        model.isStatic() && isInlineWork(model.getBytes(loops.accesses),
                                         double(total) * cost, target);
    int64_t perGroup =
        std::max<int64_t>(1, kWorkgroupElements / std::max<int64_t>(perRow, 1));
    if (fields.isInline)
      perGroup = rows.get();
    else if (rows.isStatic())
      perGroup = std::min(perGroup, std::max<int64_t>(1, rows.get()));
    fields.workgroup = {perGroup};
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
  static bool prefersColumns(const RowLoops &loops, int64_t lanes) {
    if (loops.numPhases != 1)
      return false;
    for (unsigned i = 0; i < loops.model.getNumResults(); ++i)
      if (loops.isFullShape(i))
        return false;
    const Extent &inner = loops.keptGroups.back().extent;
    return loops.getDepth().representative() >= 32 && inner.isStatic() &&
           inner.get() >= 16 * lanes;
  }
};

} // namespace

const Strategy &getRowsStrategy() {
  static const RowsStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
