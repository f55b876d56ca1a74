// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategy `matrix-vector`: contractions without windows of one row or one
// column. They run at the speed at which the matrix is read; docs/codegen.md
// has the measurements behind the constants.

#include "compiler/Codegen/CPU/MatrixVector.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// Lines of the matrix that are read at once, each a stream of its own.
constexpr int64_t kStreams = 8;
/// Workgroups that a large problem is cut into, and the least bytes of one.
constexpr int64_t kWorkgroups = 64;
constexpr int64_t kWorkgroupBytes = 64 << 10;
/// Bytes of y that stay in the first-level cache while rows pass by, and of
/// each line of the matrix that are read in a stretch.
constexpr int64_t kMostRowBytes = 16 << 10;
constexpr int64_t kLeastRowBytes = 4 << 10;

int64_t getBytes(Type element) {
  return std::max(8u, element.getIntOrFloatBitWidth()) / 8;
}

} // namespace

MatrixVector::MatrixVector(const Contraction &c) : c(c) {
  defect = c.defect;
  if (defect.empty() && (c.isConv() || c.groupLoop >= 0))
    defect = "has a window";
  if (defect.empty() && c.m != 1 && c.n != 1)
    defect = "has several rows and columns";
  if (!defect.empty())
    return;
  isColumn = c.n == 1;
  matrix = isColumn ? &c.a : &c.b;
  vector = isColumn ? &c.b : &c.a;
  if (isColumn)
    rowLoops = c.mLoops;
  else
    rowLoops.push_back(c.nLoop);
  rows = isColumn ? c.m : c.n;
  depth = std::max<int64_t>(c.k, 1);
  rowStride = matrix->coefs[rowLoops.back()];
  depthStride = matrix->coefs[c.innerK()];
  vectorStride = vector->coefs[c.innerK()];
  alongK = rows == 1 || (depth > 1 &&
                         (depthStride == 1 ||
                          (rowStride != 1 && depthStride <= rowStride)));
}

MatrixVectorTiling::MatrixVectorTiling(const MatrixVector &p,
                                       const TargetInfo &target) {
  lanes = target.lanes(p.c.acc.getIntOrFloatBitWidth());
  int64_t element = getBytes(p.matrix->element);
  int64_t accBytes = getBytes(p.c.acc);
  int64_t limit = p.rows, least = 1;
  if (p.alongK) {
    streams = std::min(kStreams, int64_t(llvm::bit_floor(uint64_t(p.rows))));
    // As many accumulators as hide the latency of an addition.
    unroll = std::max<int64_t>(kStreams / streams, 64 / element / lanes);
    unroll = std::clamp<int64_t>(p.depth / lanes, 1, unroll);
    least = streams;
  } else {
    streams = std::min(kStreams, p.depth);
    unroll = std::clamp<int64_t>(p.rows / lanes, 1,
                                 std::max<int64_t>(1, 64 / element / lanes));
    limit = std::min(limit, kMostRowBytes / accBytes);
    least = kLeastRowBytes / element;
  }
  // Other batches are workgroups of their own.
  int64_t batches = 1;
  for (int l : p.c.batchLoops)
    batches *= p.c.extents[l];
  int64_t most = llvm::divideCeil(kWorkgroups, batches);
  int64_t worth = std::max<int64_t>(1, p.rows * p.depth * element /
                                           kWorkgroupBytes);
  int64_t groups = std::min<int64_t>(
      {most, worth, int64_t(llvm::divideCeil(p.rows, least))});
  groups = std::max<int64_t>(groups, llvm::divideCeil(p.rows, limit));
  int64_t step = p.alongK ? streams : lanes;
  rows = std::min<int64_t>(
      p.rows, llvm::alignTo(llvm::divideCeil(p.rows, groups), step));
}

MatrixVectorTiling::MatrixVectorTiling(const MatrixVector &p,
                                       ir::ScheduleAttr schedule) {
  if (schedule.getTile().size() != 1 || schedule.getWorkgroup().size() != 1) {
    defect = "needs workgroup and tile of 1 extent";
    return;
  }
  lanes = schedule.getLanes();
  unroll = schedule.getUnroll();
  rows = schedule.getWorkgroup()[0];
  streams = schedule.getTile()[0];
  if (rows < 1 || rows > p.rows || streams < 1 || unroll < 1)
    defect = "workgroup or tile exceed the result";
  else if (p.alongK && (!llvm::isPowerOf2_64(streams) || streams > rows))
    defect = "lines read at once are no power of 2 within a workgroup";
  else if (!p.alongK && streams > p.depth)
    defect = "more lines are read at once than there are";
}

ScheduleFields MatrixVectorTiling::getFields() const {
  ScheduleFields fields;
  fields.workgroup = {rows};
  fields.tile = {streams};
  fields.lanes = lanes;
  fields.unroll = unroll;
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
