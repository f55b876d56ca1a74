// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs real graphs through the public interface, compiled for every target that
// this machine has, and holds the results against the reference. One Case is
// one graph with its inputs; `run` compiles it for each target, executes it
// with several thread counts and repeatedly, and checks
//   - every element of every output against the reference's bound,
//   - that results are the same bit for bit whatever the number of threads,
//   - that bytes before and behind each buffer, between the elements of
//   outputs,
//     and all inputs are unchanged.
// Outputs and workspace are filled with 0xff beforehand.
//
// Environment: FUSILLI_E2E_SEED (default fixed), FUSILLI_E2E_SCALE (factor on
// the number of random cases, default 1), FUSILLI_E2E_TARGETS (comma-separated,
// default all that the machine has, and host).

#ifndef TESTS_E2E_HARNESS_H
#define TESTS_E2E_HARNESS_H

#include "reference/evaluator.h"

#include <fusilli.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace fusilli::e2e {

using TensorPtr = std::shared_ptr<TensorAttr>;
using Dims = std::vector<int64_t>;
using Random = std::mt19937_64;

/// What the environment asks for, read once.
struct Settings {
  uint64_t seed;
  double scale;
  std::vector<std::string> targets;
  static const Settings &get();
  /// `count` scaled, at least 1.
  int64_t count(int64_t count) const;
};

/// A generator for the case called `name`: seed of the run and the name.
Random makeRandom(const std::string &name);
/// A whole number in [low, high].
int64_t pick(Random &random, int64_t low, int64_t high);
template <typename T> const T &pick(Random &random, const std::vector<T> &of) {
  return of[static_cast<size_t>(
      pick(random, 0, static_cast<int64_t>(of.size()) - 1))];
}

/// What inputs hold.
enum class Data {
  Integers, ///< -4 to 4: float arithmetic on few of them is exact
  Normal,   ///< normally distributed; integers over -100 to 100
  Positive, ///< 0.1 to 4
  Wide,     ///< magnitudes from 2^-20 to 2^12; integers over the whole range
  Special,  ///< normal numbers with infinities, not-a-numbers, zeros of both
            ///< signs, subnormals, the largest numbers in between
};

/// Dense strides in a random order of dims; with `broadcast` some extents above
/// 1 have stride 0. Unit dims have an arbitrary stride.
Dims randomStrides(Random &random, const Dims &dims, bool broadcast = false);
/// Strides of a view: any order of dims, gaps between them and behind them,
/// unit dims with any stride. As an input also broadcast dims and dims that
/// overlap others, now and then.
Dims randomViewStrides(Random &random, const Dims &dims, bool isInput);
Dims channelsLastStrides(const Dims &dims);
using reference::rowMajorStrides;

std::string toString(const Dims &dims);
/// "f32" etc.
std::string toString(DataType type);

/// How a case is executed.
struct RunOptions {
  std::vector<int> threads = {1, 2, 3};
  int repeats = 2;
  /// Output name to the name of the input whose buffer it shares.
  std::map<std::string, std::string> inPlace = {};
  /// Buffers start this many elements behind a 64-byte boundary.
  int misalignment = 0;
  /// At most so many elements of each output are checked; 0: all.
  int64_t samples = 0;
  /// Output name to a bound on the absolute error of its elements, where the
  /// algorithm is better than the reference's bound knows.
  std::map<std::string, double> bounds = {};
};

/// One graph, its inputs, and a line that says what it is.
class Case {
public:
  /// `label`: op, dtype and what is special. `name` of the graph follows.
  explicit Case(std::string label);

  /// Adds a graph input with random content.
  TensorPtr input(const std::string &name, DataType dtype, const Dims &dims,
                  const Dims &strides, Data data);
  TensorPtr input(const std::string &name, DataType dtype, const Dims &dims,
                  Data data = Data::Normal);
  TensorPtr constant(const std::string &name, float value);

