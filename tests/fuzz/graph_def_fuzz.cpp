// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the readers of GraphDef bytes. What the graph's reader accepts
// is serialized, read again and printed as JSON; what the reference's reader
// accepts is evaluated if it is small.

#include "graph/graph_def.h"
#include "reference/evaluator.h"
#include "reference/program.h"
#include "tests/fuzz/graph_def_mutator.h"

#include <cstdlib>
#include <iostream>

namespace {

using namespace fusilli;

void require(const ErrorObject &status, const char *what) {
  if (isOk(status))
    return;
  std::cerr << what << ": " << status << "\n";
  std::abort();
}
void require(bool condition, const char *what) {
  if (condition)
    return;
  std::cerr << what << "\n";
  std::abort();
}

void readAsGraph(std::span<const uint8_t> bytes) {
  (void)ErrorObject(graph::graphDefToJson(bytes));
  (void)ErrorObject(graph::graphDefWithName(bytes, ""));
  ErrorOr<Graph> graph = Graph::deserialize(bytes);
  if (isError(graph))
    return;
  ErrorOr<std::vector<uint8_t>> first = graph->serialize();
  require(first, "an accepted graph is not serialized");
  ErrorOr<Graph> again = Graph::deserialize(*first);
  require(again, "own bytes are not read");
  ErrorOr<std::vector<uint8_t>> second = again->serialize();
  require(isOk(second) && *first == *second, "own bytes change");
  ErrorOr<std::string> json = graph::graphDefToJson(*first);
  require(json, "a graph is not printed");
  // Names that are not UTF-8 do not survive JSON; all else does.
  if (json->find("\xEF\xBF\xBD") == std::string::npos) {
    ErrorOr<std::vector<uint8_t>> fromJson = graph::graphDefFromJson(*json);
    require(fromJson, "own JSON is not read");
    require(*fromJson == *first, "JSON changes a graph");
  }
}

void readAsProgram(std::span<const uint8_t> bytes) {
  ErrorOr<reference::Program> program = reference::decodeProgram(bytes);
  if (isError(program))
    return;
  int64_t volume = 0;
  reference::Inputs inputs;
  for (const reference::TensorDef &tensor : program->tensors) {
    volume += tensor.spec.volume();
    if (volume > 512)
      return;
    if (!tensor.isInput || tensor.scalar)
      continue;
    ErrorOr<reference::Tensor> value = reference::Tensor::create(tensor.spec);
    require(value, "no tensor of an accepted program");
    for (int64_t i = 0; i < tensor.spec.volume(); ++i)
      value->setValue(i, static_cast<double>(i % 7) - 3);
    inputs.emplace(tensor.spec.name, std::move(*value));
  }
  (void)ErrorObject(reference::evaluateWithBounds(bytes, inputs));
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned int seed) {
  return fusilli::fuzz::mutateGraphDef(data, size, maxSize, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  readAsGraph({data, size});
  readAsProgram({data, size});
  return 0;
}
