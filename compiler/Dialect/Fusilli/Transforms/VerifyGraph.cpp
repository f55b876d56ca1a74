// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-verify-graph: the border between import (or a hand-written program)
// and everything after it. Later passes rely on what is checked here.
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"

#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"
#include "compiler/Dialect/Fusilli/IR/DataTypes.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace fusilli::ir {
#define GEN_PASS_DEF_VERIFYGRAPH
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h.inc"

func::FuncOp getMain(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>(kMainName);
}

namespace {

/// Buffers above this are refused: offsets and products stay far from overflow.
constexpr int64_t kMaxBytes = int64_t(1) << 46;
constexpr int64_t kMaxRank = 64;

/// What makes a tensor one that can be computed and stored; empty if nothing.
std::string findSizeError(RankedTensorType type) {
  if (type.getRank() > kMaxRank)
    return "has rank " + std::to_string(type.getRank()) + ", at most " +
           std::to_string(kMaxRank) + " are allowed";
  int64_t bytes = getElementBytes(type.getElementType());
  for (int64_t extent : type.getShape()) {
    if (extent <= 0)
      return "has extent " + std::to_string(extent) +
             "; empty tensors are not implemented";
    if (extent > kMaxBytes / bytes)
      return "is too large";
    bytes *= extent;
  }
  std::optional<int64_t> length = findBufferBytes(type);
  if (!length || *length > kMaxBytes)
    return "is too large";
  return {};
}

/// Checks the names and types of parameters or of results.
LogicalResult verifyTensors(func::FuncOp main, StringRef what,
                            ArrayRef<Type> types,
                            function_ref<Attribute(unsigned)> getName,
                            llvm::StringSet<> &seen) {
  StringRef previous;
  for (auto [i, type] : llvm::enumerate(types)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape() || tensor.getRank() == 0)
      return main.emitOpError(what)
             << " " << i << " is no tensor of static shape: " << type;
    if (!isComputable(tensor.getElementType()))
      return main.emitOpError(what)
             << " " << i << " has element type " << tensor.getElementType()
             << ", which no tensor of a graph has";
    if (std::string error = findSizeError(tensor); !error.empty())
      return main.emitOpError(what) << " " << i << " " << error;
    auto name = dyn_cast_or_null<StringAttr>(getName(i));
    if (!name)
      return main.emitOpError(what) << " " << i << " has no string attribute '"
                                    << FusilliDialect::kNameAttr << "'";
    if (!seen.insert(name.getValue()).second)
      return main.emitOpError("two tensors are named ") << name;
    if (i > 0 && name.getValue() < previous)
      return main.emitOpError(what) << "s are not sorted by name: '" << previous
                                    << "' before " << name;
    previous = name.getValue();
  }
  return success();
}

/// The tensor by its name in the graph, else by the node that computes it.
std::string describeTensor(func::FuncOp main, Value tensor) {
  Attribute name;
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    name = main.getArgAttr(argument.getArgNumber(), FusilliDialect::kNameAttr);
  else
    for (OpOperand &use : tensor.getUses())
      if (isa<func::ReturnOp>(use.getOwner()))
        name = main.getResultAttr(use.getOperandNumber(),
                                  FusilliDialect::kNameAttr);
  if (auto text = dyn_cast_or_null<StringAttr>(name))
    return "tensor '" + text.str() + "'";
  auto result = cast<OpResult>(tensor);
  std::string text = "result " + std::to_string(result.getResultNumber());
  if (auto node = result.getOwner()->getAttrOfType<StringAttr>("node"))
    text += " of node '" + node.str() + "'";
  return text;
}

struct VerifyGraphPass : public impl::VerifyGraphBase<VerifyGraphPass> {
  void runOnOperation() override {
    if (failed(check()))
      signalPassFailure();
  }

  LogicalResult check() {
    ModuleOp module = getOperation();
    func::FuncOp main = getMain(module);
    if (!main)
      return module.emitOpError("has no function @main");
    llvm::StringSet<> custom;
    main.walk([&](CustomOp op) { custom.insert(op.getFunction()); });
    for (Operation &op : *module.getBody()) {
      auto function = dyn_cast<func::FuncOp>(op);
      if (!function ||
          (function != main && !custom.contains(function.getName())))
        return op.emitOpError("beside @main, expected only @main and the "
                              "functions that custom ops name");
      if (function == main && custom.contains(function.getName()))
        return op.emitOpError("is named by a custom op");
    }
    if (main.isDeclaration() || !main.getBody().hasOneBlock())
      return main.emitOpError("has no body of one block");
    llvm::StringSet<> seen;
    if (failed(verifyTensors(
            main, "parameter", main.getArgumentTypes(),
            [&](unsigned i) {
              return main.getArgAttr(i, FusilliDialect::kNameAttr);
            },
            seen)))
      return failure();
    if (failed(verifyTensors(
            main, "result", main.getResultTypes(),
            [&](unsigned i) {
              return main.getResultAttr(i, FusilliDialect::kNameAttr);
            },
            seen)))
      return failure();
    for (auto [i, type] : llvm::enumerate(main.getArgumentTypes()))
      if (isConstantParameter(main, i) &&
          !getDynamicDims(cast<RankedTensorType>(type)).empty())
        return main.emitOpError("parameter ")
               << i << " is constant and has dynamic dims: " << type;
    for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
      if (hasBroadcastDims(cast<RankedTensorType>(type)))
        return main.emitOpError("result ")
               << i << " has broadcast strides: " << type;
    auto describe = [&](Value tensor) { return describeTensor(main, tensor); };
    for (Operation &op : main.front()) {
      if (isa<func::ReturnOp>(op))
        continue;
      if (!isa_and_nonnull<FusilliDialect>(op.getDialect()) ||
          isa<DispatchOp, ExtentOp, ReshapeOp>(op))
        return op.emitOpError("is not an op of a graph");
      if (auto constant = dyn_cast<ConstantOp>(op);
          constant && !isa<DenseElementsAttr>(constant.getValue()))
        return op.emitOpError("has no value of the form dense<...>");
      for (Type type : op.getResultTypes())
        if (std::string error = findSizeError(cast<RankedTensorType>(type));
            !error.empty())
          return op.emitOpError("result ") << error;
      if (failed(verifySymbolicDims(&op, describe)))
        return failure();
    }
    return success();
  }
};

} // namespace
} // namespace fusilli::ir
