// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instruction that multiplies and adds in the middle of a contraction: how
// its operands lie, what one step is. Knows no loops.
#ifndef COMPILER_CODEGEN_CPU_INNERPRODUCT_H
#define COMPILER_CODEGEN_CPU_INNERPRODUCT_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/Emit/KernelBuilder.h"

namespace fusilli::compiler {

/// Thread safety: immutable.
class InnerProduct {
public:
  virtual ~InnerProduct() = default;
  /// As in #fusilli.schedule.
  virtual llvm::StringRef getName() const = 0;
  /// Whether it computes the product that the body says, on this target.
  virtual bool fits(const Contraction &c, const TargetInfo &target) const = 0;
  /// Elements along k of one step; more than 1: they lie together in one 32-bit
  /// word.
  virtual int64_t getGranule() const { return 1; }
  /// Element of the packed operands.
  virtual Type getPackedType(const Contraction &c) const = 0;
  /// A loaded vector of operand A (or B) to packed elements; null if the stored
  /// elements are packed ones and nothing is to be done. `fromBody` applies
  /// what the body does to the operand.
  using Convert = std::function<Value(Value)>;
  virtual Convert getConvert(KernelBuilder &k, bool isA,
                             Convert fromBody) const {
    return fromBody;
  }
  /// The packed element of A that stands for 0; null: 0 itself.
  virtual mlir::TypedAttr getPackedZero(mlir::MLIRContext *) const {
    return {};
  }
  /// A step reads a word of A for all lanes, and a vector of words of B.
  virtual Value step(KernelBuilder &k, Value a, Value b, Value acc) const = 0;
  /// What the sums of columns start from for a panel of B: null for 0, else a
  /// vector of compensations per word vector of the panel, summed like
  /// acc = compensate(word, acc) over all of its lines.
  virtual bool isCompensated() const { return false; }
  virtual Value compensate(KernelBuilder &k, Value b, Value acc) const {
    return acc;
  }
  /// Registers that a step needs besides accumulators and columns.
  virtual int64_t getTemporaries() const { return 1; }
};

/// All inner products, the fastest first.
ArrayRef<const InnerProduct *> getInnerProducts();
const InnerProduct *findInnerProduct(llvm::StringRef name);

} // namespace fusilli::compiler

#endif // COMPILER_CODEGEN_CPU_INNERPRODUCT_H
