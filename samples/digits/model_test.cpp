// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiled graphs of the network against plain loops in double precision:
// loss, probabilities, every gradient, and the update in place.
#include "data_set.h"
#include "model.h"
#include "plain_mlp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace digits {
namespace {

using fusilli::ErrorCode;
using fusilli::ErrorObject;

#define ASSERT_OK(EXPR)                                                        \
  do {                                                                         \
    ErrorObject error = (EXPR);                                                \
    ASSERT_EQ(error, ErrorCode::OK) << error;                                  \
  } while (false)

std::vector<double> widened(const std::vector<float> &values) {
  return {values.begin(), values.end()};
}

/// Runs the graphs for one batch; buffers go by the name of their tensor.
class ModelTest : public testing::TestWithParam<Shape> {
protected:
  void SetUp() override {
    auto handle = fusilli::Handle::create(fusilli::Backend::CPU);
    ASSERT_OK(ErrorObject(handle));
    handle_ = std::make_unique<fusilli::Handle>(std::move(*handle));
    shape_ = GetParam();
    parameters_ = initialParameters(shape_.hidden, kSeed);
    Noise noise(kSeed);
    for (float &bias : parameters_.b1) // zeros would hide an error in them
      bias = 0.1f * noise();
    for (float &bias : parameters_.b2)
      bias = 0.1f * noise();
    for (int64_t i = 0; i < shape_.batch; ++i) {
      for (size_t pixel = 0; pixel < kPixels; ++pixel)
        x_.push_back(noise());
      std::vector<float> answer(kClasses, 0.0f);
      answer[noise.below(kClasses)] = 1.0f;
      t_.insert(t_.end(), answer.begin(), answer.end());
    }
    PlainMlp net{kPixels,
                 static_cast<size_t>(shape_.hidden),
                 kClasses,
                 widened(parameters_.w1),
                 widened(parameters_.b1),
                 widened(parameters_.w2),
                 widened(parameters_.b2)};
    expected_ = plainForwardBackward(net, widened(x_), widened(t_));
  }

  void put(const std::string &name, const Dims &dims,
           std::vector<float> values = {}) {
    int64_t count = 1;
    for (int64_t dim : dims)
      count *= dim;
    // What is not given is written by a graph: start it as something wrong.
    values.resize(static_cast<size_t>(count), -77.0f);
    auto buffer = makeBuffer(*handle_, dims, values);
    ASSERT_OK(ErrorObject(buffer));
    buffers_[name] = *buffer;
  }

  void putAll() {
    int64_t in = kPixels, out = kClasses, hidden = shape_.hidden;
    put("x", {shape_.batch, in}, x_);
    put("t", {shape_.batch, out}, t_);
    put("w1", {in, hidden}, parameters_.w1);
    put("b1", {1, hidden}, parameters_.b1);
    put("w2", {hidden, out}, parameters_.w2);
    put("b2", {1, out}, parameters_.b2);
    put("rate", {1, 1}, {0.25f});
    put("a1", {shape_.batch, hidden});
    put("p", {shape_.batch, out});
    put("loss", {1, 1});
    put("dw1", {in, hidden});
    put("db1", {1, hidden});
    put("dw2", {hidden, out});
    put("db2", {1, out});
  }

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  void run(fusilli::ErrorOr<std::shared_ptr<fusilli::Graph>> graph,
           const Pairs &pairs) {
    ASSERT_OK(ErrorObject(graph));
    Program program(*graph);
    ASSERT_OK(program.compile(*handle_));
    ASSERT_OK(program.bind(buffers_, pairs));
    ASSERT_OK(program.run(*handle_));
  }

  void runForward() {
    run(forwardGraph(shape_), {{"x", "x"},
                               {"t", "t"},
                               {"w1", "w1"},
                               {"b1", "b1"},
                               {"w2", "w2"},
                               {"b2", "b2"},
                               {"a1", "a1"},
                               {"p", "p"},
                               {"loss", "loss"}});
  }
  void runBackward() {
    run(backwardGraph(shape_), {{"p", "p"},
                                {"t", "t"},
                                {"a1", "a1"},
                                {"a1_t", "a1"},
                                {"x_t", "x"},
                                {"w2_t", "w2"},
                                {"dw1", "dw1"},
                                {"db1", "db1"},
                                {"dw2", "dw2"},
                                {"db2", "db2"}});
  }
  void runUpdate() {
    Pairs pairs = {{"rate", "rate"}};
    for (std::string name : {"w1", "b1", "w2", "b2"}) {
      pairs.push_back({name, name});
      pairs.push_back({"d" + name, "d" + name});
      pairs.push_back({name + "_new", name});
    }
    run(updateGraph(shape_), pairs);
  }

