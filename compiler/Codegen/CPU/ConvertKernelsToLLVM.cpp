// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fusilli-convert-kernels-to-llvm: scheduled kernels (vector, scf, arith,
// memref, func) in, LLVM dialect out, in one merged conversion. Adds the entry
// functions of artifact/executable_abi.h.

#include "compiler/Codegen/CPU/CpuPipelines.h"

#include "artifact/executable_abi.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorTransforms.h"
#include "mlir/Dialect/X86Vector/Transforms.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/DialectConversion.h"

namespace fusilli::compiler {
#define GEN_PASS_DEF_CONVERTKERNELSTOLLVM
#define GEN_PASS_REGISTRATION
#include "compiler/Codegen/CPU/CpuPasses.h.inc"
} // namespace fusilli::compiler

using namespace mlir;

namespace fusilli::compiler {
namespace {

/// Adds the entry `name` that unpacks the dispatch state and calls `body`:
/// bindings, then `numSymbols` push constants of two words each.
void addEntry(ModuleOp module, func::FuncOp body, StringRef name,
              DictionaryAttr attrs, unsigned numSymbols) {
  ImplicitLocOpBuilder b(body.getLoc(), module.getContext());
  b.setInsertionPointAfter(body);
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type(), i32 = b.getI32Type();
  auto entry = LLVM::LLVMFuncOp::create(
      b, name, LLVM::LLVMFunctionType::get(i32, {ptr, ptr, i64, i64}));
  for (NamedAttribute a : attrs)
    entry->setAttr(a.getName(), a.getValue());
  entry->setAttr("fusilli.entry", b.getUnitAttr());
  b.setInsertionPointToStart(entry.addEntryBlock(b));
  Value state = entry.getArgument(0);
  static_assert(offsetof(fusilli_dispatch_state_t, bindings) == 0);
  Value table = LLVM::LoadOp::create(b, ptr, state);
  SmallVector<Value> args;
  unsigned numBindings = body.getNumArguments() - 3 - numSymbols;
  for (unsigned i = 0; i < numBindings; ++i) {
    Value slot = LLVM::GEPOp::create(b, ptr, ptr, table,
                                     ArrayRef<LLVM::GEPArg>{int32_t(i)});
    args.push_back(LLVM::LoadOp::create(b, ptr, slot));
  }
  if (numSymbols) {
    Value field = LLVM::GEPOp::create(
        b, ptr, b.getI8Type(), state,
        ArrayRef<LLVM::GEPArg>{
            int32_t(offsetof(fusilli_dispatch_state_t, constants))});
    Value constants = LLVM::LoadOp::create(b, ptr, field);
    for (unsigned i = 0; i < numSymbols; ++i) {
      Value slot = LLVM::GEPOp::create(b, ptr, i64, constants,
                                       ArrayRef<LLVM::GEPArg>{int32_t(i)});
      args.push_back(LLVM::LoadOp::create(b, i64, slot,
                                          /*alignment=*/alignof(uint32_t)));
    }
  }
  args.append(
      {entry.getArgument(1), entry.getArgument(2), entry.getArgument(3)});
  auto call = LLVM::CallOp::create(
      b, TypeRange{i32}, SymbolRefAttr::get(b.getContext(), body.getName()),
      args);
  LLVM::ReturnOp::create(b, call.getResult());
}

/// An entry only unpacks its arguments and calls the kernel's body: as one
/// function they go through each pass of LLVM once.
void mergeBody(LLVM::LLVMFuncOp entry, ModuleOp module) {
  Block &block = entry.getBody().front();
  auto call = cast<LLVM::CallOp>(*std::prev(block.end(), 2));
  auto body = module.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee());
  Region &region = body.getBody();
  for (auto [argument, value] :
       llvm::zip_equal(region.getArguments(), call.getOperands()))
    argument.replaceAllUsesWith(value);
  block.getTerminator()->erase();
  call->erase();
  block.getOperations().splice(block.end(), region.front().getOperations());
  entry.getBody().getBlocks().splice(entry.getBody().end(), region.getBlocks(),
                                     std::next(region.begin()), region.end());
  body.erase();
}

struct ConvertKernelsToLLVMPass
    : impl::ConvertKernelsToLLVMBase<ConvertKernelsToLLVMPass> {
  LogicalResult initialize(MLIRContext *context) override {
    lowering = std::make_shared<const Lowering>(context);
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *ctx = &getContext();
    for (auto f : llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
      if (!f->hasAttr("fusilli.kernel"))
        continue;
      std::string name = f.getName().str();
      DictionaryAttr attrs = f->getDiscardableAttrDictionary();
      f->setDiscardableAttrs(ArrayRef<NamedAttribute>{});
      f.setName(name + ".body");
      auto symbols = attrs.getAs<DenseI64ArrayAttr>("fusilli.symbols");
      addEntry(module, f, name, attrs, symbols ? symbols.size() : 0);
    }

    LLVMConversionTarget target(*ctx);
    target.addLegalOp<ModuleOp>();
    configureX86VectorLegalizeForExportTarget(target);
    // LLVM folds what is left to fold.
    ConversionConfig config;
    config.foldingMode = DialectConversionFoldingMode::Never;
    if (failed(applyFullConversion(module, target, lowering->patterns, config)))
      return signalPassFailure();
    for (LLVM::LLVMFuncOp entry :
         llvm::to_vector(module.getOps<LLVM::LLVMFuncOp>()))
      if (entry->hasAttr("fusilli.entry"))
        mergeBody(entry, module);
  }

private:
  /// What every run of the pass needs.
  struct Lowering {
    explicit Lowering(MLIRContext *ctx)
        : types(ctx, getOptions(ctx)), patterns(getPatterns(ctx, types)) {}

    static LowerToLLVMOptions getOptions(MLIRContext *ctx) {
      LowerToLLVMOptions options(ctx);
      options.useBarePtrCallConv = true;
      return options;
    }
    static RewritePatternSet getPatterns(MLIRContext *ctx,
                                         LLVMTypeConverter &types);

    LLVMTypeConverter types;
    FrozenRewritePatternSet patterns;
  };
  std::shared_ptr<const Lowering> lowering; ///< patterns take long to make
};

RewritePatternSet
ConvertKernelsToLLVMPass::Lowering::getPatterns(MLIRContext *ctx,
                                                LLVMTypeConverter &types) {
  RewritePatternSet patterns(ctx);
  populateSCFToControlFlowConversionPatterns(patterns);
  populateVectorToLLVMConversionPatterns(types, patterns, false, false, false);
  vector::populateVectorInterleaveLoweringPatterns(patterns);
  vector::populateVectorRankReducingFMAPattern(patterns);
  populateFinalizeMemRefToLLVMConversionPatterns(types, patterns, nullptr);
  arith::populateArithToLLVMConversionPatterns(types, patterns);
  populateMathToLLVMConversionPatterns(types, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  populateFuncToLLVMConversionPatterns(types, patterns);
  ub::populateUBToLLVMConversionPatterns(types, patterns);
  populateX86VectorLegalizeForLLVMExportPatterns(types, patterns);
  return patterns;
}

} // namespace

void populateLLVMPipeline(OpPassManager &pm, const TargetInfo &) {
  pm.addPass(std::make_unique<ConvertKernelsToLLVMPass>());
}

void registerCpuCodegenPasses() { registerCpuPasses(); }

void registerCpuCodegenDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, cf::ControlFlowDialect,
                  func::FuncDialect, linalg::LinalgDialect, LLVM::LLVMDialect,
                  math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
                  tensor::TensorDialect, ub::UBDialect, vector::VectorDialect,
                  x86vector::X86VectorDialect>();
}

} // namespace fusilli::compiler
