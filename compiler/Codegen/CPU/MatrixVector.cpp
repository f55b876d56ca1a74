// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `matrix-vector`: contractions without windows of one row or column,
// or few and a large matrix. They run at the speed at which the matrix is read;
// docs/codegen.md has the measurements behind the constants.

#include "compiler/Codegen/CPU/MatrixVector.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Streams in which the matrix is read, and where its elements are widened, so
/// that a line takes longer.
constexpr int64_t kStreams = 4, kWidenedStreams = 8;
/// Vectors that are multiplied at once with a matrix that comes from memory,
/// where they run along k, and along the rows.
constexpr int64_t kMostVectorsAlongK = 8, kMostVectorsAlongRows = 4;
/// Accumulators that hide the latency of an addition.
constexpr int64_t kAccumulators = 8;
constexpr int64_t kCacheLine = 64;
/// Bytes of a matrix that no cache of a core holds.
constexpr int64_t kStreamedBytes = 512 << 10;
/// Workgroups that a large problem is cut into, and the least bytes of one.
constexpr int64_t kWorkgroups = 64;
constexpr int64_t kWorkgroupBytes = 64 << 10;
/// Bytes of y that stay in a cache while the matrix passes by, and of each of
/// its lines that are read in one stretch.
constexpr int64_t kMostSumBytes = 64 << 10;
constexpr int64_t kLeastLineBytes = 16 << 10;

/// Whether the product takes operands as they lie along k.
bool fitsInOrder(const InnerProduct &inner, const MatrixVector &p,
                 const TargetInfo &target) {
  return inner.fits(p.c, target) && !inner.isCompensated() &&
         (inner.getGranule() == 1 || (p.alongK && p.depthStride == 1));
}

int64_t getBytes(Type element) {
  return std::max(8u, element.getIntOrFloatBitWidth()) / 8;
}

} // namespace

MatrixVector::MatrixVector(const Contraction &c) : c(c) {
  defect = c.defect;
  if (defect.empty() && c.isConv())
    defect = "has a window";
  if (defect.empty() && !c.rows.isStatic())
    defect = "has symbolic rows";
  if (defect.empty() && std::min(c.m, c.n) > kMostVectorsAlongK)
    defect = "has many rows and columns";
  if (defect.empty() &&
      (!c.rowsAreLinear || c.aRuns.size() != 1 || c.bRuns.size() != 1))
    defect = "sums over several dims or has rows that are not linear";
  if (!defect.empty())
    return;
  isColumn = c.n <= c.m;
  matrix = isColumn ? &c.a : &c.b;
  vector = isColumn ? &c.b : &c.a;
  rowLoops = isColumn ? c.mLoops : c.nLoops;
  vectorLoops = isColumn ? c.nLoops : c.mLoops;
  rows = isColumn ? c.m : c.n;
  vectors = isColumn ? c.n : c.m;
  depth = std::max<int64_t>(c.k, 1);
  rowStride = matrix->coefs[rowLoops.back()];
  depthStride = (isColumn ? c.aRuns : c.bRuns).back().stride;
  vectorStride = (isColumn ? c.bRuns : c.aRuns).back().stride;
  nextVector = vector->coefs[vectorLoops.back()];
  alongK = rows == 1 ||
           (depth > 1 &&
            (depthStride == 1 || (rowStride != 1 && depthStride <= rowStride)));
  double bytes = c.flops() / 2 / vectors * getBytes(matrix->element);
  isStreamed = bytes > kStreamedBytes;
  if (vectors == 1)
    return;
  if (!isStreamed)
    defect = "has several rows and columns, and a matrix that caches hold";
  else if (alongK ? depthStride != 1 : rowStride != 1)
    defect = "has several rows and columns of strided operands";
  else if (!alongK && vectors > kMostVectorsAlongRows)
    defect = "has several rows and columns";
}

