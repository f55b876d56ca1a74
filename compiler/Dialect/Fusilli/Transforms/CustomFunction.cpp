// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's own patterns first (named ops, element-wise ops on tensors, operands
// that are not used), then constants move into the bodies and ops of several
// results are taken apart. What is left is checked op by op.
#include "compiler/Dialect/Fusilli/Transforms/CustomFunction.h"

#include "compiler/Dialect/Fusilli/IR/DataTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace fusilli::ir {

namespace {

/// What is wrong with a tensor type; empty if nothing.
std::string findTypeError(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return "is no ranked tensor";
  if (!tensor.hasStaticShape())
    return "has a dynamic shape, which is not implemented";
  if (tensor.getEncoding())
    return "has a layout, but the tensors of a custom op are logical";
  if (!isComputable(tensor.getElementType()))
    return "has elements that no tensor of a graph has";
  for (int64_t extent : tensor.getShape())
    if (extent == 0)
      return "has extent 0; empty tensors are not implemented";
  return {};
}

/// Dialects, types and structure, before anything is rewritten.
LogicalResult checkText(func::FuncOp function) {
  if (function.isDeclaration() || !function.getBody().hasOneBlock())
    return function.emitOpError("has no body of one block");
  WalkResult result =
      function.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
        Dialect *dialect = op->getDialect();
        if (!isa<func::ReturnOp>(op) &&
            !isa_and_nonnull<arith::ArithDialect, linalg::LinalgDialect,
                             math::MathDialect, tensor::TensorDialect>(
                dialect)) {
          op->emitOpError("is not implemented in custom ops, expected ops of "
                          "linalg, tensor, arith and math");
          return WalkResult::interrupt();
        }
        for (Type type : op->getResultTypes())
          if (isa<ShapedType>(type))
            if (std::string error = findTypeError(type); !error.empty()) {
              op->emitOpError("result of type ") << type << " " << error;
              return WalkResult::interrupt();
            }
        return WalkResult::advance();
      });
  if (result.wasInterrupted())
    return failure();
  for (Type type : function.getArgumentTypes())
    if (std::string error = findTypeError(type); !error.empty())
      return function.emitOpError("parameter of type ") << type << " " << error;
  return success();
}

LogicalResult applyPatterns(func::FuncOp function) {
  RewritePatternSet patterns(function.getContext());
  linalg::populateElementwiseToLinalgConversionPatterns(patterns);
  linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
  return applyPatternsGreedily(function, std::move(patterns));
}

bool isInit(OpOperand &use) {
  auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
  return op && !isa<linalg::FillOp>(op) && op.isDpsInit(&use);
}

/// Named ops become generics, but for fills that are no more than the start of
/// an accumulation.
LogicalResult generalize(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  SmallVector<linalg::LinalgOp> ops(
      function.getBody().front().getOps<linalg::LinalgOp>());
  for (linalg::LinalgOp op : ops) {
    if (isa<linalg::GenericOp>(op) ||
        (isa<linalg::FillOp>(op) && llvm::all_of(op->getUses(), isInit)))
      continue;
    rewriter.setInsertionPoint(op);
    if (failed(linalg::generalizeNamedOp(rewriter, op)))
      return op.emitOpError("has no form as linalg.generic");
  }
  return success();
}

/// An init that the body does not read is no operand but a shape.
void dropUnreadInits(func::FuncOp function) {
  for (auto op : function.getBody().front().getOps<linalg::GenericOp>())
    for (OpOperand &init : op.getDpsInitsMutable()) {
      if (!op.getMatchingBlockArgument(&init).use_empty() ||
          init.get().getDefiningOp<tensor::EmptyOp>())
        continue;
      OpBuilder builder(op);
      auto type = cast<RankedTensorType>(init.get().getType());
      init.set(tensor::EmptyOp::create(builder, op.getLoc(), type.getShape(),
                                       type.getElementType()));
    }
}

/// Constants that a body captures or gets as scalar operands are put into it.
void sinkConstants(func::FuncOp function) {
  for (auto pad : function.getBody().front().getOps<tensor::PadOp>()) {
    Operation *yield = pad.getBody()->getTerminator();
    if (auto constant = yield->getOperand(0).getDefiningOp<arith::ConstantOp>();
        constant && constant->getBlock() != pad.getBody())
      yield->setOperand(0, OpBuilder(yield).clone(*constant)->getResult(0));
  }
  for (auto op : function.getBody().front().getOps<linalg::GenericOp>()) {
    Block *body = op.getBody();
    OpBuilder builder = OpBuilder::atBlockBegin(body);
    for (OpOperand *input : op.getDpsInputOperands())
      if (auto constant = input->get().getDefiningOp<arith::ConstantOp>()) {
        TypedAttr value = constant.getValue();
        if (auto dense = dyn_cast<DenseElementsAttr>(value);
            dense && dense.isSplat())
          value = dense.getSplatValue<TypedAttr>();
        if (isa<ShapedType>(value.getType()))
          continue;
        BlockArgument argument = op.getMatchingBlockArgument(input);
        argument.replaceAllUsesWith(
            arith::ConstantOp::create(builder, constant.getLoc(), value));
      }
    for (Operation &inner : *body)
      for (OpOperand &operand : inner.getOpOperands())
        if (auto constant = operand.get().getDefiningOp<arith::ConstantOp>())
          if (constant->getBlock() != body)
            operand.set(builder.clone(*constant.getOperation())->getResult(0));
  }
}

