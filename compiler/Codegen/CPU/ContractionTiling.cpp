// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategies `matmul` and `convolution`: the choice of tiles and blocks. The
// tile sizes follow measurements (docs/codegen.md).

#include "compiler/Codegen/CPU/ContractionEmitter.h"

using namespace mlir;

namespace fusilli::compiler {

ContractionTiling::ContractionTiling(const Contraction &c,
                                     const TargetInfo &target) {
  chooseTile(c, target);
  chooseBlocks(c, target);
}

ContractionTiling::ContractionTiling(const Contraction &c,
                                     ir::ScheduleAttr schedule) {
  dot = schedule.getInner() && schedule.getInner().getValue() == "bf16-dot";
  lanes = schedule.getLanes();
  mr = schedule.getTile()[0];
  nv = schedule.getTile()[1] / lanes;
  packA = schedule.getPacking()[0] != ir::OperandPacking::None;
  directB = schedule.getPacking()[1] == ir::OperandPacking::None;
  mBlock = schedule.getWorkgroup()[0];
  panels = llvm::divideCeil(c.n, nr());
  panelsPerGroup = schedule.getWorkgroup()[1] / nr();
}

ScheduleFields ContractionTiling::getFields() const {
  ScheduleFields fields;
  auto packing = [](bool packed) {
    return packed ? ir::OperandPacking::InKernel : ir::OperandPacking::None;
  };
  fields.workgroup = {mBlock, panelsPerGroup * nr()};
  fields.tile = {mr, nr()};
  fields.lanes = lanes;
  fields.packing = {packing(packA), packing(!directB)};
  fields.inner = dot ? "bf16-dot" : "multiply-add";
  return fields;
}

void ContractionTiling::chooseTile(const Contraction &c,
                                   const TargetInfo &target) {
  int64_t m = c.m, n = c.n;
  dot = !c.channelwise && target.hasBf16Dot && c.acc.isF32() &&
        c.a.isWidenedBf16() && c.b.isWidenedBf16();
  lanes = target.lanes(c.acc.getIntOrFloatBitWidth());
  // One register for the broadcast, nv for B, the rest are accumulators.
  int64_t registers = target.numVectorRegisters - 1;
  double best = 0;
  int64_t maxNv = std::min<int64_t>(4, llvm::divideCeil(n, lanes));
  for (int64_t v = 1; v <= maxNv; ++v) {
    int64_t limit = std::min<int64_t>((registers - v) / v, 14);
    if (v == 4)
      limit = std::min<int64_t>(limit, 6);
    for (int64_t r = 1; r <= std::min(limit, std::max<int64_t>(m, 1)); ++r) {
      // Useful part of what is computed, times how close the inner loop comes
      // to two products a cycle: it needs some 10 in flight and may load two
      // operands a cycle.
      double usefulN = double(n) / (llvm::divideCeil(n, v * lanes) * v * lanes);
      double usefulM = double(m) / (llvm::divideCeil(m, r) * r);
      double products = r * v;
      double cycles = std::max({products, 10.0, 1.15 * (r + v)});
      double score = usefulN * usefulM * products / (cycles + 0.05 * (r + v));
      if (score > best * 1.001) {
        best = score;
        mr = r;
        nv = v;
      }
    }
  }
}

void ContractionTiling::chooseBlocks(const Contraction &c,
                                     const TargetInfo &target) {
  const int64_t m = c.m, n = c.n, depth = c.k;
  panels = llvm::divideCeil(n, nr());
  int64_t kStride = c.a.coefs[c.innerK()];
  bool sameType = dot || c.a.isPlain();
  if (c.isConv()) {
    int channel = c.channelLoop();
    bool channelsLast = c.a.coefs[channel] == 1 || c.extents[channel] == 1;
    bool padded =
        llvm::any_of(c.spatial, [](const SpatialDim &s) { return s.pad != 0; });
    packA = c.channelwise || !sameType || !channelsLast || padded ||
            (dot && c.extents[channel] % 2 != 0);
    const SpatialDim &first = c.spatial.front();
    // Blocks of the first output dim (there is none to block if it is the row
    // itself), small enough for the second-level cache, at least four.
    mBlock = 1;
    if (c.spatial.size() > 1) {
      int64_t rowBytes = 4 * c.extents[channel];
      for (const SpatialDim &s : llvm::drop_begin(c.spatial))
        rowBytes *= s.inputExtent + 2 * s.pad;
      int64_t fit = std::max<int64_t>(1, int64_t(target.l2Bytes / 2) /
                                             (rowBytes * first.stride));
      int64_t images = 1;
      for (int l : c.batchLoops)
        if (l != first.outputLoop)
          images *= c.extents[l];
      int64_t want =
          llvm::divideCeil(first.outputs, std::max<int64_t>(1, 4 / images));
      int64_t blocks = llvm::divideCeil(
          first.outputs, std::min(fit, std::max<int64_t>(want, 1)));
      mBlock = llvm::divideCeil(first.outputs, blocks);
    }
    panelsPerGroup = panels;
    return;
  }
  bool pairs = !dot || (c.extents[c.innerK()] % 2 == 0);
  packA = !sameType || kStride != 1 || !pairs;
  if (m == 1 && sameType && pairs && !dot)
    packA = false; // each element is read once anyway
  directB = c.b.isPlain() && c.b.coefs[c.nLoop] == 1 && n >= nr() &&
            m <= 2 * mr && !dot;
  double perRow = 2.0 * n * depth;
  if (packA) {
    // B is packed once per block of A: a block of about the second-level
    // cache's size makes that a percent of the work.
    int64_t rowBytes = depth * (dot ? 2 : c.acc.getIntOrFloatBitWidth() / 8);
    int64_t rows = std::clamp<int64_t>(int64_t(target.l2Bytes) * 5 / 4 /
                                           std::max<int64_t>(rowBytes, 1),
                                       256, 520);
    int64_t blocks = std::max<int64_t>(1, llvm::divideCeil(m, rows));
    mBlock = llvm::divideCeil(m, blocks);
    panelsPerGroup = panels;
  } else {
    int64_t blocks = std::max<int64_t>(1, llvm::divideCeil(m, 520));
    mBlock = llvm::divideCeil(m, blocks);
    double perPanel = perRow / panels * mBlock;
    panelsPerGroup = std::clamp<int64_t>(int64_t(2e6 / perPanel), 1, panels);
  }
  mBlock = std::min<int64_t>(m, llvm::alignTo(mBlock, mr));
}

namespace {

/// Few rows against a B that is contiguous along the reduction: one dot product
/// per result reads B once, without packing it.
bool prefersDotProducts(const Contraction &c, int64_t lanes) {
  return !c.isConv() && c.groupLoop < 0 && c.kLoops.size() == 1 &&
         c.model.getNumResults() == 1 && c.m <= 2 && c.n > 1 &&
         c.k >= 4 * lanes && c.a.coefs[c.innerK()] == 1 &&
         c.b.coefs[c.innerK()] == 1;
}

/// Below this a kernel runs on the calling thread: waking a worker costs more.
constexpr double kInlineFlops = 400e3;

class ContractionStrategy : public Strategy {
public:
  ContractionStrategy(StringRef name, bool windows)
      : name(name), windows(windows) {}

