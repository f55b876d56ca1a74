// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Joins the host program with what code generation made: kernels with their
// workgroups, scratch and cost, and the code image.
#ifndef COMPILER_DRIVER_ARTIFACTBUILDER_H
#define COMPILER_DRIVER_ARTIFACTBUILDER_H

#include "artifact/artifact_generated.h"
#include "compiler/Codegen/Common/TargetInfo.h"
#include "compiler/Driver/HostProgram.h"
#include "compiler/Target/CPU/CodeImage.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringMap.h"

#include <array>
#include <optional>
#include <string>

namespace fusilli::compiler {

class ArtifactBuilder {
public:
  ArtifactBuilder(const HostProgram &program, const TargetInfo &target);

  /// Takes the attributes of the kernels after the vector stage. An error text
  /// naming the kernel and its nodes if one exceeds what an artifact can say or
  /// the runtime takes.
  std::optional<std::string> readKernels(mlir::ModuleOp module);

  /// Takes the code; writes entries and program. An error text if a kernel of
  /// the program is missing.
  std::optional<std::string> addCode(CodeImage image);

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
    uint32_t ordinal = 0;
  };

  static std::optional<std::string> checkLimits(const Kernel &kernel);
  void writeProgram();
  void writeStaticProgram();
  void writeSymbolicProgram();
  /// Number of the program's symbol of this representative extent.
  HostValue getSymbol(int64_t extent) const;

  const HostProgram &program_; // Borrowed: lives as long as the compile.
  ShapeProgram shapes_;        ///< the program's, and workgroup counts
  fbs::ArtifactT artifact_;
  llvm::StringMap<Kernel> kernels_;
};

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_ARTIFACTBUILDER_H
