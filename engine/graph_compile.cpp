// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The members of Graph that compile and load: GraphDef bytes go to the compile
// cache or the compiler, artifact bytes to the runtime.
#include "engine/access.h"
#include "engine/graph_arguments.h"
#include "engine/graph_state.h"
#include "engine/status_error.h"

#include "fusilli/graph/graph.h"
#include "graph/graph_access.h"

#include <algorithm>

namespace fusilli {
namespace {

using detail::GraphAccess;
using engine::GraphState;
using engine::LoadedGraph;

GraphState &stateOf(Graph &graph) {
  std::unique_ptr<detail::GraphRuntime> &runtime = GraphAccess::runtime(graph);
  if (!runtime)
    runtime = std::make_unique<GraphState>();
  return static_cast<GraphState &>(*runtime);
}

ErrorObject checkValidated(const Graph &graph, const char *call) {
  if (GraphAccess::isValidated(graph))
    return ok();
  return error(ErrorCode::NotValidated,
               "graph '" + graph.getName() +
                   "' is not validated, call validate() before " + call);
}

std::string dimsText(std::span<const int64_t> dims) {
  std::string text = "{";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "}";
}

// Whether the program's argument is the graph's tensor.
ErrorObject checkArgument(const std::string &graphName,
                          const TensorAttr &tensor, const vm::ProgramArg &arg) {
  const std::string where =
      "the artifact does not fit graph '" + graphName + "': ";
  if (tensor.getName() != arg.name)
    return error(ErrorCode::InvalidArgument,
                 where + "expected tensor '" + tensor.getName() +
                     "', the artifact has '" + std::string(arg.name) + "'");
  hal::ElementType type =
      vm::elementTypeOfDataType(static_cast<uint8_t>(tensor.getDataType()));
  if (type != arg.elementType)
    return error(ErrorCode::InvalidArgument,
                 where + "tensor '" + tensor.getName() + "' has type " +
                     hal::elementTypeName(type) + ", the artifact has " +
                     hal::elementTypeName(arg.elementType));
  const std::vector<int64_t> &dims = tensor.getDim();
  const std::vector<int64_t> &strides = tensor.getStride();
  if (tensor.hasDynamicDims() || !arg.dimSymbols.empty()) {
    // Representative extents, and what follows of them, may differ.
    std::vector<int64_t> physical = tensor.getPhysicalDim();
    std::vector<int64_t> order = tensor.getLogicalToPhysicalPermuteOrder();
    bool fits = physical.size() == arg.dims.size();
    for (size_t i = 0; fits && i < physical.size(); ++i) {
      bool isDynamic = !arg.dimSymbols.empty() && arg.dimSymbols[i] >= 0;
      if (isDynamic != tensor.isDynamicDim(static_cast<size_t>(order[i])))
        return error(ErrorCode::InvalidArgument,
                     where + "dim " + std::to_string(order[i]) +
                         " of tensor '" + tensor.getName() + "' is " +
                         (isDynamic ? "static" : "dynamic") +
                         ", in the artifact it is not");
      fits = isDynamic || physical[i] == arg.dims[i];
    }
    if (fits)
      return ok();
  }
  bool isSame = std::ranges::equal(dims, arg.extents) &&
                strides.size() == arg.strides.size();
  for (size_t i = 0; isSame && i < dims.size(); ++i)
    isSame = dims[i] == 1 || strides[i] == arg.strides[i];
  if (!isSame || tensor.hasDynamicDims())
    return error(ErrorCode::InvalidArgument,
                 where + "tensor '" + tensor.getName() + "' has dims " +
                     dimsText(dims) + " and strides " + dimsText(strides) +
                     ", the artifact has " + dimsText(arg.extents) + " and " +
                     dimsText(arg.strides));
  return ok();
}

// Sorts the graph's tensors into those a pack must and must not hold, and
// checks the former against the program's signature.
ErrorObject matchArguments(const Graph &graph, LoadedGraph &loaded) {
  for (const auto &tensor : GraphAccess::outputs(graph))
    (tensor->isVirtual() ? loaded.virtualOutputs : loaded.arguments)
        .push_back(tensor);
  loaded.outputCount = loaded.arguments.size();
  for (const auto &tensor : GraphAccess::inputs(graph))
    (tensor->isScalar() ? loaded.scalarInputs : loaded.arguments)
        .push_back(tensor);

  std::span<const vm::ProgramArg> args = loaded.program->args();
  size_t outputs = 0;
  while (outputs < args.size() && args[outputs].isOutput)
    ++outputs;
  if (args.size() != loaded.arguments.size() || outputs != loaded.outputCount)
    return error(
        ErrorCode::InvalidArgument,
        "the artifact does not fit graph '" + graph.getName() +
            "': the graph has " + std::to_string(loaded.outputCount) +
            " outputs and " +
            std::to_string(loaded.arguments.size() - loaded.outputCount) +
            " inputs, the artifact " + std::to_string(outputs) + " and " +
            std::to_string(args.size() - outputs));
  for (size_t i = 0; i < args.size(); ++i)
    FUSILLI_CHECK_ERROR(
        checkArgument(graph.getName(), *loaded.arguments[i], args[i]));
  return ok();
}

} // namespace

ErrorObject Graph::compile(const Handle &handle, bool remove) {
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> artifact,
                           compileToArtifact(handle.getBackend(), remove));
  return loadFromArtifact(handle, artifact);
}

