// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
#include "tests/soak/recipes.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace fusilli::soak {
namespace {

using Dims = std::vector<int64_t>;
using TensorPtr = std::shared_ptr<TensorAttr>;
using Mode = PointwiseAttr::Mode;

TensorPtr input(Graph &graph, const std::string &name, const Dims &dims,
                Dims strides = {}) {
  if (strides.empty())
    strides = reference::rowMajorStrides(dims);
  return graph.tensor(TensorAttr()
                          .setName(name)
                          .setDataType(DataType::Float)
                          .setDim(dims)
                          .setStride(strides));
}

TensorPtr apply(Graph &graph, Mode mode, const TensorPtr &a,
                const TensorPtr &b = nullptr) {
  auto attr = PointwiseAttr().setMode(mode);
  return b ? graph.pointwise(a, b, attr) : graph.pointwise(a, attr);
}

TensorPtr reduce(Graph &graph, ReductionAttr::Mode mode, const TensorPtr &x,
                 const Dims &dims) {
  auto attr = ReductionAttr().setMode(mode);
  TensorPtr y = graph.reduction(x, attr);
  y->setDim(dims).setStride(reference::rowMajorStrides(dims));
  return y;
}

void output(const TensorPtr &tensor, const std::string &name) {
  tensor->setName(name).setOutput(true);
}

// relu(a + b) * k, with a broadcast of b.
Recipe::Build pointwiseChain(Dims dims, float factor) {
  return [=](Graph &graph) {
    Dims row(dims.size(), 1);
    row.back() = dims.back();
    TensorPtr sum = apply(graph, Mode::ADD, input(graph, "a", dims),
                          input(graph, "b", row));
    TensorPtr k = graph.tensor(TensorAttr(factor).setName("k"));
    output(apply(graph, Mode::MUL, apply(graph, Mode::RELU_FWD, sum), k), "y");
  };
}

// gelu(x w + b), and the sum before it.
Recipe::Build dense(int64_t m, int64_t n, int64_t k, bool keepSum) {
  return [=](Graph &graph) {
    auto attr = MatmulAttr();
    TensorPtr product = graph.matmul(input(graph, "x", {m, k}),
                                     input(graph, "w", {k, n}), attr);
    TensorPtr sum = apply(graph, Mode::ADD, product, input(graph, "b", {1, n}));
    if (keepSum)
      output(sum, "s");
    output(apply(graph, Mode::GELU_FWD, sum), "y");
  };
}

// Two products in a row: the one in between needs a workspace.
Recipe::Build twoLayers(int64_t rows, int64_t width) {
  return [=](Graph &graph) {
    auto first = MatmulAttr(), second = MatmulAttr();
    TensorPtr hidden =
        apply(graph, Mode::RELU_FWD,
              graph.matmul(input(graph, "x", {rows, width}),
                           input(graph, "w1", {width, width}), first));
    output(graph.matmul(hidden, input(graph, "w2", {width, 8}), second), "y");
  };
}

Recipe::Build softmax(int64_t rows, int64_t columns) {
  return [=](Graph &graph) {
    TensorPtr x = input(graph, "x", {rows, columns});
    TensorPtr top = reduce(graph, ReductionAttr::Mode::MAX, x, {rows, 1});
    TensorPtr shifted = apply(graph, Mode::SUB, x, top);
    TensorPtr e = apply(graph, Mode::EXP, shifted);
    TensorPtr sum = reduce(graph, ReductionAttr::Mode::ADD, e, {rows, 1});
    output(apply(graph, Mode::DIV, e, sum), "p");
    output(sum, "sum");
  };
}

Recipe::Build convolution(int64_t channels, int64_t extent, bool channelsLast) {
  return [=](Graph &graph) {
    const auto layout = [&](const Dims &dims) {
      return channelsLast ? generateStrideFromDim(
                                dims, getChannelsLastStrideOrder(dims.size()))
                          : reference::rowMajorStrides(dims);
    };
    const Dims x = {1, channels, extent, extent}, w = {4, channels, 3, 3};
    auto attr = ConvFPropAttr()
                    .setPadding(Dims{1, 1})
                    .setStride(Dims{1, 1})
                    .setDilation(Dims{1, 1});
    TensorPtr y = graph.convFProp(input(graph, "x", x, layout(x)),
                                  input(graph, "w", w, layout(w)), attr);
    const Dims dims = {1, 4, extent, extent};
    y->setDim(dims).setStride(layout(dims));
    TensorPtr z = apply(graph, Mode::TANH_FWD, y);
    z->setDim(dims).setStride(layout(dims));
    output(z, "y");
  };
}

Recipe::Build sum(int64_t n, int outputs) {
  return [=](Graph &graph) {
    TensorPtr a = input(graph, "a", {n}), b = input(graph, "b", {n});
    for (int i = 0; i < outputs; ++i)
      output(apply(graph, Mode::ADD, a, b), "y" + std::to_string(i));
  };
}

} // namespace

