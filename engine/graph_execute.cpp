// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graph::execute: checks in the order that the interface promises, one lookup
// by pointer per argument, and the call. The good path allocates nothing and
// takes no lock; every failure goes through the slow functions below.
#include "engine/access.h"
#include "engine/graph_arguments.h"
#include "engine/status_error.h"

#include "fusilli/graph/graph.h"
#include "graph/graph_access.h"

#include <array>
#include <optional>

namespace fusilli {
namespace {

using engine::GraphState;
using engine::LoadedGraph;
using engine::TensorPtr;
using engine::VariantPack;

// Arguments of one call: on the stack, or for large programs in memory that the
// thread keeps.
class ArgumentArray {
public:
  explicit ArgumentArray(size_t size) : size_(size) {
    if (size > inline_.size()) {
      thread_local std::vector<RefObject *> large;
      if (large.size() < size)
        large.resize(size);
      data_ = large.data();
    }
  }
  RefObject **data() { return data_; }
  vm::Arguments span() const { return {data_, size_}; }

private:
  std::array<RefObject *, 32> inline_;
  RefObject **data_ = inline_.data();
  size_t size_;
};

std::string nameOf(Backend backend) {
  auto it = kBackendToStr.find(backend);
  return it != kBackendToStr.end() ? it->second : "UNKNOWN_BACKEND";
}

[[gnu::cold]] ErrorObject illegal(const Graph &graph, const TensorPtr &tensor,
                                  const char *kind) {
  return error(ErrorCode::VariantPackError,
               std::string(kind) + " '" + tensor->getName() + "' of graph '" +
                   graph.getName() + "' must not be in the variant pack");
}

[[gnu::cold]] ErrorObject missing(const Graph &graph, const TensorPtr &tensor,
                                  const VariantPack &pack, const char *kind) {
  auto it = pack.find(tensor);
  const char *why = it == pack.end() ? " is missing in the variant pack"
                    : !it->second    ? " has a null buffer in the variant pack"
                                     : " has a buffer that was moved from";
  return error(ErrorCode::VariantPackError,
               std::string(kind) + " '" + tensor->getName() + "' of graph '" +
                   graph.getName() + "'" + why);
}

hal::BufferView *findView(const VariantPack &pack, const TensorPtr &tensor) {
  auto it = pack.find(tensor);
  return it != pack.end() && it->second
             ? detail::EngineAccess::view(*it->second)
             : nullptr;
}

// Names the first tensor that breaks a rule, in the promised order: outputs by
// name, then inputs by name. OK when none does.
[[gnu::cold]] ErrorObject checkPack(const Graph &graph,
                                    const VariantPack &pack) {
  for (const TensorPtr &tensor : detail::GraphAccess::outputs(graph)) {
    if (tensor->isVirtual() ? pack.contains(tensor) : false)
      return illegal(graph, tensor, "virtual tensor");
    if (!tensor->isVirtual() && !findView(pack, tensor))
      return missing(graph, tensor, pack, "output");
  }
  for (const TensorPtr &tensor : detail::GraphAccess::inputs(graph)) {
    if (tensor->isScalar() && pack.contains(tensor))
      return illegal(graph, tensor, "scalar");
    if (!tensor->isScalar() && !findView(pack, tensor))
      return missing(graph, tensor, pack, "input");
  }
  return ok();
}

[[gnu::cold]] ErrorObject
checkState(const Graph &graph, const LoadedGraph *loaded, Backend backend) {
  const std::string name = "graph '" + graph.getName() + "'";
  if (!loaded)
    return error(ErrorCode::NotCompiled,
                 name + " has no loaded program, call compile() or "
                        "loadFromArtifact() before execute()");
  if (!kBackendToStr.contains(backend))
    return error(ErrorCode::InternalError,
                 name + " was given a handle of unknown backend " +
                     std::to_string(static_cast<int>(backend)));
  if (backend != loaded->backend)
    return error(ErrorCode::InvalidArgument,
                 name + " was loaded for backend " + nameOf(loaded->backend) +
                     " and is executed with a handle of backend " +
                     nameOf(backend));
  return error(ErrorCode::InvalidArgument,
               name + ": call getWorkspaceSize() after loading and before "
                      "execute()");
}

[[gnu::cold]] ErrorObject workspaceTooSmall(const Graph &graph,
                                            uint64_t required,
                                            std::optional<uint64_t> given) {
  const std::string text = "graph '" + graph.getName() +
                           "' needs a workspace of " +
                           std::to_string(required) + " bytes, ";
  return error(ErrorCode::InvalidArgument,
               given ? text + std::to_string(*given) + " bytes were given"
                     : text + "none was given");
}

// Whether an output shares memory with another argument. Only for telling a
// refused overlap from other invalid arguments.
[[gnu::cold]] bool outputsOverlap(const LoadedGraph &loaded,
                                  vm::Arguments arguments) {
  auto range = [&](size_t i) {
    auto *buffer = i + 1 < arguments.size()
                       ? static_cast<hal::BufferView *>(arguments[i])->buffer()
                       : static_cast<hal::Buffer *>(arguments[i]);
    uint64_t begin = buffer ? buffer->devicePointer() : 0;
    return std::pair(begin, begin + (buffer ? buffer->byteLength() : 0));
  };
  for (size_t i = 0; i < loaded.outputCount; ++i)
    for (size_t j = 0; j < arguments.size(); ++j)
      if (auto a = range(i), b = range(j);
          i != j && a.first < b.second && b.first < a.second)
        return true;
  return false;
}

} // namespace

[[gnu::cold]] ErrorObject engine::callFailed(const Graph &graph,
                                             const LoadedGraph &loaded,
                                             vm::Arguments arguments,
                                             Status status) {
  if (loaded.program->hasSymbolicWorkspace()) {
    // Not checked before the call: it takes the extents of all arguments.
    StatusOr<uint64_t> required = loaded.program->workspaceSize(arguments);
    auto *workspace = static_cast<hal::Buffer *>(arguments.back());
    uint64_t given = workspace != nullptr ? workspace->byteLength() : 0;
    if (required.isOk() && given < *required)
      return workspaceTooSmall(graph, *required,
                               workspace ? std::optional(given) : std::nullopt);
  }
  ErrorCode code = status.code() == StatusCode::InvalidArgument &&
                           outputsOverlap(loaded, arguments)
                       ? ErrorCode::InvalidArgument
                       : ErrorCode::RuntimeFailure;
  return engine::toErrorObject(std::move(status),
                               "graph '" + graph.getName() + "' failed", code);
}

const LoadedGraph *engine::loadedOf(const Graph &graph) {
  const auto *state =
      static_cast<const GraphState *>(detail::GraphAccess::runtime(graph));
  return state ? state->loaded.get() : nullptr;
}

ErrorObject engine::checkExecutable(const Graph &graph,
                                    const LoadedGraph *loaded,
                                    const Handle &handle) {
  const Backend backend = handle.getBackend();
  if (!loaded || backend != loaded->backend ||
      !loaded->workspaceQueried.load(std::memory_order_relaxed)) [[unlikely]]
    return checkState(graph, loaded, backend);
  return ok();
}

ErrorObject engine::collectTensors(const Graph &graph,
                                   const LoadedGraph &loaded,
                                   const VariantPack &pack,
                                   RefObject **arguments) {
  const size_t count = loaded.arguments.size();
  size_t found = 0;
  for (; found < count; ++found) {
    hal::BufferView *view = findView(pack, loaded.arguments[found]);
    if (!view) [[unlikely]]
      break;
    arguments[found] = view;
  }
  // A pack of as many entries as arguments, all found, holds nothing else.
  if (found != count || (pack.size() != count)) [[unlikely]]
    FUSILLI_CHECK_ERROR(checkPack(graph, pack));
  return ok();
}

ErrorObject engine::collectArguments(const Graph &graph,
                                     const LoadedGraph &loaded,
                                     const VariantPack &pack,
                                     const std::shared_ptr<Buffer> &workspace,
                                     RefObject **arguments) {
  FUSILLI_CHECK_ERROR(collectTensors(graph, loaded, pack, arguments));
  const size_t count = loaded.arguments.size();
  const hal::BufferView *workspaceView =
      workspace ? detail::EngineAccess::view(*workspace) : nullptr;
  const uint64_t required = loaded.program->workspaceSize();
  if (required > 0) {
    if (!workspaceView || workspaceView->byteLength() < required) [[unlikely]]
      return workspaceTooSmall(
          graph, required,
          workspaceView ? std::optional<uint64_t>(workspaceView->byteLength())
                        : std::nullopt);
    arguments[count] = workspaceView->buffer();
  } else if (loaded.program->hasSymbolicWorkspace()) {
    arguments[count] = workspaceView ? workspaceView->buffer() : nullptr;
  } else {
    if (workspaceView) [[unlikely]]
      FUSILLI_LOG_LABEL_ENDL(
          "warning: graph '"
          << graph.getName() << "' needs no workspace, the given one of "
          << workspaceView->byteLength() << " bytes is ignored");
    arguments[count] = nullptr;
  }
  return ok();
}

ErrorObject Graph::execute(const Handle &handle, const VariantPack &pack,
                           const std::shared_ptr<Buffer> &workspace) const {
  const LoadedGraph *loaded = engine::loadedOf(*this);
  FUSILLI_CHECK_ERROR(engine::checkExecutable(*this, loaded, handle));
  ArgumentArray arguments(loaded->arguments.size() + 1);
  FUSILLI_CHECK_ERROR(engine::collectArguments(*this, *loaded, pack, workspace,
                                               arguments.data()));
  Status status = loaded->program->invoke(arguments.span());
  if (!status.isOk()) [[unlikely]]
    return engine::callFailed(*this, *loaded, arguments.span(),
                              std::move(status));
  return ok();
}

} // namespace fusilli
