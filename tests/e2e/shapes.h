// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes and lists that the suites share.

#ifndef TESTS_E2E_SHAPES_H
#define TESTS_E2E_SHAPES_H

#include "tests/e2e/harness.h"

#include <algorithm>

namespace fusilli::e2e {

inline const std::vector<DataType> kFloatTypes = {
    DataType::Float, DataType::Half, DataType::BFloat16, DataType::Double};
inline const std::vector<DataType> kIntegerTypes = {
    DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64};
inline const std::vector<DataType> kAllTypes = {
    DataType::Float,  DataType::Half,  DataType::BFloat16,
    DataType::Double, DataType::Int8,  DataType::Int16,
    DataType::Int32,  DataType::Int64, DataType::Boolean};

/// Extents of the given rank with at most `volume` elements: ones, primes,
/// multiples of a vector and their neighbours.
inline Dims randomDims(Random &random, int64_t rank, int64_t volume = 20000) {
  static const std::vector<int64_t> pool = {1,  1,  2,  3,   4,   5,  7,
                                            8,  13, 16, 17,  31,  32, 33,
                                            64, 65, 97, 127, 128, 257};
  Dims dims;
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t extent =
        std::min(pick(random, pool), std::max<int64_t>(volume, 1));
    dims.push_back(extent);
    volume /= extent;
  }
  std::shuffle(dims.begin(), dims.end(), random);
  return dims;
}

/// `dims` with some extents 1 and some leading dims dropped: what broadcasts
/// to it.
inline Dims randomBroadcastFrom(Random &random, const Dims &dims) {
  const auto drop = pick(random, 0, static_cast<int64_t>(dims.size()) - 1);
  Dims out(dims.begin() + drop, dims.end());
  for (int64_t &dim : out)
    if (pick(random, 0, 2) == 0)
      dim = 1;
  return out;
}

} // namespace fusilli::e2e

#endif // TESTS_E2E_SHAPES_H