MatrixVectorTiling::MatrixVectorTiling(const MatrixVector &p,
                                       const TargetInfo &target) {
  lanes = target.lanes(p.c.acc.getIntOrFloatBitWidth());
  inner = *llvm::find_if(getInnerProducts(), [&](const InnerProduct *product) {
    return fitsInOrder(*product, p, target);
  });
  int64_t element = getBytes(p.matrix->element), width = getWidth();
  int64_t accBytes = getBytes(p.c.acc);
  int64_t limit = p.rows, least = 1;
  int64_t streams = isWidened(p) ? kWidenedStreams : kStreams;
  // A step is a cache line of each stream.
  int64_t line = std::max<int64_t>(kCacheLine / element / width, 1);
  if (p.alongK) {
    // The sums of all vectors are in registers.
    int64_t most =
        std::max<int64_t>(target.numVectorRegisters / 2 / p.vectors, 1);
    streams = std::min(streams, int64_t(llvm::bit_floor(uint64_t(most))));
    rowStreams = std::min(streams, int64_t(llvm::bit_floor(uint64_t(p.rows))));
    line = std::max(line, kAccumulators / (streams * p.vectors));
    depthStreams =
        std::clamp<int64_t>(p.depth / (line * width), 1, streams / rowStreams);
    unroll = std::clamp<int64_t>(p.depth / width, 1, line);
    least = rowStreams;
  } else {
    // Sums of several vectors are loaded and stored as often.
    depthStreams = std::min(p.vectors > 2 ? kWidenedStreams : streams, p.depth);
    unroll = std::clamp<int64_t>(p.rows / lanes, 1, line);
    limit = std::min(limit, kMostSumBytes / accBytes / p.vectors);
    least = kLeastLineBytes / element;
  }
  // Other batches are workgroups of their own.
  int64_t batches = 1;
  for (int l : p.c.batchLoops)
    batches *= p.c.extents[l];
  int64_t most = llvm::divideCeil(kWorkgroups, batches);
  int64_t worth =
      std::max<int64_t>(1, p.rows * p.depth * element / kWorkgroupBytes);
  int64_t groups = std::min<int64_t>(
      {most, worth, int64_t(llvm::divideCeil(p.rows, least))});
  groups = std::max<int64_t>(groups, llvm::divideCeil(p.rows, limit));
  int64_t step = p.alongK ? rowStreams : lanes;
  rows = std::min<int64_t>(
      p.rows, llvm::alignTo(llvm::divideCeil(p.rows, groups), step));
}

MatrixVectorTiling::MatrixVectorTiling(const MatrixVector &p,
                                       ir::ScheduleAttr schedule) {
  if (schedule.getTile().size() != 2 || schedule.getWorkgroup().size() != 1 ||
      !schedule.getInner()) {
    defect = "needs a workgroup of 1 extent, a tile of 2 and an inner product";
    return;
  }
  inner = findInnerProduct(schedule.getInner().getValue());
  lanes = schedule.getLanes();
  unroll = schedule.getUnroll();
  rows = schedule.getWorkgroup()[0];
  rowStreams = schedule.getTile()[0];
  depthStreams = schedule.getTile()[1];
  if (!inner)
    defect = "unknown inner product";
  else if (rows > p.rows)
    defect = "the workgroup exceeds the result";
  else if (rowStreams > rows || depthStreams > p.depth)
    defect = "more streams than there are rows or steps of k";
  else if (!llvm::isPowerOf2_64(rowStreams) || (!p.alongK && rowStreams != 1))
    defect = "the streams of rows are no power of 2, or vectors run along them";
}

bool MatrixVectorTiling::isWidened(const MatrixVector &p) const {
  return inner->getGranule() == 1 &&
         getBytes(p.matrix->element) < getBytes(p.c.acc);
}

ScheduleFields MatrixVectorTiling::getFields() const {
  ScheduleFields fields;
  fields.workgroup = {rows};
  fields.tile = {rowStreams, depthStreams};
  fields.lanes = lanes;
  fields.unroll = unroll;
  fields.inner = inner->getName();
  return fields;
}

namespace {

class MatrixVectorStrategy : public Strategy {
public:
  StringRef getName() const override { return "matrix-vector"; }

  Match match(const KernelModel &model,
              const TargetInfo &target) const override {
    Contraction c(model);
    MatrixVector p(c);
    if (!p.defect.empty())
      return Match::decline(p.defect);
    MatrixVectorTiling tiling(p, target);
    ScheduleFields fields = tiling.getFields();
    fields.isInline = model.isStatic() &&
                      isInlineWork(model.getBufferBytes(), c.flops(), target);
    return {fields.build(model.getContext(), getName()), {}};
  }

  LogicalResult emit(const KernelModel &model, ir::ScheduleAttr schedule,
                     KernelBuilder &k) const override {
    Contraction c(model);
    MatrixVector p(c);
    std::string defect = p.defect;
    if (defect.empty()) {
      MatrixVectorTiling tiling(p, schedule);
      if (tiling.defect.empty() && !fitsInOrder(*tiling.inner, p, k.target()))
        tiling.defect = "the inner product does not compute the body's";
      if (tiling.defect.empty())
        return emitMatrixVector(p, tiling, k);
      defect = tiling.defect;
    }
    return emitError(model.getFunction().getLoc())
           << "strategy matrix-vector does not fit: " << defect;
  }
};

} // namespace

const Strategy &getMatrixVectorStrategy() {
  static const MatrixVectorStrategy strategy;
  return strategy;
}

} // namespace fusilli::compiler
