// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-verify-dispatches: what code generation may rely on.
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_VERIFYDISPATCHES
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

LogicalResult verifyMain(func::FuncOp main) {
  for (Operation &op : main.front())
    if (!isa<ConstantOp, DispatchOp, func::ReturnOp>(op))
      return op.emitOpError("is not in a kernel");
  for (Value value : main.front().getTerminator()->getOperands())
    if (!value.getDefiningOp<DispatchOp>())
      return main.emitOpError("returns a value that no kernel computes");
  return success();
}

LogicalResult verifyResults(func::FuncOp kernel, ArrayRef<int64_t> shape) {
  for (Type type : kernel.getResultTypes())
    if (cast<RankedTensorType>(type).getShape() != shape)
      return kernel.emitOpError("has a result of type ")
             << type << ", expected shape [" << shape << "]";
  return success();
}

LogicalResult verifyKernel(func::FuncOp kernel) {
  auto kind = kernel->getAttrOfType<StringAttr>(kKindAttr);
  if (!kind)
    return kernel.emitOpError("has no attribute '") << kKindAttr << "'";
  if (kind.getValue() == kKindCustom) {
    for (Operation &op : kernel.front())
      if (!isa<CustomOp, func::ReturnOp>(op))
        return op.emitOpError("in a kernel of a custom op");
    return success();
  }
  SmallVector<Operation *> contractions, attentions;
  SmallVector<ReductionOp> reductions;
  for (Operation &op : kernel.front()) {
    if (isContraction(&op))
      contractions.push_back(&op);
    else if (auto reduction = dyn_cast<ReductionOp>(op))
      reductions.push_back(reduction);
    else if (isa<SdpaOp>(op))
      attentions.push_back(&op);
    else if (!isa<PointwiseOp, ConstantOp, func::ReturnOp>(op))
      return op.emitOpError("in a kernel");
  }
  bool isAttention = kind.getValue() == kKindAttention;
  bool isContraction = kind.getValue() == kKindContraction;
  bool isReduction =
      kind.getValue() == kKindReduction || kind.getValue() == kKindRows;
  if (contractions.size() != (isContraction ? 1 : 0) ||
      attentions.size() != (isAttention ? 1 : 0) ||
      reductions.empty() == isReduction)
    return kernel.emitOpError("of kind ")
           << kind << " has " << contractions.size() << " contractions, "
           << attentions.size() << " attentions and " << reductions.size()
           << " reductions";
  if (isAttention) {
    Operation *op = attentions.front();
    for (Value operand : op->getOperands())
      if (!isa<BlockArgument>(operand))
        return op->emitOpError("has an operand that is no argument");
    return verifyResults(
        kernel, cast<RankedTensorType>(op->getResult(0).getType()).getShape());
  }
  if (isContraction) {
    Operation *op = contractions.front();
    for (Value operand : op->getOperands())
      if (!isa<BlockArgument>(operand) && !operand.getDefiningOp<PointwiseOp>())
        return op->emitOpError(
            "has an operand that is neither argument nor pointwise");
    return verifyResults(
        kernel, cast<RankedTensorType>(op->getResult(0).getType()).getShape());
  }
  for (ReductionOp reduction : reductions)
    if (reduction.getX().getType().getShape() !=
            reductions.front().getX().getType().getShape() ||
        reduction.getReducedDims() != reductions.front().getReducedDims())
      return reduction.emitOpError(
          "reduces another shape or other dimensions than the kernel's first");
  if (kind.getValue() == kKindReduction)
    return verifyResults(kernel,
                         reductions.front().getOutput().getType().getShape());
  if (kind.getValue() == kKindPointwise)
    return verifyResults(
        kernel,
        cast<RankedTensorType>(kernel.getResultTypes().front()).getShape());
  return success();
}

struct VerifyDispatchesPass
    : public impl::VerifyDispatchesBase<VerifyDispatchesPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      bool isKernel = function->hasAttr(FusilliDialect::kKernelAttr);
      if (!isKernel && function.getName() != kMainName)
        continue; // of a custom op
      if (failed(isKernel ? verifyKernel(function) : verifyMain(function)))
        return signalPassFailure();
    }
  }
};

} // namespace
} // namespace fusilli::ir
