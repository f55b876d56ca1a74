// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graphs with dynamic dims: for given inputs they are static graphs.

#ifndef REFERENCE_DYNAMIC_DIMS_H
#define REFERENCE_DYNAMIC_DIMS_H

#include "reference/evaluator.h"

namespace fusilli::reference {

/// The graph with the extents of `inputs` in place of the representative ones,
/// in tensors of the same order of dims; the bytes as they are if nothing in it
/// is dynamic. InvalidArgument for bytes that are no graph, a missing input,
/// and extents that differ where the graph has one. Thread-safe.
ErrorOr<std::vector<uint8_t>> withExtentsOf(std::span<const uint8_t> graphDef,
                                            const Inputs &inputs);

} // namespace fusilli::reference

#endif // REFERENCE_DYNAMIC_DIMS_H
