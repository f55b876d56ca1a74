// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of one row or one column, and products with long sums: every dtype
// and memory order, epilogues, batches, views, sums of millions of terms, and
// the local memory that kernels take.

#include "tests/e2e/product_types.h"
#include "tests/e2e/shapes.h"

#include <cstring>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;

using Types = ProductTypes;

const std::vector<Types> kTypes = {
    {DataType::Float, DataType::Float, DataType::Float},
    {DataType::Half, DataType::Half, DataType::Half},
    {DataType::BFloat16, DataType::BFloat16, DataType::BFloat16},
    {DataType::Double, DataType::Double, DataType::Double},
    {DataType::BFloat16, DataType::BFloat16, DataType::Float},
    {DataType::Int8, DataType::Int8, DataType::Int32},
    {DataType::Int8, DataType::Int8, DataType::Int8},
    {DataType::Int16, DataType::Int16, DataType::Int32},
    {DataType::Int64, DataType::Int64, DataType::Int64}};

struct Problem {
  Dims batchA, batchB;
  int64_t m, n, k;
  int transposes = 0; // bit 0: A, bit 1: B, bit 2: C
  bool epilogue = false;
};

Dims matrixStrides(const Dims &dims, bool transposed) {
  Dims strides = rowMajorStrides(dims);
  const size_t rank = dims.size();
  if (transposed) {
    strides[rank - 2] = 1;
    strides[rank - 1] = dims[rank - 2];
  }
  return strides;
}

const RunOptions kRun = {.threads = {1, 2, 3}, .repeats = 1};

void run(const Types &types, const Problem &p, Data data,
         const RunOptions &options = kRun) {
  Case c("matvec " + toString(types) + " m" + std::to_string(p.m) + " n" +
         std::to_string(p.n) + " k" + std::to_string(p.k) + " batch " +
         e2e::toString(p.batchA) + "/" + e2e::toString(p.batchB) +
         " transposed " + std::to_string(p.transposes) +
         (p.epilogue ? " bias relu" : ""));
  Dims a = p.batchA, b = p.batchB;
  a.insert(a.end(), {p.m, p.k});
  b.insert(b.end(), {p.k, p.n});
  const auto ta =
      c.input("a", types.a, a, matrixStrides(a, p.transposes & 1), data);
  const auto tb =
      c.input("b", types.b, b, matrixStrides(b, p.transposes & 2), data);
  auto y = c.matmul(ta, tb, types.c);
  if (p.epilogue) {
    Dims bias(y->getDim().size(), 1);
    bias.back() = p.n;
    bias[bias.size() - 2] = p.m;
    const auto tbias = c.input("bias", types.c, bias, data);
    y = c.pointwise(Mode::ADD, {y, tbias}, types.c);
    y = c.pointwise(Mode::RELU_FWD, {y}, types.c);
  }
  c.output(y, "c", matrixStrides(y->getDim(), p.transposes & 4));
  EXPECT_TRUE(c.run(options));
}

TEST(MatvecTest, AllTypesAndOrders) {
  for (const Types &types : kTypes)
    for (auto [rows, depth] : std::vector<std::pair<int64_t, int64_t>>{
             {1, 1}, {3, 5}, {17, 33}, {131, 301}})
      for (int transposes : {0, 1, 2, 3}) {
        run(types, {{}, {}, 1, rows, depth, transposes}, Data::Integers);
        run(types, {{}, {}, rows, 1, depth, transposes}, Data::Normal);
      }
}

TEST(MatvecTest, Epilogues) {
  for (const Types &types : {kTypes[0], kTypes[1], kTypes[2], kTypes[5]})
    for (int transposes : {0, 3, 4, 7}) {
      run(types, {{}, {}, 1, 77, 150, transposes, true}, Data::Normal);
      run(types, {{}, {}, 77, 1, 150, transposes, true}, Data::Normal);
      run(types, {{3}, {3}, 1, 9, 41, transposes, true}, Data::Normal);
      run(types, {{2, 3}, {1, 3}, 19, 1, 8, transposes, true}, Data::Normal);
    }
}

TEST(MatvecTest, Batches) {
  for (const Types &types : {kTypes[0], kTypes[2], kTypes[3], kTypes[5]})
    for (int transposes = 0; transposes < 4; ++transposes)
      for (const auto &[a, b] : std::vector<std::pair<Dims, Dims>>{
               {{5}, {5}}, {{1}, {4}}, {{4}, {1}}, {{2, 1}, {1, 3}}}) {
        run(types, {a, b, 1, 33, 65, transposes}, Data::Integers);
        run(types, {a, b, 33, 1, 65, transposes}, Data::Integers);
        run(types, {a, b, 1, 1, 65, transposes}, Data::Integers);
      }
}

TEST(MatvecTest, Views) {
  Random random = makeRandom("matvec views");
  for (int64_t i = 0; i < Settings::get().count(24); ++i) {
    const Types &types = kTypes[static_cast<size_t>(pick(random, 0, 3))];
    const int64_t rows = pick(random, 1, 90), depth = pick(random, 1, 200);
    const bool isRow = pick(random, 0, 1);
    const Dims a = {2, isRow ? 1 : rows, depth},
               b = {2, depth, isRow ? rows : 1};
    Case c("matvec " + toString(types) + " views " + std::to_string(i));
    const auto ta = c.input("a", types.a, a, randomViewStrides(random, a, true),
                            Data::Integers);
    const auto tb = c.input("b", types.b, b, randomViewStrides(random, b, true),
                            Data::Integers);
    const auto y = c.matmul(ta, tb, types.c);
    c.output(y, "c", randomViewStrides(random, y->getDim(), false));
    EXPECT_TRUE(c.run(kRun));
  }
}

