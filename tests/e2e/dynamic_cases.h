// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the suites of graphs with dynamic dims share.

#ifndef TESTS_E2E_DYNAMIC_CASES_H
#define TESTS_E2E_DYNAMIC_CASES_H

#include "tests/e2e/harness.h"

#include <initializer_list>
#include <numeric>
#include <vector>

namespace fusilli::e2e {

/// Representative extents; what runs need not have them.
inline constexpr int64_t kN = 16, kM = 24;

inline TensorPtr dynamic(TensorPtr tensor, std::initializer_list<size_t> dims) {
  tensor->setDynamicDims(dims);
  return tensor;
}

/// One set of inputs for each extent of kN.
inline std::vector<reference::Inputs>
rowsFrom(Case &problem, const std::vector<int64_t> &extents,
         Data data = Data::Normal) {
  std::vector<reference::Inputs> shapes;
  for (int64_t extent : extents)
    shapes.push_back(problem.inputsOf({{kN, extent}}, data));
  return shapes;
}

inline std::vector<int64_t> upTo(int64_t last) {
  std::vector<int64_t> extents(static_cast<size_t>(last));
  std::iota(extents.begin(), extents.end(), 1);
  return extents;
}

} // namespace fusilli::e2e

#endif // TESTS_E2E_DYNAMIC_CASES_H
