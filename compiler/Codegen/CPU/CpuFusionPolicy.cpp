// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a CPU answers to fusion. A row that is swept several times stays in a
// core's second-level cache; where rows lie side by side, a core takes a cache
// line's width of them at once.
#include "compiler/Codegen/CPU/CpuPipelines.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "llvm/Support/MathExtras.h"

namespace fusilli::compiler {

namespace {

/// Rows are what cores share out: at least so many blocks of them, or so little
/// work that one core has it done before another would have begun.
constexpr int64_t kMinBlocks = 8;
constexpr int64_t kSmallBytes = 65536;

/// Code of one kernel grows with its ops, and LLVM's time with the square of a
/// loop's body.
constexpr size_t kMaxOps = 256;

constexpr int64_t kCacheLine = 64;

/// Reductions of this size and more are cut into parts for so many cores; a
/// part takes longer than handing it out.
constexpr int64_t kSplitBytes = 1 << 20;
constexpr int64_t kPartBytes = 65536;
constexpr int64_t kCores = 64;

/// Products with so few rows or columns run at the speed at which the other
/// operand is read, by stretches of such length; a part has so many times the
/// bytes of its results.
constexpr int64_t kFewRows = 8;
constexpr int64_t kStretchBytes = 16 << 10;
constexpr int64_t kPartOverResult = 128;
/// Of other products: the tiles that are workgroups without a split, the least
/// sum and work of a part, and about the longest sum.
constexpr int64_t kTileRows = 48, kTileColumns = 128;
constexpr int64_t kPartLength = 4096;
constexpr double kPartFlops = 8e6;
constexpr int64_t kLongSum = 8192;

class CpuFusionPolicy : public ir::FusionPolicy {
public:
  CpuFusionPolicy(const TargetInfo &target, bool rows)
      : rows(rows), maxRowBytes(int64_t(target.l2Bytes) / 4) {}

  size_t getMaxOps() const override { return kMaxOps; }

  bool allowsRows(const ir::ReductionSpace &space) const override {
    if (!rows)
      return false;
    int64_t side = 1; // rows of one block
    if (!space.isRowInnermost() && !space.extents.empty())
      side = std::min(space.extents.back(),
                      std::max<int64_t>(1, kCacheLine / space.elementBytes));
    int64_t blockBytes = space.getRowLength() * space.elementBytes * side;
    int64_t blocks = llvm::divideCeil(space.getNumRows(), side);
    return blockBytes <= maxRowBytes &&
           (blocks >= kMinBlocks || blockBytes * blocks <= kSmallBytes);
  }

  int64_t getParts(const ir::ReductionSpace &space) const override {
    if (space.extents.empty() || (rows && allowsRows(space)))
      return 1;
    int64_t bytes =
        space.getRowLength() * space.getNumRows() * space.elementBytes;
    // Workgroups without a split: single rows, or a strip of them side by side.
    int64_t groups = space.getNumRows();
    if (!space.isRowInnermost())
      groups = groups / space.extents.back() *
               llvm::divideCeil(space.extents.back() * space.elementBytes,
                                4 * kCacheLine);
    if (bytes < kSplitBytes || groups >= kCores)
      return 1;
    return std::min(int64_t(llvm::divideCeil(2 * kCores, groups)),
                    bytes / groups / kPartBytes);
  }

  int64_t getParts(ir::MatmulOp op) const override {
    mlir::RankedTensorType type = op.getOutput().getType();
    int64_t rank = type.getRank();
    int64_t m = type.getDimSize(rank - 2), n = type.getDimSize(rank - 1);
    int64_t k = op.getA().getType().getDimSize(rank - 1);
    int64_t batches = type.getNumElements() / (m * n);
    // Panels of a long sum have no place beside a core: it is cut whatever the
    // number of cores.
    int64_t least = std::min(m, n) > 1 && k > 2 * kLongSum
                        ? int64_t(llvm::divideCeil(k, kLongSum))
                        : 1;
    if (std::min(m, n) <= kFewRows)
      return std::max(
          least, getMatrixVectorParts(op, m <= n, std::max(m, n), k, batches));
    if (k < kLongSum)
      return 1;
    int64_t groups = batches * int64_t(llvm::divideCeil(m, kTileRows)) *
                     int64_t(llvm::divideCeil(n, kTileColumns));
    int64_t parts = std::min<int64_t>(
        {int64_t(llvm::divideCeil(kCores, groups)), k / kPartLength,
         int64_t(2.0 * m * n * k / kPartFlops * batches / groups)});
    return std::max(parts, least);
  }

private:
  /// Few rows or columns: the larger operand is `rows` x `k`.
  static int64_t getMatrixVectorParts(ir::MatmulOp op, bool isB, int64_t rows,
                                      int64_t k, int64_t batches) {
    mlir::RankedTensorType matrix =
        isB ? op.getB().getType() : op.getA().getType();
    int64_t element = ir::getElementBytes(matrix.getElementType());
    int64_t bytes = batches * rows * k * element;
    int64_t stride =
        ir::getLogicalStrides(matrix)[matrix.getRank() - (isB ? 2 : 1)];
    bool alongK = stride == 1 || rows == 1;
    int64_t groups =
        batches * (alongK ? llvm::divideCeil(rows, kFewRows)
                          : llvm::divideCeil(rows * element, kStretchBytes));
    if (bytes < kSplitBytes || groups >= kCores)
      return 1;
    int64_t results = op.getOutput().getType().getNumElements() *
                      std::max<int64_t>(element, 4);
    return std::min({int64_t(llvm::divideCeil(kCores, groups)),
                     bytes / results / kPartOverResult,
                     bytes / groups / kPartBytes});
  }

  bool rows;
  int64_t maxRowBytes;
};

} // namespace

std::shared_ptr<const ir::FusionPolicy>
makeCpuFusionPolicy(const TargetInfo &target, bool rows) {
  return std::make_shared<CpuFusionPolicy>(target, rows);
}

} // namespace fusilli::compiler