ErrorOr<Graph> Recipe::makeGraph(const std::string &name) const {
  Graph graph;
  graph.setName(name)
      .setIODataType(DataType::Float)
      .setIntermediateDataType(DataType::Float)
      .setComputeDataType(DataType::Float);
  build_(graph);
  FUSILLI_CHECK_ERROR(graph.validate());
  return ok(std::move(graph));
}

ErrorObject Recipe::prepare(uint64_t seed) {
  FUSILLI_ASSIGN_OR_RETURN(Graph graph, makeGraph("soak"));
  FUSILLI_ASSIGN_OR_RETURN(graphDef_, graph.serialize());
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  for (Set &set : sets_) {
    for (const char *name : {"a", "b", "w", "w1", "w2", "x"}) {
      TensorPtr tensor = graph.getTensor(name);
      if (!tensor)
        continue;
      FUSILLI_ASSIGN_OR_RETURN(
          reference::Tensor content,
          reference::Tensor::create(
              {name, DataType::Float, tensor->getDim(), tensor->getStride()}));
      for (int64_t i = 0; i < content.spec().volume(); ++i)
        content.setValue(i, normal(random));
      set.inputs.insert_or_assign(name, std::move(content));
    }
    FUSILLI_ASSIGN_OR_RETURN(
        set.expected, reference::evaluateWithBounds(graphDef_, set.inputs));
    for (const auto &[name, expected] : set.expected)
      first_[static_cast<size_t>(&set - sets_.data())][name].content.resize(
          static_cast<size_t>(expected.spec.storageCount()));
  }
  return ok();
}

std::vector<std::string> Recipe::outputs() const {
  std::vector<std::string> names;
  for (const auto &[name, expected] : sets_[0].expected)
    names.push_back(name);
  return names;
}

std::string Recipe::check(int set, const std::string &output,
                          const std::vector<float> &content) const {
  const size_t size = content.size() * sizeof(float);
  {
    std::lock_guard lock(mutex_);
    const First &first = first_[set].at(output);
    if (first.isKnown && first.content.size() == content.size() &&
        std::memcmp(first.content.data(), content.data(), size) == 0)
      return {};
    if (first.isKnown)
      return label_ + ": output '" + output + "' of inputs " +
             std::to_string(set) + " differs from the first result";
  }
  auto verdict = reference::check(
      sets_[set].expected.at(output),
      {reinterpret_cast<const uint8_t *>(content.data()), size});
  if (isError(verdict))
    return label_ + ": " + ErrorObject(verdict).getMessage();
  if (!verdict->passed)
    return label_ + ": " + verdict->toString();
  std::lock_guard lock(mutex_);
  First &first = first_[set].at(output);
  if (!first.isKnown)
    std::ranges::copy(content, first.content.begin());
  first.isKnown = true;
  return {};
}

std::vector<uint8_t> Recipe::keptArtifact() const {
  std::lock_guard lock(mutex_);
  return artifact_;
}

void Recipe::keepArtifact(std::span<const uint8_t> bytes) const {
  std::lock_guard lock(mutex_);
  artifact_.assign(bytes.begin(), bytes.end());
}

Recipes makeRecipes(bool realCompiler) {
  Recipes recipes;
  const auto add = [&](std::string label, Recipe::Build build) {
    recipes.push_back(
        std::make_unique<Recipe>(std::move(label), std::move(build)));
  };
  if (!realCompiler) {
    for (int64_t n : {1, 4, 100, 1000, 70000})
      for (int outputs : {1, 2, 5})
        add("sum of " + std::to_string(n) + ", outputs " +
                std::to_string(outputs),
            sum(n, outputs));
    return recipes;
  }
  for (const Dims &dims : {Dims{1}, Dims{3, 5}, Dims{2, 3, 17}, Dims{256, 256}})
    for (float factor : {0.5f, -3.0f, 1.25f})
      add("relu of " + std::to_string(dims[0]) + "... times " +
              std::to_string(factor),
          pointwiseChain(dims, factor));
  add("dense 1x7x5", dense(1, 7, 5, false));
  add("dense 16x16x16", dense(16, 16, 16, true));
  add("dense 33x20x40", dense(33, 20, 40, false));
  add("dense 128x128x96", dense(128, 128, 96, false));
  add("two layers 4x16", twoLayers(4, 16));
  add("two layers 64x64", twoLayers(64, 64));
  add("softmax 1x10", softmax(1, 10));
  add("softmax 50x33", softmax(50, 33));
  add("softmax 300x128", softmax(300, 128));
  add("convolution of 3x8x8", convolution(3, 8, false));
  add("convolution of 4x12x12, channels last", convolution(4, 12, true));
  add("two sums", sum(5, 2));
  return recipes;
}

} // namespace fusilli::soak
