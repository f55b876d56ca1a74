// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile of a contraction: how many rows and vectors of columns of
// sums are held at once.
#ifndef COMPILER_CODEGEN_CPU_REGISTERTILE_H
#define COMPILER_CODEGEN_CPU_REGISTERTILE_H

#include "compiler/Codegen/Common/TargetInfo.h"

namespace fusilli::compiler {

struct RegisterTile {
  int64_t rows = 1, vectors = 1;
};

/// For a result of m rows and n columns. 6 x 4 vectors are best with 32
/// registers, 6 x 2 with 16, where one register more is left for what LLVM
/// keeps of the next step: 4 x 3 spills.
RegisterTile chooseRegisterTile(int64_t m, int64_t n, int64_t lanes,
                                const TargetInfo &target);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_REGISTERTILE_H
