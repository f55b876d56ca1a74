// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Graph::execute, bind and executeAsync share: the checks of the contract
// and the arguments of a call in order.
#ifndef ENGINE_GRAPH_ARGUMENTS_H
#define ENGINE_GRAPH_ARGUMENTS_H

#include "engine/graph_state.h"

#include "fusilli/backend/buffer.h"
#include "fusilli/backend/handle.h"
#include "fusilli/graph/graph.h"

#include <memory>
#include <unordered_map>

namespace fusilli::engine {

using VariantPack = std::unordered_map<TensorPtr, std::shared_ptr<Buffer>>;

/// The loaded program of a graph; null when there is none.
const LoadedGraph *loadedOf(const Graph &graph);
/// Why the graph cannot be executed with this handle; OK when it can.
ErrorObject checkExecutable(const Graph &graph, const LoadedGraph *loaded,
                            const Handle &handle);
/// Finds the buffers of all arguments; `arguments` has room for as many.
/// Borrowed from the pack.
ErrorObject collectTensors(const Graph &graph, const LoadedGraph &loaded,
                           const VariantPack &pack, RefObject **arguments);
/// The same, and the workspace behind them.
ErrorObject collectArguments(const Graph &graph, const LoadedGraph &loaded,
                             const VariantPack &pack,
                             const std::shared_ptr<Buffer> &workspace,
                             RefObject **arguments);
/// The public error of a failed call.
ErrorObject callFailed(const Graph &graph, const LoadedGraph &loaded,
                       vm::Arguments arguments, Status status);

} // namespace fusilli::engine

#endif // ENGINE_GRAPH_ARGUMENTS_H
