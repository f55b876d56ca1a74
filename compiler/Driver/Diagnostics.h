// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collects the diagnostics of a context as lines of text that name the node.
#ifndef COMPILER_DRIVER_DIAGNOSTICS_H
#define COMPILER_DRIVER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <string>

namespace fusilli::compiler {

/// While it lives, errors, warnings and notes of the context go into `text`,
/// one a line, "where: message"; remarks are dropped. `where` is the node's
/// name or the position in the program text.
///
/// Thread safety: as the context.
class DiagnosticCollector {
public:
  DiagnosticCollector(mlir::MLIRContext &context, std::string &text);

private:
  mlir::ScopedDiagnosticHandler handler_;
};

} // namespace fusilli::compiler

#endif // COMPILER_DRIVER_DIAGNOSTICS_H
