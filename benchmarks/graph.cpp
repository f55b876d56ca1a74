// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes of each kind of problem.

#include "benchmarks/graph.h"

#include <algorithm>
#include <string>

namespace fusilli::bench {

namespace {

constexpr float kEpsilon = 1e-5f;

PointwiseAttr pointwiseAttr(const std::string &mode) {
  PointwiseAttr attr;
  for (const auto &[value, text] : PointwiseAttr::kModeToStr)
    if (text == mode)
      attr.setMode(value);
  return attr;
}

ReductionAttr reductionAttr(const std::string &mode) {
  ReductionAttr attr;
  for (const auto &[value, text] : ReductionAttr::kModeToStr)
    if (text == mode)
      attr.setMode(value);
  return attr;
}

/// Adds the nodes of one problem.
class Builder {
public:
  Builder(const Problem &problem, ProblemGraph &built)
      : problem_(problem), built_(built), graph_(*built.graph),
        inputs_(built.inputs) {}

  TensorPtr add() {
    switch (problem_.kind) {
    case ProblemKind::Matmul:
    case ProblemKind::BatchMatmul: {
      MatmulAttr attr;
      return epilogue(batched(graph_.matmul(inputs_[0], inputs_[1], attr)));
    }
    case ProblemKind::Conv: {
      auto attr = convAttr<ConvFPropAttr>();
      return epilogue(batched(graph_.convFProp(inputs_[0], inputs_[1], attr)));
    }
    case ProblemKind::ConvDGrad: {
      auto attr = convAttr<ConvDGradAttr>();
      return sized(graph_.convDGrad(inputs_[0], inputs_[1], attr));
    }
    case ProblemKind::ConvWGrad: {
      auto attr = convAttr<ConvWGradAttr>();
      return sized(graph_.convWGrad(inputs_[0], inputs_[1], attr));
    }
    case ProblemKind::Pointwise:
      return pointwise();
    case ProblemKind::Reduce:
      return reduce(inputs_[0], problem_.reduce->mode);
    case ProblemKind::Sdpa:
      return sdpa();
    case ProblemKind::Layernorm: {
      LayernormAttr attr;
      attr.setForwardPhase(NormFwdPhase::INFERENCE).setEpsilon(epsilon());
      return graph_.layernorm(inputs_[0], inputs_[1], inputs_[2], attr)[0];
    }
    case ProblemKind::Rmsnorm: {
      RmsnormAttr attr;
      attr.setForwardPhase(NormFwdPhase::INFERENCE).setEpsilon(epsilon());
      return graph_.rmsnorm(inputs_[0], inputs_[1], attr)[0];
    }
    case ProblemKind::Softmax:
      return softmax();
    case ProblemKind::Batchnorm:
      return batchnorm();
    }
    return nullptr;
  }

private:
  /// Marks the batch, or the rows, of an intermediate.
  TensorPtr batched(TensorPtr value) {
    if (problem_.dynamic)
      value->setDynamicDim(0);
    return value;
  }

  TensorPtr epsilon() { return graph_.tensor(TensorAttr(kEpsilon)); }

  TensorPtr unary(const char *mode, const TensorPtr &value) {
    PointwiseAttr attr = pointwiseAttr(mode);
    return batched(graph_.pointwise(value, attr));
  }

  TensorPtr binary(const char *mode, const TensorPtr &a, const TensorPtr &b) {
    PointwiseAttr attr = pointwiseAttr(mode);
    return batched(graph_.pointwise(a, b, attr));
  }

  TensorPtr epilogue(TensorPtr value) {
    if (problem_.bias)
      value = binary("ADD", value, inputs_[2]);
    if (problem_.activation == Activation::Relu)
      value = unary("RELU_FWD", value);
    if (problem_.activation == Activation::Gelu)
      value = unary("GELU_FWD", value);
    return value;
  }

  template <typename Attr> Attr convAttr() const {
    Attr attr;
    attr.setPadding(problem_.conv.pad)
        .setStride(problem_.conv.stride)
        .setDilation(problem_.conv.dilation);
    return attr;
  }

  /// The dims of a gradient are the caller's to set.
  TensorPtr sized(TensorPtr gradient) {
    gradient->setDim(outputSpec(problem_).dims);
    return gradient;
  }

  TensorPtr pointwise() {
    TensorPtr value = inputs_[0];
    size_t next = 1;
    for (const PointwiseOp *op : problem_.ops)
      value = op->arity == 2 ? binary(op->mode, value, inputs_[next++])
                             : unary(op->mode, value);
    return value;
  }

  /// Over the problem's axes.
  TensorPtr reduce(const TensorPtr &x, const char *mode) {
    ReductionAttr attr = reductionAttr(mode);
    TensorPtr y = graph_.reduction(x, attr);
    std::vector<int64_t> dims = problem_.dims;
    for (int64_t axis : problem_.axes)
      dims[static_cast<size_t>(axis)] = 1;
    y->setDim(dims);
    if (problem_.dynamic && problem_.axes[0] != 0)
      y->setDynamicDim(0);
    return y;
  }

  TensorPtr softmax() {
    TensorPtr x = inputs_[0];
    TensorPtr shifted = binary("SUB", x, reduce(x, "MAX"));
    TensorPtr exp = unary("EXP", shifted);
    return binary("DIV", exp, reduce(exp, "ADD"));
  }

