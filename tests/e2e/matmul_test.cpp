// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmul in every dtype and target, over random shapes, transposed operands
// and outputs, batches and broadcasts.

#include "tests/e2e/product_types.h"
#include "tests/e2e/shapes.h"

namespace fusilli::e2e {
namespace {

using Types = ProductTypes;

const std::vector<Types> kSameTypes = {
    {DataType::Float, DataType::Float, DataType::Float},
    {DataType::Half, DataType::Half, DataType::Half},
    {DataType::BFloat16, DataType::BFloat16, DataType::BFloat16},
    {DataType::Double, DataType::Double, DataType::Double},
    {DataType::Half, DataType::Half, DataType::Float},
    {DataType::BFloat16, DataType::BFloat16, DataType::Float}};
const std::vector<Types> kIntegerProducts = {
    {DataType::Int8, DataType::Int8, DataType::Int32},
    {DataType::Int8, DataType::Int8, DataType::Int8},
    {DataType::Int16, DataType::Int16, DataType::Int32},
    {DataType::Int32, DataType::Int32, DataType::Int32},
    {DataType::Int64, DataType::Int64, DataType::Int64}};

/// Strides of a matrix (last two dims), transposed or not.
Dims matrixStrides(const Dims &dims, bool transposed) {
  Dims strides = rowMajorStrides(dims);
  const size_t rank = dims.size();
  if (transposed) {
    strides[rank - 2] = 1;
    strides[rank - 1] = dims[rank - 2];
  }
  return strides;
}

struct Problem {
  Dims aBatch, bBatch;
  int64_t m, n, k;
  int transposes = 0; // bit 0: A, bit 1: B, bit 2: C
};

/// Every second problem declares B constant, so that it is packed once.
void run(const Types &types, const Problem &p, Data data,
         const RunOptions &options = {.threads = {1, 2}, .repeats = 1}) {
  static bool isConstant = false;
  isConstant = !isConstant;
  Case c("matmul " + toString(types) + " m" + std::to_string(p.m) + " n" +
         std::to_string(p.n) + " k" + std::to_string(p.k) + " batch " +
         e2e::toString(p.aBatch) + "/" + e2e::toString(p.bBatch) +
         " transposed " + std::to_string(p.transposes) +
         (isConstant ? " constant" : ""));
  Dims a = p.aBatch, b = p.bBatch;
  a.insert(a.end(), {p.m, p.k});
  b.insert(b.end(), {p.k, p.n});
  const auto ta =
      c.input("a", types.a, a, matrixStrides(a, p.transposes & 1), data);
  const auto tb =
      c.input("b", types.b, b, matrixStrides(b, p.transposes & 2), data);
  tb->setConstant(isConstant);
  const auto y = c.matmul(ta, tb, types.c);
  c.output(y, "c", matrixStrides(y->getDim(), p.transposes & 4));
  EXPECT_TRUE(c.run(options));
}

TEST(MatmulTest, OddShapesAllTypes) {
  const std::vector<Problem> shapes = {
      {{}, {}, 1, 1, 1},      {{}, {}, 1, 17, 5},   {{}, {}, 19, 1, 3},
      {{}, {}, 1, 1, 100},    {{}, {}, 7, 13, 11},  {{}, {}, 16, 16, 16},
      {{}, {}, 33, 65, 17},   {{}, {}, 64, 48, 97}, {{}, {}, 101, 103, 107},
      {{}, {}, 2, 500, 3},    {{}, {}, 500, 2, 3},  {{}, {}, 5, 7, 1000},
      {{}, {}, 129, 127, 65}, {{}, {}, 14, 32, 2},  {{}, {}, 15, 33, 1}};
  for (const Types &types : kSameTypes)
    for (const Problem &shape : shapes)
      run(types, shape, shape.k % 2 ? Data::Normal : Data::Integers);
}

TEST(MatmulTest, IntegersAllTypes) {
  const std::vector<Problem> shapes = {{{}, {}, 1, 1, 1},
                                       {{}, {}, 7, 13, 11},
                                       {{}, {}, 33, 65, 17},
                                       {{}, {}, 31, 40, 129, 2}};
  for (const Types &types : kIntegerProducts)
    for (const Problem &shape : shapes)
      run(types, shape, Data::Normal);
}

TEST(MatmulTest, EveryTransposition) {
  for (const Types &types : kSameTypes)
    for (int transposes = 1; transposes < 8; ++transposes)
      run(types, {{}, {}, 37, 45, 53, transposes}, Data::Integers);
}

TEST(MatmulTest, Batches) {
  const std::vector<Problem> shapes = {{{3}, {3}, 9, 17, 5},
                                       {{1}, {4}, 9, 17, 5},
                                       {{4}, {1}, 9, 17, 5},
                                       {{2, 3}, {2, 3}, 5, 7, 9},
                                       {{2, 3}, {1, 1}, 5, 33, 9},
                                       {{1, 3}, {2, 1}, 5, 7, 9},
                                       {{2, 1, 2}, {1, 3, 2}, 4, 5, 6},
                                       {{8}, {8}, 65, 33, 40, 2},
                                       {{6}, {6}, 1, 64, 31, 2}};
  for (const Types &types : kSameTypes)
    for (const Problem &shape : shapes)
      run(types, shape, Data::Integers);
}

TEST(MatmulTest, BroadcastStridesOnOperands) {
  for (const Types &types : {kSameTypes[0], kSameTypes[1], kSameTypes[2]}) {
    Case c("matmul " + toString(types) + " stride 0");
    const auto a =
        c.input("a", types.a, {4, 9, 13}, {0, 13, 1}, Data::Integers);
    const auto b =
        c.input("b", types.b, {4, 13, 21}, {21, 0, 1}, Data::Integers);
    c.output(c.matmul(a, b, types.c), "c");
    EXPECT_TRUE(c.run());
  }
}

TEST(MatmulTest, MixedTypes) {
  const std::vector<Types> mixed = {
      {DataType::Float, DataType::BFloat16, DataType::Float},
      {DataType::Half, DataType::Float, DataType::Float},
      {DataType::Int8, DataType::Half, DataType::Half},
      {DataType::Float, DataType::Half, DataType::BFloat16}};
  for (const Types &types : mixed)
    for (int transposes : {0, 2})
      run(types, {{3}, {3}, 19, 34, 29, transposes}, Data::Integers);
}

TEST(MatmulTest, RandomShapes) {
  Random random = makeRandom("matmul random shapes");
  for (int64_t n = 0; n < Settings::get().count(40); ++n) {
    const Types types = pick(random, kSameTypes);
    run(types,
        {{},
         {},
         pick(random, 1, 200),
         pick(random, 1, 200),
         pick(random, 1, 300),
         static_cast<int>(pick(random, 0, 7))},
        pick(random, 0, 1) ? Data::Normal : Data::Integers);
  }
}

TEST(MatmulTest, BeyondTheCacheBlocks) {
  const RunOptions options{.threads = {1, 2, 3}, .repeats = 1, .samples = 2000};
  for (const Types &types :
       {kSameTypes[0], kSameTypes[1], kSameTypes[2], kSameTypes[3]}) {
    run(types, {{}, {}, 521, 509, 1031}, Data::Normal, options);
    run(types, {{}, {}, 33, 2053, 700, 2}, Data::Integers, options);
    run(types, {{}, {}, 2053, 35, 600, 1}, Data::Integers, options);
  }
}

TEST(MatmulTest, LongSums) {
  for (const Types &types : kSameTypes)
    run(types, {{}, {}, 3, 18, 40000}, Data::Normal);
}

} // namespace
} // namespace fusilli::e2e
