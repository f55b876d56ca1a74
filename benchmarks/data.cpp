// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Content of problems. Sampling gathers along whole dims: an index list per
// dim of each tensor says what the smaller problem keeps.

#include "benchmarks/data.h"

#include <fusilli/support/float_types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <string_view>

namespace fusilli::bench {

namespace {

std::vector<int64_t> rowMajor(const std::vector<int64_t> &dims) {
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;)
    strides[i - 1] = strides[i] * dims[i];
  return strides;
}

std::vector<int64_t> channelsLast(const std::vector<int64_t> &dims) {
  int64_t c = dims[1], h = dims[2], w = dims[3];
  return {c * h * w, 1, w * c, c};
}

TensorSpec dense(std::string name, std::vector<int64_t> dims) {
  std::vector<int64_t> strides = rowMajor(dims);
  return {std::move(name), std::move(dims), std::move(strides)};
}

TensorSpec image(std::string name, std::vector<int64_t> dims, bool last) {
  std::vector<int64_t> strides = last ? channelsLast(dims) : rowMajor(dims);
  return {std::move(name), std::move(dims), std::move(strides)};
}

struct Range {
  double low, high;
};

Range valueRange(const Problem &problem) {
  constexpr std::string_view kPositive[] = {"LOG", "SQRT", "RSQRT",
                                            "RECIPROCAL", "DIV"};
  if (elementSize(problem.type) == 1 || problem.type == ElementType::I16 ||
      problem.type == ElementType::I32 || problem.type == ElementType::I64)
    return {-4, 5};
  for (const PointwiseOp *op : problem.ops)
    if (std::ranges::find(kPositive, op->mode) != std::end(kPositive))
      return {0.5, 1.5};
  if (problem.reduce &&
      std::string_view(problem.reduce->mode).starts_with("MUL"))
    return {0.99, 1.01};
  // Sums of values around zero would be small against their bound.
  return problem.reduce ? Range{-0.5, 1} : Range{-1, 1};
}

/// xorshift64*: reproducible on every machine and fast.
class Random {
public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u | 1) {}
  double uniform() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return double((state_ * 0x2545f4914f6cdd1du) >> 40) * 0x1p-24;
  }

private:
  uint64_t state_;
};

bool isInteger(ElementType type) {
  return type == ElementType::I8 || type == ElementType::I16 ||
         type == ElementType::I32 || type == ElementType::I64;
}

/// At most 'count' of the indices below 'extent', evenly spread.
std::vector<int64_t> pick(int64_t extent, double count) {
  auto take =
      static_cast<int64_t>(std::clamp(std::floor(count), 1.0, double(extent)));
  std::vector<int64_t> picked;
  for (int64_t i = 0; i < take; ++i)
    picked.push_back(take == 1 ? extent / 2 : i * (extent - 1) / (take - 1));
  picked.erase(std::unique(picked.begin(), picked.end()), picked.end());
  return picked;
}

using Picks = std::vector<std::vector<int64_t>>; ///< one list per dim

Picks pickAll(const std::vector<int64_t> &dims) {
  Picks picks;
  for (int64_t dim : dims)
    picks.push_back(pick(dim, double(dim)));
  return picks;
}

/// Copies the picked elements of 'from' into the dense tensor 'to'.
BigBuffer gather(const TensorSpec &from, const void *source,
                 const TensorSpec &to, const Picks &picks, int64_t size) {
  BigBuffer result(static_cast<size_t>(to.elements() * size));
  std::vector<size_t> index(to.dims.size(), 0);
  const auto *bytes = static_cast<const char *>(source);
  for (int64_t n = to.elements(); n > 0 && result; --n) {
    int64_t in = 0, out = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      in += picks[d][index[d]] * from.strides[d];
      out += static_cast<int64_t>(index[d]) * to.strides[d];
    }
    std::memcpy(result.data() + out * size, bytes + in * size,
                static_cast<size_t>(size));
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < picks[d].size())
        break;
      index[d] = 0;
    }
  }
  return result;
}

/// The picks per input and for the output.
struct Sampling {
  Problem problem;
  std::vector<Picks> inputs;
  Picks output;
};

