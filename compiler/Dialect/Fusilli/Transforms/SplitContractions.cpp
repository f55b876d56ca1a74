// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-split-contractions: products with long sums and few results in two
// stages. The summed dimension of extent k becomes two, of extents parts and
// k / parts, by views of both operands; the parts are a batch of the first
// stage, and the second adds them up. What no equal parts hold is a custom op.
#include "compiler/Dialect/Fusilli/IR/Layout.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

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
  /// `parts` of `length` each, and the rest.
  Splitter(MatmulOp op, int64_t parts, int64_t length)
      : op(op), builder(op), loc(op.getLoc()), result(op.getOutput().getType()),
        partial(result.getElementType()), parts(parts), length(length),
        rank(result.getRank()) {
    if (partial.isF16() || partial.isBF16())
      partial = builder.getF32Type();
  }

  void run(StringRef restName) {
    Value a = split(op.getA(), rank - 1), b = split(op.getB(), rank - 2);
    SmallVector<int64_t> shape(result.getShape());
    shape.insert(shape.begin() + rank - 2, parts);
    Value product =
        MatmulOp::create(builder, loc, RankedTensorType::get(shape, partial), a,
                         b, op.getNodeAttr());
    Value rest = multiplyRest(restName);
    Value sum = addParts(
        product,
        rest ? RankedTensorType::get(result.getShape(), partial) : result);
    if (rest) {
      auto both = PointwiseOp::create(builder, loc, result, PointwiseMode::ADD,
                                      ValueRange{sum, rest});
      both.setNodeAttr(op.getNodeAttr());
      sum = both.getOutput();
    }
    op.getOutput().replaceAllUsesWith(sum);
    op.erase();
  }

