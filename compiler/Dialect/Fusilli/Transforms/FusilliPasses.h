// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes on the fusilli dialect; what each does is in FusilliPasses.td.
#ifndef COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSILLIPASSES_H
#define COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSILLIPASSES_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace fusilli::ir {

#define GEN_PASS_DECL
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

/// fusilli-fuse-dispatches for a target.
std::unique_ptr<mlir::Pass>
createFuseDispatches(std::shared_ptr<const FusionPolicy> policy);

/// fusilli-split-reductions for a target.
std::unique_ptr<mlir::Pass>
createSplitReductions(std::shared_ptr<const FusionPolicy> policy);

/// fusilli-split-contractions for a target.
std::unique_ptr<mlir::Pass>
createSplitContractions(std::shared_ptr<const FusionPolicy> policy);

/// Name of the graph's function.
inline constexpr llvm::StringLiteral kMainName = "main";
/// String attribute of a kernel function, see fusilli-fuse-dispatches.
inline constexpr llvm::StringLiteral kKindAttr = "fusilli.kind";
inline constexpr llvm::StringLiteral kKindPointwise = "pointwise";
inline constexpr llvm::StringLiteral kKindContraction = "contraction";
inline constexpr llvm::StringLiteral kKindReduction = "reduction";
inline constexpr llvm::StringLiteral kKindRows = "rows";
inline constexpr llvm::StringLiteral kKindAttention = "attention";
inline constexpr llvm::StringLiteral kKindCustom = "custom";

/// `@main` of a module, or null.
mlir::func::FuncOp getMain(mlir::ModuleOp module);

} // namespace fusilli::ir

#endif // COMPILER_DIALECT_FUSILLI_TRANSFORMS_FUSILLIPASSES_H
