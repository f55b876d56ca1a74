// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the engine, the compiler's tests and the reference see of a graph beyond
// its public interface.

#ifndef GRAPH_GRAPH_ACCESS_H
#define GRAPH_GRAPH_ACCESS_H

#include <fusilli/graph/graph.h>

#include "graph/graph_runtime.h"

#include <memory>
#include <vector>

namespace fusilli::detail {

/// The library's view into a Graph. Borrowed references live as long as the
/// graph and change with it.
struct GraphAccess {
  using TensorPtr = std::shared_ptr<TensorAttr>;

  /// Whether `validate` succeeded once.
  static bool isValidated(const Graph &graph) { return graph.isValidated_; }
  /// All graph inputs, scalars included, sorted by name; as of the last
  /// `validate`. The program's inputs are those that are not scalars.
  static const std::vector<TensorPtr> &inputs(const Graph &graph) {
    return graph.sortedInputs_;
  }
  /// All outputs of nodes, virtual ones included, sorted by name; as of the
  /// last `validate`. The program's outputs are those that are not virtual.
  static const std::vector<TensorPtr> &outputs(const Graph &graph) {
    return graph.sortedOutputs_;
  }
  /// The nodes in order of creation, which is a topological order.
  static const std::vector<std::shared_ptr<INode>> &nodes(const Graph &graph) {
    return graph.subNodes_;
  }
  /// What the engine keeps for this graph; null at first.
  static std::unique_ptr<GraphRuntime> &runtime(Graph &graph) {
    return graph.runtime_;
  }
  static const GraphRuntime *runtime(const Graph &graph) {
    return graph.runtime_.get();
  }

  /// For the decoder: adds a tensor with all its properties given, as a graph
  /// input or as the output of a node to come.
  static TensorPtr addInput(Graph &graph, TensorAttr attr);
  static TensorPtr addOutput(Graph &graph, TensorAttr attr);
  static void addNode(Graph &graph, std::shared_ptr<INode> node);
};

} // namespace fusilli::detail

#endif // GRAPH_GRAPH_ACCESS_H
