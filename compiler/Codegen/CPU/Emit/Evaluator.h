// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of a kernel's tensors at one position of the loops that an emitter has
// opened: as scalars, or as vectors along one loop. Producers are computed
// where they are used; what an op computes comes from its body and from nothing
// else.
#ifndef COMPILER_CODEGEN_CPU_EMIT_EVALUATOR_H
#define COMPILER_CODEGEN_CPU_EMIT_EVALUATOR_H

#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"

#include <map>

namespace fusilli::compiler {

/// One loop: kernel dims that behave as one because every access walks through
/// them linearly.
struct LoopGroup {
  SmallVector<unsigned, 4> dims; ///< outermost first
  Extent extent = 1;
  Value iv; ///< current position; for the vector group that of lane 0
};

/// Where evaluation happens: the loops, and how values are vectorised.
struct Space {
  SmallVector<LoopGroup, 4> groups;
  int vectorGroup = -1;        ///< group along which values are vectors, or -1
  int64_t lanes = 1;           ///< vector length
  ActiveLanes activeLanes = 1; ///< fewer than lanes: the rest is masked
  /// Values of tensors that an emitter computes itself (reductions,
  /// contractions): consulted before the DAG.
  llvm::DenseMap<Value, Value> known;
  /// Values already computed at this position.
  std::map<std::pair<void *, const void *>, Value> memo;

  bool isVector() const { return vectorGroup >= 0; }
};

class Evaluator {
public:
  Evaluator(const KernelModel &model, KernelBuilder &k)
      : model(model), k(k), b(k.builder()) {}
  virtual ~Evaluator() = default;

  /// The value of `tensor` read at `position` (kernel dims to its dims): scalar
  /// where it does not depend on the vector group, else a vector.
  virtual FailureOr<Value> evaluate(Value tensor, AffineMap position,
                                    Space &space);
  /// What `op` yields where its loops are at `loops`.
  FailureOr<Value> evaluateBody(mlir::linalg::GenericOp op, AffineMap loops,
                                Space &space);
  /// The values of the inputs of `op`, then null for its init.
  FailureOr<SmallVector<Value>> evaluateInputs(mlir::linalg::GenericOp op,
                                               AffineMap loops, Space &space);
  /// Evaluates result `i`; storeResult() writes it. Evaluate all results at a
  /// position before the first store: an output may be an input's buffer.
  FailureOr<Value> evaluateResult(unsigned i, Space &space);
  void storeResult(unsigned i, Value value, Space &space);
  /// Both, for all results.
  LogicalResult storeAllResults(Space &space);

  /// Applies the body of `op` to values for its block arguments (scalars or
  /// vectors, mixed ones are broadcast) and gives the value of `wanted`, by
  /// default what the body yields first. Arguments that it does not need may be
  /// null. `loops` and `space` are for ops that read an index.
  FailureOr<Value> payload(mlir::linalg::GenericOp op, ArrayRef<Value> args,
                           Value wanted = {}, AffineMap loops = {},
                           Space *space = nullptr);
  /// Applies a body op of two operands to other values of any vector length.
  Value combine(const Combiner &combiner, Value acc, Value element);
  /// To a wider float type.
  Value widen(Value v, Type element);
  /// f64/f32 to a narrower float, round to nearest even, subnormals kept.
  Value narrow(Value v, Type element);
  /// Lets narrow() use the bf16 conversion instruction, which flushes
  /// subnormals: for kernels whose dot products flush them already.
  void setNativeBf16(bool on) { nativeBf16 = on; }

  /// Position of `access` in its buffer.
  Value offset(const Access &access, const Space &space);
  /// Elements from lane to lane.
  static Extent laneStride(const Access &access, const Space &space);
  /// Widens a scalar to the vector length of `space` (no-op on vectors).
  Value asVector(Value v, const Space &space);

protected:
  /// Values of the single dims, where groups are single dims.
  FailureOr<Value> evaluateIndex(AffineExpr expr, Space &space);

private:
  FailureOr<Value> evaluateArgument(mlir::BlockArgument arg, AffineMap position,
                                    Space &space);
  FailureOr<Value> evaluatePad(mlir::tensor::PadOp pad, AffineMap position,
                               Space &space);
  FailureOr<Value> evaluateConstant(mlir::arith::ConstantOp op,
                                    AffineMap position, Space &space);
  FailureOr<Value> cloneOp(mlir::linalg::GenericOp op, mlir::Operation *inner,
                           SmallVector<Value> operands, AffineMap loops,
                           Space *space);

  const KernelModel &model;
  KernelBuilder &k;
  mlir::ImplicitLocOpBuilder &b;
  bool nativeBf16 = false;
};

/// Orders `dims` by the strides of `primary` (descending), drops unit dims and
/// merges neighbours that every access walks through linearly.
SmallVector<LoopGroup, 4> formGroups(ArrayRef<unsigned> dims,
                                     ArrayRef<Extent> extents,
                                     const Access &primary,
                                     ArrayRef<Access> accesses);
/// Coefficient of a group in an access: that of its innermost dim.
inline Extent coefficientOf(const Access &access, const LoopGroup &g) {
  unsigned inner = g.dims.back();
  return inner < access.coefs.size() ? access.coefs[inner] : Extent(0);
}
/// Sets the counters of `groups` from a linear number.
void delinearize(KernelBuilder &k, Value number,
                 mlir::MutableArrayRef<LoopGroup> groups);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_EMIT_EVALUATOR_H
