// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing is printed: diagnostics become part of the result.
#include "compiler/Driver/Diagnostics.h"

#include "mlir/IR/Location.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace fusilli::compiler {

namespace {

std::string getPlace(LocationAttr loc) {
  return llvm::TypeSwitch<Attribute, std::string>(loc)
      .Case([](NameLoc name) {
        std::string place = "node '" + name.getName().str() + "'";
        // Where in the text of a custom op.
        if (auto file = dyn_cast<FileLineColLoc>(name.getChildLoc()))
          if (file.getFilename() == "text")
            place += ": " + getPlace(file);
        return place;
      })
      .Case([](FileLineColLoc file) {
        return file.getFilename().str() + ":" + std::to_string(file.getLine()) +
               ":" + std::to_string(file.getColumn());
      })
      .Case([](CallSiteLoc call) { return getPlace(call.getCallee()); })
      .Case([](FusedLoc fused) {
        for (Location part : fused.getLocations())
          if (std::string place = getPlace(part); !place.empty())
            return place;
        return std::string();
      })
      .Default([](Attribute) { return std::string(); });
}

void append(std::string &text, Diagnostic &diagnostic, StringRef prefix) {
  if (!text.empty())
    text += '\n';
  text += prefix;
  if (std::string place = getPlace(diagnostic.getLocation()); !place.empty())
    text += place + ": ";
  std::string message = diagnostic.str();
  // One diagnostic, one line.
  for (char &c : message)
    if (c == '\n')
      c = ' ';
  text += message;
}

LogicalResult collect(std::string &text, Diagnostic &diagnostic) {
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    append(text, diagnostic, "");
    break;
  case DiagnosticSeverity::Warning:
    append(text, diagnostic, "warning: ");
    break;
  default:
    return success();
  }
  for (Diagnostic &note : diagnostic.getNotes())
    append(text, note, "note: ");
  return success();
}

} // namespace

DiagnosticCollector::DiagnosticCollector(MLIRContext &context,
                                         std::string &text)
    : handler_(&context, [&text](Diagnostic &diagnostic) {
        return collect(text, diagnostic);
      }) {}

} // namespace fusilli::compiler
