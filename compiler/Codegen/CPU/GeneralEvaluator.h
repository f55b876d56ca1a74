// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of any kernel that the model can read: what Evaluator does, and
// reductions as loops in place, ops of several results, bodies that read what
// their results start from, slices.
#ifndef COMPILER_CODEGEN_CPU_GENERALEVALUATOR_H
#define COMPILER_CODEGEN_CPU_GENERALEVALUATOR_H

#include "compiler/Codegen/CPU/Emit/Evaluator.h"

namespace fusilli::compiler {

class GeneralEvaluator : public Evaluator {
public:
  GeneralEvaluator(const KernelModel &model, KernelBuilder &k)
      : Evaluator(model, k), model(model), k(k) {}

  FailureOr<Value> evaluate(Value tensor, AffineMap position,
                            Space &space) override;

  /// Whether `tensor` at `position` can be evaluated as a vector along kernel
  /// dim `dim`; lanes that are masked are then computed from zeros.
  static bool isVectorizable(const KernelModel &model, Value tensor,
                             AffineMap position, unsigned dim);

private:
  /// An operand whose index is linear along the vector, but not elsewhere.
  FailureOr<Value> loadAlong(mlir::BlockArgument arg, AffineMap position,
                             Space &space);
  FailureOr<SmallVector<Value>> reduce(mlir::linalg::GenericOp op,
                                       AffineMap loops, unsigned firstReduced,
                                       const Space &space);
  FailureOr<Value> evaluateInit(mlir::linalg::GenericOp op, unsigned number,
                                AffineMap loops, Space &space);

  const KernelModel &model;
  KernelBuilder &k;
};

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_GENERALEVALUATOR_H
