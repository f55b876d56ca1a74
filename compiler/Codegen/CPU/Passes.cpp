// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-select-schedules: each kernel gets its #fusilli.schedule from the
// first strategy that matches. fusilli-emit-kernels: linalg kernels in, vector,
// scf and memref out, as the schedules say.

#include "compiler/Codegen/CPU/CpuPipelines.h"
#include "compiler/Codegen/CPU/Strategy.h"
#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace fusilli::compiler {
#define GEN_PASS_DEF_SELECTSCHEDULES
#define GEN_PASS_DEF_EMITKERNELS
#include "compiler/Codegen/CPU/CpuPasses.h.inc"
} // namespace fusilli::compiler

using namespace mlir;

namespace fusilli::compiler {
namespace {

SmallVector<func::FuncOp> getKernels(ModuleOp module) {
  SmallVector<func::FuncOp> kernels;
  for (auto f : module.getOps<func::FuncOp>())
    if (f->hasAttr(ir::FusilliDialect::kKernelAttr))
      kernels.push_back(f);
  return kernels;
}

/// The pass's target: given, or by the name in its option.
LogicalResult resolveTarget(std::optional<TargetInfo> &target, StringRef name,
                            Operation *op) {
  if (target)
    return success();
  llvm::Expected<TargetInfo> t = TargetInfo::resolve(name);
  if (!t)
    return op->emitError() << llvm::toString(t.takeError());
  target = *t;
  return success();
}

struct SelectSchedulesPass : impl::SelectSchedulesBase<SelectSchedulesPass> {
  using SelectSchedulesBase::SelectSchedulesBase;
  SelectSchedulesPass(const TargetInfo &t, StringRef strategy) : target(t) {
    forced = strategy.str();
  }

  void runOnOperation() override {
    if (failed(resolveTarget(target, targetName, getOperation())))
      return signalPassFailure();
    const Strategy *only = forced.empty() ? nullptr : findStrategy(forced);
    if (!forced.empty() && !only) {
      std::string known;
      for (const Strategy *s : getStrategies())
        known += (known.empty() ? "" : ", ") + s->getName().str();
      emitError(getOperation().getLoc())
          << "unknown strategy '" << forced << "', expected one of " << known;
      return signalPassFailure();
    }
    for (func::FuncOp kernel : getKernels(getOperation()))
      if (!kernel->hasAttr(ir::FusilliDialect::kScheduleAttr) &&
          failed(select(kernel, only)))
        return signalPassFailure();
  }

  LogicalResult select(func::FuncOp kernel, const Strategy *only) {
    FailureOr<KernelModel> model = KernelModel::create(kernel);
    if (failed(model))
      return failure();
    Builder b(kernel.getContext());
    SmallVector<Attribute> declined;
    std::string irregularity = model->findIrregularity();
    for (const Strategy *strategy : getStrategies()) {
      if (only && strategy != only)
        continue;
      Match match = irregularity.empty() || strategy == &getGeneralStrategy()
                        ? strategy->match(*model, *target)
                        : Match::decline(irregularity);
      if (match) {
        kernel->setAttr(ir::FusilliDialect::kScheduleAttr, match.schedule);
        if (!declined.empty())
          kernel->setAttr(ir::FusilliDialect::kDeclinedAttr,
                          b.getArrayAttr(declined));
        ++numKernels;
        return success();
      }
      declined.push_back(
          b.getStringAttr(strategy->getName() + ": " + match.declined));
    }
    InFlightDiagnostic error = kernel.emitError("no schedule for kernel ")
                               << kernel.getName();
    for (Attribute reason : declined)
      error << "; " << cast<StringAttr>(reason).getValue();
    return error;
  }

  std::optional<TargetInfo> target;
};

struct EmitKernelsPass : impl::EmitKernelsBase<EmitKernelsPass> {
  using EmitKernelsBase::EmitKernelsBase;
  explicit EmitKernelsPass(const TargetInfo &t) : target(t) {}

