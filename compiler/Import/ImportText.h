// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Program text to a module of the fusilli dialect: the other way into the
// compiler. Text comes from people and is not trusted: it is checked before
// MLIR's parser sees it (TextCheck.h).
#ifndef COMPILER_IMPORT_IMPORTTEXT_H
#define COMPILER_IMPORT_IMPORTTEXT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace fusilli::compiler {

/// Parses; the result is not yet verified. Null on failure: `error` says why if
/// the text was refused, else the parser has emitted diagnostics. The context
/// has the fusilli and func dialects loaded.
mlir::OwningOpRef<mlir::ModuleOp> importText(mlir::MLIRContext &context,
                                             llvm::StringRef text,
                                             std::string &error);

} // namespace fusilli::compiler

#endif // COMPILER_IMPORT_IMPORTTEXT_H
