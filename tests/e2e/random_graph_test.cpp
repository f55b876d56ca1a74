// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random graphs of pointwise ops, reductions, matmuls and convolutions, on
// dense tensors of any layout and, one in three, on views. A graph is a
// function of its number and FUSILLI_E2E_SEED; FUSILLI_E2E_SCALE changes how
// many there are, FUSILLI_E2E_GRAPH runs one alone.

#include "tests/e2e/shapes.h"

#include <cstdlib>

namespace fusilli::e2e {
namespace {

using Mode = PointwiseAttr::Mode;
using Reduce = ReductionAttr::Mode;

/// Grows a graph node by node from tensors that are there.
class Generator {
public:
  explicit Generator(int64_t number)
      : c_("random graph " + std::to_string(number)), random_(c_.random) {}

  testing::AssertionResult run() {
    base_ = pick(random_, kFloatTypes);
    hasViews_ = pick(random_, 0, 2) == 0;
    const int64_t inputs = pick(random_, 1, 3);
    for (int64_t n = 0; n < inputs; ++n)
      addInput(randomDims(random_, pick(random_, 1, 4), 2000));
    const int64_t nodes = pick(random_, 1, 9);
    for (int64_t n = 0; n < nodes; ++n)
      addNode();
    finish();
    return c_.run({.threads = {1, 2}, .repeats = 1});
  }

private:
  TensorPtr addInput(const Dims &dims) {
    const DataType dtype =
        pick(random_, 0, 4) == 0 ? pick(random_, kFloatTypes) : base_;
    return remember(c_.input(
        "in" + std::to_string(inputs_++), dtype, dims, inputStrides(dims),
        pick(random_, 0, 1) ? Data::Normal : Data::Integers));
  }

  Dims inputStrides(const Dims &dims) {
    return hasViews_ ? randomViewStrides(random_, dims, true)
                     : randomStrides(random_, dims, true);
  }
  Dims resultStrides(const Dims &dims) {
    return hasViews_ && pick(random_, 0, 1)
               ? randomViewStrides(random_, dims, false)
               : randomStrides(random_, dims);
  }

  TensorPtr remember(TensorPtr tensor) {
    tensors_.push_back(tensor);
    return tensor;
  }

  /// A result type: mostly the base type.
  DataType resultType() {
    return pick(random_, 0, 7) == 0 ? pick(random_, kFloatTypes) : base_;
  }

  /// Gives a result of a node a layout and perhaps makes it an output.
  void result(const TensorPtr &tensor) {
    tensor->setStride(resultStrides(tensor->getDim()));
    results_.push_back(tensor);
    remember(tensor);
  }

  void addNode() {
    switch (pick(random_, 0, 9)) {
    case 0:
    case 1:
      return addReduction();
    case 2:
      return addMatmul();
    case 3:
      return addConv();
    case 4:
      return addSelect();
    case 5:
    case 6:
      return addUnary();
    default:
      return addBinary();
    }
  }

  void addUnary() {
    static const std::vector<Mode> modes = {Mode::ABS,
                                            Mode::NEG,
                                            Mode::RELU_FWD,
                                            Mode::TANH_FWD,
                                            Mode::SIGMOID_FWD,
                                            Mode::ERF,
                                            Mode::GELU_FWD,
                                            Mode::SWISH_FWD,
                                            Mode::ELU_FWD,
                                            Mode::SOFTPLUS_FWD,
                                            Mode::SIN,
                                            Mode::IDENTITY,
                                            Mode::GELU_APPROX_TANH_FWD};
    result(c_.pointwise(pick(random_, modes), {pick(random_, tensors_)},
                        resultType()));
  }

  /// A tensor, or an input made for it, that broadcasts with `x`.
  TensorPtr partner(const TensorPtr &x) {
    std::vector<TensorPtr> fitting;
    for (const TensorPtr &tensor : tensors_)
      if (isOk(computeBroadcastShape({tensor->getDim(), x->getDim()})))
        fitting.push_back(tensor);
    if (pick(random_, 0, 5) == 0)
      return c_.constant("k" + std::to_string(inputs_++),
                         static_cast<float>(pick(random_, -3, 3)) + 0.5f);
    if (fitting.size() > 1 && pick(random_, 0, 2) != 0)
      return pick(random_, fitting);
    return addInput(randomBroadcastFrom(random_, x->getDim()));
  }