TEST(MatvecTest, Random) {
  Random random = makeRandom("matvec random");
  for (int64_t i = 0; i < Settings::get().count(40); ++i) {
    const bool isRow = pick(random, 0, 1);
    const int64_t rows = pick(random, 1, 3000), depth = pick(random, 1, 3000);
    Problem p{{}, {}, 1, 1, depth, static_cast<int>(pick(random, 0, 7))};
    (isRow ? p.n : p.m) = rows;
    p.epilogue = pick(random, 0, 1);
    RunOptions options = kRun;
    options.samples = 200;
    run(pick(random, kTypes), p,
        pick(random, 0, 1) ? Data::Normal : Data::Integers, options);
  }
}

/// A few rows or columns, and a matrix larger than a cache.
TEST(MatvecTest, FewVectors) {
  RunOptions options{.threads = {1, 3}, .repeats = 1, .samples = 300};
  for (const Types &types : {kTypes[0], kTypes[2], kTypes[3], kTypes[5]})
    for (int64_t vectors : {2, 3, 4, 5, 8})
      for (int transposes : {0, 3}) {
        run(types, {{}, {}, vectors, 557, 1031, transposes, true}, Data::Normal,
            options);
        run(types, {{}, {}, 1031, vectors, 530, transposes, true}, Data::Normal,
            options);
      }
  run(kTypes[0], {{3, 1}, {1, 2}, 3, 700, 515, 3}, Data::Integers, options);
  run(kTypes[0], {{3, 1}, {1, 2}, 700, 3, 515, 0}, Data::Integers, options);
}

TEST(MatvecTest, LongSums) {
  RunOptions options{.threads = {1, 2}, .repeats = 1, .samples = 40};
  for (const Types &types : {kTypes[0], kTypes[2]})
    for (int transposes : {0, 3}) {
      // 300007 is prime: no equal parts.
      for (int64_t depth : {40000, 300007}) {
        run(types, {{}, {}, 1, 3, depth, transposes}, Data::Normal, options);
        run(types, {{}, {}, 5, 1, depth, transposes}, Data::Normal, options);
        run(types, {{}, {}, 1, 1, depth, transposes}, Data::Normal, options);
      }
      run(types, {{}, {}, 6, 9, 70000, transposes, true}, Data::Normal,
          options);
      run(types, {{}, {}, 20, 33, 50000, transposes, true}, Data::Normal,
          options);
      run(types, {{1, 2}, {1, 2}, 17, 40, 40960, transposes, true},
          Data::Normal, options);
    }
  run(kTypes[3], {{}, {}, 1, 3, 300007}, Data::Normal, options);
  run(kTypes[5], {{}, {}, 5, 1, 600000}, Data::Normal, options);
}

TEST(MatvecTest, LongSumsOfViews) {
  Random random = makeRandom("long sums of views");
  for (const auto &[m, n, k] : std::vector<std::array<int64_t, 3>>{
           {1, 70, 9001}, {70, 1, 9001}, {12, 20, 40009}, {3, 1, 90000}}) {
    const Dims a = {2, m, k}, b = {1, k, n};
    Case c("long sums of views");
    const auto ta = c.input("a", DataType::Float, a,
                            randomViewStrides(random, a, true), Data::Normal);
    const auto tb = c.input("b", DataType::Float, b,
                            randomViewStrides(random, b, true), Data::Normal);
    const auto y = c.matmul(ta, tb, DataType::Float);
    c.output(y, "c", randomViewStrides(random, y->getDim(), false));
    EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1, .samples = 40}));
  }
}

/// A sum in one accumulator would stop at 2^24.
TEST(MatvecTest, MillionsOfOnes) {
  constexpr int64_t kLength = (int64_t(1) << 24) + (int64_t(1) << 20);
  Case c("dot product of ones");
  std::vector<TensorPtr> in;
  for (auto [name, dims] :
       {std::pair("a", Dims{1, kLength}), std::pair("b", Dims{kLength, 1})}) {
    auto tensor = reference::Tensor::create(
        {name, DataType::Float, dims, rowMajorStrides(dims)});
    ASSERT_TRUE(isOk(tensor)) << ErrorObject(tensor);
    const float one = 1.0f;
    const std::span<uint8_t> bytes = tensor->mutableBytes();
    for (size_t i = 0; i < bytes.size(); i += sizeof(one))
      std::memcpy(&bytes[i], &one, sizeof(one));
    c.inputs.insert_or_assign(name, std::move(*tensor));
    in.push_back(c.graph.tensor(TensorAttr()
                                    .setName(name)
                                    .setDataType(DataType::Float)
                                    .setDim(dims)
                                    .setStride(rowMajorStrides(dims))));
  }
  c.output(c.matmul(in[0], in[1], DataType::Float), "c");
  EXPECT_TRUE(c.runAgainst({{"c", {static_cast<double>(kLength)}}}, 0x1p-24,
                           {.threads = {1, 2}, .repeats = 1}));
}

} // namespace
} // namespace fusilli::e2e
