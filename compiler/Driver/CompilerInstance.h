// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a compile needs and the next one can use again: an MLIR context with the
// dialects loaded, and the pass managers per target and options. One compile at
// a time uses an instance.
#ifndef COMPILER_DRIVER_COMPILERINSTANCE_H
#define COMPILER_DRIVER_COMPILERINSTANCE_H

#include "compiler/Driver/Compiler.h"
#include "compiler/Target/TargetBackend.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace fusilli::compiler {

/// The pass managers of one compile, stage by stage.
struct StagePasses {
  std::unique_ptr<mlir::PassManager> import, fuse, linalg, vector, llvm;
};

/// Thread safety: externally synchronised.
class CompilerInstance {
public:
  CompilerInstance();

  mlir::MLIRContext &context() { return context_; }
  StagePasses &getPasses(const TargetBackend &target,
                         const CompileOptions &options);
  /// Types and attributes stay in a context for ever; an instance that has
  /// compiled this much is not used again.
  bool isWorn() const { return uses_ >= 512; }
  void countUse() { ++uses_; }

private:
  mlir::MLIRContext context_;
  std::map<std::string, StagePasses> passes_;
  unsigned uses_ = 0;
};

/// Idle instances of the process.
///
/// Thread safety: thread-safe.
class CompilerPool {
public:
  /// The documented default pool. Never destroyed: at exit other threads may
  /// still compile.
  static CompilerPool &get();

  std::unique_ptr<CompilerInstance> acquire();
  void release(std::unique_ptr<CompilerInstance> instance);

private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<CompilerInstance>> idle_; // guarded by mutex_
};

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_COMPILERINSTANCE_H
