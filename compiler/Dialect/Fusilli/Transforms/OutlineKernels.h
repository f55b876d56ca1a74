// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns groups of ops into kernel functions and their calls.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_OUTLINEKERNELS_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_OUTLINEKERNELS_H

#include "compiler/Dialect/Fusilli/Transforms/FusionGroups.h"

#include "mlir/IR/BuiltinOps.h"

namespace fusilli::ir {

/// Makes one kernel function per distinct group of `schedule` (equal up to the
/// names of nodes) and replaces the groups' ops in `main` by dispatches, in the
/// order of `schedule`. Constants of one value are copied into the kernels that
/// use them; others, and those that a contraction reads, stay in `main`.
/// Returns the number of kernels.
unsigned outlineKernels(mlir::ModuleOp module, mlir::func::FuncOp main,
                        llvm::ArrayRef<const KernelGroup *> schedule);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_OUTLINEKERNELS_H
