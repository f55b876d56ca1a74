// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one kernel computes, read from its linalg ops: the iteration space, the
// stages in order, how each operand is addressed, which reductions combine how,
// which products are contractions. Everything is proven from maps and bodies;
// what is not understood says so and why. Nothing here knows a target or a
// tile.
#ifndef COMPILER_CODEGEN_COMMON_KERNELMODEL_H
#define COMPILER_CODEGEN_COMMON_KERNELMODEL_H

#include "compiler/Codegen/Common/Extent.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineMap.h"

#include <optional>
#include <string>
#include <vector>

namespace fusilli::compiler {

using llvm::SmallVectorImpl;
using mlir::AffineExpr;
using mlir::AffineMap;
using mlir::ArrayRef;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

/// A buffer of the kernel: an argument, or where a result goes.
struct Binding {
  mlir::RankedTensorType type;
  SmallVector<Extent, 6> extents; ///< logical
  SmallVector<Extent, 6> strides; ///< in elements, per logical dim
  bool isResult = false;
  bool isConstant = false; ///< the same content in all calls

  Type element() const { return type.getElementType(); }
};

/// One load or store: an element at offset + sum over dims of coefs[d] * d.
struct Access {
  static constexpr unsigned kIndex = ~0u; ///< binding of an index value
  unsigned binding = 0;
  Extent offset;
  SmallVector<Extent, 6> coefs; ///< per kernel dim
  bool isStore = false;
  bool operator==(const Access &o) const {
    return binding == o.binding && offset == o.offset && coefs == o.coefs &&
           isStore == o.isStore;
  }
};

/// How a reduction combines: acc = op(acc, element), op associative and
/// commutative, op(identity, x) = x.
struct Combiner {
  mlir::Operation *op = nullptr; ///< in the body
  Value element;                 ///< in the body: what is combined
  mlir::TypedAttr identity;
  mlir::TypedAttr init; ///< what the accumulator starts from
};

/// An element that is a product x * y, x from one input alone and y from
/// another.
struct ProductBody {
  mlir::Operation *multiply = nullptr;
  Value x, y;              ///< in the body, of the accumulator's type
  unsigned xInput, yInput; ///< numbers of the op's inputs
};

/// One linalg op of the kernel.
struct Stage {
  mlir::linalg::GenericOp op;
  /// Kernel dims to the op's loops; null where the op is not aligned with the
  /// kernel's iteration space (it is then evaluated where it is used).
  AffineMap position;
  /// Of the op's loops.
  SmallVector<Extent, 6> extents;
  /// Kernel dims that the op reduces over.
  SmallVector<unsigned, 2> reducedDims;
  std::optional<Combiner> combiner; ///< of a reduction that is understood
  std::optional<ProductBody> product;

  bool isReduction() const {
    return const_cast<mlir::linalg::GenericOp &>(op).getNumReductionLoops() !=
           0;
  }
  bool isContraction() const { return product.has_value(); }
};

/// Thread safety: reads only after create(); refers to the function's ops.
class KernelModel {
public:
  /// Reads `function`: straight-line linalg on tensors, arguments to results.
  /// Fails with a diagnostic on ops that no strategy can have (not linalg, not
  /// a tensor op).
  static FailureOr<KernelModel> create(mlir::func::FuncOp function);

  mlir::func::FuncOp getFunction() const { return function; }
  mlir::MLIRContext *getContext() const {
    return const_cast<mlir::func::FuncOp &>(function).getContext();
  }
  /// Representative values of the symbols, ascending.
  ArrayRef<int64_t> getSymbols() const { return symbols; }
  /// The symbol with this representative, which is one of getSymbols().
  Extent getSymbol(int64_t representative) const;
  ArrayRef<Binding> getBindings() const { return bindings; }
  unsigned getNumInputs() const { return numInputs; }
  unsigned getNumResults() const { return bindings.size() - numInputs; }
  unsigned getResultBinding(unsigned result) const {
    return numInputs + result;
  }

  unsigned getNumDims() const { return extents.size(); }
  ArrayRef<Extent> getExtents() const { return extents; }
  bool isStatic() const { return symbols.empty(); }

  ArrayRef<Stage> getStages() const { return stages; }
  const Stage *findStage(mlir::Operation *op) const;
  /// Stages that reduce, in order.
  SmallVector<const Stage *> getReductions() const;
  /// What only a strategy that takes everything can have; empty if nothing.
  std::string findIrregularity() const;
  /// The tensor that result `i` is.
  Value getResultValue(unsigned i) const;
  /// Kernel dims to the logical dims of result `i`; null if not aligned.
  AffineMap getResultPosition(unsigned i) const;

  /// The access of kernel argument or result `binding` read at `position`
  /// (kernel dims to logical dims); nothing if it is not linear.
  std::optional<Access> getAccess(unsigned binding, AffineMap position) const;
  /// Loads that the evaluation of `tensor` at `position` needs when all its
  /// producers are computed in place; false if some are not linear. Values for
  /// which `stop` holds are not looked into.
  bool collect(Value tensor, AffineMap position, SmallVectorImpl<Access> &out,
               llvm::function_ref<bool(Value)> stop = nullptr) const;
  /// The position at which input `operand` of `op` is read where the loops are
  /// at `loops` (kernel dims to loops).
  static AffineMap getOperandPosition(mlir::linalg::GenericOp op,
                                      unsigned operand, AffineMap loops);
  /// The loops of `op` that compute its result at `position`; loops that it
  /// reduces over are dims that come after the kernel's. Null if the result's
  /// map is no projected permutation.
  AffineMap getLoopsAt(mlir::linalg::GenericOp op, AffineMap position) const;

  /// Work of one evaluation of the bodies of all stages, in scalar operations.
  int64_t getCost() const;
  /// Operations of the whole kernel: two for each product of a contraction.
  double getFlops() const;
  /// Bytes that `accesses` touch, each element once per access.
  double getBytes(ArrayRef<Access> accesses) const;
  /// The bytes of all buffers.
  double getBufferBytes() const;
  double getVolume(ArrayRef<unsigned> dims) const;

private:
  LogicalResult readBindings();
  LogicalResult readStages();
  /// Extents of a computed tensor or argument, from what computes it.
  SmallVector<Extent> getExtentsOf(Value tensor) const;
  SmallVector<Extent> getLoopExtents(mlir::linalg::GenericOp op) const;
  void align();
  void alignFrom(Stage &stage);
  unsigned addDim(Extent extent);

  mlir::func::FuncOp function;
  SmallVector<int64_t, 2> symbols;
  std::vector<Binding> bindings;
  unsigned numInputs = 0;
  SmallVector<Extent, 8> extents;
  std::vector<Stage> stages;
  llvm::DenseMap<mlir::Operation *, unsigned> stageNumbers;
};

/// The position in the source of a tensor.expand_shape, collapse_shape or
/// extract_slice that is read at `position`.
AffineMap getSourcePosition(mlir::Operation *reshape, AffineMap position);

/// Scalar operations of one evaluation of `body`; functions that are expanded
/// count as what they become.
int64_t getBodyCost(mlir::Block *body);

/// The combiner of `op`'s only result, proven from the body; nothing where it
/// is not of the known kinds.
std::optional<Combiner> matchCombiner(mlir::linalg::GenericOp op);
/// Whether the element that `combiner` adds up is a product of two inputs.
std::optional<ProductBody> matchProduct(mlir::linalg::GenericOp op,
                                        const Combiner &combiner);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_COMMON_KERNELMODEL_H
