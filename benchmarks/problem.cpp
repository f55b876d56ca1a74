// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What follows from a problem: extents, arithmetic, bytes.

#include "benchmarks/problem.h"
#include "benchmarks/data.h"

#include <algorithm>
#include <numeric>

namespace fusilli::bench {

namespace {

struct TypeRow {
  ElementType type;
  const char *name;
  int64_t size;
  bool integer;
};

constexpr TypeRow kTypes[] = {
    {ElementType::F16, "f16", 2, false}, {ElementType::BF16, "bf16", 2, false},
    {ElementType::F32, "f32", 4, false}, {ElementType::F64, "f64", 8, false},
    {ElementType::I8, "i8", 1, true},    {ElementType::I16, "i16", 2, true},
    {ElementType::I32, "i32", 4, true},  {ElementType::I64, "i64", 8, true}};

const TypeRow &rowOf(ElementType type) {
  return kTypes[static_cast<size_t>(type)];
}

double product(const std::vector<int64_t> &dims) {
  return std::accumulate(dims.begin(), dims.end(), 1.0,
                         [](double a, int64_t b) { return a * double(b); });
}

std::vector<int64_t> joined(int64_t first, int64_t second,
                            const std::vector<int64_t> &rest) {
  std::vector<int64_t> dims = {first, second};
  dims.insert(dims.end(), rest.begin(), rest.end());
  return dims;
}

} // namespace

int64_t ConvShape::out(size_t dim) const {
  int64_t span = dilation[dim] * (filter[dim] - 1) + 1;
  int64_t free = image[dim] + 2 * pad[dim] - span;
  return free < 0 ? 0 : free / stride[dim] + 1;
}

std::vector<int64_t> ConvShape::xDims() const { return joined(n, c, image); }

std::vector<int64_t> ConvShape::wDims() const {
  return joined(k, c / groups, filter);
}

std::vector<int64_t> ConvShape::yDims() const {
  std::vector<int64_t> extents;
  for (size_t i = 0; i < rank(); ++i)
    extents.push_back(out(i));
  return joined(n, k, extents);
}

double SdpaShape::pairs() const {
  double all = double(queries) * double(keys);
  if (!causal)
    return all;
  // Row i sees columns up to i.
  double square = double(std::min(queries, keys));
  double below = double(queries) - square;
  return square * (square + 1) / 2 + below * double(keys);
}

double Problem::flops() const {
  switch (kind) {
  case ProblemKind::Matmul:
  case ProblemKind::BatchMatmul:
    return 2.0 * double(batch) * double(m) * double(n) * double(k);
  case ProblemKind::Conv:
  case ProblemKind::ConvDGrad:
  case ProblemKind::ConvWGrad:
    return 2.0 * product(conv.yDims()) * double(conv.c / conv.groups) *
           product(conv.filter);
  case ProblemKind::Sdpa:
    return 4.0 * double(sdpa.batch) * double(sdpa.heads) * sdpa.pairs() *
           double(sdpa.dim);
  case ProblemKind::Pointwise:
  case ProblemKind::Reduce:
  case ProblemKind::Layernorm:
  case ProblemKind::Rmsnorm:
  case ProblemKind::Softmax:
  case ProblemKind::Batchnorm:
    break;
  }
  return 0;
}

double Problem::bytes() const {
  double elements = product(outputSpec(*this).dims);
  for (const TensorSpec &spec : inputSpecs(*this))
    elements += product(spec.dims);
  return elements * double(elementSize(type));
}

int64_t Problem::outputElements() const { return outputSpec(*this).elements(); }

int64_t Problem::inputElements() const {
  return inputSpecs(*this)[0].elements();
}

int Problem::inputCount() const {
  int count = 1;
  for (const PointwiseOp *op : ops)
    count += op->arity - 1;
  return count;
}

int64_t elementSize(ElementType type) { return rowOf(type).size; }

const char *elementName(ElementType type) { return rowOf(type).name; }

bool isInteger(ElementType type) { return rowOf(type).integer; }

} // namespace fusilli::bench
