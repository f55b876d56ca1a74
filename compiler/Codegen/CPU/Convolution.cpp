// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `convolution`: contractions whose first operand is read through a
// window. Chooses the inner product, the register tile, the blocks;
// docs/codegen.md has the measurements behind the constants.

#include "compiler/Codegen/CPU/Convolution.h"

#include "compiler/Codegen/CPU/RegisterTile.h"

#include <numeric>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Below this a kernel runs on the calling thread: waking a worker costs more.
constexpr double kInlineFlops = 400e3;
/// Workgroups that a large problem is cut into, and the least work of one.
constexpr int64_t kWorkgroups = 64;
constexpr double kWorkgroupFlops = 4e6;
/// Bytes of packed filters in local memory.
constexpr int64_t kPackedBytes = 5 << 20;
/// Neighbours along k from which the input is read in place.
constexpr int64_t kInPlaceRun = 16;

} // namespace

ConvolutionTiling::ConvolutionTiling(const Contraction &c,
                                     const TargetInfo &target) {
  for (const InnerProduct *product : getInnerProducts())
    if (product->fits(c, target) &&
        !(c.channelwise && product->getGranule() > 1)) {
      inner = product;
      break;
    }
  lanes = target.lanes(c.acc.getIntOrFloatBitWidth());
  RegisterTile tile = chooseRegisterTile(c.m, c.n, lanes, target);
  mr = tile.rows;
  nv = tile.vectors;
  // A panel of deep filters has a place in local memory.
  int64_t lineBytes = std::max<int64_t>(4, c.acc.getIntOrFloatBitWidth() / 8);
  int64_t lines = llvm::divideCeil(c.k, inner->getGranule());
  while (nv > 1 && !c.isPrepackable && lines * lineBytes * nr() > kPackedBytes)
    --nv;
  chooseBlocks(c, target);
}

void ConvolutionTiling::chooseBlocks(const Contraction &c,
                                     const TargetInfo &target) {
  int64_t granule = inner->getGranule();
  bool fewRegisters = target.numVectorRegisters <= 16;
  unroll = !fewRegisters || c.channelwise ? 1 : 2;
  int64_t bytes = std::max<int64_t>(4, c.acc.getIntOrFloatBitWidth() / 8);
  kBlock = (fewRegisters ? 2048 : 4096) / bytes;

  int channel = c.channelLoop();
  int64_t channels = c.extents[channel];
  bool padded =
      llvm::any_of(c.spatial, [](const SpatialDim &s) { return s.isPadded(); });
  bool plain = granule == 1 ? c.a.isPlain()
                            : !inner->isCompensated() &&
                                  inner->getPackedType(c) == c.a.element;
  bool channelsLast = c.a.coefs[channel] == 1 || channels == 1;
  bool inPlace = channelsLast && channels % granule == 0 &&
                 (channels >= kInPlaceRun || channels == c.k);
  packA = c.channelwise || padded || !plain || !inPlace;
  if (c.isPrepackable)
    packingB = ir::OperandPacking::Prepared;

  auto balance = [](int64_t extent, int64_t limit) {
    return llvm::divideCeil(
        extent, llvm::divideCeil(extent, std::max<int64_t>(limit, 1)));
  };
  int64_t steps = llvm::divideCeil(c.k, granule);
  int64_t fitColumns =
      std::max<int64_t>(nr(), kPackedBytes / (steps * bytes) / nr() * nr());
  if (packingB == ir::OperandPacking::Prepared)
    fitColumns = llvm::alignTo(c.n, nr());
  columns = llvm::alignTo(balance(c.n, fitColumns), nr());

  // Rows of a block: their window fits the second-level cache.
  const SpatialDim &first = c.spatial.front();
  int64_t rowBytes = bytes * channels / granule;
  int64_t others = 1; // positions of one row
  for (const SpatialDim &s : llvm::drop_begin(c.spatial)) {
    rowBytes *= s.paddedExtent();
    others *= s.outputs;
  }
  int64_t fit =
      std::max<int64_t>(1, int64_t(target.l2Bytes / 2) /
                               std::max<int64_t>(rowBytes * first.stride, 1));
  int64_t mostRows = std::min(fit, first.outputs);
  double images = 1; // and groups
  for (int64_t extent : c.extents)
    images *= extent;
  images /= double(first.outputs) * others * c.n * std::max<int64_t>(c.k, 1);
  // Parts of an image, then blocks of columns, until there are enough.
  bool merges = c.mergesAllPositions();
  int64_t unit = merges ? mr : 1; // what blocks are made of
  int64_t units = llvm::divideCeil(merges ? c.m : first.outputs, unit);
  int64_t perUnit = merges ? 1 : llvm::divideCeil(others, mr); // tiles
  int64_t parts = llvm::divideCeil(first.outputs, mostRows);
  auto blockUnits = [&] { return llvm::divideCeil(units, parts); };
  auto count = [&] {
    return images * llvm::divideCeil(units, blockUnits()) *
           llvm::divideCeil(c.n, columns);
  };
  // What overlaps of windows is copied twice.
  int64_t overlap = packA ? (first.taps - 1) * first.dilation : 0;
  while (count() < kWorkgroups && c.flops() / count() > kWorkgroupFlops) {
    int64_t next = parts + 1;
    int64_t length = llvm::divideCeil(units, next);
    // Tiles that share what is read of the filter.
    int64_t least = count() < kWorkgroups / 4   ? 3
                    : count() < kWorkgroups / 2 ? 8
                                                : 16;
    bool isEnough =
        length * perUnit >= least &&
        length * unit >= (merges ? others : 1) * overlap / first.stride;
    if (isEnough)
      parts = next;
    else if (columns >= 2 * nr())
      columns = llvm::alignTo(balance(c.n, columns / 2), nr());
    else
      break;
  }
  block = blockUnits() * unit;
  // Whole rows, where tiles make some.
  int64_t wholeRows = std::lcm(mr, others);
  if (merges && 2 * block > wholeRows)
    block = std::max<int64_t>(block / wholeRows, 1) * wholeRows;
}