Sampling sampleContraction(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  // One batch first, then as many rows as columns.
  double perBatch = double(problem.m) * double(problem.n) * double(problem.k);
  std::vector<int64_t> b = pick(problem.batch, std::max(budget / perBatch, 2.));
  double side = std::sqrt(budget / (double(problem.k) * double(b.size())));
  std::vector<int64_t> n = pick(problem.n, std::max(side, 1.0));
  std::vector<int64_t> m =
      pick(problem.m,
           budget / (double(problem.k) * double(b.size()) * double(n.size())));
  n = pick(problem.n,
           std::max(budget / (double(problem.k) * double(b.size() * m.size())),
                    1.0));
  std::vector<int64_t> k = pick(problem.k, double(problem.k));
  s.problem.batch = static_cast<int64_t>(b.size());
  s.problem.m = static_cast<int64_t>(m.size());
  s.problem.n = static_cast<int64_t>(n.size());
  bool batched = problem.kind == ProblemKind::BatchMatmul;
  s.inputs = {{m, k}, {k, n}};
  s.output = {m, n};
  Picks bias = {{0}, n};
  if (batched) {
    for (Picks *picks : {&s.inputs[0], &s.inputs[1], &s.output})
      picks->insert(picks->begin(), b);
    bias.insert(bias.begin(), {0});
  }
  if (problem.bias)
    s.inputs.push_back(bias);
  return s;
}

Sampling sampleConv(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  const ConvShape &conv = problem.conv;
  double perImage = problem.flops() / 2 / double(conv.n);
  std::vector<int64_t> n = pick(conv.n, std::max(budget / perImage, 1.0));
  std::vector<int64_t> k =
      pick(conv.k, budget / (perImage / double(conv.k) * double(n.size())));
  s.problem.conv.n = static_cast<int64_t>(n.size());
  s.problem.conv.k = static_cast<int64_t>(k.size());
  s.inputs = {pickAll({conv.n, conv.c, conv.h, conv.w}),
              pickAll({conv.k, conv.c, conv.r, conv.s})};
  s.inputs[0][0] = n;
  s.inputs[1][0] = k;
  s.output = pickAll({conv.n, conv.k, conv.outH(), conv.outW()});
  s.output[0] = n;
  s.output[1] = k;
  if (problem.bias)
    s.inputs.push_back({{0}, k, {0}, {0}});
  return s;
}

Sampling sampleDims(const Problem &problem, double budget) {
  Sampling s{problem, {}, {}};
  Picks picks = pickAll(problem.dims);
  double size = double(problem.inputElements());
  // Kept dims shrink, the outermost first; reduced dims stay whole.
  for (size_t d = 0; d < picks.size() && size > budget; ++d) {
    if (std::ranges::find(problem.axes, int64_t(d)) != problem.axes.end())
      continue;
    double rest = size / double(picks[d].size());
    picks[d] = pick(problem.dims[d], std::max(budget / rest, 2.0));
    size = rest * double(picks[d].size());
  }
  s.output = picks;
  for (size_t d = 0; d < picks.size(); ++d)
    s.problem.dims[d] = static_cast<int64_t>(picks[d].size());
  for (int64_t axis : problem.axes)
    s.output[static_cast<size_t>(axis)] = {0};
  s.inputs.assign(inputSpecs(problem).size(), picks);
  return s;
}

} // namespace

int64_t TensorSpec::elements() const {
  return std::accumulate(dims.begin(), dims.end(), int64_t(1),
                         std::multiplies<>());
}

std::vector<TensorSpec> inputSpecs(const Problem &problem) {
  std::vector<TensorSpec> specs;
  switch (problem.kind) {
  case ProblemKind::Matmul:
    specs = {dense("a", {problem.m, problem.k}),
             dense("b", {problem.k, problem.n})};
    if (problem.bias)
      specs.push_back(dense("bias", {1, problem.n}));
    break;
  case ProblemKind::BatchMatmul:
    specs = {dense("a", {problem.batch, problem.m, problem.k}),
             dense("b", {problem.batch, problem.k, problem.n})};
    if (problem.bias)
      specs.push_back(dense("bias", {1, 1, problem.n}));
    break;
  case ProblemKind::Conv: {
    const ConvShape &conv = problem.conv;
    bool last = conv.channelsLast;
    specs = {image("x", {conv.n, conv.c, conv.h, conv.w}, last),
             image("w", {conv.k, conv.c, conv.r, conv.s}, last)};
    if (problem.bias)
      specs.push_back(image("bias", {1, conv.k, 1, 1}, last));
    break;
  }
  case ProblemKind::Pointwise:
    for (int i = 0; i < problem.inputCount(); ++i)
      specs.push_back(dense("in" + std::to_string(i), problem.dims));
    break;
  case ProblemKind::Reduce:
    specs = {dense("x", problem.dims)};
    break;
  }
  return specs;
}