  std::vector<float> get(const std::string &name) {
    std::vector<float> values;
    ErrorObject error = buffers_[name]->read(*handle_, values);
    EXPECT_EQ(error, ErrorCode::OK) << error;
    return values;
  }

  /// Within `bound` of the largest expected value.
  void expectNear(const std::string &name, const std::vector<double> &expected,
                  double bound = 1e-5) {
    std::vector<float> values = get(name);
    ASSERT_EQ(values.size(), expected.size()) << name;
    double largest = 0;
    for (double value : expected)
      largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_NEAR(values[i], expected[i], bound * largest)
          << name << " at " << i << ", seed " << kSeed;
  }

  static constexpr uint64_t kSeed = 11;
  Shape shape_;
  std::unique_ptr<fusilli::Handle> handle_;
  Parameters parameters_;
  std::vector<float> x_, t_;
  PlainResult expected_;
  Buffers buffers_;
};

TEST_P(ModelTest, ForwardAgreesWithPlainLoops) {
  putAll();
  ASSERT_NO_FATAL_FAILURE(runForward());
  expectNear("a1", expected_.hiddenValues);
  expectNear("p", expected_.probabilities);
  expectNear("loss", {expected_.loss});
}

TEST_P(ModelTest, GradientsAgreeWithPlainLoops) {
  putAll();
  ASSERT_NO_FATAL_FAILURE(runForward());
  ASSERT_NO_FATAL_FAILURE(runBackward());
  expectNear("dw1", expected_.dw1);
  expectNear("db1", expected_.db1);
  expectNear("dw2", expected_.dw2);
  expectNear("db2", expected_.db2);
}

TEST_P(ModelTest, UpdateIsInPlace) {
  putAll();
  ASSERT_NO_FATAL_FAILURE(runForward());
  ASSERT_NO_FATAL_FAILURE(runBackward());
  ASSERT_NO_FATAL_FAILURE(runUpdate());
  auto stepped = [](const std::vector<float> &values,
                    const std::vector<double> &slopes, double decay) {
    std::vector<double> result = widened(values);
    for (size_t i = 0; i < result.size(); ++i)
      result[i] -= 0.25 * (slopes[i] + decay * result[i]);
    return result;
  };
  double decay = static_cast<double>(kWeightDecay);
  expectNear("w1", stepped(parameters_.w1, expected_.dw1, decay));
  expectNear("b1", stepped(parameters_.b1, expected_.db1, 0));
  expectNear("w2", stepped(parameters_.w2, expected_.dw2, decay));
  expectNear("b2", stepped(parameters_.b2, expected_.db2, 0));
  expectNear("dw1", expected_.dw1); // inputs stay what they were
}

TEST_P(ModelTest, InferenceEqualsForward) {
  putAll();
  ASSERT_NO_FATAL_FAILURE(run(inferGraph(shape_), {{"x", "x"},
                                                   {"w1", "w1"},
                                                   {"b1", "b1"},
                                                   {"w2", "w2"},
                                                   {"b2", "b2"},
                                                   {"p", "p"}}));
  expectNear("p", expected_.probabilities);
}

TEST_P(ModelTest, BindRefusesUnknownNames) {
  auto graph = inferGraph(shape_);
  ASSERT_OK(ErrorObject(graph));
  Program program(*graph);
  EXPECT_EQ(program.bind("nothing", nullptr), ErrorCode::InvalidArgument);
  EXPECT_EQ(program.bind(buffers_, {{"x", "nothing"}}),
            ErrorCode::InvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ModelTest,
                         testing::Values(Shape{.batch = 64, .hidden = 128},
                                         Shape{.batch = 7, .hidden = 33},
                                         Shape{.batch = 3, .hidden = 2}),
                         [](const auto &info) {
                           return "batch" + std::to_string(info.param.batch) +
                                  "hidden" + std::to_string(info.param.hidden);
                         });

} // namespace
} // namespace digits
