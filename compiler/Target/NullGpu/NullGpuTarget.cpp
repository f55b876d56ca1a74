// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null GPU as a target: a second implementation of what the CPU implements,
// small enough to show what a target needs. Its executables are programs that
// the null-gpu driver interprets.
#include "artifact/null_gpu_abi.h"
#include "compiler/Target/NullGpu/ProgramWriter.h"
#include "compiler/Target/TargetKind.h"

#include "mlir/IR/Builders.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;

namespace fusilli::compiler {

namespace {

constexpr llvm::StringLiteral kName = "null-gpu";

/// Sets the workgroups and the cost of each kernel; refuses those that have no
/// program, which are written a second time when the executable is.
struct ScheduleKernelsPass
    : public PassWrapper<ScheduleKernelsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ScheduleKernelsPass)

  StringRef getArgument() const override { return "fusilli-null-gpu-schedule"; }
  StringRef getDescription() const override {
    return "set workgroups and cost of kernels for the null GPU";
  }

  void runOnOperation() override {
    Builder b(&getContext());
    for (auto kernel : getOperation().getOps<func::FuncOp>()) {
      if (!kernel->hasAttr(ir::FusilliDialect::kKernelAttr))
        continue;
      llvm::Expected<NullGpuKernel> program = writeNullGpuKernel(kernel);
      if (!program) {
        kernel.emitError(llvm::toString(program.takeError()));
        return signalPassFailure();
      }
      kernel->setAttr(
          "fusilli.workgroup_count",
          b.getDenseI64ArrayAttr({int64_t(program->workgroups), 1, 1}));
      kernel->setAttr("fusilli.strategy", b.getStringAttr("interpret"));
      kernel->setAttr("fusilli.flops",
                      b.getI64IntegerAttr(int64_t(program->flops)));
    }
  }
};

/// Kernels are single loops over elements.
class NullGpuFusionPolicy final : public ir::FusionPolicy {
public:
  bool allowsRows(const ir::ReductionSpace &) const override { return false; }
};

class NullGpuTarget final : public TargetBackend {
public:
  StringRef backend() const override { return "NULL_GPU"; }
  StringRef name() const override { return kName; }

  std::shared_ptr<const ir::FusionPolicy>
  makeFusionPolicy(bool) const override {
    return std::make_shared<NullGpuFusionPolicy>();
  }
  void populateSchedulePipeline(OpPassManager &pm) const override {
    pm.addPass(std::make_unique<ScheduleKernelsPass>());
  }
  void populateLoweringPipeline(OpPassManager &) const override {}

  llvm::Expected<TargetExecutable>
  writeExecutable(ModuleOp module, std::string *text) const override {
    TargetExecutable executable;
    executable.format = artifact::null_gpu::kFormat;
    const uint32_t version = artifact::null_gpu::kVersion;
    executable.requirements.resize(sizeof(version));
    std::memcpy(executable.requirements.data(), &version, sizeof(version));
    for (auto kernel : module.getOps<func::FuncOp>()) {
      if (!kernel->hasAttr(ir::FusilliDialect::kKernelAttr))
        continue;
      llvm::Expected<NullGpuKernel> program = writeNullGpuKernel(kernel);
      if (!program)
        return program.takeError();
      executable.bytes.resize(llvm::alignTo(executable.bytes.size(), 8));
      executable.kernels.push_back(
          {kernel.getName().str(), executable.bytes.size()});
      executable.bytes.insert(executable.bytes.end(), program->bytes.begin(),
                              program->bytes.end());
      if (text)
        *text += kernel.getName().str() + ": " +
                 std::to_string(program->bytes.size()) + " bytes\n";
    }
    return executable;
  }
};

class NullGpuTargetKind final : public TargetKind {
public:
  bool knows(StringRef name) const override { return name == kName; }
  llvm::Expected<std::unique_ptr<const TargetBackend>>
  resolve(StringRef) const override {
    return std::make_unique<const NullGpuTarget>();
  }
  void registerPasses() const override {
    PassRegistration<ScheduleKernelsPass>();
  }
};

} // namespace

const TargetKind &getNullGpuTargetKind() {
  static const NullGpuTargetKind kind;
  return kind;
}

} // namespace fusilli::compiler
