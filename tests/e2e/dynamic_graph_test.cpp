// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random graphs of pointwise ops, reductions and matmuls with two dynamic
// extents, in any dims and any dense layout; each artifact serves several sets
// of extents. A graph is a function of its number and FUSILLI_E2E_SEED;
// FUSILLI_E2E_GRAPH runs one alone.

#include "tests/e2e/dynamic_cases.h"
#include "tests/e2e/shapes.h"

#include <cstdlib>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;
using Reduce = ReductionAttr::Mode;

class Generator {
public:
  explicit Generator(int64_t number)
      : c_("random dynamic graph " + std::to_string(number)),
        random_(c_.random) {}

  testing::AssertionResult run() {
    base_ = pick(random_, kFloatTypes);
    for (int64_t n = pick(random_, 1, 2); n > 0; --n)
      addInput(randomDynamicDims());
    for (int64_t n = pick(random_, 1, 7); n > 0; --n)
      addNode();
    finish();
    std::vector<reference::Inputs> shapes;
    for (int n = 0; n < 4; ++n)
      shapes.push_back(c_.inputsOf(
          {{kN, pick(random_, kExtents)}, {kM, pick(random_, kExtents)}},
          Data::Normal));
    return c_.runShapes(shapes, {.threads = {1, 2}, .repeats = 1});
  }

private:
  inline static const std::vector<int64_t> kExtents = {1,  2,  3,  7,  8, 16,
                                                       17, 24, 33, 50, 65};

  Dims randomDynamicDims() {
    static const std::vector<int64_t> pool = {kN, kN, kM, 1, 3, 5, 20};
    Dims dims;
    for (int64_t rank = pick(random_, 1, 3); rank > 0; --rank)
      dims.push_back(pick(random_, pool));
    return dims;
  }

  /// Marks the dynamic dims and gives the tensor a dense layout.
  TensorPtr remember(const TensorPtr &tensor) {
    const Dims dims = tensor->getDim();
    for (size_t d = 0; d < dims.size(); ++d)
      if (dims[d] == kN || dims[d] == kM)
        tensor->setDynamicDim(d);
    tensors_.push_back(tensor);
    return tensor;
  }

  TensorPtr addInput(const Dims &dims) {
    return remember(c_.input("in" + std::to_string(inputs_++), base_, dims,
                             randomStrides(random_, dims), Data::Normal));
  }

  void result(const TensorPtr &tensor) {
    tensor->setStride(randomStrides(random_, tensor->getDim()));
    results_.push_back(tensor);
    remember(tensor);
  }

  DataType resultType() {
    return pick(random_, 0, 5) == 0 ? pick(random_, kFloatTypes) : base_;
  }

  void addNode() {
    switch (pick(random_, 0, 7)) {
    case 0:
    case 1:
    case 2:
      return addReduction();
    case 3:
      return addMatmul();
    case 4:
      return addUnary();
    default:
      return addBinary();
    }
  }

  void addUnary() {
    static const std::vector<Mode> modes = {
        Mode::ABS, Mode::NEG, Mode::TANH_FWD, Mode::GELU_FWD, Mode::IDENTITY};
    result(c_.pointwise(pick(random_, modes), {pick(random_, tensors_)},
                        resultType()));
  }

  void addBinary() {
    static const std::vector<Mode> modes = {Mode::ADD, Mode::SUB, Mode::MUL,
                                            Mode::MAX_OP};
    const TensorPtr a = pick(random_, tensors_);
    std::vector<TensorPtr> fitting;
    for (const TensorPtr &tensor : tensors_) {
      const auto dims = computeBroadcastShape({tensor->getDim(), a->getDim()});
      if (isOk(dims) && dims->size() <= 3)
        fitting.push_back(tensor);
    }
    const TensorPtr b =
        pick(random_, 0, 2) == 0
            ? addInput(randomBroadcastFrom(random_, a->getDim()))
            : pick(random_, fitting);
    result(c_.pointwise(pick(random_, modes), {a, b}, resultType()));
  }

  void addReduction() {
    static const std::vector<Reduce> modes = {
        Reduce::ADD, Reduce::MAX, Reduce::AVG, Reduce::NORM1, Reduce::AMAX};
    const TensorPtr x = pick(random_, tensors_);
    Dims y = x->getDim();
    for (int64_t &dim : y)
      if (pick(random_, 0, 1))
        dim = 1;
    if (y == x->getDim())
      return;
    result(c_.reduction(pick(random_, modes), x, y, resultType()));
  }

  void addMatmul() {
    const TensorPtr a = pick(random_, tensors_);
    const Dims dims = a->getDim();
    if (dims.size() < 2)
      return;
    static const std::vector<int64_t> columns = {kN, kM, 1, 9, 20};
    Dims b = dims;
    b[dims.size() - 2] = dims.back();
    b.back() = pick(random_, columns);
    const TensorPtr w =
        remember(c_.input("in" + std::to_string(inputs_++), a->getDataType(), b,
                          randomStrides(random_, b), Data::Normal));
    result(c_.matmul(a, w, resultType()));
  }

  void finish() {
    if (results_.empty())
      addUnary();
    for (size_t n = 0; n < results_.size(); ++n)
      if (n + 1 == results_.size() || pick(random_, 0, 3) == 0)
        c_.output(results_[n], "out" + std::to_string(n));
  }

  Case c_;
  Random &random_; // Borrowed: the case's.
  DataType base_ = DataType::Float;
  int inputs_ = 0;
  std::vector<TensorPtr> tensors_, results_;
};

TEST(DynamicGraphTest, AgreesWithTheReference) {
  if (const char *one = std::getenv("FUSILLI_E2E_GRAPH")) {
    EXPECT_TRUE(Generator(std::strtoll(one, nullptr, 10)).run());
    return;
  }
  for (int64_t n = 0; n < Settings::get().count(120); ++n)
    EXPECT_TRUE(Generator(n).run());
}

} // namespace
} // namespace fusilli::e2e