int64_t ConvolutionTiling::getWindowRows(const Contraction &c) const {
  int64_t outputs = c.spatial.front().outputs;
  if (!c.mergesAllPositions())
    return block;
  int64_t others = c.m / outputs;
  auto crossing = [&](int64_t positions) -> int64_t {
    return llvm::divideCeil(positions - 1, others) + 1;
  };
  // The last tile is moved back, perhaps in front of its block.
  int64_t rows =
      block % others ? crossing(block) : std::max(block / others, crossing(mr));
  return std::min(rows, outputs);
}

ConvolutionTiling::ConvolutionTiling(const Contraction &c,
                                     ir::ScheduleAttr schedule) {
  if (schedule.getTile().size() != 2 || schedule.getWorkgroup().size() != 2 ||
      schedule.getPacking().size() != 2 || schedule.getCache().size() != 1 ||
      !schedule.getInner()) {
    defect = "needs workgroup and tile of 2 extents, cache of 1, packing of 2 "
             "operands and an inner product";
    return;
  }
  inner = findInnerProduct(schedule.getInner().getValue());
  lanes = schedule.getLanes();
  mr = schedule.getTile()[0];
  nv = schedule.getTile()[1] / lanes;
  block = schedule.getWorkgroup()[0];
  columns = schedule.getWorkgroup()[1];
  kBlock = schedule.getCache()[0];
  unroll = schedule.getUnroll();
  packA = schedule.getPacking()[0] != ir::OperandPacking::None;
  packingB = schedule.getPacking()[1];
  if (!inner)
    defect = "unknown inner product";
  else if (nv < 1 || schedule.getTile()[1] % lanes || columns % nr())
    defect = "columns are no multiple of lanes or tile";
  else if (packingB == ir::OperandPacking::None ||
           (packingB == ir::OperandPacking::Prepared && !c.isPrepackable))
    defect = "the filter is packed, before the kernel only if it is constant";
  else if (block < 1 ||
           (c.mergesAllPositions() ? block % mr || mr > c.m
                                   : block > c.spatial.front().outputs))
    defect = "a workgroup's positions are no whole tiles of the result";
}

ScheduleFields ConvolutionTiling::getFields() const {
  ScheduleFields fields;
  fields.workgroup = {block, columns};
  fields.tile = {mr, nr()};
  fields.cache = {kBlock};
  fields.lanes = lanes;
  fields.unroll = unroll;
  fields.packing = {packA ? ir::OperandPacking::InKernel
                          : ir::OperandPacking::None,
                    packingB};
  fields.inner = inner->getName();
  return fields;
}

namespace {

class ConvolutionStrategy : public Strategy {
public:
  StringRef getName() const override { return "convolution"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    Contraction c(model);
    if (!c.defect.empty())
      return Match::decline(c.defect);
    if (!c.isConv())
      return Match::decline("has no window");
    ScheduleFields fields = ConvolutionTiling(c, target).getFields();
    fields.isInline = model.isStatic() && c.flops() < kInlineFlops;
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    Contraction c(model);
    std::string defect = c.defect;
    if (defect.empty() && !c.isConv())
      defect = "has no window";
    if (defect.empty()) {
      ConvolutionTiling tiling(c, schedule);
      if (tiling.defect.empty() && !tiling.inner->fits(c, k.target()))
        tiling.defect = "the inner product does not compute the body's";
      if (tiling.defect.empty())
        return emitConvolution(c, tiling, k);
      defect = tiling.defect;
    }
    return emitError(model.getFunction().getLoc())
           << "strategy convolution does not fit: " << defect;
  }
};

} // namespace

const Strategy &getConvolutionStrategy() {
  static const ConvolutionStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
