// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-normalize-graph: afterwards every returned value is the result of an
// op other than a constant and is returned once, and every op is used.
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_NORMALIZEGRAPH
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

bool isReturned(Value value) {
  return llvm::any_of(value.getUsers(),
                      [](Operation *op) { return isa<func::ReturnOp>(op); });
}

/// An IDENTITY that only renames its operand; its layout is the readers'
/// matter.
bool isForward(Operation &op) {
  auto pointwise = dyn_cast<PointwiseOp>(op);
  if (!pointwise || pointwise.getMode() != PointwiseMode::IDENTITY ||
      isReturned(pointwise.getOutput()))
    return false;
  auto in = cast<RankedTensorType>(pointwise.getInputs()[0].getType());
  RankedTensorType out = pointwise.getOutput().getType();
  return in.getShape() == out.getShape() &&
         in.getElementType() == out.getElementType();
}

struct NormalizeGraphPass
    : public impl::NormalizeGraphBase<NormalizeGraphPass> {
  void runOnOperation() override {
    func::FuncOp main = getMain(getOperation());
    if (!main)
      return;
    Operation *terminator = main.front().getTerminator();
    copyReturned(terminator);
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(main.front()))) {
      if (&op == terminator)
        continue;
      if (isForward(op))
        op.getResult(0).replaceAllUsesWith(op.getOperand(0));
      if (op.use_empty()) {
        op.erase();
        ++numErased;
      }
    }
  }

  void copyReturned(Operation *terminator) {
    OpBuilder builder(terminator);
    llvm::SmallPtrSet<void *, 8> seen;
    for (OpOperand &operand : terminator->getOpOperands()) {
      Value value = operand.get();
      Operation *def = value.getDefiningOp();
      bool first = seen.insert(value.getAsOpaquePointer()).second;
      if (first && def && !isa<ConstantOp>(def))
        continue;
      auto type = cast<RankedTensorType>(value.getType());
      operand.set(PointwiseOp::create(builder, value.getLoc(), type,
                                      PointwiseMode::IDENTITY, value));
      ++numCopies;
    }
  }
};

} // namespace
} // namespace fusilli::ir
