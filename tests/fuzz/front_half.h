// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the two fuzz targets of the compiler's front half share: the way from an
// imported module to kernels, without code generation.

#ifndef TESTS_FUZZ_FRONT_HALF_H
#define TESTS_FUZZ_FRONT_HALF_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

#include <memory>
#include <string>

namespace fusilli::fuzz {

/// A context with the dialects of program text, and its passes. Diagnostics are
/// formatted and dropped.
class FrontHalf {
public:
  /// The one of this process, made anew now and then, since a context keeps
  /// all types for ever.
  static FrontHalf &get();

  FrontHalf();
  mlir::MLIRContext &context() { return context_; }

  /// Verifies, prints and reads what was printed, normalizes, fuses.
  void run(mlir::OwningOpRef<mlir::ModuleOp> module);

private:
  mlir::MLIRContext context_;
  std::string diagnostics_; ///< of the last input
  mlir::ScopedDiagnosticHandler handler_;
  mlir::PassManager verify_, prepare_, import_, fuse_;
};

} // namespace fusilli::fuzz

#endif // TESTS_FUZZ_FRONT_HALF_H
