// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The structure of GraphDef bytes, checked in one place for all three readers:
// the graph, the compiler's import and the reference evaluator. Needs nothing
// but FlatBuffers.

#ifndef GRAPH_GRAPH_DEF_CHECK_H
#define GRAPH_GRAPH_DEF_CHECK_H

#include <cstdint>
#include <span>

namespace fusilli::graph {

/// What keeps bytes from being a GraphDef of this version.
enum class GraphDefDefect {
  None,
  TooShort,
  TooLong,
  Identifier,
  Corrupt, ///< tables are damaged or missing, or parts used twice
  Version,
};

/// None if every offset in `bytes` is safe to follow and what they unpack to is
/// not much larger than they are: bytes that name one list from many places
/// are refused. `bytes` lies at a multiple of 8.
GraphDefDefect findGraphDefDefect(std::span<const uint8_t> bytes);

} // namespace fusilli::graph

#endif // GRAPH_GRAPH_DEF_CHECK_H
