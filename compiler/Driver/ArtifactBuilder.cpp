// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries are in the order of first use, so that equal programs give equal
// bytes.
#include "compiler/Driver/ArtifactBuilder.h"

#include "artifact/reader.h"
#include "artifact/vm_abi.h"
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Driver/Version.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>
#include <limits>

using namespace mlir;

namespace fusilli::compiler {

namespace {

/// "kernel 'k' (nodes 'a', 'b')".
std::string describe(const fbs::EntryT &entry) {
  constexpr size_t kShown = 8;
  std::string text = "kernel '" + entry.name + "'";
  for (size_t i = 0; i < std::min(entry.nodes.size(), kShown); ++i)
    text += (i == 0 ? " (nodes '" : ", '") + entry.nodes[i] + "'";
  if (entry.nodes.size() > kShown)
    text += ", ...";
  return entry.nodes.empty() ? text : text + ")";
}

} // namespace

ArtifactBuilder::ArtifactBuilder(const HostProgram &program,
                                 const TargetInfo &target)
    : program_(program) {
  artifact_.compiler_version = getCompilerVersion();
  artifact_.backend = "CPU";
  artifact_.target = target.name;
  artifact_.cpu_features = target.requiredFeatures;
  artifact_.workspace_size = program.workspaceSize;
  artifact_.constants = program.constants;
  for (const fbs::ArgT &arg : program.args)
    artifact_.args.push_back(std::make_unique<fbs::ArgT>(arg));
}

std::optional<std::string> ArtifactBuilder::checkLimits(const Kernel &kernel) {
  if (kernel.entry.local_memory > artifact::kMaxLocalMemory)
    return describe(kernel.entry) + " needs " +
           std::to_string(kernel.entry.local_memory) +
           " bytes of local memory, at most " +
           std::to_string(artifact::kMaxLocalMemory) + " are possible";
  for (uint64_t count : kernel.workgroups)
    if (count > std::numeric_limits<uint32_t>::max())
      return describe(kernel.entry) + " has " + std::to_string(count) +
             " workgroups, at most " +
             std::to_string(std::numeric_limits<uint32_t>::max()) +
             " are possible";
  return std::nullopt;
}

std::optional<std::string> ArtifactBuilder::readKernels(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function->hasAttr(ir::FusilliDialect::kKernelAttr))
      continue;
    Kernel &kernel = kernels_[function.getName()];
    auto getInt = [&](StringRef name) -> uint64_t {
      auto attr = function->getAttrOfType<IntegerAttr>(name);
      return attr ? uint64_t(attr.getInt()) : 0;
    };
    kernel.entry.name = function.getName().str();
    kernel.entry.local_memory = (getInt("fusilli.local_memory") + 63) & ~63ull;
    kernel.entry.flops = getInt("fusilli.flops");
    kernel.entry.bytes = getInt("fusilli.bytes");
    if (auto strategy = function->getAttrOfType<StringAttr>("fusilli.strategy"))
      kernel.entry.strategy = strategy.str();
    if (auto nodes =
            function->getAttrOfType<ArrayAttr>(ir::FusilliDialect::kNodesAttr))
      for (Attribute node : nodes)
        if (auto name = dyn_cast<StringAttr>(node))
          kernel.entry.nodes.push_back(name.str());
    if (auto count = function->getAttrOfType<DenseI64ArrayAttr>(
            "fusilli.workgroup_count"))
      for (auto [i, extent] : llvm::enumerate(count.asArrayRef().take_front(3)))
        kernel.workgroups[i] = uint64_t(extent);
    kernel.isInline = function->hasAttr("fusilli.inline_dispatch");
    if (std::optional<std::string> error = checkLimits(kernel))
      return error;
  }
  for (const HostProgram::Dispatch &dispatch : program_.dispatches)
    if (dispatch.bindings.size() > artifact::kMaxEntryBindings)
      return describe(kernels_[dispatch.kernel].entry) + " has " +
             std::to_string(dispatch.bindings.size()) +
             " inputs and outputs, at most " +
             std::to_string(artifact::kMaxEntryBindings) + " are possible";
  return std::nullopt;
}

std::optional<std::string> ArtifactBuilder::addCode(CodeImage image) {
  artifact_.code = std::move(image.code);
  for (const CodeImage::Kernel &code : image.kernels) {
    auto it = kernels_.find(code.name);
    if (it == kernels_.end())
      continue;
    it->second.entry.code_offset = code.offset;
    it->second.hasCode = true;
  }
  for (const HostProgram::Dispatch &dispatch : program_.dispatches) {
    auto it = kernels_.find(dispatch.kernel);
    if (it == kernels_.end() || !it->second.hasCode)
      return "no code for kernel '" + dispatch.kernel + "'";
    Kernel &kernel = it->second;
    if (kernel.entry.binding_count != 0)
      continue;
    kernel.entry.binding_count = dispatch.bindings.size();
    kernel.ordinal = artifact_.entries.size();
    artifact_.entries.push_back(std::make_unique<fbs::EntryT>(kernel.entry));
  }
  writeProgram();
  return std::nullopt;
}

void ArtifactBuilder::writeProgram() {
  std::vector<uint32_t> &words = artifact_.program;
  unsigned phase = 0;
  for (const HostProgram::Dispatch &dispatch : program_.dispatches) {
    const Kernel &kernel = kernels_.find(dispatch.kernel)->second;
    if (dispatch.phase != phase)
      words.push_back(FUSILLI_VM_BARRIER);
    phase = dispatch.phase;
    words.insert(
        words.end(),
        {FUSILLI_VM_DISPATCH, kernel.ordinal,
         uint32_t(artifact_.bindings.size()),
         uint32_t(dispatch.bindings.size()), uint32_t(kernel.workgroups[0]),
         uint32_t(kernel.workgroups[1]), uint32_t(kernel.workgroups[2]),
         kernel.isInline ? uint32_t(FUSILLI_VM_DISPATCH_INLINE) : 0u});
    artifact_.bindings.insert(artifact_.bindings.end(),
                              dispatch.bindings.begin(),
                              dispatch.bindings.end());
  }
  words.push_back(FUSILLI_VM_RETURN);
}

} // namespace fusilli::compiler