bool isNarrow(Type type) { return type.isF16() || type.isBF16(); }

/// Arithmetic on f16 and bf16 is done in f32, as everywhere in a graph; what a
/// body yields is rounded.
class BodyWidener {
public:
  explicit BodyWidener(Block *body)
      : body(body), builder(OpBuilder::atBlockBegin(body)) {}

  void run() {
    for (BlockArgument argument : body->getArguments())
      if (isNarrow(argument.getType()) && !argument.use_empty())
        wide[argument] = extend(argument);
    for (Operation &op : llvm::make_early_inc_range(*body))
      if (!isa<arith::ExtFOp>(op) || !created.contains(&op))
        widen(&op);
  }

private:
  Value extend(Value value) {
    Value result = arith::ExtFOp::create(builder, value.getLoc(),
                                         builder.getF32Type(), value);
    created.insert(result.getDefiningOp());
    return result;
  }

  void widen(Operation *op) {
    builder.setInsertionPoint(op);
    // These keep their narrow type, on one side or both.
    bool isBits = isa<arith::BitcastOp, linalg::YieldOp>(op);
    for (OpOperand &operand : op->getOpOperands()) {
      Type narrow = operand.get().getType();
      Value replacement = wide.lookup(operand.get());
      if (!replacement)
        continue;
      if (isBits)
        replacement = narrowOf(operand.get(), replacement, narrow);
      operand.set(replacement);
    }
    builder.setInsertionPointAfter(op);
    if (auto ext = dyn_cast<arith::ExtFOp>(op);
        ext && ext.getIn().getType() == ext.getType()) {
      ext.replaceAllUsesWith(ext.getIn());
      ext.erase();
      return;
    }
    for (OpResult result : op->getResults()) {
      if (!isNarrow(result.getType()))
        continue;
      if (isBits || isa<arith::TruncFOp>(op)) {
        wide[result] = extend(result);
      } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
        APFloat value = cast<FloatAttr>(constant.getValue()).getValue();
        bool losesInfo = false;
        value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                      &losesInfo);
        wide[result] = arith::ConstantOp::create(
            builder, op->getLoc(),
            builder.getFloatAttr(builder.getF32Type(), value));
      } else {
        narrowTypes[result] = result.getType();
        result.setType(builder.getF32Type());
        wide[result] = result;
      }
    }
  }

  /// The value as it was; computed values are rounded to it.
  Value narrowOf(Value value, Value replacement, Type type) {
    auto it = narrowTypes.find(value);
    if (it == narrowTypes.end())
      return isNarrow(type) ? value : replacement;
    return arith::TruncFOp::create(builder, value.getLoc(), it->second, value);
  }

  Block *body;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> wide;       ///< to the f32 that stands for it
  llvm::DenseMap<Value, Type> narrowTypes; ///< of results that became f32
  llvm::SmallPtrSet<Operation *, 16> created;
};

/// The ops of `body` that `value` is computed from, and the arguments.
void collectSlice(Value value, Block *body,
                  llvm::SmallPtrSetImpl<Operation *> &ops,
                  llvm::SmallDenseSet<Value> &arguments) {
  if (isa<BlockArgument>(value)) {
    arguments.insert(value);
    return;
  }
  Operation *def = value.getDefiningOp();
  if (def->getBlock() != body || !ops.insert(def).second)
    return;
  for (Value operand : def->getOperands())
    collectSlice(operand, body, ops, arguments);
}

