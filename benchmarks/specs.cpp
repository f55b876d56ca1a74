// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes and strides of a problem's tensors, and access to their elements.

#include "benchmarks/data.h"

#include <fusilli/support/float_types.h>

#include <algorithm>
#include <functional>
#include <numeric>

namespace fusilli::bench {

namespace {

/// Wraps where the shape is absurd: the parser refuses it by its size.
int64_t times(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
}

int64_t product(const std::vector<int64_t> &dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t(1), times);
}

/// Dense in memory with the dims in the given order, the outermost first.
TensorSpec ordered(std::string name, std::vector<int64_t> dims,
                   const std::vector<size_t> &order) {
  std::vector<int64_t> strides(dims.size(), 1);
  int64_t stride = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride = times(stride, dims[order[i]]);
  }
  return {std::move(name), std::move(dims), std::move(strides)};
}

std::vector<size_t> identityOrder(size_t rank) {
  std::vector<size_t> order(rank);
  std::iota(order.begin(), order.end(), size_t(0));
  return order;
}

TensorSpec dense(std::string name, std::vector<int64_t> dims) {
  std::vector<size_t> order = identityOrder(dims.size());
  return ordered(std::move(name), std::move(dims), order);
}

/// The last two dims are stored the other way round.
TensorSpec transposed(std::string name, std::vector<int64_t> dims) {
  std::vector<size_t> order = identityOrder(dims.size());
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return ordered(std::move(name), std::move(dims), order);
}

/// Channels (dim 1) innermost, or as written.
TensorSpec image(std::string name, std::vector<int64_t> dims, bool last) {
  std::vector<size_t> order = identityOrder(dims.size());
  if (last)
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return ordered(std::move(name), std::move(dims), order);
}

/// Makes the rows, the innermost dim, longer in memory.
TensorSpec padded(TensorSpec spec) {
  std::vector<size_t> order = identityOrder(spec.dims.size());
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return spec.strides[a] != spec.strides[b]
               ? spec.strides[a] > spec.strides[b]
               : a < b;
  });
  size_t inner = order.back();
  int64_t stride = spec.dims[inner] + kRowPadding;
  for (size_t i = order.size() - 1; i-- > 0;) {
    spec.strides[order[i]] = stride;
    stride = times(stride, spec.dims[order[i]]);
  }
  return spec;
}

/// X of a norm: the kept dims as one dim, then the normalised ones.
TensorSpec normInput(const Problem &problem, std::string name) {
  TensorSpec all = dense("", problem.dims);
  TensorSpec spec{std::move(name), {1}, {1}};
  for (size_t d = 0; d < all.dims.size(); ++d) {
    bool normalised =
        std::ranges::find(problem.axes, int64_t(d)) != problem.axes.end();
    if (normalised) {
      spec.dims.push_back(all.dims[d]);
      spec.strides.push_back(all.strides[d]);
    } else {
      spec.dims[0] = times(spec.dims[0], all.dims[d]);
      spec.strides[0] = all.strides[d];
    }
  }
  return spec;
}

/// SCALE or BIAS of a norm: one row, in the layout of X.
TensorSpec normRow(const Problem &problem, std::string name) {
  TensorSpec spec = normInput(problem, std::move(name));
  spec.dims[0] = 1;
  return dense(spec.name, spec.dims);
}

std::vector<TensorSpec> productInputs(const Problem &problem) {
  auto operand = [&](const char *name, int64_t rows, int64_t columns,
                     bool isTransposed) {
    std::vector<int64_t> dims = {rows, columns};
    if (problem.kind == ProblemKind::BatchMatmul)
      dims.insert(dims.begin(), problem.batch);
    return isTransposed ? transposed(name, dims) : dense(name, dims);
  };
  std::vector<TensorSpec> specs = {
      operand("a", problem.m, problem.k, problem.transposeA),
      operand("b", problem.k, problem.n, problem.transposeB)};
  if (problem.bias)
    specs.push_back(dense("bias", problem.kind == ProblemKind::BatchMatmul
                                      ? std::vector<int64_t>{1, 1, problem.n}
                                      : std::vector<int64_t>{1, problem.n}));
  return specs;
}

