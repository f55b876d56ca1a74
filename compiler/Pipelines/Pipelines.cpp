// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assembles the stages of the front half and registers everything for tools.
#include "compiler/Pipelines/Pipelines.h"

#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

struct FusePipelineOptions : public PassPipelineOptions<FusePipelineOptions> {
  Option<bool> rowGroups{*this, "row-groups",
                         llvm::cl::desc("make kernels of kind `rows`"),
                         llvm::cl::init(FuseOptions().rowGroups)};
};

struct CpuPipelineOptions : public PassPipelineOptions<CpuPipelineOptions> {
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("CPU level to compile for"),
                             llvm::cl::init("host")};
};

void addCpuPipeline(OpPassManager &pm, const CpuPipelineOptions &options) {
  llvm::Expected<TargetInfo> target = TargetInfo::resolve(options.target);
  if (!target) {
    llvm::errs() << llvm::toString(target.takeError()) << "\n";
    return;
  }
  populateKernelPipeline(pm);
  populateLinalgPipeline(pm);
  populateVectorPipeline(pm, *target);
  populateLLVMPipeline(pm, *target);
}

} // namespace

void populateImportPipeline(OpPassManager &pm) {
  pm.addPass(ir::createVerifyGraph());
  pm.addPass(ir::createSplitGradients());
  pm.addPass(ir::createPrepareCustom());
  pm.addPass(ir::createNormalizeGraph());
}

void populateFusePipeline(OpPassManager &pm, const FuseOptions &options) {
  ir::FuseDispatchesOptions fuse;
  fuse.rowGroups = options.rowGroups;
  pm.addPass(ir::createFuseDispatches(fuse));
#ifndef NDEBUG
  pm.addPass(ir::createVerifyDispatches());
#endif
}

void populateKernelPipeline(OpPassManager &pm) {
  pm.addPass(ir::createEraseMain());
}

void registerCompilerDialects(DialectRegistry &registry) {
  registry.insert<ir::FusilliDialect, func::FuncDialect>();
  registerCpuCodegenDialects(registry);
}

void registerCompilerPasses() {
  ir::registerFusilliPasses();
  registerFusilliToLinalgPass();
  registerCpuCodegenPasses();
  PassPipelineRegistration<>("fusilli-import",
                             "from the import of a graph to the fuse stage",
                             populateImportPipeline);
  PassPipelineRegistration<FusePipelineOptions>(
      "fusilli-fuse", "make kernels of a graph",
      [](OpPassManager &pm, const FusePipelineOptions &options) {
        FuseOptions fuse;
        fuse.rowGroups = options.rowGroups;
        populateFusePipeline(pm, fuse);
      });
  PassPipelineRegistration<CpuPipelineOptions>(
      "fusilli-cpu", "kernels to the LLVM dialect for a CPU", addCpuPipeline);
}

} // namespace fusilli::compiler
