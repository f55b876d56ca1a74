// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A way to make a kernel: whether it fits one, with which schedule, and the
// code that follows model and schedule. The list of all of them is ordered; the
// first that matches is taken, the last takes everything.
#ifndef COMPILER_CODEGEN_CPU_STRATEGY_H
#define COMPILER_CODEGEN_CPU_STRATEGY_H

#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"
#include "compiler/Codegen/Common/KernelModel.h"
#include "compiler/Codegen/Common/TargetInfo.h"
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include <string>

namespace fusilli::compiler {

/// A schedule, or why there is none.
struct Match {
  ir::ScheduleAttr schedule;
  std::string declined;

  static Match decline(std::string reason) { return {{}, std::move(reason)}; }
  explicit operator bool() const { return bool(schedule); }
};

/// Fields of a #fusilli.schedule while it is put together.
struct ScheduleFields {
  SmallVector<int64_t> workgroup, tile, cache;
  int64_t lanes = 1, unroll = 1, split = 1;
  SmallVector<ir::OperandPacking> packing;
  llvm::StringRef inner;
  bool isInline = false;

  ir::ScheduleAttr build(mlir::MLIRContext *context,
                         llvm::StringRef strategy) const;
};

/// Thread safety: immutable; its functions may run on several threads at once.
class Strategy {
public:
  virtual ~Strategy() = default;
  /// As in #fusilli.schedule.
  virtual llvm::StringRef getName() const = 0;
  /// The schedule that is expected to be fastest. Emits nothing; what it gives,
  /// emit() can make.
  virtual Match match(const KernelModel &model,
                      const TargetInfo &target) const = 0;
  /// Schedules worth measuring, the best guess first: that of match().
  virtual void enumerate(const KernelModel &model, const TargetInfo &target,
                         SmallVectorImpl<ir::ScheduleAttr> &out) const;
  /// Fills the function and says how many workgroups it has. A schedule that
  /// does not fit (only one edited by hand) is an error with a diagnostic.
  virtual LogicalResult emit(const KernelModel &model,
                             ir::ScheduleAttr schedule,
                             KernelBuilder &builder) const = 0;
};

/// All strategies, in the order in which they are asked.
ArrayRef<const Strategy *> getStrategies();
const Strategy *findStrategy(llvm::StringRef name);

const Strategy &getAttentionStrategy();
const Strategy &getPointwiseStrategy();
const Strategy &getRowsStrategy();
const Strategy &getMatrixVectorStrategy();
const Strategy &getMatmulStrategy();
const Strategy &getConvolutionStrategy();
const Strategy &getCorrelationStrategy();
const Strategy &getGeneralStrategy();

/// Little enough work to run on the calling thread: below what waking a worker
/// costs.
bool isInlineWork(double bytes, double scalarOps, const TargetInfo &target);
/// Lanes of a vector of the widest type that the kernel computes in.
int64_t getComputeLanes(const KernelModel &model, const TargetInfo &target);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_STRATEGY_H
