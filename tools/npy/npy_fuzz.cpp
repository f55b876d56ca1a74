// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the reader of .npy files. What is accepted has the bytes that
// its shape says, and is written and read again.

#include "tools/npy/npy.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace fusilli;
  auto array = npy::parse({data, size}, "input");
  if (isError(array))
    return 0;
  if (static_cast<uint64_t>(array->size()) * npy::elementSize(array->descr) !=
      array->data.size())
    std::abort();
  auto again = npy::parse(npy::serialize(*array), "output");
  if (isError(again) || again->shape != array->shape ||
      again->data != array->data || again->descr != array->descr)
    std::abort();
  return 0;
}
