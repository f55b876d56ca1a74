// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-expand-math: math dialect functions in, arith and vector ops out. The
// functions themselves are written in MathExpansion and the Math*.cpp files.
#include "compiler/Codegen/CPU/CpuPipelines.h"
#include "compiler/Codegen/CPU/MathExpansion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace fusilli::compiler {
#define GEN_PASS_DEF_EXPANDMATH
#include "compiler/Codegen/CPU/CpuPasses.h.inc"
} // namespace fusilli::compiler

using namespace mlir;

namespace fusilli::compiler {
namespace {

struct ExpandMathPass : impl::ExpandMathBase<ExpandMathPass> {
  using impl::ExpandMathBase<ExpandMathPass>::ExpandMathBase;

  void runOnOperation() override {
    Operation *root = getOperation();
    root->walk([&](Operation *op) { numExpanded += getMathFn(op) ? 1 : 0; });
    RewritePatternSet patterns(&getContext());
    populateMathExpansionPatterns(patterns, MathOptions{.avx512 = avx512});
    walkAndApplyPatterns(root, std::move(patterns));
  }
};

} // namespace
} // namespace fusilli::compiler
