// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `matmul`: contractions without windows. Chooses the inner product,
// the register tile, the blocks; docs/codegen.md has the measurements behind
// the constants.

#include "compiler/Codegen/CPU/Matmul.h"

#include "compiler/Codegen/CPU/RegisterTile.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Below this a kernel runs on the calling thread: waking a worker costs more.
constexpr double kInlineFlops = 400e3;
/// Workgroups that a large problem is cut into, and the least work of one.
constexpr int64_t kWorkgroups = 64;
constexpr double kWorkgroupFlops = 4e6;
/// Below so many, packing more often costs less than idle processors.
constexpr int64_t kFewWorkgroups = 16;
/// Rows of a workgroup below which panels of B are read too often.
constexpr int64_t kMinRows = 48;
/// Bytes of packed B in local memory.
constexpr int64_t kPackedBytes = 6 << 20;
/// Bytes of B up to which it is read in place, from the first-level cache.
constexpr int64_t kDirectBytes = 48 << 10;
/// Bytes from step to step of k up to which a transposed A is read in place.
constexpr int64_t kCloseBytes = 512;
/// Rows up to which it is also read in place where its lines are close.
constexpr int64_t kFewRows = 96;
/// Then, with 16 registers, steps of a block of k: more do not stay in the
/// first-level cache.
constexpr int64_t kCloseSteps = 256;
/// Columns from which a packed A is read often enough to be worth it.
constexpr int64_t kPackColumns = 256;
/// Rows that decisions are taken for where they are symbolic, at least.
constexpr int64_t kSymbolicRows = 256;

int64_t getRows(const Contraction &c) {
  return c.rows.isStatic() ? c.m : std::max(c.m, kSymbolicRows);
}

} // namespace

MatmulTiling::MatmulTiling(const Contraction &c, const TargetInfo &target) {
  for (const InnerProduct *product : getInnerProducts())
    if (product->fits(c, target) && c.allowsGranule(product->getGranule())) {
      inner = product;
      break;
    }
  lanes = target.lanes(c.acc.getIntOrFloatBitWidth());
  RegisterTile tile = chooseRegisterTile(getRows(c), c.n, lanes, target);
  mr = tile.rows;
  nv = tile.vectors;
  // A panel of a long sum has a place in local memory.
  int64_t lineBytes = std::max<int64_t>(4, c.acc.getIntOrFloatBitWidth() / 8);
  int64_t lines = llvm::divideCeil(c.k, inner->getGranule());
  while (nv > 1 && !c.isPrepackable && lines * lineBytes * nr() > kPackedBytes)
    --nv;
  chooseBlocks(c, target);
}

bool MatmulTiling::canReadA(const Contraction &c) const {
  int64_t granule = inner->getGranule();
  bool isPlain = granule == 1 ? c.a.isPlain()
                              : !inner->isCompensated() &&
                                    inner->getPackedType(c) == c.a.element &&
                                    c.aRuns.back().stride == 1;
  return isPlain && c.aRuns.size() == 1 && c.rowsAreLinear &&
         c.k % granule == 0;
}

void MatmulTiling::chooseBlocks(const Contraction &c,
                                const TargetInfo &target) {
  int64_t granule = inner->getGranule(), m = getRows(c);
  bool fewRegisters = target.numVectorRegisters <= 16;
  unroll = fewRegisters ? 2 : 1;
  // Words of 4 bytes (or elements of 8) along k; a block has whole inner runs.
  const ReductionRun &run = c.aRuns.back();
  bool isOneRun = c.aRuns.size() == 1;
  int64_t words = llvm::divideCeil(std::max<int64_t>(c.k, 1), granule);
  int64_t bytes = std::max<int64_t>(4, c.acc.getIntOrFloatBitWidth() / 8);
  int64_t most = (fewRegisters ? 2048 : 4096) / bytes;
  int64_t step = isOneRun ? unroll : run.extent / granule;
  int64_t blocks = llvm::divideCeil(words, std::max(most, step));
  kBlock = blocks == 1
               ? words * granule
               : llvm::alignTo(llvm::divideCeil(words, blocks), step) * granule;

  // Along k, or along rows that lie closely one behind the other.
  bool isAlongRows = granule == 1 && c.a.coefs[c.mLoops.back()] == 1 &&
                     run.stride * bytes <= kCloseBytes;
  bool fitsInPlace = canReadA(c) && (run.stride == 1 || isAlongRows);
  packA = !fitsInPlace || (fewRegisters && c.n >= kPackColumns && m > mr);
  if (m == 1 && granule == 1 && c.a.isPlain() && isOneRun)
    packA = false; // each element is read once anyway
  // Few rows and close lines, with 16 registers of both operands.
  bool isClose = m <= kFewRows && !packA && isOneRun && canReadB(c) &&
                 c.bRuns.back().stride * bytes <= kCloseBytes &&
                 (!fewRegisters || isAlongRows);
  if (c.isPrepackable)
    packingB = ir::OperandPacking::Prepared;
  else if (canReadB(c) &&
           (m <= 2 * mr || c.k * c.n * bytes <= kDirectBytes || isClose))
    packingB = ir::OperandPacking::None;
  if (isClose && fewRegisters)
    kBlock = std::min<int64_t>(kBlock, kCloseSteps);

  // A block of A stays in the second-level cache.
  int64_t lineBytes = std::min(kBlock, c.k) / granule * bytes;
  int64_t mostRows = std::clamp<int64_t>(int64_t(target.l2Bytes) * 9 / 16 /
                                             std::max<int64_t>(lineBytes, 1),
                                         kMinRows, 480);
  auto balance = [&](int64_t extent, int64_t limit, int64_t step) {
    int64_t count = llvm::divideCeil(extent, std::max(limit, step));
    return std::min<int64_t>(
        llvm::alignTo(llvm::divideCeil(extent, count), step),
        llvm::alignTo(extent, step));
  };
  int64_t mostColumns = kPackedBytes / (words * bytes) / nr() * nr();
  if (packingB != ir::OperandPacking::InKernel)
    mostColumns = c.n;
  rows = balance(m, mostRows, mr);
  columns = balance(c.n, mostColumns, nr());
  double outer = c.flops() / (2.0 * m * c.n * std::max<int64_t>(c.k, 1));
  auto count = [&] {
    return outer * llvm::divideCeil(m, rows) * llvm::divideCeil(c.n, columns);
  };
  int64_t leastColumns = packA ? std::max<int64_t>(4 * nr(), 512) : 2 * nr();
  while (count() < kWorkgroups && c.flops() / count() > kWorkgroupFlops) {
    if (rows >= 2 * kMinRows)
      rows = balance(m, llvm::divideCeil(rows, 2), mr);
    else if (columns >=
             2 * (count() < kFewWorkgroups ? 2 * nr() : leastColumns))
      columns = balance(c.n, llvm::divideCeil(columns, 2), nr());
    else
      break;
  }
  if (c.rows.isStatic()) // else blocks are whole tiles
    rows = std::min(rows, m);
}