  void runOnOperation() override {
    if (failed(resolveTarget(target, targetName, getOperation())))
      return signalPassFailure();
    for (func::FuncOp kernel : getKernels(getOperation())) {
      if (failed(emit(kernel))) {
        emitError(kernel.getLoc(), "no code for kernel ") << kernel.getName();
        return signalPassFailure();
      }
      kernel.erase();
      ++numKernels;
    }
    for (auto f : getOperation().getOps<func::FuncOp>())
      f.walk<WalkOrder::PostOrder>(
          [](LoopLikeOpInterface loop) { moveLoopInvariantCode(loop); });
  }

  LogicalResult emit(func::FuncOp kernel) {
    auto schedule = kernel->getAttrOfType<ir::ScheduleAttr>(
        ir::FusilliDialect::kScheduleAttr);
    const Strategy *strategy =
        schedule ? findStrategy(schedule.getStrategy()) : nullptr;
    if (!strategy)
      return kernel.emitError("has no schedule of a known strategy");
    FailureOr<KernelModel> model = KernelModel::create(kernel);
    if (failed(model))
      return failure();
    KernelBuilder builder(*model, *target);
    if (failed(strategy->emit(*model, schedule, builder)))
      return failure();
    builder.finish();
    describe(*model, schedule, builder);
    SmallVector<ir::Prepacking> packings;
    for (const KernelBuilder::Packing &packing : builder.getPackings()) {
      packing.builder->finish();
      describePacking(*model, packing);
      packings.push_back({packing.builder->getFunction().getName(),
                          packing.binding, packing.bytes});
    }
    ir::setPrepackings(builder.getFunction(), packings);
    return success();
  }

  /// What the host program and people need to know of a kernel.
  void describe(const KernelModel &model, ir::ScheduleAttr schedule,
                KernelBuilder &builder) {
    Builder b(&getContext());
    func::FuncOp function = builder.getFunction();
    function->setDiscardableAttrs(
        model.getFunction()->getDiscardableAttrDictionary());
    const Extent &count = builder.getWorkgroups();
    if (count.isStatic())
      function->setAttr("fusilli.workgroup_count",
                        b.getDenseI64ArrayAttr({count.get(), 1, 1}));
    else
      function->setAttr("fusilli.workgroup_count",
                        AffineMapAttr::get(AffineMap::get(
                            0, model.getSymbols().size(), count.getExpr())));
    if (!model.isStatic())
      function->setAttr("fusilli.symbols",
                        b.getDenseI64ArrayAttr(model.getSymbols()));
    function->setAttr("fusilli.local_memory",
                      b.getI64IntegerAttr(builder.getLocalBytes()));
    function->setAttr("fusilli.strategy",
                      b.getStringAttr(schedule.getStrategy()));
    function->setAttr("fusilli.flops",
                      b.getI64IntegerAttr(int64_t(model.getFlops())));
    function->setAttr("fusilli.bytes",
                      b.getI64IntegerAttr(int64_t(model.getBufferBytes())));
    if (schedule.getIsInline())
      function->setAttr("fusilli.inline_dispatch", b.getUnitAttr());
  }

  /// The same of a kernel that packs a constant operand.
  void describePacking(const KernelModel &model,
                       const KernelBuilder::Packing &packing) {
    Builder b(&getContext());
    func::FuncOp function = packing.builder->getFunction();
    for (StringRef name : {ir::FusilliDialect::kKernelAttr.str(),
                           ir::FusilliDialect::kNodesAttr.str()})
      if (Attribute value = model.getFunction()->getAttr(name))
        function->setAttr(name, value);
    function->setAttr(
        "fusilli.workgroup_count",
        b.getDenseI64ArrayAttr({packing.builder->getWorkgroups().get(), 1, 1}));
    function->setAttr("fusilli.local_memory",
                      b.getI64IntegerAttr(packing.builder->getLocalBytes()));
    function->setAttr("fusilli.strategy", b.getStringAttr("pack"));
    const Binding &source = model.getBindings()[packing.binding];
    function->setAttr(
        "fusilli.bytes",
        b.getI64IntegerAttr(ir::getBufferBytes(source.type) + packing.bytes));
  }

  std::optional<TargetInfo> target;
};

} // namespace

void populateVectorPipeline(OpPassManager &pm, const TargetInfo &target,
                            StringRef forcedStrategy) {
  pm.addPass(std::make_unique<SelectSchedulesPass>(target, forcedStrategy));
  pm.addPass(std::make_unique<EmitKernelsPass>(target));
}

} // namespace fusilli::compiler
