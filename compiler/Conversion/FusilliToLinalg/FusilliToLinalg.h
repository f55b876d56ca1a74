// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stage from fusilli kernels to linalg.
#ifndef COMPILER_CONVERSION_FUSILLITOLINALG_FUSILLITOLINALG_H
#define COMPILER_CONVERSION_FUSILLITOLINALG_FUSILLITOLINALG_H

#include "mlir/Pass/PassManager.h"

namespace fusilli::compiler {

/// fusilli-convert-to-linalg on all kernels of a module.
void populateLinalgPipeline(mlir::OpPassManager &pm);

/// Registers the pass for fusilli-opt.
void registerFusilliToLinalgPass();

} // namespace fusilli::compiler

#endif // COMPILER_CONVERSION_FUSILLITOLINALG_FUSILLITOLINALG_H
