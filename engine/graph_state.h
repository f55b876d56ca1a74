// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the engine keeps for one graph: its cache files and the loaded program
// with the tensors of its arguments in order, so that `execute` finds each
// buffer by one lookup of a pointer and nothing by name.
#ifndef ENGINE_GRAPH_STATE_H
#define ENGINE_GRAPH_STATE_H

#include "engine/graph_cache.h"
#include "engine/program.h"

#include "fusilli/attributes/tensor_attributes.h"
#include "graph/graph_runtime.h"

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

namespace fusilli::engine {

using TensorPtr = std::shared_ptr<TensorAttr>;

/// A program loaded for one graph. Replaced as a whole by the next load.
struct LoadedGraph {
  Backend backend = Backend::CPU;
  std::unique_ptr<Program> program;
  /// The tensors of the program's arguments: outputs, then inputs.
  std::vector<TensorPtr> arguments;
  size_t outputCount = 0;
  /// Tensors that have no place in a pack.
  std::vector<TensorPtr> virtualOutputs;
  std::vector<TensorPtr> scalarInputs;
  /// Whether getWorkspaceSize was called since this was loaded. Atomic: a
  /// thread may query while others execute.
  std::atomic<bool> workspaceQueried{false};
};

/// Thread safety: externally synchronised; `loaded` may be read concurrently.
class GraphState final : public detail::GraphRuntime {
public:
  GraphCache cache;
  std::unique_ptr<LoadedGraph> loaded; // null: nothing is loaded
};

} // namespace fusilli::engine

#endif // ENGINE_GRAPH_STATE_H
