// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For unit tests of emitted code: builds an element-wise kernel around a
// function that emits one value, takes it through the LLVM stage and the code
// image, and maps the image into this process.
#ifndef TESTS_CODEGEN_KERNEL_RUNNER_H
#define TESTS_CODEGEN_KERNEL_RUNNER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fusilli::compiler::test {

/// A mapped kernel. Check `error` first: empty when all went well.
struct Kernel {
  std::string error;
  std::shared_ptr<void> image; ///< unmaps the code when the last copy goes
  void *entry = nullptr;

  /// Runs on elements [0, count) of each binding, inputs first, then output.
  void run(std::vector<const void *> bindings, int64_t count) const;
};

/// Emits the result from the inputs: vectors, or scalars for one lane.
using Emit =
    std::function<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

/// `elements`: textual types of the bindings, the output last. i1 bindings are
/// stored as bytes. `lanes` divides every count that is run.
Kernel compileKernel(const std::string &target,
                     const std::vector<std::string> &elements, int64_t maxCount,
                     int64_t lanes, const Emit &emit);

} // namespace fusilli::compiler::test

#endif // TESTS_CODEGEN_KERNEL_RUNNER_H
