// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One compile, stage by stage, with a clock beside it.
#include "compiler/Driver/Compiler.h"

#include "artifact/writer.h"
#include "compiler/Driver/ArtifactBuilder.h"
#include "compiler/Driver/CompileThread.h"
#include "compiler/Driver/CompilerInstance.h"
#include "compiler/Driver/Diagnostics.h"
#include "compiler/Driver/HostProgram.h"
#include "compiler/Import/ImportGraph.h"
#include "compiler/Import/ImportText.h"
#include "compiler/Target/TargetBackend.h"

#include "mlir/IR/Verifier.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

#include <chrono>

using namespace mlir;

namespace fusilli::compiler {

std::optional<std::string> CompileOptions::addFlag(StringRef flag) {
  auto [name, value] = flag.split('=');
  bool *option = name == "--row-groups" ? &rowGroups
                 : name == "--verify"   ? &verifyEach
                                        : nullptr;
  if (!option)
    return "unknown compiler flag '" + flag.str() +
           "', expected --row-groups=0|1 or --verify=0|1";
  if (value != "0" && value != "1")
    return "compiler flag '" + flag.str() + "' has value '" + value.str() +
           "', expected 0 or 1";
  *option = value == "1";
  return std::nullopt;
}

std::optional<std::string> CompileOptions::addDumps(StringRef list) {
  SmallVector<StringRef> names;
  list.split(names, ',', -1, /*KeepEmpty=*/false);
  for (StringRef name : names) {
    auto it = llvm::find(kStageNames, name.trim());
    if (it == kStageNames.end())
      return "unknown stage '" + name.str() + "', expected " +
             llvm::join(kStageNames, ",");
    dumpAfter[it - kStageNames.begin()] = true;
  }
  return std::nullopt;
}

namespace {

/// Times of the stages, in order.
class Clock {
public:
  void lap(StringRef stage) {
    auto now = std::chrono::steady_clock::now();
    laps_.emplace_back(
        stage.str(),
        std::chrono::duration<double, std::milli>(now - last_).count());
    last_ = now;
  }
  llvm::json::Object toJson() const {
    llvm::json::Object stages;
    for (const auto &[stage, ms] : laps_)
      stages[stage] = ms;
    return stages;
  }

private:
  std::chrono::steady_clock::time_point last_ =
      std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, double>> laps_;
};

class Compilation {
public:
  Compilation(const CompileOptions &options, CompileResult &result)
      : options_(options), result_(result),
        instance_(CompilerPool::get().acquire()) {
    instance_->countUse();
    clock_.lap("context");
  }
  ~Compilation() {
    module_ = nullptr;
    CompilerPool::get().release(std::move(instance_));
  }

  bool load(ArrayRef<uint8_t> source, SourceKind kind) {
    DiagnosticCollector collector(instance_->context(), result_.diagnostics);
    bool loaded =
        kind == SourceKind::Text ? parseText(source) : importBytes(source);
    if (loaded && failed(verify(*module_)))
      loaded = fail(CompileCode::CompileFailure);
    return loaded;
  }

  bool compile() {
    DiagnosticCollector collector(instance_->context(), result_.diagnostics);
    auto resolved = resolveTarget(options_.target);
    if (!resolved)
      return fail(CompileCode::InvalidArgument,
                  llvm::toString(resolved.takeError()));
    const TargetBackend *target = resolved->get();
    StagePasses &passes = instance_->getPasses(*target, options_);
    clock_.lap("setup");
    if (!runStage(*passes.import, Stage::Import))
      return false;
    if (!runStage(*passes.fuse, Stage::Fuse))
      return false;
    HostProgram program = planHostProgram(*module_);
    clock_.lap("plan");
    if (!runStage(*passes.linalg, Stage::Linalg) ||
        !runStage(*passes.vector, Stage::Vector))
      return false;
    addPrepackings(*module_, program);
    ArtifactBuilder builder(program, *target);
    if (std::optional<std::string> error = builder.readKernels(*module_))
      return fail(CompileCode::CompileFailure, *error);
    clock_.lap("entries");
    if (!runStage(*passes.llvm, Stage::LLVM))
      return false;
    std::string text;
    llvm::Expected<TargetExecutable> executable =
        target->writeExecutable(*module_, wants(Stage::Asm) ? &text : nullptr);
    if (!executable)
      return fail(CompileCode::CompileFailure,
                  llvm::toString(executable.takeError()));
    const size_t codeSize = executable->bytes.size();
    clock_.lap("code");
    if (wants(Stage::Asm))
      result_.dumps["asm"] = std::move(text);
    if (std::optional<std::string> error =
            builder.addExecutable(std::move(*executable)))
      return fail(CompileCode::InternalError, *error);
    result_.bytes = artifact::write(builder.get());
    clock_.lap("artifact");
    writeStatistics(program, *target, builder, codeSize);
    return true;
  }

