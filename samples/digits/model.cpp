// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds the four graphs through the public API. See model.h.
#include "model.h"
#include "data_set.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace digits {

using fusilli::DataType;
using fusilli::ErrorCode;
using fusilli::ErrorObject;
using fusilli::ErrorOr;
using fusilli::Graph;
using fusilli::MatmulAttr;
using fusilli::PointwiseAttr;
using fusilli::ReductionAttr;
using fusilli::TensorAttr;
using Mode = PointwiseAttr::Mode;
using TensorPtr = std::shared_ptr<TensorAttr>;
using GraphPtr = std::shared_ptr<Graph>;

static constexpr int64_t kIn = kPixels;
static constexpr int64_t kOut = kClasses;

namespace {

/// Short forms of the graph's builders, all in f32.
class Builder {
public:
  explicit Builder(const std::string &name)
      : graph_(std::make_shared<Graph>()) {
    graph_->setName(name)
        .setIODataType(DataType::Float)
        .setIntermediateDataType(DataType::Float)
        .setComputeDataType(DataType::Float);
  }

  /// An input, row-major.
  TensorPtr input(const std::string &name, int64_t rows, int64_t columns) {
    return graph_->tensor(TensorAttr()
                              .setName(name)
                              .setDataType(DataType::Float)
                              .setDim({rows, columns})
                              .setStride({columns, 1}));
  }
  /// The transpose of a row-major tensor of dims [columns, rows].
  TensorPtr transposed(const std::string &name, int64_t rows, int64_t columns) {
    return graph_->tensor(TensorAttr()
                              .setName(name)
                              .setDataType(DataType::Float)
                              .setDim({rows, columns})
                              .setStride({1, rows}));
  }
  TensorPtr constant(const std::string &name, float value) {
    return graph_->tensor(TensorAttr(value).setName(name));
  }
  TensorPtr matmul(const TensorPtr &a, const TensorPtr &b) {
    auto attr = MatmulAttr();
    return graph_->matmul(a, b, attr);
  }
  TensorPtr unary(Mode mode, const TensorPtr &a) {
    auto attr = PointwiseAttr().setMode(mode);
    return graph_->pointwise(a, attr);
  }
  TensorPtr binary(Mode mode, const TensorPtr &a, const TensorPtr &b) {
    auto attr = PointwiseAttr().setMode(mode);
    return graph_->pointwise(a, b, attr);
  }
  TensorPtr reduce(ReductionAttr::Mode mode, const TensorPtr &x, int64_t rows,
                   int64_t columns) {
    auto attr = ReductionAttr().setMode(mode);
    TensorPtr y = graph_->reduction(x, attr);
    y->setDim({rows, columns}).setStride({columns, 1});
    return y;
  }
  static void output(const TensorPtr &tensor, const std::string &name) {
    tensor->setName(name).setOutput(true);
  }
  ErrorOr<GraphPtr> finish() {
    FUSILLI_CHECK_ERROR(graph_->validate());
    return fusilli::ok(std::move(graph_));
  }

private:
  GraphPtr graph_;
};

struct Softmax {
  TensorPtr shifted;     // o - max of its row
  TensorPtr sum;         // of exp(shifted), a column
  TensorPtr probability; // exp(shifted) / sum
};

} // namespace

static Softmax softmax(Builder &b, const TensorPtr &o, int64_t rows) {
  Softmax result;
  TensorPtr top = b.reduce(ReductionAttr::Mode::MAX, o, rows, 1);
  result.shifted = b.binary(Mode::SUB, o, top);
  TensorPtr exponential = b.unary(Mode::EXP, result.shifted);
  result.sum = b.reduce(ReductionAttr::Mode::ADD, exponential, rows, 1);
  result.probability = b.binary(Mode::DIV, exponential, result.sum);
  return result;
}

/// relu(x w1 + b1), and the logits that follow from it.
static std::pair<TensorPtr, TensorPtr> layers(Builder &b, Shape shape) {
  TensorPtr x = b.input("x", shape.batch, kIn);
  TensorPtr w1 = b.input("w1", kIn, shape.hidden);
  TensorPtr b1 = b.input("b1", 1, shape.hidden);
  TensorPtr w2 = b.input("w2", shape.hidden, kOut);
  TensorPtr b2 = b.input("b2", 1, kOut);
  TensorPtr a1 =
      b.unary(Mode::RELU_FWD, b.binary(Mode::ADD, b.matmul(x, w1), b1));
  return {a1, b.binary(Mode::ADD, b.matmul(a1, w2), b2)};
}

ErrorOr<GraphPtr> forwardGraph(Shape shape) {
  Builder b("digits_forward");
  auto [a1, logits] = layers(b, shape);
  TensorPtr t = b.input("t", shape.batch, kOut);
  Softmax soft = softmax(b, logits, shape.batch);
  // -log p[answer] = log(sum) - shifted[answer], and t picks the answer.
  TensorPtr picked =
      b.reduce(ReductionAttr::Mode::ADD, b.binary(Mode::MUL, soft.shifted, t),
               shape.batch, 1);
  TensorPtr losses = b.binary(Mode::SUB, b.unary(Mode::LOG, soft.sum), picked);
  TensorPtr loss = b.reduce(ReductionAttr::Mode::AVG, losses, 1, 1);
  Builder::output(a1, "a1");
  Builder::output(soft.probability, "p");
  Builder::output(loss, "loss");
  return b.finish();
}

