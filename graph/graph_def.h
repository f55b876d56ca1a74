// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GraphDef, the stable bytes of one graph (graph_def.fbs): version rule,
// verification, and the ways between bytes, JSON text and Graph. The bytes are
// canonical: equal graphs give equal bytes, so they can be hashed.
//
// Version rule: a reader accepts exactly its own version. Fields are only ever
// appended to the schema; the version rises whenever an old reader could
// misread new bytes.

#ifndef GRAPH_GRAPH_DEF_H
#define GRAPH_GRAPH_DEF_H

#include <fusilli/graph/graph.h>
#include <fusilli/support/logging.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusilli {
namespace fbs {
struct GraphDef;
} // namespace fbs

namespace graph {

/// The version of GraphDef that this library writes.
inline constexpr uint32_t kGraphDefVersion = 1;

/// Whether this library reads GraphDef bytes of version `version`.
constexpr bool isAcceptedGraphDefVersion(uint32_t version) {
  return version == kGraphDefVersion;
}

/// GraphDef bytes are never larger than this.
inline constexpr size_t kMaxGraphDefBytes = size_t{1} << 30;

/// Checks identifier, structure and version of `bytes` and gives a view into
/// them: every offset in it is safe to follow. `bytes` lies at a multiple of 8,
/// as memory from the heap does. InvalidArgument otherwise. What
/// the graph means is not checked; `Graph::deserialize` does that.
ErrorOr<const fbs::GraphDef *> verifyGraphDef(std::span<const uint8_t> bytes);

/// The graph in `bytes`, not validated: fields that inference can fill may be
/// missing. InvalidArgument for tensors, slots or values that make no graph.
ErrorOr<Graph> decodeGraphDef(std::span<const uint8_t> bytes);

/// The canonical bytes with another graph name: what a cache key hashes is
/// `graphDefWithName(bytes, "")`. InvalidArgument as `verifyGraphDef`.
ErrorOr<std::vector<uint8_t>> graphDefWithName(std::span<const uint8_t> bytes,
                                               const std::string &name);

/// JSON text of GraphDef bytes, indented, for people and for tests. Slots and
/// tensors go by name. InvalidArgument as `verifyGraphDef`.
ErrorOr<std::string> graphDefToJson(std::span<const uint8_t> bytes);

/// Canonical GraphDef bytes of JSON text as `graphDefToJson` writes it. Strides
/// of inputs may be missing (row-major), as may all that inference can fill.
/// InvalidArgument for text that is no such JSON, or the error of `validate`.
ErrorOr<std::vector<uint8_t>> graphDefFromJson(std::string_view text);

} // namespace graph
} // namespace fusilli

#endif // GRAPH_GRAPH_DEF_H
