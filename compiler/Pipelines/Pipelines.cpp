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
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("CPU level to fuse for"),
                             llvm::cl::init("host")};
  Option<bool> rowGroups{*this, "row-groups",
                         llvm::cl::desc("make kernels of kind `rows`"),
                         llvm::cl::init(true)};
};

struct CodegenPipelineOptions
    : public PassPipelineOptions<CodegenPipelineOptions> {
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("target to compile for"),
                             llvm::cl::init("host")};
};

/// The target of a pipeline given by name; an unknown one is reported.
std::unique_ptr<const TargetBackend> resolveOrReport(StringRef name) {
  auto target = resolveTarget(name);
  if (target)
    return std::move(*target);
  llvm::errs() << llvm::toString(target.takeError()) << "\n";
  return nullptr;
}

void addFusePipeline(OpPassManager &pm, const FusePipelineOptions &options) {
  if (auto target = resolveOrReport(options.target))
    populateFusePipeline(pm, target->makeFusionPolicy(options.rowGroups));
}

void addCodegenPipeline(OpPassManager &pm,
                        const CodegenPipelineOptions &options) {
  auto target = resolveOrReport(options.target);
  if (!target)
    return;
  populateKernelPipeline(pm);
  populateLinalgPipeline(pm);
  target->populateSchedulePipeline(pm);
  target->populateLoweringPipeline(pm);
}

} // namespace

void populateImportPipeline(OpPassManager &pm) {
  pm.addPass(ir::createVerifyGraph());
  pm.addPass(ir::createSplitGradients());
  pm.addPass(ir::createPrepareCustom());
  pm.addPass(ir::createNormalizeGraph());
}

void populateFusePipeline(OpPassManager &pm,
                          std::shared_ptr<const ir::FusionPolicy> policy) {
  pm.addPass(ir::createDecompose());
  pm.addPass(ir::createSplitContractions(policy));
  pm.addPass(ir::createSplitReductions(policy));
  pm.addPass(ir::createFuseDispatches(std::move(policy)));
#ifndef NDEBUG
  pm.addPass(ir::createVerifyDispatches());
#endif
}

void populateKernelPipeline(OpPassManager &pm) {
  pm.addPass(ir::createEraseMain());
}

void registerCompilerDialects(DialectRegistry &registry) {
  registry.insert<ir::FusilliDialect, func::FuncDialect>();
  registerTargetDialects(registry);
}

void registerCompilerPasses() {
  ir::registerFusilliPasses();
  registerFusilliToLinalgPass();
  registerTargetPasses();
  PassPipelineRegistration<>("fusilli-import",
                             "from the import of a graph to the fuse stage",
                             populateImportPipeline);
  PassPipelineRegistration<FusePipelineOptions>(
      "fusilli-fuse", "make kernels of a graph for a target", addFusePipeline);
  PassPipelineRegistration<CodegenPipelineOptions>(
      "fusilli-codegen", "kernels to what a target's executables are made from",
      addCodegenPipeline);
}

} // namespace fusilli::compiler
