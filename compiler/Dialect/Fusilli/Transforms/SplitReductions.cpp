// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-split-reductions: long reductions to few results in two stages. A
// reduced dimension of extent n becomes two, of extents parts and n / parts, by
// a reshape of what is read; the first stage keeps the first of them.
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionShapes.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_SPLITREDUCTIONS
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

/// Producers that are computed on the parts as they were on the whole.
constexpr unsigned kMaxProducers = 16;

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// How the two stages combine what `mode` combines in one; nothing where that
/// is not the same function twice.
std::optional<std::pair<ReductionMode, ReductionMode>>
getStages(ReductionMode mode) {
  switch (mode) {
  case ReductionMode::NORM1:
    return std::pair(mode, ReductionMode::ADD);
  case ReductionMode::AMAX:
    return std::pair(mode, ReductionMode::MAX);
  case ReductionMode::MUL_NO_ZEROS:
    return std::pair(mode, ReductionMode::MUL);
  case ReductionMode::NORM2:
    return std::nullopt;
  default: // parts of equal length have a mean of means
    return std::pair(mode, mode);
  }
}

/// Rewrites one reduction.
class Splitter {
public:
  using Views = llvm::DenseMap<std::pair<Value, Type>, Value>;

  /// `views`: reshapes of values, made once for all reductions.
  Splitter(ReductionOp op, int64_t dim, int64_t parts, Views &views)
      : op(op), builder(op), dim(dim), parts(parts),
        rank(op.getX().getType().getRank()), views(views) {}

  /// Whether all that x is computed from can be seen in parts.
  bool canSplit() {
    unsigned producers = 0;
    return canSplit(op.getX(), producers);
  }

  void run(ReductionMode first, ReductionMode second) {
    Value x = split(op.getX());
    RankedTensorType result = op.getOutput().getType();
    SmallVector<int64_t> shape(result.getShape());
    shape.insert(shape.begin() + dim, parts);
    Type element = getPartialType(result.getElementType());
    auto typeOfPartial = [&](ArrayRef<int64_t> dynamic) {
      return getTensorType(shape, getContiguousStrides(shape), element,
                           dynamic);
    };
    Value partial = ReductionOp::create(builder, op.getLoc(),
                                        typeOfPartial(moveDims(result, dim)),
                                        first, x, op.getNodeAttr());
    shape.erase(shape.begin() + dim + 1);
    partial = ReshapeOp::create(builder, op.getLoc(),
                                typeOfPartial(getDynamicDims(result)), partial);
    Value y = ReductionOp::create(builder, op.getLoc(), result, second, partial,
                                  op.getNodeAttr());
    op.getOutput().replaceAllUsesWith(y);
    op.erase();
  }

private:
  Type getPartialType(Type result) {
    if (result.isF16() || result.isBF16())
      return builder.getF32Type();
    if (result.isInteger() && result.getIntOrFloatBitWidth() < 32)
      return builder.getI32Type();
    return result;
  }

  /// The dynamic dims of `type` once dim `own`, which is none, is two.
  static SmallVector<int64_t> moveDims(RankedTensorType type, int64_t own) {
    SmallVector<int64_t> dims(getDynamicDims(type));
    for (int64_t &d : dims)
      d += d > own;
    return dims;
  }

  /// The dim of `value` that is the split one under right alignment, or -1.
  int64_t getOwnDim(Value value) const {
    return dim - (rank - typeOf(value).getRank());
  }

  bool isProducer(Value value) const {
    auto op = value.getDefiningOp<PointwiseOp>();
    int64_t own = getOwnDim(value);
    return op && own >= 0 && typeOf(value).getDimSize(own) != 1;
  }

  bool canSplit(Value value, unsigned &producers) {
    if (!isProducer(value))
      return true;
    if (++producers > kMaxProducers)
      return false;
    return llvm::all_of(value.getDefiningOp()->getOperands(),
                        [&](Value v) { return canSplit(v, producers); });
  }

