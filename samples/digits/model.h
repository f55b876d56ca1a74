// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The network, a perceptron of two layers, as four Fusilli graphs. With B
// images a batch and H hidden units (dims in brackets):
//
//   forward   a1 = relu(x w1 + b1)  [B,H]      o = a1 w2 + b2  [B,10]
//             p = softmax(o)  [B,10]           loss = mean of -log p[answer]
//   backward  do = (p - t) / B                 dw2 = a1' do, db2 = column sums
//             da = do w2' where a1 > 0         dw1 = x' da,  db1 = column sums
//   update    w -= rate (dw + decay w)         b -= rate db
//   infer     p = softmax(relu(x w1 + b1) w2 + b2)
//
// Transposes are strides: x' is a tensor of dims [64,B] over the buffer of x.
// The update is in place: its outputs are bound to the buffers of its inputs.
#ifndef SAMPLES_DIGITS_MODEL_H
#define SAMPLES_DIGITS_MODEL_H

#include <fusilli.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace digits {

using BufferPtr = std::shared_ptr<fusilli::Buffer>;
using Dims = std::vector<int64_t>;

struct Shape {
  int64_t batch = 64;
  int64_t hidden = 128;
};

/// Pulls weights towards zero; biases are left alone.
inline constexpr float kWeightDecay = 1e-3f;

/// The graphs, built and validated. Their tensors go by name: inputs x, t, w1,
/// b1, w2, b2, dw1, db1, dw2, db2, rate, and x_t, a1_t, w2_t for transposes;
/// outputs a1, p, loss, dw1, ..., w1_new, b1_new, w2_new, b2_new.
fusilli::ErrorOr<std::shared_ptr<fusilli::Graph>> forwardGraph(Shape shape);
fusilli::ErrorOr<std::shared_ptr<fusilli::Graph>> backwardGraph(Shape shape);
fusilli::ErrorOr<std::shared_ptr<fusilli::Graph>> updateGraph(Shape shape);
fusilli::ErrorOr<std::shared_ptr<fusilli::Graph>> inferGraph(Shape shape);

/// Buffers by the name of the tensor that they are for.
using Buffers = std::map<std::string, BufferPtr>;

/// A graph with its program loaded and a buffer bound to each tensor.
class Program {
public:
  explicit Program(std::shared_ptr<fusilli::Graph> graph)
      : graph_(std::move(graph)) {}

  fusilli::Graph &graph() { return *graph_; }
  /// Compiles and loads; afterwards `prepare` is done too.
  fusilli::ErrorObject compile(const fusilli::Handle &handle);
  /// Gets the workspace for what is loaded.
  fusilli::ErrorObject prepare(const fusilli::Handle &handle);
  /// Binds `buffer` to tensor `name`; InvalidArgument if there is none.
  fusilli::ErrorObject bind(const std::string &name, BufferPtr buffer);
  /// The same for each pair "tensor of the graph" = "buffer of that name".
  fusilli::ErrorObject
  bind(const Buffers &buffers,
       const std::vector<std::pair<std::string, std::string>> &pairs);
  fusilli::ErrorObject run(const fusilli::Handle &handle) const {
    return graph_->execute(handle, pack_, workspace_);
  }

private:
  std::shared_ptr<fusilli::Graph> graph_;
  std::unordered_map<std::shared_ptr<fusilli::TensorAttr>, BufferPtr> pack_;
  BufferPtr workspace_;
};

/// A float buffer of shape `dims` with a copy of `values`.
fusilli::ErrorOr<BufferPtr> makeBuffer(const fusilli::Handle &handle,
                                       const Dims &dims,
                                       const std::vector<float> &values);

/// What is trained, as values: w1 [64,H], b1 [1,H], w2 [H,10], b2 [1,10].
struct Parameters {
  std::vector<float> w1, b1, w2, b2;
};
/// Normal deviates of variance 2 / fan-in; biases zero.
Parameters initialParameters(int64_t hidden, uint64_t seed);

/// The class with the largest of each row's kClasses probabilities.
std::vector<int> predictions(const std::vector<float> &probabilities);

} // namespace digits

#endif // SAMPLES_DIGITS_MODEL_H
