// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's own archives are not instrumented, which the sanitizer must know.

#include "tests/fuzz/front_half.h"

#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/Transforms/FusilliPasses.h"
#include "compiler/Dialect/Fusilli/Transforms/FusionPolicy.h"
#include "compiler/Import/ImportText.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace mlir;

// LLVM's allocators mark memory only in the instrumented half of the program.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:detect_container_overflow=0";
}

namespace fusilli::fuzz {

namespace {

constexpr unsigned kUses = 512;
/// More ops than this are not fused: it would only be slow.
constexpr size_t kMaxOps = 64;

DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registry.insert<ir::FusilliDialect, func::FuncDialect, arith::ArithDialect,
                  linalg::LinalgDialect, math::MathDialect,
                  tensor::TensorDialect>();
  return registry;
}

std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

} // namespace

FrontHalf &FrontHalf::get() {
  static std::unique_ptr<FrontHalf> instance;
  static unsigned uses = 0;
  if (!instance || ++uses % kUses == 0)
    instance = std::make_unique<FrontHalf>();
  instance->diagnostics_.clear();
  return *instance;
}

FrontHalf::FrontHalf()
    : context_(makeRegistry(), MLIRContext::Threading::DISABLED),
      handler_(&context_,
               [this](Diagnostic &diagnostic) {
                 diagnostics_ += diagnostic.str();
                 return success();
               }),
      verify_(&context_), prepare_(&context_), import_(&context_),
      fuse_(&context_) {
  context_.loadAllAvailableDialects();
  context_.printOpOnDiagnostic(false);
  verify_.enableVerifier(false);
  verify_.addPass(ir::createVerifyGraph());
  prepare_.addPass(ir::createPrepareCustom());
  import_.addPass(ir::createSplitGradients());
  import_.addPass(ir::createPrepareCustom());
  import_.addPass(ir::createNormalizeGraph());
  fuse_.addPass(ir::createDecompose());
  fuse_.addPass(
      ir::createSplitContractions(std::make_shared<const ir::FusionPolicy>()));
  fuse_.addPass(
      ir::createSplitReductions(std::make_shared<const ir::FusionPolicy>()));
  fuse_.addPass(ir::createFuseDispatches());
  fuse_.addPass(ir::createVerifyDispatches());
}

void FrontHalf::run(OwningOpRef<ModuleOp> module) {
  if (failed(mlir::verify(*module)) || failed(verify_.run(*module)))
    return;
  std::string text = print(*module), error;
  OwningOpRef<ModuleOp> again = compiler::importText(context_, text, error);
  if (!again || print(*again) != text) {
    std::fprintf(stderr, "not read again: %s\n%s\n", error.c_str(),
                 text.c_str());
    std::abort();
  }
  size_t ops = 0;
  module->walk([&](Operation *) { ++ops; });
  if (ops > kMaxOps)
    return;
  // The functions of custom ops may hold what is not implemented.
  if (failed(prepare_.run(*module)))
    return;
  // What was verified has kernels.
  if (failed(import_.run(*module)) || failed(fuse_.run(*module)))
    std::abort();
}

} // namespace fusilli::fuzz
