// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-prepare-custom: every custom op gets a function of its own in normal
// form, cut where a tensor is better stored than computed again. One part is
// one custom op, and so one kernel.
#include "compiler/Dialect/Fusilli/Transforms/CustomFunction.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_PREPARECUSTOM
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

namespace {

/// Whether an element of the operand may be read at several iterations of `op`.
bool readsAgain(linalg::GenericOp op, OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  for (auto [loop, extent] : llvm::enumerate(op.getStaticLoopRanges()))
    if (extent != 1 &&
        !llvm::is_contained(map.getResults(),
                            getAffineDimExpr(loop, op.getContext())))
      return true;
  return false;
}

/// Whether the results of `op` are stored: its elements would be computed
/// several times, or are sums that other sums are made of.
bool needsMemory(linalg::GenericOp op) {
  bool isReduction = op.getNumReductionLoops() != 0;
  unsigned numUses = 0;
  for (OpOperand &use : op->getUses()) {
    ++numUses;
    if (auto user = dyn_cast<linalg::GenericOp>(use.getOwner())) {
      if (readsAgain(user, use) || (isReduction && user.getNumReductionLoops()))
        return true;
    } else if (isReduction && !isa<func::ReturnOp>(use.getOwner())) {
      return true;
    }
  }
  return isReduction && numUses > 1;
}

bool isReturned(Operation *op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) {
    return isa<func::ReturnOp>(user);
  });
}

/// A constant that is read from memory.
bool isStoredConstant(Operation *op) {
  auto constant = dyn_cast_or_null<arith::ConstantOp>(op);
  auto dense =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return dense && !dense.isSplat();
}

/// Replaces one custom op by one for each part of its function.
class Splitter {
public:
  Splitter(ModuleOp module, CustomOp custom, func::FuncOp function)
      : module(module), custom(custom), function(function), builder(custom) {
    builder.setInsertionPoint(custom);
  }

  void run() {
    for (auto [argument, input] :
         llvm::zip_equal(function.getArguments(), custom.getInputs()))
      stored[argument] = input;
    Block &body = function.getBody().front();
    SmallVector<Operation *> roots;
    for (Operation &op : body) {
      auto generic = dyn_cast<linalg::GenericOp>(op);
      if (isStoredConstant(&op))
        storeConstant(cast<arith::ConstantOp>(op));
      else if (isReturned(&op) || (generic && needsMemory(generic)))
        roots.push_back(&op);
    }
    for (auto [i, root] : llvm::enumerate(roots))
      addPart(root, function.getName().str() +
                        (roots.size() == 1 ? "" : "." + std::to_string(i)));
    for (auto [i, value] :
         llvm::enumerate(body.getTerminator()->getOperands())) {
      Value result = stored.lookup(value);
      Type type = custom.getResultTypes()[i];
      if (result.getType() != type || !isa<OpResult>(value) ||
          isStoredConstant(value.getDefiningOp()))
        result = PointwiseOp::create(builder, custom.getLoc(), type,
                                     PointwiseMode::IDENTITY, result);
      custom.getResult(i).replaceAllUsesWith(result);
    }
    custom.erase();
  }

private:
  void storeConstant(arith::ConstantOp op) {
    stored[op.getResult()] =
        ConstantOp::create(builder, custom.getLoc(),
                           cast<ElementsAttr>(op.getValue()), StringAttr());
  }

  /// Type of a stored value: of the first result that it becomes, or plain.
  Type getStoredType(Value value) {
    auto returned = function.getBody().front().getTerminator()->getOperands();
    auto it = llvm::find(returned, value);
    return it == returned.end()
               ? value.getType()
               : custom.getResultTypes()[it - returned.begin()];
  }

  void addPart(Operation *root, const std::string &name) {
    // What it is computed from, up to what is stored.
    llvm::SetVector<Operation *> ops;
    llvm::SetVector<Value> inputs;
    std::function<void(Operation *)> visit = [&](Operation *op) {
      for (Value operand : op->getOperands()) {
        if (stored.contains(operand))
          inputs.insert(operand);
        else if (!ops.contains(operand.getDefiningOp()))
          visit(operand.getDefiningOp());
      }
      ops.insert(op);
    };
    visit(root);
    SmallVector<Value> outputs, operands;
    SmallVector<Type> types;
    for (Value result : root->getResults())
      if (!result.use_empty()) {
        outputs.push_back(result);
        types.push_back(getStoredType(result));
      }
    for (Value input : inputs)
      operands.push_back(stored.lookup(input));
    OpBuilder top(function);
    auto part = func::FuncOp::create(
        top, function.getLoc(), name,
        top.getFunctionType(TypeRange(inputs.getArrayRef()),
                            TypeRange(ValueRange(outputs))));
    part.setPrivate();
    Block *body = part.addEntryBlock();
    IRMapping mapping;
    mapping.map(inputs.getArrayRef(), body->getArguments());
    top.setInsertionPointToEnd(body);
    for (Operation *op : ops)
      top.clone(*op, mapping);
    SmallVector<Value> results;
    for (Value output : outputs)
      results.push_back(mapping.lookup(output));
    func::ReturnOp::create(top, function.getLoc(), results);
    auto op = CustomOp::create(builder, custom.getLoc(), types,
                               FlatSymbolRefAttr::get(part.getSymNameAttr()),
                               operands, custom.getNodeAttr());
    for (auto [output, result] : llvm::zip_equal(outputs, op.getOutputs()))
      stored[output] = result;
  }

  ModuleOp module;
  CustomOp custom;
  func::FuncOp function;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> stored; ///< of the function, in @main
};

struct PrepareCustomPass : public impl::PrepareCustomBase<PrepareCustomPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp main = getMain(module);
    if (!main)
      return;
    SmallVector<CustomOp> ops(main.front().getOps<CustomOp>());
    llvm::SetVector<Operation *> functions;
    // Functions are looked up before parts take their names.
    SmallVector<func::FuncOp> named;
    for (CustomOp op : ops) {
      auto function = module.lookupSymbol<func::FuncOp>(op.getFunctionAttr());
      if (functions.insert(function) &&
          failed(normalizeCustomFunction(function)))
        return signalPassFailure();
      named.push_back(function);
    }
    unsigned number = 0;
    for (auto [op, function] : llvm::zip_equal(ops, named)) {
      auto own = cast<func::FuncOp>(function->clone());
      own.setName("custom_" + std::to_string(number++));
      module.insert(main, own);
      Splitter(module, op, own).run();
      own.erase();
      ++numPrepared;
    }
    for (Operation *function : functions)
      function->erase();
  }
};

} // namespace
} // namespace fusilli::ir
