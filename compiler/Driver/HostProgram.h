// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host side of a compiled graph: its arguments, which kernel runs on which
// bytes in what order, where barriers are, what the workspace holds. Derived
// from @main after the fuse stage; what code generation decides (workgroups,
// code offsets) is joined in when the artifact is put together.
#ifndef COMPILER_DRIVER_HOSTPROGRAM_H
#define COMPILER_DRIVER_HOSTPROGRAM_H

#include "artifact/artifact_generated.h"
#include "compiler/Driver/ShapeProgram.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fusilli::compiler {

/// What one binding of a dispatch refers to; bytes.
struct HostBinding {
  fbs::BindingKind kind = fbs::BindingKind::Argument;
  uint32_t index = 0; ///< argument number; 0 otherwise
  HostValue offset;
  HostValue length;
};

struct HostProgram {
  struct Dispatch {
    std::string kernel;
    unsigned phase = 0; ///< a barrier lies between phases
    std::vector<HostBinding> bindings;
  };
  /// Outputs by name, then inputs by name.
  std::vector<fbs::ArgT> args;
  std::vector<Dispatch> dispatches; ///< by phase
  /// What depends on constant arguments alone and is no output: run before the
  /// first call, into prepared memory. By phases of its own.
  std::vector<Dispatch> prepare;
  HostValue workspaceSize;   ///< bytes
  uint64_t preparedSize = 0; ///< bytes
  /// Tensors that kernels read from the artifact itself, at multiples of 64.
  std::vector<uint8_t> constants;
  /// Representative extents that stand for run-time ones, ascending.
  std::vector<int64_t> symbols;
  /// Computes the values above.
  ShapeProgram shapes;
};

/// Plans the program of a module that fusilli-fuse-dispatches has made and the
/// verifiers accept. Which dispatches are prepared follows from the data alone.
HostProgram planHostProgram(mlir::ModuleOp module);

/// Once kernels have code: those that read a constant operand as another kernel
/// packs it (ir::Prepacking) get the packed buffer, in prepared memory, and the
/// packing is prepared; one buffer for all that read the same. A kernel with
/// such an operand is never prepared itself.
void addPrepackings(mlir::ModuleOp module, HostProgram &program);

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_HOSTPROGRAM_H
