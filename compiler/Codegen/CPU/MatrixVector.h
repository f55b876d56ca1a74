// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What strategy `matrix-vector` decides for a contraction whose result has one
// column or row, or few: which operand is the matrix, along which of its dims
// vectors run, in how many streams it is read.
#ifndef COMPILER_CODEGEN_CPU_MATRIXVECTOR_H
#define COMPILER_CODEGEN_CPU_MATRIXVECTOR_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/InnerProduct.h"
#include "compiler/Codegen/CPU/Strategy.h"

namespace fusilli::compiler {

/// The roles of a contraction: y[r, v] = sum over k of matrix[r, k] *
/// vector[k, v] for one v or few, for each batch.
struct MatrixVector {
  explicit MatrixVector(const Contraction &c);

  const Contraction &c;
  std::string defect; ///< why it is none, or empty
  /// Whether A is the matrix, so that r are the rows of the result.
  bool isColumn = false;
  const ContractionOperand *matrix = nullptr, *vector = nullptr;
  SmallVector<int, 4> rowLoops, vectorLoops; ///< r and v, walked as one
  int64_t rows = 1, vectors = 1, depth = 1;
  int64_t rowStride = 0, depthStride = 0; ///< of the matrix
  int64_t vectorStride = 0;               ///< of the vectors, along k
  int64_t nextVector = 0;                 ///< from vector to vector
  /// Whether vectors run along k: each row is a dot product. Else they run
  /// along the rows: y is a sum of columns of the matrix.
  bool alongK = false;
  /// Whether the matrix comes from memory, so that it pays to ask for it early.
  bool isStreamed = false;
};

/// The matrix is read as several streams at once, each of which walks through
/// memory of its own: rowStreams parts of a workgroup's rows times depthStreams
/// parts of k. Where vectors run along the rows, rowStreams is 1.
struct MatrixVectorTiling {
  const InnerProduct *inner = nullptr;
  int64_t lanes = 16; ///< of the accumulator
  int64_t rows = 1;   ///< of one workgroup
  int64_t rowStreams = 1, depthStreams = 1;
  int64_t unroll = 1; ///< vectors of one stream in a step

  MatrixVectorTiling(const MatrixVector &p, const TargetInfo &target);
  /// From a schedule; `defect` says what is wrong with one edited by hand.
  MatrixVectorTiling(const MatrixVector &p, ir::ScheduleAttr schedule);
  std::string defect;

  ScheduleFields getFields() const;
  /// Whether the matrix's elements become wider before they are multiplied.
  bool isWidened(const MatrixVector &p) const;
  /// Elements along k of one vector, where vectors run there.
  int64_t getWidth() const { return lanes * inner->getGranule(); }
};

/// Terms that one accumulator takes before it is added to one that stands for
/// more.
constexpr int64_t kMaxChain = 256;

/// Emits the kernel.
LogicalResult emitMatrixVector(const MatrixVector &p,
                               const MatrixVectorTiling &tiling,
                               KernelBuilder &k);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_MATRIXVECTOR_H