  StringRef getName() const override { return name; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    Contraction c(model);
    if (!c.defect.empty())
      return Match::decline(c.defect);
    if (c.isConv() != windows)
      return Match::decline(windows ? "has no window" : "has a window");
    ContractionTiling tiling(c, target);
    if (prefersDotProducts(c, tiling.lanes))
      return Match::decline("few rows: one dot product per result reads the "
                            "second operand once");
    ScheduleFields fields = tiling.getFields();
    fields.isInline = model.isStatic() && c.flops() < kInlineFlops;
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    Contraction c(model);
    if (!c.defect.empty() || schedule.getTile().size() != 2 ||
        schedule.getWorkgroup().size() != 2 ||
        schedule.getPacking().size() != 2)
      return emitError(model.getFunction().getLoc())
             << "strategy " << name << " does not fit: " << c.defect;
    ContractionTiling tiling(c, schedule);
    return ContractionEmitter(c, tiling, k).run();
  }

private:
  StringRef name;
  bool windows;
};

} // namespace

const Strategy &getMatmulStrategy() {
  static const ContractionStrategy strategy("matmul", false);
  return strategy;
}

const Strategy &getConvolutionStrategy() {
  static const ContractionStrategy strategy("convolution", true);
  return strategy;
}

} // namespace fusilli::compiler