  void print() {
    llvm::raw_string_ostream stream(text_);
    module_->print(stream);
    result_.bytes.assign(text_.begin(), text_.end());
  }

private:
  bool wants(Stage stage) const { return options_.dumpAfter[size_t(stage)]; }

  bool fail(CompileCode code, const std::string &message = {}) {
    result_.code = code;
    if (!message.empty()) {
      if (!result_.diagnostics.empty())
        result_.diagnostics += '\n';
      result_.diagnostics += message;
    }
    if (result_.diagnostics.empty())
      result_.diagnostics = "compilation failed without a diagnostic";
    return false;
  }

  bool importBytes(ArrayRef<uint8_t> source) {
    ImportedGraph graph = importGraph(instance_->context(), source);
    if (!graph.module)
      return fail(graph.error.kind == ImportError::Kind::NotImplemented
                      ? CompileCode::NotImplemented
                      : CompileCode::InvalidArgument,
                  graph.error.message);
    module_ = std::move(graph.module);
    clock_.lap("load");
    return true;
  }

  bool parseText(ArrayRef<uint8_t> source) {
    StringRef text(reinterpret_cast<const char *>(source.data()),
                   source.size());
    std::string error;
    module_ = importText(instance_->context(), text, error);
    if (!module_)
      return fail(CompileCode::CompileFailure, error);
    clock_.lap("load");
    return true;
  }

  bool runStage(PassManager &passes, Stage stage) {
    bool passed = succeeded(passes.run(*module_));
    clock_.lap(kStageNames[size_t(stage)]);
    if (!passed)
      return fail(CompileCode::CompileFailure);
    if (wants(stage)) {
      llvm::raw_string_ostream stream(
          result_.dumps[kStageNames[size_t(stage)].str()]);
      module_->print(stream);
    }
    return true;
  }

  void writeStatistics(const HostProgram &program, const TargetBackend &target,
                       const ArtifactBuilder &builder, size_t codeSize) {
    llvm::json::Object object;
    object["target"] = target.name();
    object["kernels"] = int64_t(builder.get().entries.size());
    object["dispatch-count"] = int64_t(program.dispatches.size());
    object["prepare-dispatch-count"] = int64_t(program.prepare.size());
    object["prepared-memory-size"] = int64_t(program.preparedSize);
    object["transient-memory-size"] = program.workspaceSize.representative;
    object["code-size"] = int64_t(codeSize);
    object["artifact-size"] = int64_t(result_.bytes.size());
    object["stages"] = clock_.toJson();
    llvm::raw_string_ostream stream(result_.statistics);
    stream << llvm::json::Value(std::move(object));
  }

  const CompileOptions &options_;
  CompileResult &result_;
  Clock clock_;
  std::unique_ptr<CompilerInstance> instance_;
  OwningOpRef<ModuleOp> module_; // of the instance's context
  std::string text_;
};

/// One compilation, from its first allocation to its last, on a thread with
/// room for it.
CompileResult compileWith(const CompileOptions &options,
                          llvm::function_ref<void(Compilation &)> body) {
  CompileResult result;
  std::optional<std::string> error = runOnCompileThread([&] {
    Compilation compilation(options, result);
    body(compilation);
  });
  if (error) {
    result.code = CompileCode::CompileFailure;
    result.diagnostics = *error;
  }
  return result;
}

} // namespace

CompileResult compileToArtifact(ArrayRef<uint8_t> source, SourceKind kind,
                                const CompileOptions &options) {
  return compileWith(options, [&](Compilation &compilation) {
    if (compilation.load(source, kind))
      compilation.compile();
  });
}

CompileResult printGraph(ArrayRef<uint8_t> graphDef,
                         const CompileOptions &options) {
  return compileWith(options, [&](Compilation &compilation) {
    if (compilation.load(graphDef, SourceKind::GraphDef))
      compilation.print();
  });
}

} // namespace fusilli::compiler