  // Nodes. The output is virtual until `output` is called on it; its dtype is
  // set here, dims and strides are inferred unless set.
  TensorPtr pointwise(PointwiseAttr::Mode mode,
                      const std::vector<TensorPtr> &in, DataType out);
  TensorPtr pointwise(PointwiseAttr attr, const std::vector<TensorPtr> &in,
                      DataType out);
  TensorPtr reduction(ReductionAttr::Mode mode, const TensorPtr &x,
                      const Dims &y, DataType out);
  TensorPtr matmul(const TensorPtr &a, const TensorPtr &b, DataType out);
  TensorPtr conv(const TensorPtr &x, const TensorPtr &w, const Dims &padding,
                 const Dims &stride, const Dims &dilation, DataType out);
  TensorPtr convDGrad(const TensorPtr &dy, const TensorPtr &w, const Dims &dx,
                      const Dims &padding, const Dims &stride,
                      const Dims &dilation, DataType out);
  TensorPtr convWGrad(const TensorPtr &dy, const TensorPtr &x, const Dims &dw,
                      const Dims &padding, const Dims &stride,
                      const Dims &dilation, DataType out);
  /// A custom op with outputs of the given types and dims, row-major.
  std::vector<TensorPtr>
  customOp(const std::string &text, const std::vector<TensorPtr> &in,
           const std::vector<std::pair<DataType, Dims>> &out);
  /// Makes a tensor an output of the graph, with the given layout if any.
  void output(const TensorPtr &tensor, const std::string &name,
              const Dims &strides = {});

  /// Validates, evaluates the reference, runs on all targets.
  testing::AssertionResult run(const RunOptions &options = {});

  /// The same against given values of the outputs, in row-major logical order,
  /// give or take `bound` times their magnitude and then rounded to the dtype;
  /// for what the reference cannot evaluate.
  testing::AssertionResult
  runAgainst(const std::map<std::string, std::vector<double>> &expected,
             double bound = 0.0, const RunOptions &options = {});
  /// The same for a graph with dynamic dims: compiles once for each target and
  /// executes with each of `shapes`, the inputs of other extents, in turn.
  testing::AssertionResult
  runShapes(const std::vector<reference::Inputs> &shapes,
            const RunOptions &options = {});
  /// Inputs like those of the graph with other extents in their dynamic dims,
  /// by representative extent.
  reference::Inputs inputsOf(const std::map<int64_t, int64_t> &extents,
                             Data data);
  /// The buffers of the outputs, by name, after the first execution for the
  /// last target of a successful run.
  const std::map<std::string, std::vector<uint8_t>> &results() const {
    return results_;
  }

  /// One line: label, inputs, outputs with dtype, shape and layout.
  std::string describe() const;

  Graph graph;
  Random random;
  reference::Inputs inputs;
  std::string label;

private:
  using Results = std::map<std::string, std::vector<uint8_t>>;

  /// One set of inputs and what comes of it.
  struct Shape {
    reference::Inputs inputs;
    std::map<std::string, reference::Expected> expected;
    Results first; ///< results of the first run on a target
  };

  testing::AssertionResult prepare();
  testing::AssertionResult evaluate(Shape &shape, const RunOptions &options);
  testing::AssertionResult runTarget(const std::string &target,
                                     std::vector<Shape> &shapes,
                                     const RunOptions &options);
  /// What is wrong, or nothing.
  std::string runThreads(const Handle &handle,
                         std::span<const uint8_t> artifact,
                         std::vector<Shape> &shapes, const RunOptions &options);
  std::string runShape(const Handle &handle, Shape &shape,
                       const RunOptions &options);
  static std::string compare(const TensorPtr &tensor,
                             std::span<const uint8_t> content, Shape &shape);
  /// Whether what lies between the elements of an output is as it was before.
  std::string checkGaps(const TensorPtr &tensor,
                        std::span<const uint8_t> content, const Shape &shape,
                        const RunOptions &options) const;
  /// Random content.
  void fill(reference::Tensor &tensor, Data data);
  testing::AssertionResult fail(const std::string &where,
                                const std::string &what) const;

  std::vector<uint8_t> bytes_;
  std::vector<TensorPtr> outputs_;
  Results results_;
};

} // namespace fusilli::e2e

#endif // TESTS_E2E_HARNESS_H
