// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-split-gradients: the data's gradient of a convolution with stride is
// one convolution without for each remainder of the positions, to which each
// leads its own taps; a custom op puts the results together.
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_SPLITGRADIENTS
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

/// More phases than this are not worth their kernels. Code generation spreads
/// dy with zeros instead.
constexpr int64_t kMaxPhases = 32;

RankedTensorType plain(RankedTensorType type) {
  return RankedTensorType::get(type.getShape(), type.getElementType());
}

/// Replaces one op.
class Splitter {
public:
  Splitter(ConvDGradOp op, StringRef name)
      : op(op), name(name), builder(op), type(op.getOutput().getType()),
        stride(op.getStride()) {}

  void run() {
    SmallVector<int64_t> phase(stride.size(), 0);
    while (true) {
      addPhase(phase);
      size_t j = stride.size();
      while (j > 0 && ++phase[j - 1] == stride[j - 1])
        phase[--j] = 0;
      if (j == 0)
        break;
    }
    auto function = buildFunction();
    auto whole =
        CustomOp::create(builder, op.getLoc(), TypeRange(type),
                         FlatSymbolRefAttr::get(function.getSymNameAttr()),
                         parts, op.getNodeAttr());
    op.getOutput().replaceAllUsesWith(whole.getOutputs()[0]);
    op.erase();
  }

private:
  void addPhase(ArrayRef<int64_t> phase) {
    SmallVector<int64_t> shape(type.getShape());
    for (auto [j, s] : llvm::enumerate(stride))
      shape[2 + j] = (shape[2 + j] + s - 1) / s;
    // In the order of dx.
    SmallVector<int64_t> strides(shape.size());
    int64_t next = 1;
    SmallVector<int64_t> order = getLogicalToPhysicalOrder(type);
    for (int64_t j : llvm::reverse(order)) {
      strides[j] = next;
      next *= shape[j];
    }
    auto part = ConvDGradOp::create(
        builder, op.getLoc(),
        getTensorType(shape, strides, type.getElementType()), op.getDy(),
        op.getW(), op.getPadding(), stride, op.getDilation(), op.getNodeAttr(),
        builder.getDenseI64ArrayAttr(phase));
    for (unsigned j = 0; j < stride.size(); ++j)
      if (part.getPhaseTaps(j).count == 0) { // no output reads these positions
        part.erase();
        return;
      }
    parts.push_back(part.getOutput());
    phases.emplace_back(phase);
  }

  /// dx[n, c, i] is element i / stride of the part of phase i mod stride, 0
  /// where there is none.
  func::FuncOp buildFunction() {
    auto main = op->getParentOfType<func::FuncOp>();
    OpBuilder top(main);
    Location loc = op.getLoc();
    SmallVector<Type> inputs;
    for (Value part : parts)
      inputs.push_back(plain(cast<RankedTensorType>(part.getType())));
    auto function = func::FuncOp::create(
        top, loc, name, top.getFunctionType(inputs, {plain(type)}));
    function.setPrivate();
    Block *body = function.addEntryBlock();
    top.setInsertionPointToEnd(body);
    MLIRContext *context = top.getContext();
    SmallVector<AffineExpr> exprs;
    for (int64_t j = 0; j < type.getRank(); ++j) {
      exprs.push_back(getAffineDimExpr(j, context));
      if (j >= 2)
        exprs.back() = exprs.back().floorDiv(stride[j - 2]);
    }
    SmallVector<AffineMap> maps(
        parts.size(), AffineMap::get(type.getRank(), 0, exprs, context));
    maps.push_back(top.getMultiDimIdentityMap(type.getRank()));
    SmallVector<utils::IteratorType> iterators(type.getRank(),
                                               utils::IteratorType::parallel);
    Value empty = tensor::EmptyOp::create(top, loc, type.getShape(),
                                          type.getElementType());
    auto generic = linalg::GenericOp::create(
        top, loc, TypeRange(plain(type)), body->getArguments(),
        ValueRange(empty), maps, iterators,
        [&](OpBuilder &b, Location l, ValueRange args) {
          linalg::YieldOp::create(b, l, select(b, l, args));
        });
    func::ReturnOp::create(top, loc, generic.getResults());
    return function;
  }

  Value select(OpBuilder &b, Location loc, ValueRange args) {
    Value result =
        arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
    SmallVector<Value> remainders;
    for (auto [j, s] : llvm::enumerate(stride)) {
      Value index = linalg::IndexOp::create(b, loc, 2 + j);
      remainders.push_back(arith::RemUIOp::create(
          b, loc, index, arith::ConstantIndexOp::create(b, loc, s)));
    }
    for (auto [part, phase] : llvm::enumerate(phases)) {
      Value here;
      for (auto [remainder, p] : llvm::zip_equal(remainders, phase)) {
        Value equal =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, remainder,
                                  arith::ConstantIndexOp::create(b, loc, p));
        here = here ? Value(arith::AndIOp::create(b, loc, here, equal)) : equal;
      }
      result = arith::SelectOp::create(b, loc, here, args[part], result);
    }
    return result;
  }

  ConvDGradOp op;
  std::string name;
  OpBuilder builder;
  RankedTensorType type;
  SmallVector<int64_t> stride;
  SmallVector<Value> parts;
  SmallVector<SmallVector<int64_t>> phases;
};

bool isSplit(ConvDGradOp op) {
  int64_t phases = 1;
  for (int64_t stride : op.getStride())
    if ((phases *= stride) > kMaxPhases)
      return false;
  return phases > 1 && !op.getPhase();
}

struct SplitGradientsPass
    : public impl::SplitGradientsBase<SplitGradientsPass> {
  void runOnOperation() override {
    func::FuncOp main = getMain(getOperation());
    if (!main)
      return;
    SmallVector<ConvDGradOp> ops(main.front().getOps<ConvDGradOp>());
    unsigned number = 0;
    for (ConvDGradOp op : ops)
      if (isSplit(op)) {
        Splitter(op, "conv_dgrad.phases." + std::to_string(number++)).run();
        ++numSplit;
      }
  }
};

} // namespace
} // namespace fusilli::ir