ErrorOr<GraphPtr> backwardGraph(Shape shape) {
  Builder b("digits_backward");
  TensorPtr p = b.input("p", shape.batch, kOut);
  TensorPtr t = b.input("t", shape.batch, kOut);
  TensorPtr a1 = b.input("a1", shape.batch, shape.hidden);
  TensorPtr xT = b.transposed("x_t", kIn, shape.batch);
  TensorPtr a1T = b.transposed("a1_t", shape.hidden, shape.batch);
  TensorPtr w2T = b.transposed("w2_t", kOut, shape.hidden);
  TensorPtr part =
      b.constant("one_over_batch", 1.0f / static_cast<float>(shape.batch));

  TensorPtr dO = b.binary(Mode::MUL, b.binary(Mode::SUB, p, t), part);
  TensorPtr dW2 = b.matmul(a1T, dO);
  TensorPtr dB2 = b.reduce(ReductionAttr::Mode::ADD, dO, 1, kOut);
  // RELU_BWD asks for the sign of the forward input; a1 has the same.
  TensorPtr dA = b.binary(Mode::RELU_BWD, b.matmul(dO, w2T), a1);
  TensorPtr dW1 = b.matmul(xT, dA);
  TensorPtr dB1 = b.reduce(ReductionAttr::Mode::ADD, dA, 1, shape.hidden);
  Builder::output(dW1, "dw1");
  Builder::output(dB1, "db1");
  Builder::output(dW2, "dw2");
  Builder::output(dB2, "db2");
  return b.finish();
}

ErrorOr<GraphPtr> updateGraph(Shape shape) {
  Builder b("digits_update");
  TensorPtr rate = b.input("rate", 1, 1);
  struct Row {
    const char *name;
    int64_t rows, columns;
    bool decays;
  };
  for (Row row :
       {Row{"w1", kIn, shape.hidden, true}, Row{"b1", 1, shape.hidden, false},
        Row{"w2", shape.hidden, kOut, true}, Row{"b2", 1, kOut, false}}) {
    std::string name = row.name;
    TensorPtr value = b.input(name, row.rows, row.columns);
    TensorPtr slope = b.input("d" + name, row.rows, row.columns);
    if (row.decays) {
      TensorPtr decay = b.constant("decay_" + name, kWeightDecay);
      slope = b.binary(Mode::ADD, slope, b.binary(Mode::MUL, value, decay));
    }
    TensorPtr step = b.binary(Mode::MUL, slope, rate);
    Builder::output(b.binary(Mode::SUB, value, step), name + "_new");
  }
  return b.finish();
}

ErrorOr<GraphPtr> inferGraph(Shape shape) {
  Builder b("digits_infer");
  TensorPtr logits = layers(b, shape).second;
  Builder::output(softmax(b, logits, shape.batch).probability, "p");
  return b.finish();
}

ErrorObject Program::compile(const fusilli::Handle &handle) {
  FUSILLI_CHECK_ERROR(graph_->compile(handle, /*remove=*/true));
  return prepare(handle);
}

ErrorObject Program::prepare(const fusilli::Handle &handle) {
  FUSILLI_ASSIGN_OR_RETURN(std::optional<size_t> bytes,
                           graph_->getWorkspaceSize());
  workspace_ = nullptr;
  if (bytes.value_or(0) > 0) {
    FUSILLI_ASSIGN_OR_RETURN(fusilli::Buffer buffer,
                             fusilli::Buffer::allocateRaw(handle, *bytes));
    workspace_ = std::make_shared<fusilli::Buffer>(std::move(buffer));
  }
  return fusilli::ok();
}

ErrorObject Program::bind(const std::string &name, BufferPtr buffer) {
  TensorPtr tensor = graph_->getTensor(name);
  FUSILLI_RETURN_ERROR_IF(!tensor, ErrorCode::InvalidArgument,
                          "graph '" + graph_->getName() + "' has no tensor '" +
                              name + "'");
  pack_[tensor] = std::move(buffer);
  return fusilli::ok();
}

ErrorObject
Program::bind(const Buffers &buffers,
              const std::vector<std::pair<std::string, std::string>> &pairs) {
  for (const auto &[tensor, name] : pairs) {
    auto found = buffers.find(name);
    FUSILLI_RETURN_ERROR_IF(found == buffers.end(), ErrorCode::InvalidArgument,
                            "there is no buffer '" + name + "'");
    FUSILLI_CHECK_ERROR(bind(tensor, found->second));
  }
  return fusilli::ok();
}

ErrorOr<BufferPtr> makeBuffer(const fusilli::Handle &handle, const Dims &dims,
                              const std::vector<float> &values) {
  std::vector<size_t> shape(dims.begin(), dims.end());
  FUSILLI_ASSIGN_OR_RETURN(fusilli::Buffer buffer,
                           fusilli::Buffer::allocate(handle, shape, values));
  return fusilli::ok(std::make_shared<fusilli::Buffer>(std::move(buffer)));
}

Parameters initialParameters(int64_t hidden, uint64_t seed) {
  Noise noise(seed);
  auto normal = [&](int64_t count, int64_t fanIn) {
    float scale = std::sqrt(2.0f / static_cast<float>(fanIn));
    std::vector<float> values(static_cast<size_t>(count));
    for (float &value : values)
      value = scale * noise();
    return values;
  };
  Parameters result;
  result.w1 = normal(kIn * hidden, kIn);
  result.b1.assign(static_cast<size_t>(hidden), 0.0f);
  result.w2 = normal(hidden * kOut, hidden);
  result.b2.assign(kClasses, 0.0f);
  return result;
}

std::vector<int> predictions(const std::vector<float> &probabilities) {
  std::vector<int> result;
  for (size_t i = 0; i + kClasses <= probabilities.size(); i += kClasses) {
    auto first = probabilities.begin() + static_cast<ptrdiff_t>(i);
    result.push_back(
        static_cast<int>(std::max_element(first, first + kClasses) - first));
  }
  return result;
}

} // namespace digits
