// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of a problem's inputs.

#include "benchmarks/data.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

namespace fusilli::bench {

namespace {

struct Range {
  double low, high;
};

Range valueRange(const Problem &problem) {
  constexpr std::string_view kPositive[] = {"LOG", "SQRT", "RSQRT",
                                            "RECIPROCAL", "DIV"};
  // Products of bytes are to be exact over the full range.
  if (problem.type == ElementType::I8 &&
      (problem.isMatmul() || problem.isConv()))
    return {-128, 128};
  if (isInteger(problem.type))
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

} // namespace

ProblemData makeData(const Problem &problem, uint64_t seed) {
  ProblemData data{problem, {}};
  auto [low, high] = valueRange(problem);
  bool integer = isInteger(problem.type);
  for (const TensorSpec &spec : inputSpecs(problem)) {
    int64_t count = spec.span();
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

} // namespace fusilli::bench
