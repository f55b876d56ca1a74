// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Changes GraphDef bytes as a graph, not as bytes: tensors, shapes, edges and
// attributes, so that mutants get past the structure's verifier.

#ifndef TESTS_FUZZ_GRAPH_DEF_MUTATOR_H
#define TESTS_FUZZ_GRAPH_DEF_MUTATOR_H

#include <cstddef>
#include <cstdint>

namespace fusilli::fuzz {

/// libFuzzer's custom mutator for GraphDef bytes; what is none, and now and
/// then what is one, is changed bytewise.
size_t mutateGraphDef(uint8_t *data, size_t size, size_t maxSize,
                      unsigned seed);

} // namespace fusilli::fuzz

#endif // TESTS_FUZZ_GRAPH_DEF_MUTATOR_H