ErrorOr<std::vector<uint8_t>> Graph::compileToArtifact(Backend backend,
                                                       bool remove) {
  FUSILLI_CHECK_ERROR(checkValidated(*this, "compileToArtifact()"));
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> graphDef, serialize());
  return stateOf(*this).cache.compile(
      {.graphName = getName(),
       .backend = backend,
       .input = {.program = graphDef, .isText = false},
       .remove = remove});
}

ErrorObject Graph::loadFromArtifact(const Handle &handle,
                                    std::span<const uint8_t> artifact) {
  FUSILLI_CHECK_ERROR(checkValidated(*this, "loadFromArtifact()"));
  GraphState &state = stateOf(*this);
  state.loaded.reset();
  const auto *impl = detail::EngineAccess::impl(handle);
  if (!impl)
    return error(ErrorCode::InvalidArgument,
                 "graph '" + getName() +
                     "' cannot be loaded, the handle was moved from");
  auto loaded = std::make_unique<LoadedGraph>();
  loaded->backend = impl->backend;
  StatusOr<std::unique_ptr<engine::Program>> program = engine::Program::load(
      impl->instance, impl->devices, artifact, kBackendToStr.at(impl->backend));
  if (!program.isOk())
    return engine::toErrorObject(std::move(program).status(),
                                 "cannot load the artifact of graph '" +
                                     getName() + "'");
  loaded->program = *std::move(program);
  FUSILLI_CHECK_ERROR(matchArguments(*this, *loaded));
  state.loaded = std::move(loaded);
  return ok();
}

ErrorOr<std::string> Graph::emitAsm() {
  FUSILLI_CHECK_ERROR(checkValidated(*this, "emitAsm()"));
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> graphDef, serialize());
  FUSILLI_ASSIGN_OR_RETURN(const engine::Compiler *compiler,
                           engine::Compiler::get());
  return compiler->emitText(graphDef);
}

ErrorOr<std::filesystem::path>
Graph::getCompiledArtifact(Backend backend, const std::string &text,
                           bool remove, std::optional<bool> *reCompiled) {
  std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t *>(text.data()),
                                 text.size());
  FUSILLI_ASSIGN_OR_RETURN(engine::GraphCache::File result,
                           stateOf(*this).cache.compileToFile(
                               {.graphName = getName(),
                                .backend = backend,
                                .input = {.program = bytes, .isText = true},
                                .remove = remove}));
  if (reCompiled)
    *reCompiled = result.compiled;
  return ok(std::move(result.artifactPath));
}

ErrorOr<std::string> Graph::readCompilationCacheFile(CachedAssetsType type) {
  return stateOf(*this).cache.read(type);
}

ErrorOr<std::optional<size_t>> Graph::getConstantsSize() const {
  const LoadedGraph *loaded = engine::loadedOf(*this);
  if (!loaded)
    return ok(std::optional<size_t>());
  return ok(std::optional<size_t>(loaded->program->preparedSize()));
}

size_t Graph::getConstantsInUse() const {
  const LoadedGraph *loaded = engine::loadedOf(*this);
  return loaded ? loaded->program->preparedBytes() : 0;
}

size_t Graph::releaseConstants() const {
  const LoadedGraph *loaded = engine::loadedOf(*this);
  return loaded ? loaded->program->releasePrepared() : 0;
}

ErrorOr<std::optional<size_t>> Graph::getWorkspaceSize() {
  LoadedGraph *loaded = stateOf(*this).loaded.get();
  if (!loaded)
    return ok(std::optional<size_t>());
  if (loaded->program->hasSymbolicWorkspace())
    return error(ErrorCode::NotImplemented,
                 "graph '" + getName() +
                     "' needs a workspace whose size depends on its dynamic "
                     "dims: call getWorkspaceSize() with the variant pack");
  loaded->workspaceQueried.store(true, std::memory_order_relaxed);
  return ok(std::optional<size_t>(loaded->program->workspaceSize()));
}

ErrorOr<size_t> Graph::getWorkspaceSize(
    const std::unordered_map<TensorPtr, std::shared_ptr<Buffer>> &variantPack) {
  LoadedGraph *loaded = stateOf(*this).loaded.get();
  if (!loaded)
    return error(ErrorCode::NotCompiled,
                 "graph '" + getName() +
                     "' has no loaded program, call compile() or "
                     "loadFromArtifact() before getWorkspaceSize()");
  std::vector<RefObject *> arguments(loaded->arguments.size() + 1);
  FUSILLI_CHECK_ERROR(
      engine::collectTensors(*this, *loaded, variantPack, arguments.data()));
  StatusOr<uint64_t> size = loaded->program->workspaceSize(arguments);
  if (!size.isOk())
    return engine::callFailed(*this, *loaded, arguments,
                              std::move(size).status());
  loaded->workspaceQueried.store(true, std::memory_order_relaxed);
  return ok(static_cast<size_t>(*size));
}

} // namespace fusilli
