// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `attention`: softmax(scale Q K^T + mask) V in one pass over the
// keys, with the softmax taken online, so that no more scores exist than those
// of a block of rows and a block of keys. Schedule: workgroup = [heads, rows];
// tile = [rows, keys] in registers; cache = [rows, keys] of a block of scores,
// and the keys whose packed K and V are kept: all of a head, or a block.

#include "compiler/Codegen/CPU/Attention.h"

#include "compiler/Codegen/CPU/Strategy.h"

#include <numeric>

using namespace mlir;

namespace fusilli::compiler {

int64_t AttentionProblem::getSharingHeads() const {
  return std::gcd(heads / kHeads, heads / vHeads);
}

int64_t AttentionTiles::getCapacity(const AttentionProblem &p) const {
  return resident ? int64_t(llvm::alignTo(p.keys.get(), columns())) : keyBlock;
}

namespace {

/// The inner product of pairs of bf16.
constexpr llvm::StringLiteral kBf16Dot = "bf16-dot";
/// Bytes of one head's packed keys and values that are kept: they are read
/// again for each block of rows, from the second or third cache.
constexpr int64_t kResidentBytes = 4 << 20;
/// Bytes that blocks of keys, values, scores and results take at most.
constexpr int64_t kLocalBytes = 6 << 20;
/// Keys of a block: scores of 64 rows and the values stay in the second cache;
/// with fewer, rescaling the results shows.
constexpr int64_t kKeyBlock = 512;
/// Rows that a workgroup has at least where keys and values are packed again
/// for each: packing is then 2 to 4 % of the products.
constexpr int64_t kStreamedRows = 256;

/// Bytes of worker-local memory, up to the rounding of each buffer.
int64_t getLocalBytes(const AttentionProblem &p, const AttentionTiles &t) {
  int64_t bytes = p.accumulator.getIntOrFloatBitWidth() / 8;
  int64_t depth = llvm::alignTo(p.depth, 16);
  int64_t width = llvm::alignTo(p.width, t.columns());
  int64_t packed = t.dot ? 2 : bytes;
  int64_t keys = t.getCapacity(p);
  return keys * (depth + width) * packed +
         t.columns() * (p.depth + p.width) * 8 +
         t.rowBlock * ((depth + 16) * packed +
                       (t.keyBlock + 32) * (t.dot ? bytes + 2 : bytes)) +
         t.getSlots() * t.rowBlock * width * bytes;
}

/// The tiles of a problem; nothing if a block of it fits no cache.
std::optional<AttentionTiles> chooseTiles(const AttentionProblem &p,
                                          const TargetInfo &target) {
  AttentionTiles t;
  t.lanes = target.lanes(p.accumulator.getIntOrFloatBitWidth());
  // 16 accumulators of 32 registers, 12 of 16.
  t.mr = target.hasAvx512 ? 8 : 6;
  t.nv = 2;
  t.dot = target.hasBf16Dot && p.accumulator.isF32() && p.q.element.isBF16() &&
          p.k.element.isBF16() && p.v.element.isBF16();
  int64_t block = target.hasAvx512 ? 64 : 48;
  int64_t multiple = std::lcm(t.mr, t.lanes);
  t.rowBlock = block;
  if (p.rows.isStatic())
    t.rowBlock =
        std::min<int64_t>(block, llvm::alignTo(p.rows.get(), multiple));
  t.keyBlock = kKeyBlock;
  if (p.keys.isStatic()) {
    t.keyBlock =
        std::min<int64_t>(kKeyBlock, llvm::alignTo(p.keys.get(), t.columns()));
    t.resident = true;
    t.resident = getLocalBytes(p, t) <= kResidentBytes;
  }
  if (!t.resident) {
    // Several row blocks, first of the heads that share, go over the keys
    // together.
    int64_t sharing = p.getSharingHeads();
    int64_t rowBlocks = std::max<int64_t>(1, kStreamedRows / t.rowBlock);
    t.heads = 1;
    for (int64_t n = 1; n <= std::min(sharing, 2 * rowBlocks); ++n)
      if (sharing % n == 0)
        t.heads = n;
    t.blocks = llvm::divideCeil(rowBlocks, t.heads);
    t.blocks = std::min<int64_t>(
        t.blocks, llvm::divideCeil(p.rows.representative(), t.rowBlock));
    while (getLocalBytes(p, t) > kLocalBytes) {
      if (t.keyBlock > 2 * t.columns())
        t.keyBlock = llvm::alignTo(t.keyBlock / 2, t.columns());
      else if (t.blocks > 1)
        t.blocks /= 2;
      else if (t.rowBlock > multiple)
        t.rowBlock = llvm::alignTo(t.rowBlock / 2, multiple);
      else
        return std::nullopt;
    }
  }
  return t;
}

/// The tiles of a schedule, unless it was edited into something else.
std::optional<AttentionTiles> readSchedule(ir::ScheduleAttr s,
                                           const AttentionProblem &p) {
  ArrayRef<int64_t> workgroup = s.getWorkgroup(), tile = s.getTile(),
                    cache = s.getCache();
  auto isPositive = [](int64_t n) { return n > 0; };
  if (workgroup.size() != 2 || tile.size() != 2 || cache.size() != 3 ||
      !llvm::all_of(workgroup, isPositive) || !llvm::all_of(tile, isPositive) ||
      !llvm::all_of(cache, isPositive))
    return std::nullopt;
  AttentionTiles t;
  t.lanes = s.getLanes();
  t.mr = tile[0];
  t.nv = tile[1] / t.lanes;
  t.rowBlock = cache[0];
  t.keyBlock = cache[1];
  t.heads = workgroup[0];
  t.blocks = workgroup[1] / t.rowBlock;
  t.resident = p.keys.isStatic() && cache[2] >= p.keys.get();
  t.dot = s.getInner() && s.getInner().getValue() == kBf16Dot;
  bool fits =
      t.nv > 0 && t.lanes > 1 && llvm::isPowerOf2_64(t.lanes) &&
      tile[1] % t.lanes == 0 && t.rowBlock % t.lanes == 0 &&
      t.rowBlock % t.mr == 0 && t.keyBlock % tile[1] == 0 && tile[1] % 8 == 0 &&
      t.blocks > 0 && workgroup[1] % t.rowBlock == 0 &&
      p.getSharingHeads() % t.heads == 0 && cache[2] == t.getCapacity(p) &&
      (!t.resident || t.getSlots() == 1) &&
      (!t.dot || (p.accumulator.isF32() && p.q.element.isBF16() &&
                  p.k.element.isBF16() && p.v.element.isBF16()));
  if (!fits)
    return std::nullopt;
  return t;
}

class AttentionStrategy : public Strategy {
public:
  StringRef getName() const override { return "attention"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    std::string reason;
    std::optional<AttentionProblem> p = matchAttention(model, reason);
    if (!p)
      return Match::decline(reason);
    std::optional<AttentionTiles> t = chooseTiles(*p, target);
    if (!t)
      return Match::decline("has head dims that fit no cache");
    ScheduleFields fields;
    fields.workgroup = {t->heads, t->blocks * t->rowBlock};
    fields.tile = {t->mr, t->columns()};
    fields.cache = {t->rowBlock, t->keyBlock, t->getCapacity(*p)};
    fields.lanes = t->lanes;
    fields.packing.assign(2, ir::OperandPacking::InKernel);
    fields.inner = t->dot ? kBf16Dot : llvm::StringLiteral("multiply-add");
    fields.isInline =
        model.isStatic() &&
        isInlineWork(model.getBufferBytes(), double(model.getFlops()), target);
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    std::string reason;
    std::optional<AttentionProblem> p = matchAttention(model, reason);
    std::optional<AttentionTiles> t;
    if (p)
      t = readSchedule(schedule, *p);
    if (!t)
      return emitError(model.getFunction().getLoc())
             << "strategy attention does not fit"
             << (p ? ": the schedule is not one of its own"
                   : ": the kernel " + reason);
    k.setWorkgroups(p->batch * (p->heads / t->heads) *
                    ceilDiv(p->rows, t->blocks * t->rowBlock));
    return emitAttention(model, k, *p, *t);
  }
};

} // namespace

const Strategy &getAttentionStrategy() {
  static const AttentionStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
