// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every build runs the fuzz targets over their corpora, which hold the inputs
// of past findings, as ordinary tests without libFuzzer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What the custom mutators of the targets refer to; never called here.
extern "C" size_t LLVMFuzzerMutate(uint8_t *, size_t size, size_t) {
  return size;
}

namespace {

TEST(FuzzReplay, Corpus) {
  size_t count = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(FUSILLI_CORPUS)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    ASSERT_TRUE(file.good());
    // On the heap in its exact size, so that a sanitizer sees overruns.
    std::vector<uint8_t> bytes(std::istreambuf_iterator<char>(file), {});
    bytes.shrink_to_fit();
    EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()), 0);
    ++count;
  }
  EXPECT_GT(count, 0u) << "no inputs in " << FUSILLI_CORPUS;
}

} // namespace
