// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-schedule-kernels: linalg kernels in, vector/scf/memref out. Chooses
// the schedule by what a kernel contains: a contraction, a reduction, or
// neither. The schedules are in Schedule*.cpp.

#include "compiler/Codegen/CPU/CpuPipelines.h"
#include "compiler/Codegen/CPU/KernelEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace fusilli::compiler {
#define GEN_PASS_DEF_SCHEDULEKERNELS
#include "compiler/Codegen/CPU/CpuPasses.h.inc"
} // namespace fusilli::compiler

using namespace mlir;

namespace fusilli::compiler {
namespace {

/// The generic that multiplies two operands and adds up, if there is one.
linalg::GenericOp findContraction(func::FuncOp func) {
  linalg::GenericOp found;
  func.walk([&](linalg::GenericOp op) {
    if (op.getNumReductionLoops() && op.getNumDpsInputs() == 2)
      found = op;
  });
  return found;
}

bool hasReduction(func::FuncOp func) {
  bool found = false;
  func.walk(
      [&](linalg::GenericOp op) { found |= op.getNumReductionLoops() != 0; });
  return found;
}

struct ScheduleKernelsPass : impl::ScheduleKernelsBase<ScheduleKernelsPass> {
  using ScheduleKernelsBase::ScheduleKernelsBase;
  explicit ScheduleKernelsPass(const TargetInfo &t) : target(t) {}

  void runOnOperation() override {
    if (!target) {
      llvm::Expected<TargetInfo> t = TargetInfo::resolve(targetName);
      if (!t) {
        emitError(getOperation().getLoc()) << llvm::toString(t.takeError());
        return signalPassFailure();
      }
      target = *t;
    }
    SmallVector<func::FuncOp> kernels;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (f->hasAttr("fusilli.kernel"))
        kernels.push_back(f);
    for (func::FuncOp kernel : kernels) {
      KernelEmitter emitter(kernel, *target);
      LogicalResult result = success();
      if (linalg::GenericOp contraction = findContraction(kernel))
        result = scheduleContraction(emitter, contraction);
      else if (hasReduction(kernel))
        result = scheduleRows(emitter);
      else
        result = schedulePointwise(emitter);
      if (failed(result)) {
        kernel.emitError("no schedule for kernel ") << kernel.getName();
        return signalPassFailure();
      }
      kernel.erase();
      ++numKernels;
    }
    for (auto f : getOperation().getOps<func::FuncOp>())
      f.walk<WalkOrder::PostOrder>(
          [](LoopLikeOpInterface loop) { moveLoopInvariantCode(loop); });
  }

  std::optional<TargetInfo> target;
};

} // namespace

void populateVectorPipeline(OpPassManager &pm, const TargetInfo &target) {
  pm.addPass(std::make_unique<ScheduleKernelsPass>(target));
}

} // namespace fusilli::compiler
