// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chain is one run of pointwise ops over two inputs. A mixed graph is made of
// blocks of ten nodes, by turns a product with its activation and softmax, and
// a pair of convolutions with a residual and a mean. No two blocks have the
// same extents, so that no kernel serves twice.

#include "benchmarks/scaling.h"
#include "benchmarks/subject.h"
#include "benchmarks/timing.h"

namespace fusilli::bench {

namespace {

constexpr int kBlockNodes = 10;

/// Adds nodes to a graph.
class Builder {
public:
  using Mode = PointwiseAttr::Mode;

  explicit Builder(Graph &graph) : graph_(graph) {}

  TensorPtr input(std::vector<int64_t> dims) {
    std::vector<int64_t> strides(dims.size(), 1);
    for (size_t i = dims.size(); i-- > 1;)
      strides[i - 1] = strides[i] * dims[i];
    TensorAttr attr;
    attr.setName("in" + std::to_string(inputs_++))
        .setDataType(DataType::Float)
        .setDim(std::move(dims))
        .setStride(std::move(strides));
    return graph_.tensor(attr);
  }

  TensorPtr unary(Mode mode, const TensorPtr &x) {
    PointwiseAttr attr;
    attr.setMode(mode);
    return graph_.pointwise(x, attr);
  }

  TensorPtr binary(Mode mode, const TensorPtr &a, const TensorPtr &b) {
    PointwiseAttr attr;
    attr.setMode(mode);
    return graph_.pointwise(a, b, attr);
  }

  TensorPtr reduce(ReductionAttr::Mode mode, const TensorPtr &x,
                   std::vector<int64_t> dims) {
    ReductionAttr attr;
    attr.setMode(mode);
    TensorPtr y = graph_.reduction(x, attr);
    y->setDim(std::move(dims));
    return y;
  }

  void chain(int nodes) {
    constexpr Mode kModes[] = {Mode::ADD, Mode::MUL, Mode::SUB, Mode::MAX_OP};
    TensorPtr y = input({64, 256});
    TensorPtr value = input({64, 256});
    for (int i = 0; i < nodes; ++i)
      value = i % 5 == 4 ? unary(Mode::RELU_FWD, value)
                         : binary(kModes[i % 5], value, y);
    value->setOutput(true);
  }

  void mixed(int nodes) {
    constexpr int64_t kRows = 32;
    int64_t width = 48, channels = 8;
    TensorPtr matrix = input({kRows, width});
    TensorPtr image;
    if (nodes > kBlockNodes)
      image = input({1, channels, 12, 12});
    for (int block = 0; block < nodes / kBlockNodes; ++block)
      if (block % 2 == 0)
        matrix = productBlock(matrix, kRows, width);
      else
        image = imageBlock(image, channels);
    matrix->setOutput(true);
    if (image)
      image->setOutput(true);
  }

private:
  TensorPtr productBlock(const TensorPtr &x, int64_t rows, int64_t &width) {
    int64_t next = width + 1;
    MatmulAttr attr;
    TensorPtr y = graph_.matmul(x, input({width, next}), attr);
    y = binary(Mode::ADD, y, input({1, next}));
    y = unary(Mode::GELU_FWD, y);
    y = binary(Mode::MUL, y, input({1, next}));
    TensorPtr top = reduce(ReductionAttr::Mode::MAX, y, {rows, 1});
    y = unary(Mode::EXP, binary(Mode::SUB, y, top));
    TensorPtr sum = reduce(ReductionAttr::Mode::ADD, y, {rows, 1});
    y = binary(Mode::DIV, y, sum);
    width = next;
    y = unary(Mode::RELU_FWD, y);
    y->setDataType(DataType::Float);
    return y;
  }

  TensorPtr imageBlock(const TensorPtr &x, int64_t &channels) {
    int64_t next = channels + 1;
    TensorPtr y = conv(x, channels, next, 3);
    y = binary(Mode::ADD, y, input({1, next, 1, 1}));
    TensorPtr first = unary(Mode::RELU_FWD, y);
    first->setDataType(DataType::Float);
    y = conv(first, next, next, 1);
    y = binary(Mode::ADD, y, first);
    y = unary(Mode::RELU_FWD, y);
    TensorPtr mean = reduce(ReductionAttr::Mode::AVG, y, {1, next, 1, 1});
    y = binary(Mode::SUB, y, mean);
    y = binary(Mode::MUL, y, input({1, next, 1, 1}));
    channels = next;
    y = unary(Mode::TANH_FWD, y);
    y->setDataType(DataType::Float);
    return y;
  }

  TensorPtr conv(const TensorPtr &x, int64_t from, int64_t to, int64_t taps) {
    ConvFPropAttr attr;
    attr.setPadding({taps / 2, taps / 2}).setStride({1, 1}).setDilation({1, 1});
    return graph_.convFProp(x, input({to, from, taps, taps}), attr);
  }

  Graph &graph_;
  int inputs_ = 0;
};

struct Shape {
  const char *name;
  int nodes;
  void (Builder::*build)(int);
};

ErrorOr<double> compileOnce(const Subject &subject, const Shape &shape) {
  Graph graph;
  graph.setName("scaling")
      .setIODataType(DataType::Float)
      .setIntermediateDataType(DataType::Float)
      .setComputeDataType(DataType::Float);
  Builder builder(graph);
  (builder.*shape.build)(shape.nodes);
  FUSILLI_CHECK_ERROR(graph.validate());
  return subject.compileCold(graph);
}

} // namespace

ErrorOr<std::vector<ScalingResult>> measureScaling(const std::string &target,
                                                   int repeat) {
  FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Subject> subject,
                           Subject::create(target, 1));
  std::vector<ScalingResult> results;
  for (const Shape &shape : {Shape{"chain", 10, &Builder::chain},
                             {"chain", 100, &Builder::chain},
                             {"chain", 1000, &Builder::chain},
                             {"chain", 2000, &Builder::chain},
                             {"mixed", 10, &Builder::mixed},
                             {"mixed", 100, &Builder::mixed},
                             {"mixed", 1000, &Builder::mixed}}) {
    std::vector<double> times;
    for (int i = 0; i < repeat; ++i) {
      FUSILLI_ASSIGN_OR_RETURN(double milliseconds,
                               compileOnce(*subject, shape));
      times.push_back(milliseconds);
    }
    results.push_back({shape.name, shape.nodes, median(times)});
  }
  return ok(std::move(results));
}

} // namespace fusilli::bench