std::vector<TensorSpec> convInputs(const Problem &problem) {
  const ConvShape &conv = problem.conv;
  bool last = conv.channelsLast;
  TensorSpec x = image("x", conv.xDims(), last);
  TensorSpec w = image("w", conv.wDims(), last);
  TensorSpec dy = image("dy", conv.yDims(), last);
  if (problem.kind == ProblemKind::ConvDGrad)
    return {dy, w};
  if (problem.kind == ProblemKind::ConvWGrad)
    return {dy, x};
  std::vector<TensorSpec> specs = {x, w};
  if (problem.bias) {
    std::vector<int64_t> dims(conv.rank() + 2, 1);
    dims[1] = conv.k;
    specs.push_back(image("bias", dims, last));
  }
  return specs;
}

std::vector<TensorSpec> sdpaInputs(const SdpaShape &sdpa) {
  std::vector<TensorSpec> specs = {
      dense("q", {sdpa.batch, sdpa.heads, sdpa.queries, sdpa.dim}),
      dense("k", {sdpa.batch, sdpa.kvHeads, sdpa.keys, sdpa.dim}),
      dense("v", {sdpa.batch, sdpa.kvHeads, sdpa.keys, sdpa.dim})};
  if (sdpa.mask)
    specs.push_back(dense("mask", {1, 1, sdpa.queries, sdpa.keys}));
  return specs;
}

std::vector<TensorSpec> plainInputs(const Problem &problem) {
  std::vector<TensorSpec> specs;
  switch (problem.kind) {
  case ProblemKind::Matmul:
  case ProblemKind::BatchMatmul:
    return productInputs(problem);
  case ProblemKind::Conv:
  case ProblemKind::ConvDGrad:
  case ProblemKind::ConvWGrad:
    return convInputs(problem);
  case ProblemKind::Pointwise:
    for (int i = 0; i < problem.inputCount(); ++i)
      specs.push_back(dense("in" + std::to_string(i), problem.dims));
    break;
  case ProblemKind::Reduce:
  case ProblemKind::Softmax:
    specs = {dense("x", problem.dims)};
    break;
  case ProblemKind::Sdpa:
    return sdpaInputs(problem.sdpa);
  case ProblemKind::Layernorm:
    specs = {normInput(problem, "x"), normRow(problem, "scale"),
             normRow(problem, "bias")};
    break;
  case ProblemKind::Rmsnorm:
    specs = {normInput(problem, "x"), normRow(problem, "scale")};
    break;
  case ProblemKind::Batchnorm:
    specs = {image("x", problem.conv.xDims(), problem.conv.channelsLast),
             dense("scale", {problem.conv.c}), dense("bias", {problem.conv.c})};
    break;
  }
  return specs;
}

} // namespace

int64_t TensorSpec::elements() const { return product(dims); }

int64_t TensorSpec::span() const {
  int64_t last = 0;
  for (size_t i = 0; i < dims.size(); ++i)
    last += (dims[i] - 1) * strides[i];
  return last + 1;
}

std::vector<TensorSpec> inputSpecs(const Problem &problem) {
  std::vector<TensorSpec> specs = plainInputs(problem);
  if (problem.views)
    specs[0] = padded(std::move(specs[0]));
  return specs;
}

TensorSpec outputSpec(const Problem &problem) {
  const ConvShape &conv = problem.conv;
  switch (problem.kind) {
  case ProblemKind::Matmul:
    return dense("out", {problem.m, problem.n});
  case ProblemKind::BatchMatmul:
    return dense("out", {problem.batch, problem.m, problem.n});
  case ProblemKind::Conv:
    return image("out", conv.yDims(), conv.channelsLast);
  case ProblemKind::ConvDGrad:
    return image("out", conv.xDims(), conv.channelsLast);
  case ProblemKind::ConvWGrad:
    return image("out", conv.wDims(), conv.channelsLast);
  case ProblemKind::Pointwise:
  case ProblemKind::Softmax:
    return dense("out", problem.dims);
  case ProblemKind::Reduce: {
    std::vector<int64_t> dims = problem.dims;
    for (int64_t axis : problem.axes)
      dims[static_cast<size_t>(axis)] = 1;
    return dense("out", dims);
  }
  case ProblemKind::Sdpa:
    return dense("out", {problem.sdpa.batch, problem.sdpa.heads,
                         problem.sdpa.queries, problem.sdpa.dim});
  case ProblemKind::Layernorm:
  case ProblemKind::Rmsnorm:
    return normInput(problem, "out");
  case ProblemKind::Batchnorm:
    return image("out", conv.xDims(), conv.channelsLast);
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

} // namespace fusilli::bench
