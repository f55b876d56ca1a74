// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler asks of a target. Everything before is the same for all:
// import, fusion, the lowering to linalg, the host program; everything behind
// (schedules, code, its format) is the target's own. A compile is a pure
// function of the program and the target's name, so whatever a target knows of
// its machine is part of that name.
#ifndef COMPILER_TARGET_TARGETBACKEND_H
#define COMPILER_TARGET_TARGETBACKEND_H

#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fusilli::compiler {

/// Code of all kernels of a module, as the artifact stores it.
struct TargetExecutable {
  struct Kernel {
    std::string name;
    uint64_t offset; ///< into `bytes`
  };
  std::string format; ///< what the driver goes by
  std::vector<uint8_t> requirements;
  std::vector<uint8_t> bytes;
  std::vector<Kernel> kernels; ///< in module order
};

/// A resolved target.
///
/// Thread safety: immutable.
class TargetBackend {
public:
  virtual ~TargetBackend() = default;

  /// The backend whose handles run the code: "CPU".
  virtual llvm::StringRef backend() const = 0;
  /// Which of the backend's targets this is; never an alias such as "host".
  virtual llvm::StringRef name() const = 0;

  /// What its kernels can hold; without `rows` none in which reductions are
  /// used by ops of the full shape.
  virtual std::shared_ptr<const ir::FusionPolicy>
  makeFusionPolicy(bool rows = true) const = 0;

  /// From kernels of linalg on tensors to scheduled kernels. Sets the
  /// attributes of each that the artifact takes over (ArtifactBuilder.h).
  virtual void populateSchedulePipeline(mlir::OpPassManager &pm) const = 0;
  /// From there to what `writeExecutable` takes.
  virtual void populateLoweringPipeline(mlir::OpPassManager &pm) const = 0;

  /// The code of all kernels in `module`; its text for people as well, if
  /// asked for. May run on several threads, each on a context of its own.
  virtual llvm::Expected<TargetExecutable>
  writeExecutable(mlir::ModuleOp module, std::string *text) const = 0;
};

/// Resolves "host", or the name of a target of any backend in this build. The
/// error for an unknown name lists those that users have.
llvm::Expected<std::unique_ptr<const TargetBackend>>
resolveTarget(llvm::StringRef name);

/// The dialects that the stages of any target create ops of.
void registerTargetDialects(mlir::DialectRegistry &registry);

/// The passes of all targets, for tools.
void registerTargetPasses();

} // namespace fusilli::compiler

#endif // COMPILER_TARGET_TARGETBACKEND_H
