// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Custom op nodes: the text's placeholders are filled in, the text is checked,
// parsed and verified, and its function becomes one of the module.
#include "compiler/Import/NodeImport.h"
#include "compiler/Import/TextCheck.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// What diagnostics call a custom op's text: "text:LINE:COLUMN".
constexpr llvm::StringLiteral kTextName = "text";

Type getLogicalType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), tensor.getElementType());
}

/// The placeholders of input or output number `i`, by their names.
void addPlaceholders(llvm::StringMap<std::string> &values, StringRef slot,
                     size_t i, RankedTensorType type) {
  std::string name = (slot + Twine(i) + "_").str();
  values[name + "DTYPE"] = getTypeText(type.getElementType());
  values[name + "TYPE"] = getTypeText(getLogicalType(type));
  for (auto [j, extent] : llvm::enumerate(type.getShape()))
    values[name + "DIM" + std::to_string(j)] = std::to_string(extent);
}

/// `text` with each `{NAME}` of a known name replaced; others stay.
std::string resolve(StringRef text,
                    const llvm::StringMap<std::string> &values) {
  std::string out;
  while (!text.empty()) {
    size_t open = text.find('{');
    out += text.take_front(open);
    text = text.drop_front(std::min(open, text.size()));
    auto known = values.find(text.drop_front(!text.empty()).split('}').first);
    if (text.contains('}') && known != values.end()) {
      out += known->second;
      text = text.drop_front(known->first().size() + 2);
    } else if (!text.empty()) {
      out += '{';
      text = text.drop_front();
    }
  }
  return out;
}

class CustomImport {
public:
  CustomImport(NodeImport &node) : node(node) {}

  bool run(StringRef text) {
    for (auto [i, input] : llvm::enumerate(node.inputs)) {
      if (!input)
        return node.malformed("input " + Twine(i) + " is missing");
      addPlaceholders(placeholders, "IN", i,
                      cast<RankedTensorType>(input.getType()));
    }
    for (auto [i, output] : llvm::enumerate(node.outputs)) {
      if (!output)
        return node.malformed("output " + Twine(i) + " is missing");
      addPlaceholders(placeholders, "OUT", i, output);
    }
    if (node.outputs.empty())
      return node.malformed("has no outputs");
    placeholders["FUNC_NAME"] = node.node.getValue().str();
    std::string resolved = resolve(text, placeholders);
    if (std::optional<TextDefect> defect =
            findTextDefect(resolved, kTextName.str()))
      return defect->isTorch ? node.notImplemented(defect->message)
                             : node.malformed(defect->message);
    return import(resolved);
  }

private:
  /// Parses and verifies; the first diagnostic is the error.
  OwningOpRef<ModuleOp> parse(const std::string &text) {
    MLIRContext *context = node.builder.getContext();
    std::string message;
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      if (message.empty() &&
          diagnostic.getSeverity() == DiagnosticSeverity::Error) {
        if (auto loc =
                diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
          message = loc.getFilename().str() + ":" +
                    std::to_string(loc.getLine()) + ":" +
                    std::to_string(loc.getColumn()) + ": ";
        message += diagnostic.str();
      }
      return success();
    });
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
        text, ParserConfig(context, /*verifyAfterParse=*/false), kTextName);
    if (module && succeeded(verify(*module)))
      return module;
    node.malformed(message.empty() ? "the text is no program" : message);
    return {};
  }

  bool malformedAt(Location loc, const Twine &message) {
    std::string place;
    if (auto file = loc->findInstanceOf<FileLineColLoc>())
      place = kTextName.str() + ":" + std::to_string(file.getLine()) + ":" +
              std::to_string(file.getColumn()) + ": ";
    return node.malformed(place + message);
  }

  bool import(const std::string &text) {
    OwningOpRef<ModuleOp> module = parse(text);
    if (!module)
      return false;
    func::FuncOp function;
    for (Operation &op : *module->getBody()) {
      auto f = dyn_cast<func::FuncOp>(op);
      if (!f || function)
        return malformedAt(op.getLoc(),
                           "expected one function and nothing else");
      function = f;
    }
    if (!function || function.getName() != node.node.getValue())
      return node.malformed("the text defines no function @" +
                            node.node.getValue());
    if (!checkTypes(function, "parameter", TypeRange(ValueRange(node.inputs)),
                    function.getArgumentTypes()) ||
        !checkTypes(function, "result",
                    TypeRange(ArrayRef<Type>(SmallVector<Type>(
                        node.outputs.begin(), node.outputs.end()))),
                    function.getResultTypes()))
      return false;
    return insert(function);
  }

  bool checkTypes(func::FuncOp function, StringRef what, TypeRange tensors,
                  ArrayRef<Type> declared) {
    if (tensors.size() != declared.size())
      return malformedAt(function.getLoc(),
                         "the function has " + Twine(declared.size()) + " " +
                             what + "s, expected " + Twine(tensors.size()));
    for (auto [i, types] : llvm::enumerate(llvm::zip_equal(tensors, declared)))
      if (Type expected = getLogicalType(std::get<0>(types));
          std::get<1>(types) != expected)
        return malformedAt(function.getLoc(),
                           what + " " + Twine(i) +
                               " of the function has type " +
                               getTypeText(std::get<1>(types)) + ", expected " +
                               getTypeText(expected));
    return true;
  }

  /// Moves the function before `@main` and calls it.
  bool insert(func::FuncOp function) {
    auto main = cast<func::FuncOp>(node.builder.getBlock()->getParentOp());
    auto module = main->getParentOfType<ModuleOp>();
    function->remove();
    function.setPrivate();
    // Diagnostics of later stages name the node and the place in its text.
    function->walk([&](Operation *op) {
      op->setLoc(NameLoc::get(node.node, op->getLoc()));
    });
    function.setName(("custom." + node.node.getValue()).str());
    module.insert(main, function);
    auto op = ir::CustomOp::create(
        node.builder, node.loc,
        SmallVector<Type>(node.outputs.begin(), node.outputs.end()),
        FlatSymbolRefAttr::get(function.getSymNameAttr()), node.inputs,
        node.node);
    node.results.append(op.getOutputs().begin(), op.getOutputs().end());
    return true;
  }

  NodeImport &node;
  llvm::StringMap<std::string> placeholders;
};

} // namespace

bool importCustomOp(const fbs::CustomOpAttrs &attrs, NodeImport &node) {
  if (!attrs.mlir())
    return node.malformed("has no text");
  return CustomImport(node).run(
      StringRef(attrs.mlir()->data(), attrs.mlir()->size()));
}

} // namespace fusilli::compiler
