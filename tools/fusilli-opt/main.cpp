// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-opt: runs any passes of the compiler on a program text; what the lit
// tests drive. See --help.
#include "compiler/Pipelines/Pipelines.h"

#include <fusilli/version.h>

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::cl::AddExtraVersionPrinter([](llvm::raw_ostream &os) {
    os << "Fusilli version " FUSILLI_VERSION_STRING "\n";
  });
  mlir::DialectRegistry registry;
  fusilli::compiler::registerCompilerDialects(registry);
  fusilli::compiler::registerCompilerPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Fusilli pass driver\n", registry));
}
