// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A problem as a graph of the public API.
#ifndef BENCHMARKS_GRAPH_H
#define BENCHMARKS_GRAPH_H

#include "benchmarks/data.h"

#include <fusilli.h>

#include <memory>
#include <vector>

namespace fusilli::bench {

using TensorPtr = std::shared_ptr<TensorAttr>;

/// Fusilli's type for an element type.
DataType graphType(ElementType type);

/// A validated graph of a problem with its tensors, inputs in the order of
/// inputSpecs().
struct ProblemGraph {
  std::unique_ptr<Graph> graph;
  std::vector<TensorPtr> inputs;
  TensorPtr output;
  std::vector<TensorPtr> statistics; ///< further outputs, of batchnorm
};

/// Builds and validates the graph of a problem. Intermediate values of f16 and
/// bf16 problems are f32, rounded once at the end.
ErrorOr<ProblemGraph> buildGraph(const Problem &problem);

} // namespace fusilli::bench

#endif // BENCHMARKS_GRAPH_H
