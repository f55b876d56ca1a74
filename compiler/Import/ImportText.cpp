// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Check, parse, name the nodes.
#include "compiler/Import/ImportText.h"

#include "compiler/Import/TextCheck.h"

#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace fusilli::compiler {

OwningOpRef<ModuleOp> importText(MLIRContext &context, StringRef text,
                                 std::string &error) {
  if (std::optional<TextDefect> defect = findTextDefect(text)) {
    error = std::move(defect->message);
    return nullptr;
  }
  // MLIR's lexer reads on until a character ends the token: one must follow.
  std::string terminated = text.str();
  ParserConfig config(&context, /*verifyAfterParse=*/false);
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(terminated, config, "program");
  if (module)
    // Diagnostics name nodes where the text does.
    module->walk([](Operation *op) {
      if (auto node = op->getAttrOfType<StringAttr>("node"))
        op->setLoc(NameLoc::get(node, op->getLoc()));
    });
  return module;
}

} // namespace fusilli::compiler
