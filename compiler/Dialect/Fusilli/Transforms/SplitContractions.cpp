// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-split-contractions: products with long sums and few results in two
// stages. The summed dimension of extent k becomes two, of extents parts and
// k / parts, by views of both operands; the parts are a batch of the first
// stage, and the second adds them up.
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_SPLITCONTRACTIONS
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Rewrites one product.
class Splitter {
public:
  Splitter(MatmulOp op, int64_t parts)
      : op(op), builder(op), parts(parts),
        rank(op.getOutput().getType().getRank()) {}

  void run() {
    Value a = split(op.getA(), rank - 1), b = split(op.getB(), rank - 2);
    RankedTensorType result = op.getOutput().getType();
    SmallVector<int64_t> shape(result.getShape());
    shape.insert(shape.begin() + rank - 2, parts);
    RankedTensorType type =
        RankedTensorType::get(shape, getPartialType(result.getElementType()));
    Value partial =
        MatmulOp::create(builder, op.getLoc(), type, a, b, op.getNodeAttr());
    op.getOutput().replaceAllUsesWith(addParts(partial));
    op.erase();
  }

private:
  Type getPartialType(Type result) {
    return result.isF16() || result.isBF16() ? builder.getF32Type() : result;
  }

  /// The operand with its dim `dim` as two, the outer one in front of the last
  /// two dims.
  Value split(Value value, int64_t dim) {
    RankedTensorType type = typeOf(value);
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<int64_t> strides = getLogicalStrides(type);
    shape[dim] /= parts;
    int64_t stride = strides[dim] * shape[dim];
    shape.insert(shape.begin() + rank - 2, parts);
    strides.insert(strides.begin() + rank - 2, stride);
    return ReshapeOp::create(
        builder, op.getLoc(),
        getTensorType(shape, strides, type.getElementType()), value);
  }

  /// The sum over the parts. A dim of extent 1 of the result is where they are
  /// seen, so that what uses the result can be computed with it.
  Value addParts(Value partial) {
    RankedTensorType result = op.getOutput().getType();
    RankedTensorType type = typeOf(partial);
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<int64_t> strides = getLogicalStrides(type);
    Location loc = op.getLoc();
    int64_t at = rank - 2;
    auto sum = [&](Value x, RankedTensorType y) -> Value {
      return ReductionOp::create(builder, loc, y, ReductionMode::ADD, x,
                                 op.getNodeAttr());
    };
    for (int64_t d = rank; d-- > 0;) {
      if (result.getDimSize(d) != 1)
        continue;
      int64_t stride = strides[at];
      shape.erase(shape.begin() + at);
      strides.erase(strides.begin() + at);
      shape[d] = parts;
      strides[d] = stride;
      Value view = ReshapeOp::create(
          builder, loc, getTensorType(shape, strides, type.getElementType()),
          partial);
      return sum(view, result);
    }
    shape[at] = 1;
    strides = getLogicalStrides(result);
    strides.insert(strides.begin() + at, strides[at] * shape[at + 1]);
    Value whole =
        sum(partial, getTensorType(shape, strides, result.getElementType()));
    return ReshapeOp::create(builder, loc, result, whole);
  }

  MatmulOp op;
  OpBuilder builder;
  int64_t parts, rank;
};

/// The largest number that divides `extent` and is at most `limit`.
int64_t getDivisor(int64_t extent, int64_t limit) {
  for (int64_t parts = std::min(extent / 2, limit); parts > 1; --parts)
    if (extent % parts == 0)
      return parts;
  return 1;
}

struct SplitContractionsPass
    : public impl::SplitContractionsBase<SplitContractionsPass> {
  // No constructor of its own: its statistics rely on being zeroed first.
  using SplitContractionsBase::SplitContractionsBase;

  std::shared_ptr<const FusionPolicy> policy = std::make_shared<FusionPolicy>();

  void runOnOperation() override {
    func::FuncOp main = getMain(getOperation());
    if (!main)
      return;
    for (auto op : llvm::make_early_inc_range(main.getOps<MatmulOp>())) {
      if (!canSplit(op))
        continue;
      int64_t parts = getDivisor(op.getA().getType().getShape().back(),
                                 policy->getParts(op));
      if (parts == 1)
        continue;
      Splitter(op, parts).run();
      ++numSplit;
    }
  }

private:
  /// Sums of narrow integers are converted once, by what adds them up.
  static bool canSplit(MatmulOp op) {
    Type result = op.getOutput().getType().getElementType();
    return (isa<FloatType>(result) || result.getIntOrFloatBitWidth() >= 32) &&
           llvm::all_of(op->getOperandTypes(), [](Type type) {
             return getDynamicDims(cast<RankedTensorType>(type)).empty();
           });
  }
};

} // namespace

std::unique_ptr<Pass>
createSplitContractions(std::shared_ptr<const FusionPolicy> policy) {
  auto pass = std::make_unique<SplitContractionsPass>();
  pass->policy = std::move(policy);
  return pass;
}

} // namespace fusilli::ir
