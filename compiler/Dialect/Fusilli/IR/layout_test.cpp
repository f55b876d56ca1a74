// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts and data types of MLIR types; the algebra has its own test
// (support/tensor_layout_test.cpp).
#include "compiler/Dialect/Fusilli/IR/DataTypes.h"
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"
#include "compiler/Dialect/Fusilli/IR/Layout.h"

#include "mlir/IR/Builders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace fusilli::ir {
namespace {

using testing::ElementsAreArray;

class LayoutTest : public testing::Test {
protected:
  LayoutTest() { context.loadDialect<FusilliDialect>(); }
  mlir::MLIRContext context;
  mlir::Builder b{&context};
};

TEST_F(LayoutTest, OnlyOtherStridesThanContiguousAreAnEncoding) {
  auto plain = getTensorType({2, 3, 4}, {12, 4, 1}, b.getF32Type());
  EXPECT_FALSE(plain.getEncoding());
  EXPECT_THAT(getLogicalStrides(plain), ElementsAreArray({12, 4, 1}));
  auto other = getTensorType({2, 3, 4}, {12, 1, 3}, b.getF16Type());
  EXPECT_TRUE(other.getEncoding());
  EXPECT_THAT(getLogicalStrides(other), ElementsAreArray({12, 1, 3}));
  EXPECT_THAT(getPhysicalShape(other), ElementsAreArray({2, 4, 3}));
  EXPECT_THAT(getLogicalToPhysicalOrder(other), ElementsAreArray({0, 2, 1}));
  EXPECT_EQ(getBufferBytes(other), 48);
  EXPECT_FALSE(hasBroadcastDims(other));
  auto broadcast = getTensorType({8, 4}, {0, 1}, b.getI1Type());
  EXPECT_TRUE(hasBroadcastDims(broadcast));
  EXPECT_EQ(getBufferBytes(broadcast), 4);
}

TEST_F(LayoutTest, DataTypesAndElementTypesAreOneToOne) {
  std::set<const void *> types;
  for (const dtype::Info &info : dtype::kAll) {
    mlir::Type type = getElementType(&context, info.number);
    ASSERT_TRUE(type) << info.name;
    EXPECT_TRUE(types.insert(type.getAsOpaquePointer()).second) << info.name;
    EXPECT_EQ(findDataType(type), &info) << info.name;
  }
  EXPECT_EQ(getElementType(&context, dtype::Uint8),
            b.getIntegerType(8, /*isSigned=*/false));
  EXPECT_EQ(getElementType(&context, dtype::Int8), b.getI8Type());
  EXPECT_FALSE(getElementType(&context, dtype::NotSet));
  EXPECT_FALSE(getElementType(&context, 13));
  EXPECT_EQ(findDataType(b.getIndexType()), nullptr);
  EXPECT_TRUE(isComputable(b.getBF16Type()));
  EXPECT_FALSE(isComputable(b.getIntegerType(8, /*isSigned=*/false)));
  EXPECT_FALSE(isComputable(b.getIntegerType(4)));
}

TEST(Layout, DenseStrides) {
  EXPECT_THAT(getDenseStrides({2, 3, 4}, {100, 1, 7}),
              ElementsAreArray(Dims{12, 1, 3}));
  EXPECT_THAT(getDenseStrides({2, 3, 4}, {0, 4, 1}),
              ElementsAreArray(Dims{12, 4, 1}));
  EXPECT_THAT(getDenseStrides({5, 1, 4}, {1, 99, 5}),
              ElementsAreArray(Dims{1, 5, 5}));
}

} // namespace
} // namespace fusilli::ir
