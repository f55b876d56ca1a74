// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the reader of program text, up to kernels.

#include "compiler/Import/ImportText.h"
#include "tests/fuzz/front_half.h"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace fusilli;
  fuzz::FrontHalf &half = fuzz::FrontHalf::get();
  std::string error;
  auto module = compiler::importText(
      half.context(), {reinterpret_cast<const char *>(data), size}, error);
  if (module)
    half.run(std::move(module));
  return 0;
}
