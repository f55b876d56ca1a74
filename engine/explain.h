// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An artifact explained: what its entries and host programs say.
#ifndef ENGINE_EXPLAIN_H
#define ENGINE_EXPLAIN_H

#include "engine/program.h"

#include "fusilli/graph/explanation.h"

#include <span>
#include <string>

namespace fusilli::engine {

/// Without times. `program` is loaded, so that what it says is verified.
Explanation explainProgram(const Program &program, const std::string &graph);

/// Runs the program `repeats` times, kernel by kernel, and sets the median time
/// of each in `explanation`, which explainProgram made from it.
Status timeKernels(const Program &program, vm::Arguments arguments,
                   unsigned repeats, Explanation &explanation);

} // namespace fusilli::engine

#endif // ENGINE_EXPLAIN_H
