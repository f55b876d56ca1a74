// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference evaluates the sample's graph; the comparison is its own.

#include "benchmarks/check.h"
#include "benchmarks/graph.h"

#include "reference/evaluator.h"

#include <span>

namespace fusilli::bench {

ErrorOr<CheckResult> checkSample(const SampledProblem &sample) {
  // What is declared of extents and constants does not change the values.
  Problem problem = sample.data.problem;
  problem.dynamic = problem.constant = false;
  problem.representative = 0;
  FUSILLI_ASSIGN_OR_RETURN(ProblemGraph built, buildGraph(problem));
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> graph,
                           built.graph->serialize());
  reference::Inputs inputs;
  std::vector<TensorSpec> specs = inputSpecs(problem);
  for (size_t i = 0; i < specs.size(); ++i) {
    const auto *bytes =
        reinterpret_cast<const uint8_t *>(sample.data.inputs[i].data());
    FUSILLI_ASSIGN_OR_RETURN(
        reference::Tensor tensor,
        reference::Tensor::create(
            {specs[i].name, graphType(problem.type), specs[i].dims,
             specs[i].strides},
            {bytes, bytes + sample.data.inputs[i].size()}));
    inputs.emplace(specs[i].name, std::move(tensor));
  }
  auto expected = reference::evaluateWithBounds(graph, inputs);
  FUSILLI_CHECK_ERROR(ErrorObject(expected));
  auto found = expected->find(outputSpec(problem).name);
  FUSILLI_RETURN_ERROR_IF(found == expected->end(), ErrorCode::InternalError,
                          "the reference gave no output");
  std::span<const uint8_t> actual(
      reinterpret_cast<const uint8_t *>(sample.result.data()),
      sample.result.size());
  FUSILLI_ASSIGN_OR_RETURN(reference::CheckResult verdict,
                           reference::check(found->second, actual));
  return CheckResult{verdict.error, verdict.bound};
}

} // namespace fusilli::bench
