// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the importer of one kind of node gets and gives; one file per op in
// ops/. A function returns false after it has set the error.
#ifndef COMPILER_IMPORT_NODEIMPORT_H
#define COMPILER_IMPORT_NODEIMPORT_H

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Import/ImportGraph.h"
#include "graph/graph_def_generated.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"

namespace fusilli::compiler {

struct NodeImport {
  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::StringAttr node;
  ImportError &error;
  /// Per slot; null where the slot is empty.
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::RankedTensorType> outputs;
  /// To be filled, one per output slot.
  llvm::SmallVector<mlir::Value> results;

  bool fail(ImportError::Kind kind, const llvm::Twine &message) {
    error.kind = kind;
    error.message = ("node '" + node.getValue() + "': " + message).str();
    return false;
  }
  bool notImplemented(const llvm::Twine &message) {
    return fail(ImportError::Kind::NotImplemented, message);
  }
  bool malformed(const llvm::Twine &message) {
    return fail(ImportError::Kind::Malformed, message);
  }
  /// The node has exactly these slots, all of them filled.
  bool expectSlots(size_t numInputs, size_t numOutputs);
  /// Appends a list of numbers that are at least 0.
  bool getList(const flatbuffers::Vector<int64_t> *list, llvm::StringRef name,
               llvm::SmallVectorImpl<int64_t> &values);
  /// The node has one slot for each character, 'x' filled, '-' empty, '?'
  /// either; all tensors are of floating-point type.
  bool expectFloatSlots(llvm::StringRef inputs, llvm::StringRef outputs);
};

bool importPointwise(const fbs::PointwiseAttrs &attrs, NodeImport &node);
bool importReduction(const fbs::ReductionAttrs &attrs, NodeImport &node);
bool importMatmul(NodeImport &node);
bool importConvFProp(const fbs::ConvFPropAttrs &attrs, NodeImport &node);
bool importSdpa(const fbs::SdpaAttrs &attrs, NodeImport &node);
bool importCustomOp(const fbs::CustomOpAttrs &attrs, NodeImport &node);
bool importConvDGrad(const fbs::ConvDGradAttrs &attrs, NodeImport &node);
bool importConvWGrad(const fbs::ConvWGradAttrs &attrs, NodeImport &node);
bool importBatchnorm(const fbs::BatchnormAttrs &attrs, NodeImport &node);
bool importLayernorm(const fbs::LayernormAttrs &attrs, NodeImport &node);
bool importRmsnorm(const fbs::RmsnormAttrs &attrs, NodeImport &node);

/// The phase of a normalization: whether it is for training.
bool getTrainingPhase(uint8_t phase, NodeImport &node, bool &training);

/// Text of an element type for messages.
std::string getTypeText(mlir::Type type);

} // namespace fusilli::compiler

#endif // COMPILER_IMPORT_NODEIMPORT_H
