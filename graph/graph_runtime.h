// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The engine's part of a graph. The graph owns it, destroys it and carries it
// along when it moves, but knows nothing else of it, so that this layer builds
// and is tested without compiler and runtime.

#ifndef GRAPH_GRAPH_RUNTIME_H
#define GRAPH_GRAPH_RUNTIME_H

namespace fusilli::detail {

/// Base of what the engine keeps for one graph: the loaded program, its cache
/// files. Derived from in engine/ only.
class GraphRuntime {
public:
  GraphRuntime() = default;
  GraphRuntime(const GraphRuntime &) = delete;
  GraphRuntime &operator=(const GraphRuntime &) = delete;
  virtual ~GraphRuntime();
};

} // namespace fusilli::detail

#endif // GRAPH_GRAPH_RUNTIME_H