private:
  /// The operand with its dim `dim` as two, the outer one in front of the last
  /// two dims.
  Value split(Value value, int64_t dim) {
    RankedTensorType type = typeOf(value);
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<int64_t> strides = getLogicalStrides(type);
    shape[dim] = length;
    int64_t stride = strides[dim] * length;
    shape.insert(shape.begin() + rank - 2, parts);
    strides.insert(strides.begin() + rank - 2, stride);
    return ReshapeOp::create(
        builder, loc, getTensorType(shape, strides, type.getElementType()),
        value);
  }

  /// The sum over the parts. A dim of extent 1 of the result is where they are
  /// seen, so that what uses the result can be computed with it.
  Value addParts(Value product, RankedTensorType sumType) {
    RankedTensorType type = typeOf(product);
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<int64_t> strides = getLogicalStrides(type);
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
          builder, loc, getTensorType(shape, strides, partial), product);
      return sum(view, sumType);
    }
    shape[at] = 1;
    strides = getLogicalStrides(sumType);
    strides.insert(strides.begin() + at, strides[at] * shape[at + 1]);
    Value whole =
        sum(product, getTensorType(shape, strides, sumType.getElementType()));
    return ReshapeOp::create(builder, loc, sumType, whole);
  }

  /// The product over what is behind the parts; null if nothing is.
  Value multiplyRest(StringRef name) {
    int64_t begin = parts * length;
    int64_t rest = typeOf(op.getA()).getDimSize(rank - 1) - begin;
    if (!rest)
      return {};
    auto main = op->getParentOfType<func::FuncOp>();
    ImplicitLocOpBuilder b(loc, main);
    RankedTensorType type = RankedTensorType::get(result.getShape(), partial);
    SmallVector<Type> inputs;
    for (Value operand : op->getOperands())
      inputs.push_back(RankedTensorType::get(typeOf(operand).getShape(),
                                             typeOf(operand).getElementType()));
    auto function =
        func::FuncOp::create(b, name, b.getFunctionType(inputs, {type}));
    function.setPrivate();
    Block *body = function.addEntryBlock();
    b.setInsertionPointToEnd(body);
    SmallVector<Value> slices;
    SmallVector<AffineMap> maps;
    MLIRContext *context = b.getContext();
    for (auto [i, argument] : llvm::enumerate(body->getArguments())) {
      int64_t summed = rank - 1 - int64_t(i);
      SmallVector<int64_t> offsets(rank, 0), ones(rank, 1),
          sizes(typeOf(argument).getShape());
      offsets[summed] = begin;
      sizes[summed] = rest;
      slices.push_back(tensor::ExtractSliceOp::create(
          b, RankedTensorType::get(sizes, typeOf(argument).getElementType()),
          argument, ValueRange(), ValueRange(), ValueRange(), offsets, sizes,
          ones));
      SmallVector<AffineExpr> position;
      for (int64_t d = 0; d < rank; ++d)
        position.push_back(d == summed ? getAffineDimExpr(rank, context)
                           : sizes[d] == 1 && d + 2 < rank
                               ? getAffineConstantExpr(0, context)
                               : getAffineDimExpr(d, context));
      maps.push_back(AffineMap::get(rank + 1, 0, position, context));
    }
    maps.push_back(
        AffineMap::getMultiDimIdentityMap(rank + 1, context).dropResult(rank));
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators.push_back(utils::IteratorType::reduction);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(partial));
    Value empty = tensor::EmptyOp::create(b, type.getShape(), partial);
    Value init = linalg::FillOp::create(b, ValueRange(zero), ValueRange(empty))
                     .getResult(0);
    auto product = linalg::GenericOp::create(
        b, TypeRange(type), slices, ValueRange(init), maps, iterators,
        [](OpBuilder &nested, Location at, ValueRange args) {
          ImplicitLocOpBuilder inner(at, nested);
          Type acc = args[2].getType();
          auto widen = [&](Value v) -> Value {
            if (v.getType() == acc)
              return v;
            if (isa<FloatType>(acc))
              return arith::ExtFOp::create(inner, acc, v);
            return arith::ExtSIOp::create(inner, acc, v);
          };
          Value x = widen(args[0]), y = widen(args[1]), sum;
          if (isa<FloatType>(acc))
            sum = arith::AddFOp::create(inner, args[2],
                                        arith::MulFOp::create(inner, x, y));
          else
            sum = arith::AddIOp::create(inner, args[2],
                                        arith::MulIOp::create(inner, x, y));
          linalg::YieldOp::create(inner, sum);
        });
    func::ReturnOp::create(b, product.getResults());
    auto custom =
        CustomOp::create(builder, loc, TypeRange(type),
                         FlatSymbolRefAttr::get(function.getSymNameAttr()),
                         op->getOperands(), op.getNodeAttr());
    return custom.getOutputs()[0];
  }

  MatmulOp op;
  OpBuilder builder;
  Location loc;
  RankedTensorType result;
  Type partial; ///< element of partial sums
  int64_t parts, length, rank;
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
      int64_t k = op.getA().getType().getShape().back();
      int64_t limit = std::min(policy->getParts(op), k / 2);
      if (limit <= 1)
        continue;
      int64_t parts = getDivisor(k, limit), length = k / parts;
      if (2 * parts <= limit && hasPlainRest(op)) {
        // Parts of whole vectors.
        parts = limit;
        length = k / parts;
        if (length >= kAlignment)
          length = length / kAlignment * kAlignment;
      }
      if (parts == 1)
        continue;
      Splitter(op, parts, length)
          .run("matmul.rest." + std::to_string(numSplit));
      ++numSplit;
    }
  }

private:
  static constexpr int64_t kAlignment = 16;

  /// Sums of narrow integers are converted once, by what adds them up.
  static bool canSplit(MatmulOp op) {
    Type result = op.getOutput().getType().getElementType();
    return (isa<FloatType>(result) || result.getIntOrFloatBitWidth() >= 32) &&
           llvm::all_of(op->getOperandTypes(), [](Type type) {
             return getDynamicDims(cast<RankedTensorType>(type)).empty();
           });
  }

  /// Whether a product of the operands is one of their elements, widened.
  static bool hasPlainRest(MatmulOp op) {
    Type result = op.getOutput().getType().getElementType();
    bool isFloat = isa<FloatType>(result);
    unsigned bits = result.getIntOrFloatBitWidth();
    return llvm::all_of(op->getOperandTypes(), [&](Type type) {
      Type element = cast<RankedTensorType>(type).getElementType();
      return isa<FloatType>(element) == isFloat && !element.isInteger(1) &&
             element.getIntOrFloatBitWidth() <=
                 (isFloat ? std::max(bits, 32u) : bits);
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
