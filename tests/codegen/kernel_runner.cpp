// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles and maps element-wise kernels for unit tests.
#include "tests/codegen/kernel_runner.h"

#include "artifact/executable_abi.h"
#include "compiler/Codegen/CPU/CpuPipelines.h"
#include "compiler/Target/CPU/CodeImage.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

#include <cstring>
#include <sys/mman.h>

using namespace mlir;

namespace fusilli::compiler::test {

void Kernel::run(std::vector<const void *> bindings, int64_t count) const {
  std::vector<void *> pointers;
  for (const void *p : bindings)
    pointers.push_back(const_cast<void *>(p));
  fusilli_dispatch_state_t state{};
  state.bindings = pointers.data();
  state.binding_count = static_cast<uint32_t>(pointers.size());
  reinterpret_cast<fusilli_kernel_fn_t>(entry)(&state, nullptr, 0,
                                               static_cast<uint64_t>(count));
}

namespace {

/// One element or vector of a binding, Booleans as i1.
Value load(ImplicitLocOpBuilder &b, Value mem, Value at, Type element,
           int64_t lanes) {
  auto type = cast<MemRefType>(mem.getType());
  auto vector = VectorType::get({lanes}, type.getElementType());
  Value v = lanes == 1 ? Value(memref::LoadOp::create(b, mem, at))
                       : Value(vector::LoadOp::create(b, vector, mem, at));
  if (!element.isInteger(1))
    return v;
  Type bits = lanes == 1 ? element : Type(VectorType::get({lanes}, element));
  return arith::TruncIOp::create(b, bits, v);
}

void store(ImplicitLocOpBuilder &b, Value v, Value mem, Value at, Type element,
           int64_t lanes) {
  if (element.isInteger(1)) {
    Type byte = b.getI8Type();
    Type bytes = lanes == 1 ? byte : Type(VectorType::get({lanes}, byte));
    v = arith::ExtUIOp::create(b, bytes, v);
  }
  if (lanes == 1)
    memref::StoreOp::create(b, v, mem, at);
  else
    vector::StoreOp::create(b, v, mem, ValueRange{at});
}

/// Null when `emit` gives nothing.
OwningOpRef<ModuleOp> buildModule(MLIRContext &context,
                                  const std::vector<std::string> &elements,
                                  int64_t maxCount, int64_t lanes,
                                  const Emit &emit) {
  ImplicitLocOpBuilder b(UnknownLoc::get(&context), &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToEnd(module->getBody());
  SmallVector<Type> types, arguments;
  for (const std::string &text : elements) {
    types.push_back(parseType(text, &context));
    Type stored = types.back().isInteger(1) ? b.getI8Type() : types.back();
    arguments.push_back(MemRefType::get({maxCount}, stored));
  }
  arguments.append({MemRefType::get({0}, b.getI8Type()), b.getIndexType(),
                    b.getIndexType()});
  auto func = func::FuncOp::create(
      b, "k", b.getFunctionType(arguments, {b.getI32Type()}));
  func.setPrivate();
  func->setAttr("fusilli.kernel", b.getUnitAttr());
  Block *body = func.addEntryBlock();
  b.setInsertionPointToStart(body);
  size_t inputs = elements.size() - 1;
  Value begin = body->getArgument(inputs + 2);
  Value end = body->getArgument(inputs + 3);
  Value step = arith::ConstantIndexOp::create(b, lanes);
  auto loop = scf::ForOp::create(b, begin, end, step);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value at = loop.getInductionVar();
    SmallVector<Value> values;
    for (size_t i = 0; i < inputs; ++i)
      values.push_back(load(b, body->getArgument(i), at, types[i], lanes));
    Value result = emit(b, values);
    if (!result)
      return {};
    store(b, result, body->getArgument(inputs), at, types.back(), lanes);
  }
  Value ok = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  func::ReturnOp::create(b, ok);
  return module;
}

} // namespace

Kernel compileKernel(const std::string &target,
                     const std::vector<std::string> &elements, int64_t maxCount,
                     int64_t lanes, const Emit &emit) {
  Kernel kernel;
  llvm::Expected<TargetInfo> info = TargetInfo::resolve(target);
  if (!info) {
    kernel.error = toString(info.takeError());
    return kernel;
  }
  DialectRegistry registry;
  registerCpuCodegenDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();

  ScopedDiagnosticHandler diagnostics(&context, [&](Diagnostic &d) {
    kernel.error += d.str();
    return success();
  });
  OwningOpRef<ModuleOp> module =
      buildModule(context, elements, maxCount, lanes, emit);
  if (!module) {
    if (kernel.error.empty())
      kernel.error = "nothing emitted";
    return kernel;
  }
  PassManager pm(&context);
  ExpandMathOptions math;
  math.avx512 = info->hasAvx512;
  pm.addPass(createExpandMath(math));
  populateLLVMPipeline(pm, *info);
  if (failed(verify(*module)) || failed(pm.run(*module))) {
    kernel.error += " (cannot lower the kernel)";
    return kernel;
  }
  llvm::Expected<CodeImage> image = emitCodeImage(*module, *info);
  if (!image) {
    kernel.error = toString(image.takeError());
    return kernel;
  }
  size_t size = image->code.size();
  void *base = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(base, image->code.data(), size);
  mprotect(base, size, PROT_READ | PROT_EXEC);
  kernel.image = {base, [size](void *p) { munmap(p, size); }};
  kernel.entry = static_cast<char *>(base) + image->kernels.at(0).offset;
  return kernel;
}

} // namespace fusilli::compiler::test
