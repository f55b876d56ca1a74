// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries and dispatches in the words of the public interface; text and JSON.
#include "engine/explain.h"

#include "artifact/program.h"
#include "engine/access.h"
#include "engine/graph_arguments.h"
#include "engine/status_error.h"

#include "fusilli/graph/graph.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace fusilli {
namespace {

template <typename T> std::string textOf(const T *text) {
  return text ? text->str() : std::string();
}

std::vector<std::string> textsOf(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *list) {
  std::vector<std::string> texts;
  for (size_t i = 0; list && i < list->size(); ++i)
    texts.push_back(list->Get(static_cast<flatbuffers::uoffset_t>(i))->str());
  return texts;
}

KernelExplanation explainKernel(const fbs::Entry &entry,
                                const artifact::Instruction &dispatch,
                                bool isPrepared) {
  KernelExplanation kernel;
  kernel.name = textOf(entry.name());
  kernel.nodes = textsOf(entry.nodes());
  kernel.strategy = textOf(entry.strategy());
  kernel.schedule = textOf(entry.schedule());
  kernel.declined = textsOf(entry.declined());
  // A symbolic dispatch names values, not counts.
  kernel.hasSymbolicWorkgroups =
      dispatch.opcode == FUSILLI_VM_DISPATCH_SYMBOLIC;
  if (!kernel.hasSymbolicWorkgroups)
    std::copy_n(dispatch.workgroupCount, 3, kernel.workgroups.begin());
  kernel.isInline = (dispatch.flags & FUSILLI_VM_DISPATCH_INLINE) != 0;
  kernel.isPrepared = isPrepared;
  kernel.scratchBytes = entry.local_memory();
  kernel.flops = entry.flops();
  kernel.bytes = entry.bytes();
  return kernel;
}

void appendKernels(const fbs::Artifact &artifact,
                   std::span<const uint32_t> words, bool isPrepared,
                   std::vector<KernelExplanation> &kernels) {
  size_t position = 0;
  while (position < words.size()) {
    auto instruction = artifact::decodeInstruction(words, position);
    if (!instruction.isOk())
      return; // not in a verified program
    if (instruction->isDispatch())
      kernels.push_back(
          explainKernel(*artifact.entries()->Get(instruction->entry),
                        *instruction, isPrepared));
  }
}

std::string join(const std::vector<std::string> &texts) {
  std::string all;
  for (const std::string &text : texts)
    all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string formatted(const char *format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

void appendKernelText(const Explanation &all, const KernelExplanation &kernel,
                      std::string &text) {
  text += "\n" + kernel.name + ": " + join(kernel.nodes) + "\n";
  if (!kernel.strategy.empty())
    text += "  strategy    " + kernel.strategy + "\n";
  for (const std::string &reason : kernel.declined)
    text += "  not         " + reason + "\n";
  if (!kernel.schedule.empty())
    text += "  schedule    " + kernel.schedule + "\n";
  text += "  runs        ";
  text += kernel.isPrepared ? "once, constants alone; " : "";
  text += kernel.hasSymbolicWorkgroups
              ? "workgroups by the extents"
              : std::to_string(kernel.workgroups[0]) + " x " +
                    std::to_string(kernel.workgroups[1]) + " x " +
                    std::to_string(kernel.workgroups[2]) + " workgroups";
  text += kernel.isInline ? ", on the calling thread\n" : "\n";
  text += "  work        " + std::to_string(kernel.flops) + " flops, " +
          std::to_string(kernel.bytes) + " bytes, scratch of " +
          std::to_string(kernel.scratchBytes) + " bytes a worker\n";
  if (kernel.microseconds <= 0)
    return;
  const double seconds = kernel.microseconds * 1e-6;
  text += "  time        " + formatted("%.2f us", kernel.microseconds) +
          formatted(", %.2f Gflop/s",
                    static_cast<double>(kernel.flops) / seconds * 1e-9) +
          formatted(", %.2f GB/s",
                    static_cast<double>(kernel.bytes) / seconds * 1e-9);
  if (double fraction = all.getRooflineFraction(kernel); fraction > 0)
    text += formatted(", %.2f of the roofline", fraction);
  text += "\n";
}

} // namespace

double Explanation::getRooflineFraction(const KernelExplanation &kernel) const {
  if (kernel.microseconds <= 0 || peaks.gflops <= 0 || peaks.gbps <= 0)
    return 0;
  const double least =
      std::max(static_cast<double>(kernel.flops) / (peaks.gflops * 1e9),
               static_cast<double>(kernel.bytes) / (peaks.gbps * 1e9));
  return least / (kernel.microseconds * 1e-6);
}

std::string Explanation::toText() const {
  std::string text =
      "graph '" + graph + "' for " + backend + " " + target + ", compiler " +
      compilerVersion + "\nworkspace " + std::to_string(workspaceBytes) +
      " bytes, kept of constants " + std::to_string(constantsBytes) +
      " bytes, code " + std::to_string(codeBytes) + " bytes, " +
      std::to_string(kernels.size()) + " dispatches\n";
  if (peaks.gflops > 0 && peaks.gbps > 0)
    text += formatted("peaks %.1f Gflop/s", peaks.gflops) +
            formatted(", %.1f GB/s", peaks.gbps) + "\n";
  for (const KernelExplanation &kernel : kernels)
    appendKernelText(*this, kernel, text);
  return text;
}

std::string Explanation::toJson() const {
  using Json = nlohmann::ordered_json;
  Json json = {{"graph", graph},
               {"backend", backend},
               {"target", target},
               {"compiler_version", compilerVersion},
               {"workspace_bytes", workspaceBytes},
               {"constants_bytes", constantsBytes},
               {"code_bytes", codeBytes},
               {"kernels", Json::array()}};
  if (peaks.gflops > 0 && peaks.gbps > 0)
    json["peaks"] = {{"gflops", peaks.gflops}, {"gbps", peaks.gbps}};
  for (const KernelExplanation &kernel : kernels) {
    Json entry = {{"name", kernel.name},
                  {"nodes", kernel.nodes},
                  {"strategy", kernel.strategy},
                  {"schedule", kernel.schedule},
                  {"declined", kernel.declined},
                  {"workgroups", kernel.hasSymbolicWorkgroups
                                     ? Json()
                                     : Json(kernel.workgroups)},
                  {"inline", kernel.isInline},
                  {"prepared", kernel.isPrepared},
                  {"scratch_bytes", kernel.scratchBytes},
                  {"flops", kernel.flops},
                  {"bytes", kernel.bytes}};
    if (kernel.microseconds > 0)
      entry["microseconds"] = kernel.microseconds;
    if (double fraction = getRooflineFraction(kernel); fraction > 0)
      entry["roofline"] = fraction;
    json["kernels"].push_back(std::move(entry));
  }
  // Names are bytes of the client's: what is no UTF-8 is replaced.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Explanation engine::explainProgram(const Program &program,
                                   const std::string &graph) {
  const fbs::Artifact &artifact = program.artifact();
  Explanation explanation;
  explanation.graph = graph;
  explanation.backend = textOf(artifact.backend());
  explanation.target = textOf(artifact.target());
  explanation.compilerVersion = textOf(artifact.compiler_version());
  explanation.workspaceBytes = program.workspaceSize();
  explanation.constantsBytes = program.preparedSize();
  if (const auto *executables = artifact.executables())
    for (const fbs::Executable *executable : *executables)
      if (executable->bytes())
        explanation.codeBytes += executable->bytes()->size();
  auto words = [](const flatbuffers::Vector<uint32_t> *vector) {
    return vector ? std::span(vector->data(), vector->size())
                  : std::span<const uint32_t>();
  };
  appendKernels(artifact, words(artifact.prepare()), true, explanation.kernels);
  appendKernels(artifact, words(artifact.program()), false,
                explanation.kernels);
  return explanation;
}

Status engine::timeKernels(const Program &program, vm::Arguments arguments,
                           unsigned repeats, Explanation &explanation) {
  repeats = std::max(1u, repeats);
  const size_t count = explanation.kernels.size();
  std::vector<std::vector<double>> times(count);
  std::vector<double> run;
  for (unsigned i = 0; i < repeats; ++i) {
    FUSILLI_STATUS_RETURN_IF_ERROR(program.profile(arguments, run));
    if (run.size() != count)
      return internalError(strCat("the program has ", run.size(),
                                  " dispatches, ", count, " are explained"));
    for (size_t k = 0; k < count; ++k)
      times[k].push_back(run[k]);
  }
  for (size_t k = 0; k < count; ++k) {
    auto middle = times[k].begin() + static_cast<ptrdiff_t>(repeats / 2);
    std::nth_element(times[k].begin(), middle, times[k].end());
    explanation.kernels[k].microseconds = *middle;
  }
  return okStatus();
}

ErrorOr<Explanation> Graph::explain() const {
  const engine::LoadedGraph *loaded = engine::loadedOf(*this);
  if (!loaded)
    return error(ErrorCode::NotCompiled,
                 "graph '" + getName() +
                     "' has no loaded program, call compile() or "
                     "loadFromArtifact() before explain()");
  return ok(engine::explainProgram(*loaded->program, getName()));
}

ErrorOr<Explanation> Graph::explain(const Handle &handle,
                                    const engine::VariantPack &pack,
                                    const std::shared_ptr<Buffer> &workspace,
                                    unsigned repeats) const {
  const engine::LoadedGraph *loaded = engine::loadedOf(*this);
  FUSILLI_CHECK_ERROR(engine::checkExecutable(*this, loaded, handle));
  std::vector<RefObject *> arguments(loaded->arguments.size() + 1);
  FUSILLI_CHECK_ERROR(engine::collectArguments(*this, *loaded, pack, workspace,
                                               arguments.data()));
  Explanation explanation = engine::explainProgram(*loaded->program, getName());
  Status status =
      engine::timeKernels(*loaded->program, arguments, repeats, explanation);
  if (!status.isOk())
    return engine::callFailed(*this, *loaded, arguments, std::move(status));
  return ok(std::move(explanation));
}

} // namespace fusilli