  RankedTensorType getSplitType(RankedTensorType type, int64_t own) const {
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<int64_t> strides = getLogicalStrides(type);
    int64_t extent = shape[own], count = extent == 1 ? 1 : parts;
    shape[own] = extent / count;
    shape.insert(shape.begin() + own, count);
    strides.insert(strides.begin() + own, strides[own] * shape[own + 1]);
    return getTensorType(shape, strides, type.getElementType(),
                         moveDims(type, own));
  }

  /// The value with the dim as two.
  Value split(Value value) {
    int64_t own = getOwnDim(value);
    if (own < 0)
      return value;
    if (Value known = splits.lookup(value))
      return known;
    RankedTensorType type = getSplitType(typeOf(value), own);
    if (auto constant = value.getDefiningOp<ConstantOp>();
        constant && constant.getValue().isSplat()) {
      auto elements = cast<DenseElementsAttr>(constant.getValue());
      return splits[value] =
                 ConstantOp::create(builder, op.getLoc(),
                                    elements.resizeSplat(type), StringAttr());
    }
    if (!isProducer(value)) {
      Value &view = views[{value, type}];
      if (!view) // in front of the first reduction that needs it
        view = ReshapeOp::create(builder, op.getLoc(), type, value);
      return splits[value] = view;
    }
    SmallVector<Value> inputs;
    for (Value input : value.getDefiningOp()->getOperands())
      inputs.push_back(split(input));
    Operation *clone = builder.clone(*value.getDefiningOp());
    clone->setOperands(inputs);
    clone->getResult(0).setType(type);
    return splits[value] = clone->getResult(0);
  }

  ReductionOp op;
  OpBuilder builder;
  int64_t dim, parts, rank;
  Views &views;
  llvm::DenseMap<Value, Value> splits;
};

/// The largest number that divides `extent`, at most `limit`, and leaves parts
/// of two or more.
int64_t getDivisor(int64_t extent, int64_t limit) {
  for (int64_t parts = std::min(extent / 2, limit); parts > 1; --parts)
    if (extent % parts == 0)
      return parts;
  return 1;
}

struct SplitReductionsPass
    : public impl::SplitReductionsBase<SplitReductionsPass> {
  // No constructor of its own: its statistics rely on being zeroed first.
  using SplitReductionsBase::SplitReductionsBase;

  std::shared_ptr<const FusionPolicy> policy = std::make_shared<FusionPolicy>();

  void runOnOperation() override {
    func::FuncOp main = getMain(getOperation());
    if (!main)
      return;
    views.clear();
    for (auto op : llvm::make_early_inc_range(main.getOps<ReductionOp>()))
      visit(op);
  }

  void visit(ReductionOp op) {
    auto stages = getStages(op.getMode());
    if (!stages)
      return;
    int64_t limit = policy->getParts(getReductionSpace(op));
    if (limit <= 1)
      return;
    // The dim that can be cut into the most parts, the outer one of equals.
    int64_t dim = 0, parts = 1;
    for (int64_t d : op.getReducedDims()) {
      if (isDynamicDim(op.getX().getType(), d))
        continue; // no number of parts divides it
      int64_t own = getDivisor(op.getX().getType().getDimSize(d), limit);
      if (own > parts)
        std::tie(dim, parts) = std::pair(d, own);
    }
    Splitter splitter(op, dim, parts, views);
    if (parts == 1 || !splitter.canSplit())
      return;
    splitter.run(stages->first, stages->second);
    ++numSplit;
  }

private:
  Splitter::Views views;
};

} // namespace

std::unique_ptr<Pass>
createSplitReductions(std::shared_ptr<const FusionPolicy> policy) {
  auto pass = std::make_unique<SplitReductionsPass>();
  pass->policy = std::move(policy);
  return pass;
}

} // namespace fusilli::ir
