// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts and pass managers are the larger part of a small compile when they
// are made anew each time.
#include "compiler/Driver/CompilerInstance.h"

#include "compiler/Pipelines/Pipelines.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

constexpr size_t kMaxIdle = 16;

DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  return registry;
}

std::unique_ptr<PassManager> makeManager(MLIRContext &context, bool verify) {
  auto manager = std::make_unique<PassManager>(&context);
  manager->enableVerifier(verify);
  return manager;
}

} // namespace

CompilerInstance::CompilerInstance()
    : context_(makeRegistry(), MLIRContext::Threading::DISABLED) {
  context_.loadAllAvailableDialects();
  context_.printOpOnDiagnostic(false);
}

StagePasses &CompilerInstance::getPasses(const TargetBackend &target,
                                         const CompileOptions &options) {
  std::string key = target.name().str() + (options.rowGroups ? "+rows" : "") +
                    (options.verifyEach ? "+verify" : "");
  StagePasses &passes = passes_[key];
  if (passes.import)
    return passes;
  for (auto *manager : {&passes.import, &passes.fuse, &passes.linalg,
                        &passes.vector, &passes.llvm})
    *manager = makeManager(context_, options.verifyEach);
  populateImportPipeline(*passes.import);
  populateFusePipeline(*passes.fuse,
                       target.makeFusionPolicy(options.rowGroups));
  populateKernelPipeline(*passes.linalg);
  populateLinalgPipeline(*passes.linalg);
  target.populateSchedulePipeline(*passes.vector);
  target.populateLoweringPipeline(*passes.llvm);
  return passes;
}

CompilerPool &CompilerPool::get() {
  static CompilerPool *pool = new CompilerPool;
  return *pool;
}

std::unique_ptr<CompilerInstance> CompilerPool::acquire() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<CompilerInstance> instance = std::move(idle_.back());
      idle_.pop_back();
      return instance;
    }
  }
  return std::make_unique<CompilerInstance>();
}

void CompilerPool::release(std::unique_ptr<CompilerInstance> instance) {
  if (instance->isWorn())
    return;
  std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.size() < kMaxIdle)
    idle_.push_back(std::move(instance));
}

} // namespace fusilli::compiler
