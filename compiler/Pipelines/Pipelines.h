// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of passes, stage by stage; reading this is reading the compiler:
//
//   GraphDef --Import--> fusilli ops in @main
//     | populateImportPipeline   check, normalise
//     | populateFusePipeline     kernels and their calls
//     | populateKernelPipeline   @main, planned by the driver, goes
//     | populateLinalgPipeline   linalg on tensors
//     | TargetBackend            schedules, lower dialects
//   target's dialect --TargetBackend--> executable
//
// What a target does is in compiler/Target.
#ifndef COMPILER_PIPELINES_PIPELINES_H
#define COMPILER_PIPELINES_PIPELINES_H

#include "compiler/Conversion/FusilliToLinalg/FusilliToLinalg.h"

#include "compiler/Target/TargetBackend.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

#include <memory>

namespace fusilli::compiler {

void populateImportPipeline(mlir::OpPassManager &pm);
/// Kernels as the target's policy likes them.
void populateFusePipeline(mlir::OpPassManager &pm,
                          std::shared_ptr<const ir::FusionPolicy> policy);

/// What the stages of code generation start from: only kernels.
void populateKernelPipeline(mlir::OpPassManager &pm);

/// Exactly the dialects that a compile uses.
void registerCompilerDialects(mlir::DialectRegistry &registry);

/// All passes and pipelines, for tools: fusilli-import and fusilli-fuse are the
/// stages of these names, fusilli-codegen all that follow, for a target.
void registerCompilerPasses();

} // namespace fusilli::compiler

#endif // COMPILER_PIPELINES_PIPELINES_H
