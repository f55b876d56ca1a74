// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What shape arithmetic gives in the VM is what the compiler meant.
#include "compiler/Driver/ShapeProgram.h"

#include "artifact/program.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <random>

namespace fusilli::compiler {
namespace {

using mlir::AffineExpr;

/// The value of `value` where the symbols are `extents`.
int64_t evaluate(ShapeProgram &shapes, HostValue value,
                 std::vector<int64_t> extents) {
  uint32_t number = shapes.materialize(value);
  std::span<const uint32_t> words(shapes.getWords().data(),
                                  shapes.getWords().size());
  artifact::ProgramValues values(systemAllocator());
  EXPECT_TRUE(values.start(extents).isOk());
  for (size_t position = 0; position < words.size();) {
    auto instruction = artifact::decodeInstruction(words, position);
    EXPECT_TRUE(instruction.isOk() && instruction->isArithmetic());
    EXPECT_TRUE(values.evaluate(*instruction).isOk());
  }
  return values[number];
}

TEST(ShapeProgram, ConstantsFold) {
  ShapeProgram shapes({16});
  HostValue three = HostValue::constant(3), five = HostValue::constant(5);
  EXPECT_EQ(shapes.add(three, five).representative, 8);
  EXPECT_EQ(shapes.max(three, five).representative, 5);
  EXPECT_EQ(shapes.align(five, 64).representative, 64);
  EXPECT_TRUE(shapes.align(five, 64).isConstant());
  HostValue zero = HostValue::constant(0), one = HostValue::constant(1);
  EXPECT_EQ(shapes.add(shapes.symbol(0), zero).number, 0u);
  EXPECT_EQ(shapes.multiply(one, shapes.symbol(0)).number, 0u);
  EXPECT_EQ(shapes.max(shapes.symbol(0), shapes.symbol(0)).number, 0u);
  EXPECT_TRUE(shapes.getWords().empty());
}

TEST(ShapeProgram, EqualValuesAreComputedOnce) {
  ShapeProgram shapes({16, 24});
  HostValue a = shapes.multiply(shapes.symbol(0), shapes.symbol(1));
  HostValue b = shapes.multiply(shapes.symbol(0), shapes.symbol(1));
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.representative, 384);
  EXPECT_EQ(shapes.getWords().size(), 3u);
}

TEST(ShapeProgram, SizesAndMaxima) {
  ShapeProgram shapes({16, 24});
  HostValue rows = shapes.multiply(HostValue::constant(12), shapes.symbol(0));
  HostValue end = shapes.add(shapes.align(rows, 64), shapes.symbol(1));
  HostValue most = shapes.max(
      end, shapes.multiply(HostValue::constant(100), shapes.symbol(1)));
  EXPECT_EQ(most.representative, 2400);
  EXPECT_EQ(evaluate(shapes, most, {16, 24}), 2400);
  EXPECT_EQ(evaluate(shapes, most, {1000, 1}), 12033);
}

TEST(ShapeProgram, RandomExpressions) {
  constexpr uint32_t kSeed = 5;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  mlir::MLIRContext context;
  AffineExpr symbols[] = {mlir::getAffineSymbolExpr(0, &context),
                          mlir::getAffineSymbolExpr(1, &context)};
  for (int round = 0; round < 300; ++round) {
    AffineExpr expr = symbols[random() % 2];
    for (int i = 0; i < 6; ++i) {
      int64_t number = 1 + random() % 9;
      switch (random() % 6) {
      case 0:
        expr = expr + number;
        break;
      case 1:
        expr = expr * symbols[random() % 2];
        break;
      case 2:
        expr = expr.ceilDiv(number);
        break;
      case 3:
        expr = expr.floorDiv(number);
        break;
      case 4:
        expr = expr - symbols[random() % 2];
        break;
      default:
        expr = expr % (number + 20);
      }
    }
    ShapeProgram shapes({16, 24});
    HostValue value =
        shapes.evaluate(expr, {shapes.symbol(0), shapes.symbol(1)});
    for (auto [n, m] : {std::pair<int64_t, int64_t>{16, 24}, {1, 1}, {7, 90}}) {
      AffineExpr folded =
          expr.replaceSymbols({mlir::getAffineConstantExpr(n, &context),
                               mlir::getAffineConstantExpr(m, &context)});
      auto expected = mlir::dyn_cast<mlir::AffineConstantExpr>(folded);
      ASSERT_TRUE(expected);
      EXPECT_EQ(evaluate(shapes, value, {n, m}), expected.getValue());
      if (n == 16)
        EXPECT_EQ(value.representative, expected.getValue());
    }
  }
}

} // namespace
} // namespace fusilli::compiler
