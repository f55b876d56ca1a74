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

#include "llvm/Support/MathExtras.h"

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
                                 const TargetBackend &target)
    : program_(program), shapes_(program.shapes) {
  artifact_.compiler_version = getCompilerVersion();
  artifact_.backend = target.backend();
  artifact_.target = target.name();
  if (program.workspaceSize.isConstant())
    artifact_.workspace_size = program.workspaceSize.representative;
  artifact_.symbols = program.symbols;
  artifact_.prepared_size = program.preparedSize;
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
    fbs::EntryT &entry = kernel.entry;
    auto getInt = [&](StringRef name) -> uint64_t {
      auto attr = function->getAttrOfType<IntegerAttr>(name);
      return attr ? uint64_t(attr.getInt()) : 0;
    };
    auto readStrings = [&](StringRef name, std::vector<std::string> &out) {
      if (auto array = function->getAttrOfType<ArrayAttr>(name))
        for (Attribute element : array)
          if (auto text = dyn_cast<StringAttr>(element))
            out.push_back(text.str());
    };
    entry.name = function.getName().str();
    entry.local_memory = llvm::alignTo(getInt("fusilli.local_memory"), 64);
    entry.flops = getInt("fusilli.flops");
    entry.bytes = getInt("fusilli.bytes");
    if (auto strategy = function->getAttrOfType<StringAttr>("fusilli.strategy"))
      entry.strategy = strategy.str();
    if (Attribute schedule =
            function->getAttr(ir::FusilliDialect::kScheduleAttr)) {
      llvm::raw_string_ostream stream(entry.schedule);
      schedule.print(stream);
    }
    readStrings(ir::FusilliDialect::kDeclinedAttr, entry.declined);
    readStrings(ir::FusilliDialect::kNodesAttr, entry.nodes);
    if (auto count = function->getAttrOfType<DenseI64ArrayAttr>(
            "fusilli.workgroup_count"))
      for (auto [i, extent] : llvm::enumerate(count.asArrayRef().take_front(3)))
        kernel.workgroups[i] = uint64_t(extent);
    if (auto count =
            function->getAttrOfType<AffineMapAttr>("fusilli.workgroup_count"))
      kernel.symbolicWorkgroups = count.getValue();
    if (auto symbols =
            function->getAttrOfType<DenseI64ArrayAttr>("fusilli.symbols"))
      kernel.symbols = symbols.asArrayRef();
    kernel.entry.constant_count = 2 * kernel.symbols.size();
    kernel.isInline = function->hasAttr("fusilli.inline_dispatch");
    if (std::optional<std::string> error = checkLimits(kernel))
      return error;
  }
  for (const auto *dispatches : {&program_.prepare, &program_.dispatches})
    for (const HostProgram::Dispatch &dispatch : *dispatches)
      if (dispatch.bindings.size() > artifact::kMaxEntryBindings)
        return describe(kernels_[dispatch.kernel].entry) + " has " +
               std::to_string(dispatch.bindings.size()) +
               " inputs and outputs, at most " +
               std::to_string(artifact::kMaxEntryBindings) + " are possible";
  return std::nullopt;
}

std::optional<std::string>
ArtifactBuilder::addExecutable(TargetExecutable executable) {
  for (const TargetExecutable::Kernel &code : executable.kernels) {
    auto it = kernels_.find(code.name);
    if (it == kernels_.end())
      continue;
    it->second.entry.offset = code.offset;
    it->second.hasCode = true;
  }
  auto stored = std::make_unique<fbs::ExecutableT>();
  stored->format = std::move(executable.format);
  stored->requirements = std::move(executable.requirements);
  stored->bytes = std::move(executable.bytes);
  artifact_.executables.push_back(std::move(stored));
  for (const auto *dispatches : {&program_.prepare, &program_.dispatches})
    if (std::optional<std::string> error = addEntries(*dispatches))
      return error;
  if (!program_.prepare.empty())
    artifact_.prepare = writeProgram(program_.prepare);
  if (program_.symbols.empty())
    artifact_.program = writeProgram(program_.dispatches);
  else
    writeSymbolicProgram();
  return std::nullopt;
}

