// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Problems of convolutions and of their gradients.

#ifndef TESTS_E2E_CONV_PROBLEMS_H
#define TESTS_E2E_CONV_PROBLEMS_H

#include "tests/e2e/shapes.h"

namespace fusilli::e2e {

struct ConvProblem {
  int64_t n, c, k, groups;
  Dims x, w, padding, stride, dilation; // spatial
  int channelsLast = 0;                 // bit 0: X, bit 1: W, bit 2: Y

  Dims xDims() const {
    Dims dims = {n, c};
    dims.insert(dims.end(), x.begin(), x.end());
    return dims;
  }
  Dims wDims() const {
    Dims dims = {k, c / groups};
    dims.insert(dims.end(), w.begin(), w.end());
    return dims;
  }
  Dims yDims() const {
    return getConvInferredOutputShape(xDims(), wDims(), dilation, padding,
                                      stride);
  }
  /// Of the tensor whose bit of `channelsLast` is `bit`.
  Dims strides(const Dims &dims, int bit) const {
    return channelsLast & bit ? channelsLastStrides(dims)
                              : rowMajorStrides(dims);
  }
  std::string toString() const {
    using e2e::toString;
    return "n" + std::to_string(n) + " c" + std::to_string(c) + " k" +
           std::to_string(k) + " g" + std::to_string(groups) + " x" +
           toString(x) + " w" + toString(w) + " pad" + toString(padding) +
           " stride" + toString(stride) + " dilation" + toString(dilation) +
           " channels-last " + std::to_string(channelsLast);
  }
};

/// One group; ranks 3 to 5.
inline const std::vector<ConvProblem> kConvProblems = {
    {1, 1, 1, 1, {1}, {1}, {0}, {1}, {1}},
    {2, 3, 4, 1, {19}, {3}, {1}, {2}, {1}},
    {1, 4, 6, 1, {20}, {4}, {2}, {1}, {3}},
    {1, 16, 32, 1, {8, 8}, {1, 1}, {0, 0}, {1, 1}, {1, 1}},
    {2, 8, 16, 1, {13, 10}, {3, 3}, {1, 1}, {2, 2}, {1, 1}},
    {1, 3, 17, 1, {15, 16}, {5, 3}, {2, 1}, {2, 1}, {1, 2}},
    {1, 6, 8, 1, {12, 12}, {3, 3}, {2, 2}, {1, 1}, {2, 2}},
    {1, 3, 64, 1, {23, 23}, {7, 7}, {3, 3}, {2, 2}, {1, 1}},
    {2, 4, 6, 1, {5, 6, 7}, {3, 2, 3}, {1, 0, 1}, {1, 2, 1}, {1, 1, 1}},
    {1, 2, 3, 1, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}, {2, 2, 2}, {1, 1, 2}},
    {1, 2, 3, 1, {4, 5}, {4, 5}, {0, 0}, {1, 1}, {1, 1}},
    {1, 2, 3, 1, {2, 2}, {3, 3}, {4, 4}, {3, 3}, {1, 1}}};

inline const std::vector<ConvProblem> kGroupedConvProblems = {
    {2, 8, 8, 8, {9, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
    {1, 8, 16, 8, {7, 9}, {3, 3}, {1, 1}, {2, 2}, {1, 1}},
    {1, 12, 6, 3, {9, 8}, {3, 1}, {0, 0}, {1, 1}, {1, 1}},
    {2, 32, 64, 2, {6, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
    {1, 64, 64, 64, {10, 33}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
    {1, 6, 9, 3, {21}, {5}, {2}, {1}, {1}},
    // Depthwise with 2, 4 and 3 results for each channel.
    {2, 27, 54, 27, {7, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
    {1, 19, 76, 19, {11, 6}, {3, 2}, {1, 0}, {2, 1}, {1, 1}},
    {1, 7, 21, 7, {9, 9}, {3, 3}, {1, 1}, {1, 1}, {2, 2}}};

inline ConvProblem randomConvProblem(Random &random) {
  ConvProblem p;
  const int64_t rank = pick(random, 1, 3);
  p.groups = pick(random, 1, 3);
  p.n = pick(random, 1, 3);
  p.c = p.groups * pick(random, 1, 9);
  p.k = p.groups * pick(random, 1, 12);
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t tap = pick(random, 1, 4), dilation = pick(random, 1, 2);
    const int64_t padding = pick(random, 0, 2);
    const int64_t least =
        std::max<int64_t>(1, dilation * (tap - 1) + 1 - 2 * padding);
    p.w.push_back(tap);
    p.dilation.push_back(dilation);
    p.padding.push_back(padding);
    p.stride.push_back(pick(random, 1, 3));
    p.x.push_back(least + pick(random, 0, 12));
  }
  p.channelsLast = static_cast<int>(pick(random, 0, 7));
  return p;
}

} // namespace fusilli::e2e

#endif // TESTS_E2E_CONV_PROBLEMS_H
