// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kind of target: how the registry finds its targets. One object of each kind
// is in the list of TargetRegistry.cpp.
#ifndef COMPILER_TARGET_TARGETKIND_H
#define COMPILER_TARGET_TARGETKIND_H

#include "compiler/Target/TargetBackend.h"

namespace fusilli::compiler {

/// Thread safety: immutable.
class TargetKind {
public:
  virtual ~TargetKind() = default;

  /// Whether `name` is one of its targets, or an alias.
  virtual bool knows(llvm::StringRef name) const = 0;
  /// An error, which lists the kind's targets, for an unknown name; or if it
  /// cannot be compiled for here.
  virtual llvm::Expected<std::unique_ptr<const TargetBackend>>
  resolve(llvm::StringRef name) const = 0;

  virtual void registerDialects(mlir::DialectRegistry &registry) const {}
  virtual void registerPasses() const {}
};

/// x86-64 levels.
const TargetKind &getCpuTargetKind();
/// The null GPU, for tests of the seams.
const TargetKind &getNullGpuTargetKind();

} // namespace fusilli::compiler

#endif // COMPILER_TARGET_TARGETKIND_H
