// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 64-bit arithmetic on extents that is defined for every input.

#ifndef GRAPH_CHECKED_MATH_H
#define GRAPH_CHECKED_MATH_H

#include <cstdint>

namespace fusilli::graph {

/// a * b modulo 2^64.
inline int64_t wrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
}
/// a + b modulo 2^64.
inline int64_t wrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
}
/// a - b modulo 2^64.
inline int64_t wrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) -
                              static_cast<uint64_t>(b));
}

/// Whether b divides a; nothing is divisible by a number below 1.
inline bool isDivisible(int64_t a, int64_t b) { return b > 0 && a % b == 0; }

} // namespace fusilli::graph

#endif // GRAPH_CHECKED_MATH_H
