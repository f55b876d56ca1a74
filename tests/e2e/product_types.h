// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Data types of a product: the operands' and the result's.

#ifndef TESTS_E2E_PRODUCT_TYPES_H
#define TESTS_E2E_PRODUCT_TYPES_H

#include "tests/e2e/harness.h"

namespace fusilli::e2e {

struct ProductTypes {
  DataType a, b, c;
};

inline std::string toString(const ProductTypes &types) {
  return toString(types.a) + "," + toString(types.b) + "," + toString(types.c);
}

} // namespace fusilli::e2e

#endif // TESTS_E2E_PRODUCT_TYPES_H
