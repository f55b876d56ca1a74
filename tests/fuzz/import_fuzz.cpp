// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the compiler's reader of GraphDef, up to kernels.

#include "compiler/Import/ImportGraph.h"
#include "tests/fuzz/front_half.h"
#include "tests/fuzz/graph_def_mutator.h"

#include <cstdlib>

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned int seed) {
  return fusilli::fuzz::mutateGraphDef(data, size, maxSize, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace fusilli;
  fuzz::FrontHalf &half = fuzz::FrontHalf::get();
  auto graph = compiler::importGraph(half.context(), {data, size});
  if (!graph.module && graph.error.kind == compiler::ImportError::Kind::None)
    std::abort();
  if (graph.module)
    half.run(std::move(graph.module));
  return 0;
}
