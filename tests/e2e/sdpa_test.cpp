// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention in every float dtype and target: masks of every broadcast, causal,
// grouped heads, odd sizes, layouts, rows that see nothing, numbers that are
// none.

#include "tests/e2e/shapes.h"

#include <cmath>

namespace fusilli::e2e {
namespace {

struct Problem {
  int64_t batch = 1, heads = 1, kHeads = 1, vHeads = 1;
  int64_t rows = 1, keys = 1, depth = 1, width = 1;
  bool causal = false;
  Dims mask = {}; ///< empty: none
  std::optional<float> scale = {};
  DataType maskType = DataType::NotSet; ///< NotSet: that of Q
};

std::string toString(const Problem &p) {
  std::string text;
  for (int64_t n :
       {p.batch, p.heads, p.kHeads, p.vHeads, p.rows, p.keys, p.depth, p.width})
    text += (text.empty() ? "b,hq,hk,hv,m,n,d,e " : ",") + std::to_string(n);
  return text + (p.causal ? " causal" : "") +
         (p.mask.empty() ? "" : " mask " + e2e::toString(p.mask));
}

/// Strides of [batch, heads, sequence, head dim] in memory order
/// [batch, sequence, heads, head dim], as projections give them.
Dims sequenceFirst(const Dims &d) {
  return {d[1] * d[2] * d[3], d[3], d[1] * d[3], 1};
}

struct Layouts {
  Dims q = {}, k = {}, v = {}, o = {}, mask = {}; ///< empty: row-major
};

const SdpaAttr attributes(const Problem &p) {
  return SdpaAttr()
      .setIsCausal(p.causal)
      .setScale(p.scale)
      .setEnableGqa(p.heads != p.kHeads || p.heads != p.vHeads)
      .setName("attention");
}

/// Adds the attention of the inputs of `c`, the mask last if there is one.
void addAttention(Case &c, const Problem &p, DataType out,
                  const std::vector<TensorPtr> &in, const Dims &strides = {}) {
  SdpaAttr attr = attributes(p);
  const TensorPtr o =
      c.graph.sdpa(in[0], in[1], in[2], in.size() > 3 ? in[3] : nullptr, attr);
  o->setDataType(out);
  c.output(o, "o", strides);
}

void run(DataType type, const Problem &p, const Layouts &layouts = {},
         const RunOptions &options = {.threads = {1, 2}, .repeats = 1},
         Data data = Data::Normal) {
  Case c("sdpa " + e2e::toString(type) + " " + toString(p));
  const auto add = [&](const std::string &name, DataType dtype,
                       const Dims &dims, const Dims &strides) {
    return c.input(name, dtype, dims,
                   strides.empty() ? rowMajorStrides(dims) : strides, data);
  };
  std::vector<TensorPtr> in = {
      add("q", type, {p.batch, p.heads, p.rows, p.depth}, layouts.q),
      add("k", type, {p.batch, p.kHeads, p.keys, p.depth}, layouts.k),
      add("v", type, {p.batch, p.vHeads, p.keys, p.width}, layouts.v)};
  if (!p.mask.empty())
    in.push_back(add("mask", p.maskType == DataType::NotSet ? type : p.maskType,
                     p.mask, layouts.mask));
  addAttention(c, p, type, in, layouts.o);
  EXPECT_TRUE(c.run(options));
}

const std::vector<Problem> kSizes = {
    {.rows = 1, .keys = 1, .depth = 1, .width = 1},
    {.rows = 1, .keys = 37, .depth = 64, .width = 64},
    {.rows = 3, .keys = 5, .depth = 7, .width = 9},
    {.batch = 2,
     .heads = 3,
     .kHeads = 3,
     .vHeads = 3,
     .rows = 8,
     .keys = 32,
     .depth = 32,
     .width = 32},
    {.heads = 2,
     .kHeads = 2,
     .vHeads = 2,
     .rows = 65,
     .keys = 67,
     .depth = 33,
     .width = 31},
    {.rows = 130, .keys = 97, .depth = 80, .width = 16},
    {.rows = 49, .keys = 600, .depth = 64, .width = 72},
    {.batch = 2,
     .heads = 2,
     .kHeads = 2,
     .vHeads = 2,
     .rows = 127,
     .keys = 1030,
     .depth = 17,
     .width = 40},
    {.rows = 20, .keys = 30, .depth = 128, .width = 256},
    {.rows = 200, .keys = 8, .depth = 2, .width = 100}};

TEST(SdpaTest, SizesAllTypes) {
  for (DataType type : kFloatTypes)
    for (Problem p : kSizes)
      run(type, p);
}

TEST(SdpaTest, Causal) {
  for (DataType type : kFloatTypes)
    for (Problem p : kSizes) {
      p.causal = true;
      run(type, p);
    }
}

TEST(SdpaTest, MasksOfEveryBroadcast) {
  for (int bits = 0; bits < 16; ++bits) {
    Problem p{.batch = 2,
              .heads = 3,
              .kHeads = 3,
              .vHeads = 3,
              .rows = 35,
              .keys = 53,
              .depth = 16,
              .width = 24};
    p.mask = {bits & 8 ? p.batch : 1, bits & 4 ? p.heads : 1,
              bits & 2 ? p.rows : 1, bits & 1 ? p.keys : 1};
    run(kFloatTypes[static_cast<size_t>(bits + bits / 4) % kFloatTypes.size()],
        p);
    run(DataType::Float, p);
  }
}

TEST(SdpaTest, MaskTypes) {
  Problem p{.heads = 2,
            .kHeads = 2,
            .vHeads = 2,
            .rows = 21,
            .keys = 45,
            .depth = 32,
            .width = 32,
            .mask = {1, 1, 21, 45}};
  for (DataType type : kFloatTypes)
    for (DataType mask : {DataType::Float, DataType::Half, DataType::BFloat16,
                          DataType::Double, DataType::Boolean}) {
      p.maskType = mask;
      run(type, p);
    }
}

TEST(SdpaTest, GroupedHeads) {
  const std::vector<std::array<int64_t, 3>> heads = {
      {4, 2, 2}, {8, 1, 1}, {6, 3, 2}, {6, 2, 3}, {4, 4, 1}, {4, 1, 4}};
  for (DataType type : kFloatTypes)
    for (const auto &[q, k, v] : heads)
      run(type, {.batch = 2,
                 .heads = q,
                 .kHeads = k,
                 .vHeads = v,
                 .rows = 19,
                 .keys = 40,
                 .depth = 24,
                 .width = 8,
                 .causal = q == 6});
}

TEST(SdpaTest, Scales) {
  for (DataType type : kFloatTypes)
    for (float scale : {0.0f, 1.0f, -0.5f, 0.05f})
      run(type,
          {.rows = 10, .keys = 40, .depth = 16, .width = 16, .scale = scale});
}

TEST(SdpaTest, SequenceFirstLayout) {
  const Problem p{.batch = 2,
                  .heads = 4,
                  .kHeads = 2,
                  .vHeads = 2,
                  .rows = 50,
                  .keys = 70,
                  .depth = 32,
                  .width = 40};
  const Layouts layouts{
      .q = sequenceFirst({p.batch, p.heads, p.rows, p.depth}),
      .k = sequenceFirst({p.batch, p.kHeads, p.keys, p.depth}),
      .v = sequenceFirst({p.batch, p.vHeads, p.keys, p.width}),
      .o = sequenceFirst({p.batch, p.heads, p.rows, p.width})};
  for (DataType type : kFloatTypes)
    run(type, p, layouts);
}

TEST(SdpaTest, RandomLayouts) {
  Random random = makeRandom("sdpa layouts");
  for (int64_t n = 0; n < Settings::get().count(24); ++n) {
    Problem p{.batch = pick(random, 1, 2),
              .rows = pick(random, 1, 90),
              .keys = pick(random, 1, 150),
              .depth = pick(random, 1, 70),
              .width = pick(random, 1, 70)};
    p.kHeads = pick(random, 1, 2);
    p.vHeads = pick(random, 1, 2);
    p.heads = p.kHeads * p.vHeads * pick(random, 1, 2);
    p.causal = pick(random, 0, 2) == 0;
    if (!p.causal && pick(random, 0, 1))
      p.mask = {pick(random, 0, 1) ? p.batch : 1,
                pick(random, 0, 1) ? p.heads : 1, p.rows,
                pick(random, 0, 1) ? p.keys : 1};
    const auto layout = [&](const Dims &dims, bool broadcast) {
      return randomStrides(random, dims, broadcast);
    };
    Layouts layouts{.q = layout({p.batch, p.heads, p.rows, p.depth}, true),
                    .k = layout({p.batch, p.kHeads, p.keys, p.depth}, true),
                    .v = layout({p.batch, p.vHeads, p.keys, p.width}, true),
                    .o = layout({p.batch, p.heads, p.rows, p.width}, false)};
    if (!p.mask.empty())
      layouts.mask = layout(p.mask, true);
    run(pick(random, kFloatTypes), p, layouts);
  }
}

TEST(SdpaTest, MixedTypes) {
  const std::vector<std::array<DataType, 4>> mixed = {
      {DataType::Half, DataType::Half, DataType::Half, DataType::Float},
      {DataType::BFloat16, DataType::BFloat16, DataType::BFloat16,
       DataType::Float},
      {DataType::Float, DataType::BFloat16, DataType::Half, DataType::BFloat16},
      {DataType::BFloat16, DataType::BFloat16, DataType::Float,
       DataType::Half}};
  const Problem p{.heads = 2,
                  .kHeads = 2,
                  .vHeads = 2,
                  .rows = 30,
                  .keys = 41,
                  .depth = 20,
                  .width = 33};
  for (const auto &[q, k, v, o] : mixed) {
    Case c("sdpa mixed types " + e2e::toString(q) + " " + e2e::toString(k) +
           " " + e2e::toString(v) + " " + e2e::toString(o));
    addAttention(c, p, o,
                 {c.input("q", q, {p.batch, p.heads, p.rows, p.depth}),
                  c.input("k", k, {p.batch, p.kHeads, p.keys, p.depth}),
                  c.input("v", v, {p.batch, p.vHeads, p.keys, p.width})});
    EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
  }
}

TEST(SdpaTest, RowsThatSeeNothingAreZero) {
  // The mask is -infinity, or a very low number, or false, for whole rows.
  const Problem p{.heads = 2,
                  .kHeads = 2,
                  .vHeads = 2,
                  .rows = 40,
                  .keys = 70,
                  .depth = 16,
                  .width = 16,
                  .mask = {1, 1, 40, 70}};
  for (DataType type : kFloatTypes)
    for (DataType maskType : {DataType::Float, DataType::Boolean}) {
      Case c("sdpa rows that see nothing " + e2e::toString(type) + " mask " +
             e2e::toString(maskType));
      const TensorPtr mask = c.input("mask", maskType, p.mask);
      reference::Tensor &values = c.inputs.at("mask");
      for (int64_t i = 0; i < p.rows * p.keys; ++i) {
        const int64_t row = i / p.keys, key = i % p.keys;
        const bool hidden = row % 3 == 0 || (row % 3 == 1 && key < 64);
        values.setValue(i, maskType == DataType::Boolean
                               ? (hidden ? 0.0 : 1.0)
                               : (hidden ? -INFINITY : 0.25 * (key % 5)));
      }
      addAttention(c, p, type,
                   {c.input("q", type, {p.batch, p.heads, p.rows, p.depth}),
                    c.input("k", type, {p.batch, p.kHeads, p.keys, p.depth}),
                    c.input("v", type, {p.batch, p.vHeads, p.keys, p.width}),
                    mask});
      EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
    }
}

TEST(SdpaTest, NumbersThatAreNoneStayInTheirRows) {
  for (DataType type : kFloatTypes)
    for (bool causal : {false, true})
      run(type,
          {.heads = 2,
           .kHeads = 2,
           .vHeads = 2,
           .rows = 70,
           .keys = 75,
           .depth = 3,
           .width = 5,
           .causal = causal},
          {}, {.threads = {1, 2}, .repeats = 1}, Data::Special);
}

TEST(SdpaTest, LargeScores) {
  // Weights of one key alone, and scores far apart.
  for (DataType type : kFloatTypes)
    run(type,
        {.rows = 60, .keys = 90, .depth = 64, .width = 32, .scale = 8.0f});
}

// What follows is computed with the result: a residual, a gate per head, a
// bias per column, an activation; the attention may be a result as well.
TEST(SdpaTest, WithWhatFollows) {
  using Mode = PointwiseAttr::Mode;
  const Problem p{.batch = 2,
                  .heads = 4,
                  .kHeads = 2,
                  .vHeads = 2,
                  .rows = 35,
                  .keys = 50,
                  .depth = 24,
                  .width = 21};
  const Dims dims = {p.batch, p.heads, p.rows, p.width};
  for (DataType type : kFloatTypes)
    for (bool alsoAttention : {false, true})
      for (bool isSequenceFirst : {false, true}) {
        const auto layout = [&](const Dims &d) {
          return isSequenceFirst ? sequenceFirst(d) : rowMajorStrides(d);
        };
        Case c("sdpa, gate, bias, gelu, residual " + e2e::toString(type) +
               (alsoAttention ? " and attention" : "") +
               (isSequenceFirst ? " sequence first" : ""));
        SdpaAttr attr = attributes(p);
        const TensorPtr o = c.graph.sdpa(
            c.input("q", type, {p.batch, p.heads, p.rows, p.depth}),
            c.input("k", type, {p.batch, p.kHeads, p.keys, p.depth}),
            c.input("v", type, {p.batch, p.vHeads, p.keys, p.width}), nullptr,
            attr);
        o->setDataType(type).setDim(dims).setStride(rowMajorStrides(dims));
        if (alsoAttention)
          c.output(o, "o");
        const TensorPtr gated = c.pointwise(
            Mode::MUL, {o, c.input("gate", type, {1, p.heads, 1, 1})}, type);
        const TensorPtr sum = c.pointwise(
            Mode::ADD, {gated, c.input("bias", type, {p.width})}, type);
        const TensorPtr active = c.pointwise(Mode::GELU_FWD, {sum}, type);
        const TensorPtr residual =
            c.input("residual", type, dims, layout(dims), Data::Normal);
        c.output(c.pointwise(Mode::ADD, {active, residual}, type), "y",
                 layout(dims));
        EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
      }
}

TEST(SdpaTest, WithPredicatesOfItsResult) {
  using Mode = PointwiseAttr::Mode;
  const Problem p{.heads = 2,
                  .kHeads = 2,
                  .vHeads = 2,
                  .rows = 20,
                  .keys = 30,
                  .depth = 8,
                  .width = 1};
  Case c("sdpa, compared");
  SdpaAttr attr = attributes(p);
  const DataType type = DataType::Float;
  const TensorPtr o = c.graph.sdpa(
      c.input("q", type, {p.batch, p.heads, p.rows, p.depth}),
      c.input("k", type, {p.batch, p.kHeads, p.keys, p.depth}),
      c.input("v", type, {p.batch, p.vHeads, p.keys, p.width}), nullptr, attr);
  const Dims dims = {p.batch, p.heads, p.rows, p.width};
  o->setDataType(type).setDim(dims).setStride(rowMajorStrides(dims));
  const TensorPtr limit = c.constant("limit", 100.0f);
  const TensorPtr isLess =
      c.pointwise(Mode::CMP_LT, {o, limit}, DataType::Boolean);
  c.output(c.pointwise(Mode::BINARY_SELECT, {isLess, limit, o}, type), "y");
  c.output(isLess, "is_less");
  EXPECT_TRUE(c.run({.threads = {1, 2}, .repeats = 1}));
}

TEST(SdpaTest, ManyKeysAndManyRows) {
  for (DataType type : {DataType::Float, DataType::BFloat16}) {
    const RunOptions sampled{.threads = {1, 2}, .repeats = 1, .samples = 200};
    run(type, {.rows = 5, .keys = 40000, .depth = 64, .width = 64}, {},
        sampled);
    for (bool causal : {false, true})
      run(type,
          {.heads = 4,
           .kHeads = 2,
           .vHeads = 2,
           .rows = 150,
           .keys = 2500,
           .depth = 256,
           .width = 250,
           .causal = causal},
          {}, sampled);
    run(type,
        {.heads = 8,
         .kHeads = 2,
         .vHeads = 2,
         .rows = 700,
         .keys = 700,
         .depth = 64,
         .width = 64,
         .causal = true},
        {}, sampled);
  }
}

} // namespace
} // namespace fusilli::e2e
