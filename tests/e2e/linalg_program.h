// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random programs of linalg on tensors, for custom ops: each is generated as a
// description, from which its text is printed and, independently of MLIR, its
// results are computed. Numbers are small, so that sums of floats are exact in
// any order; integers wrap.

#ifndef TESTS_E2E_LINALG_PROGRAM_H
#define TESTS_E2E_LINALG_PROGRAM_H

#include "tests/e2e/harness.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fusilli::e2e {

/// A number of either kind; which one is its tensor's matter.
union Number {
  double f;
  int64_t i;
};

/// A tensor of a program, contents in row-major logical order.
struct ProgramTensor {
  DataType type;
  Dims dims;
  std::vector<Number> values;
  double bound = 0.0; ///< of the magnitude of float values
};

/// A generated program with inputs and results.
struct LinalgProgram {
  std::string text; ///< with the placeholder {FUNC_NAME}
  std::string kind; ///< what is special in it, for messages
  std::vector<ProgramTensor> inputs, results;
};

/// The program that `random` gives next.
LinalgProgram makeLinalgProgram(Random &random);

} // namespace fusilli::e2e

#endif // TESTS_E2E_LINALG_PROGRAM_H
