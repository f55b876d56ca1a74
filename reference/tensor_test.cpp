// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts of tensors, against the examples of the public API.

#include "reference/element.h"
#include "reference/test_graph.h"

#include <gtest/gtest.h>

namespace fusilli::reference {
namespace {

TEST(TensorTest, PhysicalOrderFollowsStrides) {
  // dims {2,3,4}, strides {12,1,3}: physically 2x4x3.
  const Tensor t = makeTensor("t", DataType::Int32, {2, 3, 4}, {}, {12, 1, 3});
  EXPECT_EQ(t.spec().offsetOf(0), 0);
  EXPECT_EQ(t.spec().offsetOf(1), 3);
  EXPECT_EQ(t.spec().offsetOf(4), 1);
  EXPECT_EQ(t.spec().offsetOf(12), 12);
  EXPECT_EQ(t.spec().storageCount(), 24);
}

TEST(TensorTest, BroadcastDimsAreStoredOnce) {
  const Tensor t = makeTensor("t", DataType::Float, {2, 3}, {5.0}, {0, 0});
  EXPECT_EQ(t.bytes().size(), 4u);
  EXPECT_EQ(t.value(5), 5.0);
}

TEST(TensorTest, ViewsHaveGapsAndMayOverlap) {
  Tensor t = makeTensor("t", DataType::Float, {2, 3}, {}, {8, 2});
  EXPECT_EQ(t.spec().storageCount(), 8 + 4 + 1);
  t.setValue(5, 7.0);
  EXPECT_EQ(loadFloat(DataType::Float, t.bytes().data(), 12), 7.0);
  const Tensor windows =
      makeTensor("w", DataType::Float, {3, 2}, {1, 2, 3, 4}, {1, 1});
  EXPECT_EQ(windows.value(1), 3.0); // the place of row 1, column 0, too
  EXPECT_EQ(windows.value(2), 3.0);
  EXPECT_EQ(windows.value(3), 4.0);
}

TEST(TensorTest, RejectsBadDescriptions) {
  const auto code = [](TensorSpec spec) {
    return ErrorObject(Tensor::create(std::move(spec))).getCode();
  };
  EXPECT_EQ(code({"t", DataType::NotSet, {2}, {1}}),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code({"t", DataType::Float, {2, 3}, {1}}),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code({"t", DataType::Float, {2, 3}, {-3, 1}}),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code({"t", DataType::Float, {2, 3}, {int64_t{1} << 26, 1}}),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code({"t", DataType::Float, {0}, {1}}), ErrorCode::InvalidArgument);
  EXPECT_EQ(code({"t", DataType::Float, {1 << 30, 1 << 30}, {1 << 30, 1}}),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(code({"t", DataType::Float, {1, 3}, {77, 1}}), ErrorCode::OK);
  EXPECT_EQ(code({"t", DataType::Float, {}, {}}), ErrorCode::OK);
  EXPECT_EQ(ErrorObject(Tensor::create({"t", DataType::Float, {2}, {1}},
                                       std::vector<uint8_t>(7)))
                .getCode(),
            ErrorCode::InvalidArgument);
}

} // namespace
} // namespace fusilli::reference
