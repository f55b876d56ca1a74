// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ordered list of strategies, and what several of them ask.

#include "compiler/Codegen/CPU/Strategy.h"

#include <array>

using namespace mlir;

namespace fusilli::compiler {

ir::ScheduleAttr ScheduleFields::build(MLIRContext *context,
                                       StringRef strategy) const {
  return ir::ScheduleAttr::get(
      context, strategy, workgroup, tile, cache, lanes, unroll, packing,
      inner.empty() ? StringAttr() : StringAttr::get(context, inner), split,
      isInline);
}

void Strategy::enumerate(const KernelModel &model, const TargetInfo &target,
                         SmallVectorImpl<ir::ScheduleAttr> &out) const {
  if (Match m = match(model, target))
    out.push_back(m.schedule);
}

ArrayRef<const Strategy *> getStrategies() {
  static const std::array<const Strategy *, 8> list = {
      &getAttentionStrategy(),   &getMatrixVectorStrategy(),
      &getMatmulStrategy(),      &getConvolutionStrategy(),
      &getCorrelationStrategy(), &getRowsStrategy(),
      &getPointwiseStrategy(),   &getGeneralStrategy()};
  return list;
}

const Strategy *findStrategy(StringRef name) {
  for (const Strategy *strategy : getStrategies())
    if (strategy->getName() == name)
      return strategy;
  return nullptr;
}

bool isInlineWork(double bytes, double scalarOps, const TargetInfo &target) {
  // One core moves some 16 bytes and starts some 3 vector operations a
  // nanosecond; waking a sleeping worker costs some microseconds.
  double ns = bytes / 16 + scalarOps / (3.0 * target.lanes(32));
  return ns < 6000;
}

int64_t getComputeLanes(const KernelModel &model, const TargetInfo &target) {
  unsigned bits = 8;
  for (const Stage &stage : model.getStages()) {
    auto op = stage.op;
    for (Operation &inner : *op.getBody())
      for (Value v : inner.getOperands()) {
        Type t = v.getType();
        // A converted extent is a scalar.
        bool isScalar = v.getDefiningOp<arith::IndexCastOp>();
        if (t.isIntOrFloat() && !t.isInteger(1) && !isScalar)
          bits = std::max(bits, t.getIntOrFloatBitWidth());
      }
  }
  return target.lanes(bits);
}

} // namespace fusilli::compiler