/// One op for each result, if no result is computed from what another one
/// accumulates.
void splitResults(linalg::GenericOp op) {
  if (op->getNumResults() < 2)
    return;
  Block *body = op.getBody();
  unsigned numInputs = op.getNumDpsInputs();
  SmallVector<llvm::SmallPtrSet<Operation *, 16>> slices(op->getNumResults());
  for (auto [i, value] :
       llvm::enumerate(body->getTerminator()->getOperands())) {
    llvm::SmallDenseSet<Value> arguments;
    collectSlice(value, body, slices[i], arguments);
    for (unsigned j = 0; j < op->getNumResults(); ++j)
      if (j != i && arguments.contains(body->getArgument(numInputs + j)))
        return;
  }
  OpBuilder builder(op);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    SmallVector<AffineMap> own(maps.begin(), maps.begin() + numInputs);
    own.push_back(maps[numInputs + i]);
    auto part = linalg::GenericOp::create(
        builder, op.getLoc(), op->getResult(i).getType(), op.getInputs(),
        op.getOutputs()[i], own, op.getIteratorTypesArray(),
        [&](OpBuilder &b, Location loc, ValueRange args) {
          IRMapping mapping;
          mapping.map(body->getArguments().take_front(numInputs),
                      args.take_front(numInputs));
          mapping.map(body->getArgument(numInputs + i), args.back());
          for (Operation &inner : body->without_terminator())
            if (slices[i].contains(&inner))
              b.clone(inner, mapping);
          linalg::YieldOp::create(
              b, loc,
              mapping.lookupOrDefault(body->getTerminator()->getOperand(i)));
        });
    op->getResult(i).replaceAllUsesWith(part.getResult(0));
  }
  op.erase();
}

/// The functions that code generation has, for f32 and f64.
bool isMathOp(Operation *op) {
  if (!isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
           math::CosOp, math::ErfOp, math::Exp2Op, math::ExpM1Op, math::ExpOp,
           math::FloorOp, math::FmaOp, math::Log1pOp, math::LogOp,
           math::RoundEvenOp, math::RsqrtOp, math::SinOp, math::SqrtOp,
           math::TanOp, math::TanhOp, math::TruncOp>(op))
    return false;
  Type type = op->getResult(0).getType();
  return type.isF32() || type.isF64() || isa<math::AbsIOp>(op);
}

LogicalResult checkGeneric(linalg::GenericOp op) {
  for (int64_t extent : op.getStaticLoopRanges())
    if (ShapedType::isDynamic(extent))
      return op.emitOpError("has a loop of unknown extent");
  for (AffineMap map : op.getIndexingMapsArray())
    if (map.getNumSymbols() != 0)
      return op.emitOpError("has an indexing map with symbols");
  for (Value operand : op->getOperands())
    if (std::string error = findTypeError(operand.getType()); !error.empty())
      return op.emitOpError("operand of type ")
             << operand.getType() << " " << error;
  for (Operation &inner : *op.getBody()) {
    bool isScalarOp =
        isa_and_nonnull<arith::ArithDialect>(inner.getDialect()) ||
        isMathOp(&inner) || isa<linalg::IndexOp, linalg::YieldOp>(inner);
    if (!isScalarOp || inner.getNumRegions() != 0)
      return inner.emitOpError("is not implemented in the body of an op");
    for (Value operand : inner.getOperands())
      if (operand.getParentBlock() != op.getBody())
        return inner.emitOpError("uses a value from outside of the body that "
                                 "is no constant");
  }
  return success();
}

LogicalResult checkOp(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return checkGeneric(generic);
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    if (!fill.getInputs()[0].getDefiningOp<arith::ConstantOp>())
      return op->emitOpError("fills with a value that is no constant");
    return success();
  }
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    for (ArrayRef<int64_t> sizes : {pad.getStaticLow(), pad.getStaticHigh()})
      for (int64_t size : sizes)
        if (ShapedType::isDynamic(size) || size < 0)
          return op->emitOpError(
              "has a size that is no constant of at least 0");
    if (!pad.getConstantPaddingValue())
      return op->emitOpError("pads with a value that is no constant");
    return success();
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (!slice.getOffsets().empty() || !slice.getSizes().empty() ||
        !slice.getStrides().empty())
      return op->emitOpError("has an offset, size or stride that is no "
                             "constant");
    return success();
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (isa<ShapedType>(constant.getType()) &&
        !isa<DenseElementsAttr>(constant.getValue()))
      return op->emitOpError("has no value of the form dense<...>");
    return success();
  }
  if (isa<tensor::EmptyOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          func::ReturnOp>(op))
    return success();
  return op->emitOpError("is not implemented in custom ops");
}

} // namespace

LogicalResult normalizeCustomFunction(func::FuncOp function) {
  if (failed(checkText(function)))
    return failure();
  if (failed(applyPatterns(function)))
    return function.emitOpError("is not brought into its normal form");
  if (failed(generalize(function)))
    return failure();
  sinkConstants(function);
  SmallVector<linalg::GenericOp> generics(
      function.getBody().front().getOps<linalg::GenericOp>());
  for (linalg::GenericOp op : generics)
    splitResults(op);
  dropUnreadInits(function);
  if (failed(applyPatterns(function)))
    return function.emitOpError("is not brought into its normal form");
  sinkConstants(function); // which the patterns have moved out again
  for (auto op : function.getBody().front().getOps<linalg::GenericOp>())
    BodyWidener(op.getBody()).run();
  for (Operation &op : function.getBody().front())
    if (failed(checkOp(&op)))
      return failure();
  return success();
}

} // namespace fusilli::ir
