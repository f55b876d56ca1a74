// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention over sequences of any length: one artifact for all of them, with
// masks, causal, grouped heads, a dynamic batch, one query against many keys.

#include "tests/e2e/dynamic_cases.h"
#include "tests/e2e/shapes.h"

#include <algorithm>

namespace fusilli::e2e {
namespace {

/// Extents of Q, K and V; kN and kM are dynamic.
struct Problem {
  int64_t batch = 2, heads = 2, kHeads = 2, vHeads = 2;
  int64_t rows = kN, keys = kN, depth = 20, width = 20;
  bool causal = false;
  Dims mask = {}; ///< empty: none
  DataType maskType = DataType::Float;
  bool sequenceFirst = false; ///< memory order: batch, sequence, heads
};

void markDynamic(const TensorPtr &tensor, const Dims &dims) {
  for (size_t d = 0; d < dims.size(); ++d)
    if (dims[d] == kN || dims[d] == kM)
      tensor->setDynamicDim(d);
}

/// One line for each set of extents of kN and kM that is run.
using Extents = std::vector<std::pair<int64_t, int64_t>>;

void run(DataType type, const Problem &p, const Extents &extents,
         const RunOptions &options = {.threads = {1, 2}, .repeats = 1}) {
  Case c("dynamic sdpa " + toString(type) +
         toString(Dims{p.batch, p.heads, p.kHeads, p.vHeads, p.rows, p.keys,
                       p.depth, p.width}) +
         (p.causal ? " causal" : "") +
         (p.mask.empty() ? "" : " mask " + toString(p.mask)));
  const auto layout = [&](const Dims &d) {
    return p.sequenceFirst ? Dims{d[1] * d[2] * d[3], d[3], d[1] * d[3], 1}
                           : rowMajorStrides(d);
  };
  const auto add = [&](const std::string &name, const Dims &dims) {
    const TensorPtr tensor =
        c.input(name, type, dims, layout(dims), Data::Normal);
    markDynamic(tensor, dims);
    return tensor;
  };
  const TensorPtr q = add("q", {p.batch, p.heads, p.rows, p.depth});
  const TensorPtr k = add("k", {p.batch, p.kHeads, p.keys, p.depth});
  const TensorPtr v = add("v", {p.batch, p.vHeads, p.keys, p.width});
  TensorPtr mask;
  if (!p.mask.empty()) {
    mask = c.input("mask", p.maskType, p.mask);
    markDynamic(mask, p.mask);
  }
  SdpaAttr attr;
  attr.setIsCausal(p.causal).setEnableGqa(p.heads != p.kHeads ||
                                          p.heads != p.vHeads);
  const TensorPtr o = c.graph.sdpa(q, k, v, mask, attr);
  const Dims dims = {p.batch, p.heads, p.rows, p.width};
  markDynamic(o, dims);
  o->setDataType(type);
  c.output(o, "o", layout(dims));
  std::vector<reference::Inputs> shapes;
  for (const auto &[n, m] : extents)
    shapes.push_back(c.inputsOf({{kN, n}, {kM, m}}, Data::Normal));
  EXPECT_TRUE(c.runShapes(shapes, options));
}

/// The same number for both.
Extents lengths(const std::vector<int64_t> &of) {
  Extents extents;
  for (int64_t n : of)
    extents.emplace_back(n, 1);
  return extents;
}

TEST(DynamicSdpaTest, SelfAttention) {
  for (DataType type : kFloatTypes)
    for (bool causal : {false, true})
      for (int64_t heads : {2, 6})
        run(type, {.heads = heads, .causal = causal},
            lengths({1, 16, 3, 31, 32, 33, 64, 7, 131}));
}

TEST(DynamicSdpaTest, QueriesAndKeysOfTheirOwn) {
  for (DataType type : {DataType::Float, DataType::Half, DataType::BFloat16})
    for (bool causal : {false, true})
      run(type,
          {.heads = 6,
           .kHeads = 3,
           .vHeads = 2,
           .keys = kM,
           .depth = 28,
           .width = 7,
           .causal = causal},
          {{1, 1}, {1, 77}, {77, 1}, {5, 40}, {40, 5}, {65, 67}, {66, 600}});
}

TEST(DynamicSdpaTest, OneQueryAgainstAnyNumberOfKeys) {
  for (DataType type : {DataType::Float, DataType::BFloat16})
    run(type, {.heads = 4, .rows = 1, .depth = 64, .width = 64},
        lengths({1, 2, 15, 100, 511, 512, 513, 1025}));
}

TEST(DynamicSdpaTest, Masks) {
  size_t number = 0;
  for (const Dims &mask :
       {Dims{1, 1, kN, kM}, Dims{2, 1, 1, kM}, Dims{1, 2, kN, 1},
        Dims{2, 2, kN, kM}, Dims{1, 1, 1, 1}})
    for (DataType maskType : {DataType::Float, DataType::Boolean}) {
      const DataType type = kFloatTypes[number++ % 3];
      run(type, {.keys = kM, .mask = mask, .maskType = maskType},
          {{1, 1}, {1, 50}, {9, 33}, {50, 7}, {35, 530}});
    }
}

TEST(DynamicSdpaTest, Batch) {
  for (DataType type : {DataType::Float, DataType::Half, DataType::BFloat16}) {
    // The batch alone, and with the sequence.
    run(type, {.batch = kN, .rows = 21, .keys = 40}, lengths({1, 2, 16, 37}));
    run(type, {.batch = kM, .causal = true, .sequenceFirst = true},
        {{1, 1}, {17, 3}, {5, 40}, {70, 2}});
  }
}

// What follows is computed with the result.
TEST(DynamicSdpaTest, WithAResidual) {
  for (DataType type : {DataType::Float, DataType::BFloat16}) {
    Case c("dynamic sdpa and residual " + toString(type));
    const Dims dims = {2, 4, kN, 20};
    std::vector<TensorPtr> in;
    for (const char *name : {"q", "k", "v", "residual"})
      in.push_back(dynamic(c.input(name, type, dims), {2}));
    SdpaAttr attr;
    const TensorPtr o =
        dynamic(c.graph.sdpa(in[0], in[1], in[2], nullptr, attr), {2});
    o->setDataType(type);
    c.output(
        dynamic(c.pointwise(PointwiseAttr::Mode::ADD, {o, in[3]}, type), {2}),
        "y");
    EXPECT_TRUE(c.runShapes(rowsFrom(c, {1, 16, 33, 7, 300}),
                            {.threads = {1, 2}, .repeats = 1}));
  }
}

TEST(DynamicSdpaTest, LongSequences) {
  for (DataType type : {DataType::Float, DataType::BFloat16})
    for (bool causal : {false, true})
      run(type,
          {.batch = 1,
           .heads = 4,
           .kHeads = 1,
           .vHeads = 1,
           .depth = 64,
           .width = 72,
           .causal = causal},
          lengths({513, 1, 1500, 300}),
          {.threads = {1, 2}, .repeats = 1, .samples = 300});
}

} // namespace
} // namespace fusilli::e2e