TensorSpec outputSpec(const Problem &problem) {
  switch (problem.kind) {
  case ProblemKind::Matmul:
    return dense("out", {problem.m, problem.n});
  case ProblemKind::BatchMatmul:
    return dense("out", {problem.batch, problem.m, problem.n});
  case ProblemKind::Conv:
    return image("out",
                 {problem.conv.n, problem.conv.k, problem.conv.outH(),
                  problem.conv.outW()},
                 problem.conv.channelsLast);
  case ProblemKind::Pointwise:
    return dense("out", problem.dims);
  case ProblemKind::Reduce: {
    std::vector<int64_t> dims = problem.dims;
    for (int64_t axis : problem.axes)
      dims[static_cast<size_t>(axis)] = 1;
    return dense("out", dims);
  }
  }
  return {};
}

double loadElement(ElementType type, const void *data, int64_t index) {
  switch (type) {
  case ElementType::F16:
    return Float16::fromBits(static_cast<const uint16_t *>(data)[index])
        .toFloat();
  case ElementType::BF16:
    return BFloat16::fromBits(static_cast<const uint16_t *>(data)[index])
        .toFloat();
  case ElementType::F32:
    return static_cast<const float *>(data)[index];
  case ElementType::F64:
    return static_cast<const double *>(data)[index];
  case ElementType::I8:
    return static_cast<const int8_t *>(data)[index];
  case ElementType::I16:
    return static_cast<const int16_t *>(data)[index];
  case ElementType::I32:
    return static_cast<const int32_t *>(data)[index];
  case ElementType::I64:
    return double(static_cast<const int64_t *>(data)[index]);
  }
  return 0;
}

void storeElement(ElementType type, void *data, int64_t index, double value) {
  switch (type) {
  case ElementType::F16:
    static_cast<uint16_t *>(data)[index] = Float16(float(value)).toBits();
    break;
  case ElementType::BF16:
    static_cast<uint16_t *>(data)[index] = BFloat16(float(value)).toBits();
    break;
  case ElementType::F32:
    static_cast<float *>(data)[index] = float(value);
    break;
  case ElementType::F64:
    static_cast<double *>(data)[index] = value;
    break;
  case ElementType::I8:
    static_cast<int8_t *>(data)[index] = int8_t(value);
    break;
  case ElementType::I16:
    static_cast<int16_t *>(data)[index] = int16_t(value);
    break;
  case ElementType::I32:
    static_cast<int32_t *>(data)[index] = int32_t(value);
    break;
  case ElementType::I64:
    static_cast<int64_t *>(data)[index] = int64_t(value);
    break;
  }
}

ProblemData makeData(const Problem &problem, uint64_t seed) {
  ProblemData data{problem, {}};
  auto [low, high] = valueRange(problem);
  bool integer = isInteger(problem.type);
  for (const TensorSpec &spec : inputSpecs(problem)) {
    int64_t count = spec.elements();
    BigBuffer buffer(static_cast<size_t>(count * elementSize(problem.type)));
    Random random(seed + data.inputs.size() * 7919 + 1);
    for (int64_t i = 0; i < count && buffer; ++i) {
      double value = low + (high - low) * random.uniform();
      storeElement(problem.type, buffer.data(), i,
                   integer ? std::floor(value) : value);
    }
    data.inputs.push_back(std::move(buffer));
  }
  return data;
}

SampledProblem sampleProblem(const ProblemData &data, const void *result,
                             double budget) {
  const Problem &problem = data.problem;
  Sampling sampling;
  switch (problem.kind) {
  case ProblemKind::Matmul:
  case ProblemKind::BatchMatmul:
    sampling = sampleContraction(problem, budget);
    break;
  case ProblemKind::Conv:
    sampling = sampleConv(problem, budget);
    break;
  case ProblemKind::Pointwise:
  case ProblemKind::Reduce:
    sampling = sampleDims(problem, budget);
    break;
  }
  int64_t size = elementSize(problem.type);
  SampledProblem sample;
  sample.data.problem = sampling.problem;
  std::vector<TensorSpec> from = inputSpecs(problem);
  std::vector<TensorSpec> to = inputSpecs(sampling.problem);
  for (size_t i = 0; i < from.size(); ++i)
    sample.data.inputs.push_back(gather(from[i], data.inputs[i].data(), to[i],
                                        sampling.inputs[i], size));
  sample.result = gather(outputSpec(problem), result,
                         outputSpec(sampling.problem), sampling.output, size);
  return sample;
}

} // namespace fusilli::bench
