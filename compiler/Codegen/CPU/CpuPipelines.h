// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU code generation stages, in order. Each works on every
// `func.func private @kernel` with the unit attribute `fusilli.kernel`:
//
//   fusilli ops on logical tensors
//     | fusilli-convert-to-linalg
//   linalg.generic on the same tensors, layouts as encodings
//     | fusilli-select-schedules     (sets fusilli.schedule, fusilli.declined)
//     | fusilli-emit-kernels         (sets fusilli.workgroup_count, ...)
//   vector/scf/arith on flat memrefs: (bindings..., local, begin, end) -> i32
//     | fusilli-convert-kernels-to-llvm
//   LLVM dialect, entries of type fusilli_kernel_fn_t (unit attr fusilli.entry)
//
// What is not a kernel function (@main) is left as it is by the first three and
// must be erased before the last.
#ifndef COMPILER_CODEGEN_CPU_CPUPIPELINES_H
#define COMPILER_CODEGEN_CPU_CPUPIPELINES_H

#include "compiler/Codegen/Common/TargetInfo.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

#include <memory>

namespace fusilli::compiler {

#define GEN_PASS_DECL
#include "compiler/Codegen/CPU/CpuPasses.h.inc"

/// What kernels of this target hold; `rows`: also ops that use reductions of
/// their rows.
std::shared_ptr<const ir::FusionPolicy>
makeCpuFusionPolicy(const TargetInfo &target, bool rows = true);

/// `forcedStrategy`: the only strategy to be asked, for tests; empty: all.
void populateVectorPipeline(mlir::OpPassManager &pm, const TargetInfo &target,
                            llvm::StringRef forcedStrategy = "");
void populateLLVMPipeline(mlir::OpPassManager &pm, const TargetInfo &target);

/// Registers the passes above for fusilli-opt.
void registerCpuCodegenPasses();

/// Dialects that these stages create ops of.
void registerCpuCodegenDialects(mlir::DialectRegistry &registry);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_CPUPIPELINES_H
