// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzz target: the reader of GraphDef as JSON. What is accepted is printed and
// read again.

#include "graph/graph_def.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace fusilli;
  auto bytes = graph::graphDefFromJson(
      std::string_view(reinterpret_cast<const char *>(data), size));
  if (isError(bytes))
    return 0;
  auto text = graph::graphDefToJson(*bytes);
  if (isError(text))
    std::abort();
  auto again = graph::graphDefFromJson(*text);
  if (isError(again) || *again != *bytes)
    std::abort();
  return 0;
}