std::optional<std::string>
ArtifactBuilder::addEntries(ArrayRef<HostProgram::Dispatch> dispatches) {
  for (const HostProgram::Dispatch &dispatch : dispatches) {
    auto it = kernels_.find(dispatch.kernel);
    if (it == kernels_.end() || !it->second.hasCode)
      return "no code for kernel '" + dispatch.kernel + "'";
    Kernel &kernel = it->second;
    if (kernel.hasEntry)
      continue;
    kernel.hasEntry = true;
    kernel.entry.binding_count = dispatch.bindings.size();
    kernel.ordinal = artifact_.entries.size();
    artifact_.entries.push_back(std::make_unique<fbs::EntryT>(kernel.entry));
  }
  return std::nullopt;
}

std::vector<uint32_t>
ArtifactBuilder::writeProgram(ArrayRef<HostProgram::Dispatch> dispatches) {
  std::vector<uint32_t> words;
  unsigned phase = 0;
  for (const HostProgram::Dispatch &dispatch : dispatches) {
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
    for (const HostBinding &binding : dispatch.bindings)
      artifact_.bindings.push_back(fbs::Binding(binding.kind, binding.index,
                                                binding.offset.representative,
                                                binding.length.representative));
  }
  words.push_back(FUSILLI_VM_RETURN);
  return words;
}

HostValue ArtifactBuilder::getSymbol(int64_t extent) const {
  auto it = llvm::lower_bound(program_.symbols, extent);
  return shapes_.symbol(it - program_.symbols.begin());
}

void ArtifactBuilder::writeSymbolicProgram() {
  std::vector<uint32_t> commands; // behind all arithmetic
  if (!program_.workspaceSize.isConstant())
    commands = {FUSILLI_VM_WORKSPACE,
                shapes_.materialize(program_.workspaceSize)};
  unsigned phase = 0;
  for (const HostProgram::Dispatch &dispatch : program_.dispatches) {
    const Kernel &kernel = kernels_.find(dispatch.kernel)->second;
    if (dispatch.phase != phase)
      commands.push_back(FUSILLI_VM_BARRIER);
    phase = dispatch.phase;
    commands.insert(commands.end(),
                    {FUSILLI_VM_DISPATCH_SYMBOLIC, kernel.ordinal,
                     uint32_t(artifact_.bindings.size()),
                     uint32_t(dispatch.bindings.size())});
    llvm::SmallVector<HostValue> symbols;
    for (int64_t extent : kernel.symbols)
      symbols.push_back(getSymbol(extent));
    for (unsigned i = 0; i < 3; ++i) {
      HostValue count = HostValue::constant(kernel.workgroups[i]);
      if (kernel.symbolicWorkgroups &&
          i < kernel.symbolicWorkgroups.getNumResults())
        count =
            shapes_.evaluate(kernel.symbolicWorkgroups.getResult(i), symbols);
      commands.push_back(shapes_.materialize(count));
    }
    commands.push_back(kernel.isInline ? uint32_t(FUSILLI_VM_DISPATCH_INLINE)
                                       : 0u);
    commands.push_back(symbols.size());
    for (const HostBinding &binding : dispatch.bindings) {
      commands.push_back(shapes_.materialize(binding.offset));
      commands.push_back(shapes_.materialize(binding.length));
      artifact_.bindings.push_back(
          fbs::Binding(binding.kind, binding.index, 0, 0));
    }
    for (HostValue symbol : symbols)
      commands.push_back(shapes_.materialize(symbol));
  }
  artifact_.program = shapes_.getWords();
  artifact_.program.insert(artifact_.program.end(), commands.begin(),
                           commands.end());
  artifact_.program.push_back(FUSILLI_VM_RETURN);
}

} // namespace fusilli::compiler
