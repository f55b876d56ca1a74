// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout arithmetic against the examples of the public API's definition.
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusilli::ir {
namespace {

using Dims = llvm::SmallVector<int64_t>;
using testing::ElementsAreArray;

TEST(Layout, ContiguousStrides) {
  EXPECT_THAT(getContiguousStrides({2, 3, 4}), ElementsAreArray({12, 4, 1}));
  EXPECT_THAT(getContiguousStrides({256, 128, 1, 1}),
              ElementsAreArray({128, 1, 1, 1}));
}

TEST(Layout, ValidPhysicalRepresentations) {
  const std::pair<Dims, Dims> kValid[] = {{{2, 3, 4}, {12, 4, 1}},
                                          {{2, 3, 4}, {12, 1, 3}},
                                          {{2, 3, 4}, {1, 2, 6}},
                                          {{1, 10, 1}, {10, 1, 100}},
                                          {{8, 2, 64, 128}, {0, 0, 128, 1}},
                                          {{8, 2, 64, 128}, {0, 0, 1, 64}},
                                          {{8}, {0}},
                                          {{}, {}}};
  for (const auto &[dims, strides] : kValid)
    EXPECT_TRUE(hasValidPhysicalRepresentation(dims, strides));
  const std::pair<Dims, Dims> kInvalid[] = {{{2, 3, 4}, {12, 7, 1}},
                                            {{2, 3, 4}, {24, 4, 1}},
                                            {{100}, {2}},
                                            {{2, 3, 4}, {12, -4, 1}},
                                            {{2, 3, 4}, {12, 0, 1}},
                                            {{10, 20}, {5, 1}},
                                            {{2, 0, 3}, {6, 3, 1}},
                                            {{2, 3}, {1}}};
  for (const auto &[dims, strides] : kInvalid)
    EXPECT_FALSE(hasValidPhysicalRepresentation(dims, strides));
}

TEST(Layout, PhysicalOrderAndShape) {
  struct Case {
    Dims dims, strides, order, shape;
  };
  const Case kCases[] = {
      {{2, 3, 4}, {12, 1, 3}, {0, 2, 1}, {2, 4, 3}},
      {{2, 3, 4, 5}, {60, 1, 15, 3}, {0, 2, 3, 1}, {2, 4, 5, 3}},
      {{10, 20, 30}, {1, 10, 200}, {2, 1, 0}, {30, 20, 10}},
      {{1, 64, 1, 128, 1},
       {1, 128, 1, 1, 1},
       {0, 1, 2, 3, 4},
       {1, 64, 1, 128, 1}},
      {{8, 2, 64, 128}, {0, 0, 1, 64}, {0, 1, 3, 2}, {1, 1, 128, 64}},
      {{64, 128, 8}, {128, 1, 0}, {0, 1, 2}, {64, 128, 1}}};
  for (const Case &c : kCases) {
    EXPECT_THAT(getLogicalToPhysicalOrder(c.dims, c.strides),
                ElementsAreArray(c.order));
    EXPECT_THAT(getPhysicalShape(c.dims, c.strides), ElementsAreArray(c.shape));
  }
}

} // namespace
} // namespace fusilli::ir
