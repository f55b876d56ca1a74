// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Joins the host program with what code generation made: kernels with their
// workgroups, scratch and cost, and the executable.
#ifndef COMPILER_DRIVER_ARTIFACTBUILDER_H
#define COMPILER_DRIVER_ARTIFACTBUILDER_H

#include "artifact/artifact_generated.h"
#include "compiler/Driver/HostProgram.h"
#include "compiler/Target/TargetBackend.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringMap.h"

#include <array>
#include <optional>
#include <string>

namespace fusilli::compiler {

/// What it takes over of a kernel function after the target's schedule stage:
/// `fusilli.workgroup_count` (array of up to 3 i64), `fusilli.local_memory`,
/// `fusilli.flops`, `fusilli.bytes` (i64), `fusilli.strategy` (string),
/// `fusilli.inline_dispatch` (unit), and for people `fusilli.schedule` (any
/// attribute, as text) and `fusilli.declined` (array of strings).
class ArtifactBuilder {
public:
  ArtifactBuilder(const HostProgram &program, const TargetBackend &target);

  /// Takes the attributes of the kernels after the schedule stage. An error
  /// text naming the kernel and its nodes if one exceeds what an artifact can
  /// say or the runtime takes.
  std::optional<std::string> readKernels(mlir::ModuleOp module);

  /// Takes the code; writes entries and programs. An error text if a kernel of
  /// the program is missing.
  std::optional<std::string> addExecutable(TargetExecutable executable);

  const fbs::ArtifactT &get() const { return artifact_; }

private:
  struct Kernel {
    fbs::EntryT entry;
    std::array<uint64_t, 3> workgroups = {1, 1, 1};
    /// Of a kernel with symbols: the same as expressions of them.
    mlir::AffineMap symbolicWorkgroups;
    /// Representative extents of the symbols that it takes.
    std::vector<int64_t> symbols;
    bool isInline = false;
    bool hasCode = false;
    bool hasEntry = false;
    uint32_t ordinal = 0;
  };

  static std::optional<std::string> checkLimits(const Kernel &kernel);
  void writeSymbolicProgram();
  /// Number of the program's symbol of this representative extent.
  HostValue getSymbol(int64_t extent) const;
  std::optional<std::string>
  addEntries(llvm::ArrayRef<HostProgram::Dispatch> dispatches);
  std::vector<uint32_t>
  writeProgram(llvm::ArrayRef<HostProgram::Dispatch> dispatches);

  const HostProgram &program_; // Borrowed: lives as long as the compile.
  ShapeProgram shapes_;        ///< the program's, and workgroup counts
  fbs::ArtifactT artifact_;
  llvm::StringMap<Kernel> kernels_;
};

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_ARTIFACTBUILDER_H