MatmulTiling::MatmulTiling(const Contraction &c, ir::ScheduleAttr schedule) {
  auto fail = [&](StringRef what) { defect = what.str(); };
  if (schedule.getTile().size() != 2 || schedule.getWorkgroup().size() != 2 ||
      schedule.getPacking().size() != 2 || schedule.getCache().size() != 1 ||
      !schedule.getInner()) {
    fail("needs workgroup and tile of 2 extents, cache of 1, packing of "
         "2 operands and an inner product");
    return;
  }
  inner = findInnerProduct(schedule.getInner().getValue());
  if (!inner) {
    fail("unknown inner product");
    return;
  }
  lanes = schedule.getLanes();
  mr = schedule.getTile()[0];
  nv = schedule.getTile()[1] / lanes;
  rows = schedule.getWorkgroup()[0];
  columns = schedule.getWorkgroup()[1];
  kBlock = schedule.getCache()[0];
  unroll = schedule.getUnroll();
  packA = schedule.getPacking()[0] != ir::OperandPacking::None;
  packingB = schedule.getPacking()[1];
  if (nv < 1 || schedule.getTile()[1] % lanes) {
    fail("the tile's columns are no multiple of the lanes");
    return;
  }
  bool isAll = c.rows.isStatic() && rows == c.m;
  if (mr < 1 || rows < mr || (c.rows.isStatic() && rows > c.m) ||
      (rows % mr && !isAll)) {
    fail("rows of tile and workgroup exceed those of the result, or are no "
         "whole tiles");
    return;
  }
  if (columns % nr() || kBlock % inner->getGranule()) {
    fail("columns or block of k are no multiple of tile or granule");
    return;
  }
  if (c.aRuns.size() > 1 && (!packA || kBlock % c.aRuns.back().extent)) {
    fail("a reduction of several runs is packed, in blocks of whole runs");
    return;
  }
  if (packingB == ir::OperandPacking::Prepared && !c.isPrepackable) {
    fail("the second operand is not constant");
    return;
  }
  if ((directB() && !canReadB(c)) || (!packA && !canReadA(c))) {
    fail("an operand that is read in place does not lie as the tiles read it");
    return;
  }
}

ScheduleFields MatmulTiling::getFields() const {
  ScheduleFields fields;
  fields.workgroup = {rows, columns};
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

/// Few rows against a B that is contiguous along the reduction: one dot product
/// per result reads B once, without packing it.
bool prefersDotProducts(const Contraction &c, int64_t lanes) {
  return c.rows.isStatic() && c.kLoops.size() == 1 &&
         c.model.getNumResults() == 1 && c.m <= 2 && c.n > 1 &&
         c.k >= 4 * lanes && c.aRuns.back().stride == 1 &&
         c.bRuns.back().stride == 1;
}

class MatmulStrategy : public Strategy {
public:
  StringRef getName() const override { return "matmul"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    Contraction c(model);
    if (!c.defect.empty())
      return Match::decline(c.defect);
    if (c.isConv())
      return Match::decline("has a window");
    MatmulTiling tiling(c, target);
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
    if (c.defect.empty() && c.isConv())
      c.defect = "has a window";
    std::string defect = c.defect;
    if (defect.empty()) {
      MatmulTiling tiling(c, schedule);
      if (tiling.defect.empty() && !tiling.inner->fits(c, k.target()))
        tiling.defect = "the inner product does not compute the body's";
      if (tiling.defect.empty())
        return emitMatmul(c, tiling, k);
      defect = tiling.defect;
    }
    return emitError(model.getFunction().getLoc())
           << "strategy matmul does not fit: " << defect;
  }
};

} // namespace

const Strategy &getMatmulStrategy() {
  static const MatmulStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