  TensorPtr sdpa() {
    const SdpaShape &shape = problem_.sdpa;
    SdpaAttr attr;
    attr.setIsCausal(shape.causal).setEnableGqa(shape.heads != shape.kvHeads);
    return graph_.sdpa(inputs_[0], inputs_[1], inputs_[2],
                       shape.mask ? inputs_[3] : nullptr, attr);
  }

  TensorPtr batchnorm() {
    BatchnormAttr attr;
    attr.setForwardPhase(NormFwdPhase::TRAINING)
        .setEpsilon(epsilon())
        .setMomentum(graph_.tensor(TensorAttr(0.1f)));
    auto [y, mean, variance] = graph_.batchnorm(
        inputs_[0], inputs_[1], inputs_[2], nullptr, nullptr, attr);
    built_.statistics = {mean, variance};
    return y;
  }

  const Problem &problem_;
  ProblemGraph &built_;
  Graph &graph_;
  const std::vector<TensorPtr> &inputs_;
};

/// How many of the first inputs have the batch, or the rows, as their dim 0;
/// of an attention, the sequence as dim 2.
size_t batchedInputs(const Problem &problem) {
  switch (problem.kind) {
  case ProblemKind::BatchMatmul:
  case ProblemKind::ConvWGrad:
    return 2;
  case ProblemKind::Sdpa:
    return 3;
  case ProblemKind::Pointwise:
    return static_cast<size_t>(problem.inputCount());
  default:
    return 1;
  }
}

/// Whether the output has it.
bool isBatched(const Problem &problem) {
  if (problem.kind == ProblemKind::Reduce)
    return problem.axes[0] != 0;
  return problem.kind != ProblemKind::ConvWGrad;
}

/// Marks a tensor whose batch, rows or sequence are of any extent.
void markDynamic(TensorAttr &attr, const Problem &problem) {
  attr.setDynamicDim(problem.kind == ProblemKind::Sdpa ? 2 : 0);
}

/// The problem that is compiled: of another extent, where that is dynamic.
Problem withRepresentative(Problem problem) {
  const int64_t extent = problem.representative;
  if (extent == 0)
    return problem;
  problem.representative = 0;
  switch (problem.kind) {
  case ProblemKind::Matmul:
    problem.m = extent;
    break;
  case ProblemKind::BatchMatmul:
    problem.batch = extent;
    break;
  case ProblemKind::Conv:
  case ProblemKind::ConvDGrad:
  case ProblemKind::ConvWGrad:
  case ProblemKind::Batchnorm:
    problem.conv.n = extent;
    break;
  case ProblemKind::Sdpa:
    if (problem.sdpa.keys == problem.sdpa.queries)
      problem.sdpa.keys = extent;
    problem.sdpa.queries = extent;
    break;
  case ProblemKind::Layernorm:
  case ProblemKind::Rmsnorm: {
    // The samples are all dims that are not normalised, as one.
    bool first = true;
    for (size_t d = 0; d < problem.dims.size(); ++d) {
      if (std::ranges::count(problem.axes, static_cast<int64_t>(d)) != 0)
        continue;
      problem.dims[d] = first ? extent : 1;
      first = false;
    }
    break;
  }
  default:
    problem.dims[0] = extent;
  }
  return problem;
}

} // namespace

DataType graphType(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return DataType::Half;
  case ElementType::BF16:
    return DataType::BFloat16;
  case ElementType::F32:
    return DataType::Float;
  case ElementType::F64:
    return DataType::Double;
  case ElementType::I8:
    return DataType::Int8;
  case ElementType::I16:
    return DataType::Int16;
  case ElementType::I32:
    return DataType::Int32;
  case ElementType::I64:
    return DataType::Int64;
  }
  return DataType::NotSet;
}

ErrorOr<ProblemGraph> buildGraph(const Problem &given) {
  const Problem problem = withRepresentative(given);
  ProblemGraph built{std::make_unique<Graph>(), {}, nullptr, {}};
  Graph &graph = *built.graph;
  DataType type = graphType(problem.type);
  bool narrow =
      problem.type == ElementType::F16 || problem.type == ElementType::BF16;
  DataType wide = narrow ? DataType::Float : type;
  graph.setName("bench")
      .setIODataType(type)
      .setIntermediateDataType(wide)
      .setComputeDataType(wide);
  for (const TensorSpec &spec : inputSpecs(problem)) {
    TensorAttr attr;
    attr.setName(spec.name)
        .setDim(spec.dims)
        .setStride(spec.strides)
        .setDataType(type);
    size_t number = built.inputs.size();
    if (problem.dynamic && number < batchedInputs(problem))
      markDynamic(attr, problem);
    if (problem.dynamic && problem.kind == ProblemKind::Sdpa && number == 3)
      attr.setDynamicDims({2, 3}); // the mask
    attr.setConstant(problem.constant && number == 1);
    built.inputs.push_back(graph.tensor(attr));
  }
  built.output = Builder(problem, built).add();
  TensorSpec out = outputSpec(problem);
  built.output->setName(out.name)
      .setDim(out.dims)
      .setStride(out.strides)
      .setDataType(type)
      .setOutput(true);
  if (problem.dynamic && isBatched(problem))
    markDynamic(*built.output, problem);
  for (const TensorPtr &statistic : built.statistics)
    statistic->setDataType(type).setOutput(true);
  FUSILLI_CHECK_ERROR(graph.validate());
  return built;
}

} // namespace fusilli::bench
