// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GraphDef bytes to a module of the fusilli dialect: the only way from the
// graph into the compiler. The bytes are not trusted: what does not describe a
// graph, or what the compiler cannot do yet, is an error that names the node or
// tensor.
#ifndef COMPILER_IMPORT_IMPORTGRAPH_H
#define COMPILER_IMPORT_IMPORTGRAPH_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <string>

namespace fusilli::compiler {

struct ImportError {
  enum class Kind {
    None,
    Malformed,      ///< the bytes describe no graph
    NotImplemented, ///< a graph that the compiler cannot do yet
  };
  Kind kind = Kind::None;
  std::string message;
};

struct ImportedGraph {
  /// Null on failure.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ImportError error;
};

/// Builds `@main`: parameters are the graph's inputs but scalars, sorted by
/// name, results the non-virtual outputs of nodes, sorted by name. Scalars are
/// constants. Every op's location is its node's name. The result is not yet
/// verified: the caller runs the verifier. Functions of custom ops stand before
/// `@main`. The context has the fusilli and func dialects loaded, and for
/// custom ops linalg, tensor, arith and math.
ImportedGraph importGraph(mlir::MLIRContext &context,
                          llvm::ArrayRef<uint8_t> graphDef);

} // namespace fusilli::compiler

#endif // COMPILER_IMPORT_IMPORTGRAPH_H
