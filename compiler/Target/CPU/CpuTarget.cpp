// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU as a target: levels of x86-64, their pipelines, flat code images.
#include "artifact/cpu_features.h"
#include "artifact/executable_abi.h"
#include "compiler/Codegen/CPU/CpuPipelines.h"
#include "compiler/Codegen/Common/TargetInfo.h"
#include "compiler/Target/CPU/CodeImage.h"
#include "compiler/Target/TargetKind.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

namespace fusilli::compiler {

namespace {

class CpuTarget final : public TargetBackend {
public:
  explicit CpuTarget(TargetInfo info) : info_(std::move(info)) {}

  llvm::StringRef backend() const override { return "CPU"; }
  llvm::StringRef name() const override { return info_.name; }

  std::shared_ptr<const ir::FusionPolicy>
  makeFusionPolicy(bool rows) const override {
    return makeCpuFusionPolicy(info_, rows);
  }
  void populateSchedulePipeline(mlir::OpPassManager &pm) const override {
    populateVectorPipeline(pm, info_);
  }
  void populateLoweringPipeline(mlir::OpPassManager &pm) const override {
    populateLLVMPipeline(pm, info_);
  }

  llvm::Expected<TargetExecutable>
  writeExecutable(mlir::ModuleOp module, std::string *text) const override {
    llvm::Expected<CodeImage> image = emitCodeImage(module, info_, text);
    if (!image)
      return image.takeError();
    TargetExecutable executable;
    executable.format = FUSILLI_X86_64_IMAGE_FORMAT;
    executable.requirements =
        artifact::encodeCpuRequirements(info_.requiredFeatures);
    executable.bytes = std::move(image->code);
    for (CodeImage::Kernel &kernel : image->kernels)
      executable.kernels.push_back({std::move(kernel.name), kernel.offset});
    return executable;
  }

private:
  const TargetInfo info_;
};

class CpuTargetKind final : public TargetKind {
public:
  bool knows(llvm::StringRef name) const override {
    if (name == "host")
      return true;
    llvm::Expected<TargetInfo> info = TargetInfo::resolve(name);
    if (info)
      return true;
    llvm::consumeError(info.takeError());
    return false;
  }
  llvm::Expected<std::unique_ptr<const TargetBackend>>
  resolve(llvm::StringRef name) const override {
    llvm::Expected<TargetInfo> info = TargetInfo::resolve(name);
    if (!info)
      return info.takeError();
    return std::make_unique<const CpuTarget>(std::move(*info));
  }
  void registerDialects(mlir::DialectRegistry &registry) const override {
    registerCpuCodegenDialects(registry);
    mlir::registerBuiltinDialectTranslation(registry);
    mlir::registerLLVMDialectTranslation(registry);
  }
  void registerPasses() const override { registerCpuCodegenPasses(); }
};

} // namespace

const TargetKind &getCpuTargetKind() {
  static const CpuTargetKind kind;
  return kind;
}

} // namespace fusilli::compiler
