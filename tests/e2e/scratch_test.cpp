// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The local memory that the kernels of each graph take for a worker: at most
// 8 MiB whatever the problem, as Graph::explain() says.

#include "tests/e2e/shapes.h"

#include <functional>

namespace fusilli::e2e {
namespace {

constexpr uint64_t kMostScratchBytes = 8 << 20;

/// Compiles the graph for each target and holds every kernel against the limit.
void expectLittleScratch(Case &c) {
  ErrorObject status = c.graph.validate();
  ASSERT_TRUE(isOk(status)) << c.describe() << ": " << status;
  const Handle &handle = handleWithThreads(1);
  for (const std::string &target : Settings::get().targets) {
    setenv("FUSILLI_TARGET", target.c_str(), 1);
    status = c.graph.compile(handle, /*remove=*/true);
    unsetenv("FUSILLI_TARGET");
    ASSERT_TRUE(isOk(status)) << c.describe() << ": " << status;
    auto explanation = c.graph.explain();
    ASSERT_TRUE(isOk(explanation)) << ErrorObject(explanation);
    EXPECT_FALSE(explanation->kernels.empty());
    for (const KernelExplanation &kernel : explanation->kernels)
      EXPECT_LE(kernel.scratchBytes, kMostScratchBytes)
          << c.describe() << " for " << target << ": " << kernel.schedule;
  }
}

} // namespace
} // namespace fusilli::e2e