  /// Broadcasts of several tensors may grow without end.
  bool tooLarge(const std::vector<TensorPtr> &in) {
    std::vector<Dims> shapes;
    for (const TensorPtr &tensor : in)
      shapes.push_back(tensor->getDim());
    auto dims = computeBroadcastShape(shapes);
    if (isError(dims))
      return true;
    int64_t volume = 1;
    for (int64_t dim : *dims)
      volume *= dim;
    return volume > 50000;
  }

  void addBinary() {
    static const std::vector<Mode> modes = {
        Mode::ADD,    Mode::SUB,     Mode::MUL,        Mode::MAX_OP,
        Mode::MIN_OP, Mode::ADD,     Mode::ADD_SQUARE, Mode::RELU_BWD,
        Mode::MUL,    Mode::TANH_BWD};
    const TensorPtr a = pick(random_, tensors_), b = partner(a);
    if (tooLarge({a, b}))
      return;
    const bool swap = pick(random_, 0, 1) && !b->isScalar();
    result(c_.pointwise(pick(random_, modes),
                        swap ? std::vector{b, a} : std::vector{a, b},
                        resultType()));
  }

  void addSelect() {
    static const std::vector<Mode> modes = {Mode::CMP_LT, Mode::CMP_GE,
                                            Mode::CMP_GT};
    const TensorPtr a = pick(random_, tensors_), b = partner(a);
    if (tooLarge({a, b}))
      return;
    const TensorPtr condition =
        c_.pointwise(pick(random_, modes), {a, b}, DataType::Boolean);
    result(c_.pointwise(Mode::BINARY_SELECT, {condition, a, b}, resultType()));
  }

  void addReduction() {
    static const std::vector<Reduce> modes = {
        Reduce::ADD, Reduce::MAX,   Reduce::MIN,  Reduce::AVG,
        Reduce::ADD, Reduce::NORM1, Reduce::AMAX, Reduce::NORM2};
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
    Dims b = dims;
    const size_t rank = dims.size();
    b[rank - 2] = dims[rank - 1];
    b[rank - 1] = pick(random_, 1, 40);
    for (size_t d = 0; d + 2 < rank; ++d)
      if (pick(random_, 0, 3) == 0)
        b[d] = 1;
    const TensorPtr w =
        c_.input("in" + std::to_string(inputs_++), a->getDataType(), b,
                 inputStrides(b), Data::Normal);
    result(c_.matmul(a, w, resultType()));
  }

  void addConv() {
    const int64_t rank = pick(random_, 1, 2);
    Dims x = {pick(random_, 1, 2), pick(random_, 1, 6)};
    Dims w = {pick(random_, 1, 8), x[1]};
    Dims padding, stride, dilation;
    for (int64_t d = 0; d < rank; ++d) {
      x.push_back(pick(random_, 4, 12));
      w.push_back(pick(random_, 1, 3));
      padding.push_back(pick(random_, 0, 1));
      stride.push_back(pick(random_, 1, 2));
      dilation.push_back(1);
    }
    const auto input = [&](const Dims &dims) {
      return c_.input("in" + std::to_string(inputs_++), base_, dims,
                      inputStrides(dims), Data::Normal);
    };
    result(c_.conv(remember(input(x)), input(w), padding, stride, dilation,
                   resultType()));
  }

  /// Results that nobody asked for are outputs by chance, the last one always.
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
  bool hasViews_ = false;
  int inputs_ = 0;
  std::vector<TensorPtr> tensors_, results_;
};

TEST(RandomGraphTest, AgreesWithTheReference) {
  if (const char *one = std::getenv("FUSILLI_E2E_GRAPH")) {
    EXPECT_TRUE(Generator(std::strtoll(one, nullptr, 10)).run());
    return;
  }
  for (int64_t n = 0; n < Settings::get().count(300); ++n)
    EXPECT_TRUE(Generator(n).run());
}

} // namespace
} // namespace fusilli::e2e
