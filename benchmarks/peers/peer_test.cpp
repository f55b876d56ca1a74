// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each peer computes what the problem says: results against plain loops in
// double, for every variant it offers. FUSILLI_TARGET limits the peers, so that
// any machine can show what they do on a lesser one.

#include "benchmarks/peaks/peaks.h"
#include "benchmarks/peers/peer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numbers>

namespace fusilli::bench {
namespace {

double activate(Activation activation, double x) {
  if (activation == Activation::Relu)
    return std::max(x, 0.0);
  if (activation == Activation::Gelu)
    return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
  return x;
}

using Index = std::vector<int64_t>;

/// Calls 'body' with every index of a shape.
template <typename Body> void forEach(const Index &dims, const Body &body) {
  Index index(dims.size(), 0);
  for (bool more = true; more;) {
    body(index);
    more = false;
    for (size_t d = dims.size(); d-- > 0 && !more;) {
      more = ++index[d] < dims[d];
      if (!more)
        index[d] = 0;
    }
  }
}

size_t offsetOf(const TensorSpec &spec, const Index &index) {
  int64_t offset = 0;
  for (size_t d = 0; d < index.size(); ++d)
    offset += index[d] * spec.strides[d];
  return static_cast<size_t>(offset);
}

/// A problem by plain loops in double; the result in its memory order.
class Loops {
public:
  explicit Loops(const ProblemData &data)
      : data_(data), p_(data.problem), specs_(inputSpecs(p_)),
        out_(outputSpec(p_)), result_(static_cast<size_t>(out_.span())) {}

  std::vector<double> run() {
    switch (p_.kind) {
    case ProblemKind::Matmul:
    case ProblemKind::BatchMatmul:
      matmul();
      break;
    case ProblemKind::Conv:
    case ProblemKind::ConvDGrad:
    case ProblemKind::ConvWGrad:
      conv();
      break;
    case ProblemKind::Pointwise: // add,mul,sub,relu
      forEach(out_.dims, [&](const Index &i) {
        at(i) = std::max((in(0, i) + in(1, i)) * in(2, i) - in(3, i), 0.0);
      });
      break;
    case ProblemKind::Reduce: // sum
      forEach(specs_[0].dims,
              [&](const Index &i) { at(reduced(i)) += in(0, i); });
      break;
    case ProblemKind::Softmax:
      softmax();
      break;
    case ProblemKind::Layernorm:
      norm([](const Index &i) { return i[0]; },
           [](Index i) {
             i[0] = 0;
             return i;
           });
      break;
    case ProblemKind::Batchnorm:
      norm([](const Index &i) { return i[1]; },
           [](const Index &i) { return Index{i[1]}; });
      break;
    case ProblemKind::Sdpa:
      sdpa();
      break;
    case ProblemKind::Rmsnorm:
      ADD_FAILURE() << "no peer has it";
    }
    return std::move(result_);
  }

private:
  double in(size_t number, const Index &index) const {
    return loadElement(p_.type, data_.inputs[number].data(),
                       static_cast<int64_t>(offsetOf(specs_[number], index)));
  }
  double &at(const Index &index) { return result_[offsetOf(out_, index)]; }

  Index reduced(Index index) const {
    for (int64_t axis : p_.axes)
      index[static_cast<size_t>(axis)] = 0;
    return index;
  }

  void matmul() {
    forEach(out_.dims, [&](const Index &i) {
      Index a = i, b = i, bias(i.size(), 0);
      size_t m = i.size() - 2, n = i.size() - 1;
      bias[n] = i[n];
      double sum = p_.bias ? in(2, bias) : 0;
      for (int64_t k = 0; k < p_.k; ++k) {
        a[n] = b[m] = k;
        sum += in(0, a) * in(1, b);
      }
      at(i) = activate(p_.activation, sum);
    });
  }

  void conv() {
    const ConvShape &c = p_.conv;
    forEach(c.yDims(), [&](const Index &y) {
      forEach(c.wDims(), [&](const Index &w) {
        if (w[0] != y[1])
          return;
        Index x = {y[0], w[1] + y[1] / (c.k / c.groups) * (c.c / c.groups)};
        for (size_t d = 0; d < c.rank(); ++d) {
          x.push_back(y[d + 2] * c.stride[d] + w[d + 2] * c.dilation[d] -
                      c.pad[d]);
          if (x.back() < 0 || x.back() >= c.image[d])
            return;
        }
        if (p_.kind == ProblemKind::ConvDGrad)
          at(x) += in(0, y) * in(1, w);
        else if (p_.kind == ProblemKind::ConvWGrad)
          at(w) += in(0, y) * in(1, x);
        else
          at(y) += in(0, x) * in(1, w);
      });
    });
    if (p_.kind != ProblemKind::Conv)
      return;
    forEach(out_.dims, [&](const Index &y) {
      Index bias(y.size(), 0);
      bias[1] = y[1];
      at(y) = activate(p_.activation, at(y) + (p_.bias ? in(2, bias) : 0));
    });
  }

  void softmax() {
    std::map<Index, double> sums;
    forEach(out_.dims,
            [&](const Index &i) { sums[reduced(i)] += std::exp(in(0, i)); });
    forEach(out_.dims, [&](const Index &i) {
      at(i) = std::exp(in(0, i)) / sums[reduced(i)];
    });
  }

  /// Statistics of each group, then scale and bias at 'affine' of an index.
  template <typename Group, typename Affine>
  void norm(const Group &group, const Affine &affine) {
    std::map<int64_t, std::array<double, 3>> sums;
    forEach(out_.dims, [&](const Index &i) {
      auto &[count, sum, squares] = sums[group(i)];
      count += 1;
      sum += in(0, i);
      squares += in(0, i) * in(0, i);
    });
    forEach(out_.dims, [&](const Index &i) {
      auto [count, sum, squares] = sums[group(i)];
      double mean = sum / count, variance = squares / count - mean * mean;
      at(i) =
          in(1, affine(i)) * (in(0, i) - mean) / std::sqrt(variance + 1e-5) +
          in(2, affine(i));
    });
  }

  void sdpa() {
    const SdpaShape &s = p_.sdpa;
    forEach({s.batch, s.heads, s.queries}, [&](const Index &row) {
      int64_t head = row[1] / (s.heads / s.kvHeads);
      double sum = 0;
      for (int64_t j = 0; j < s.keys; ++j) {
        if (s.causal && j > row[2])
          break;
        double score = 0;
        for (int64_t d = 0; d < s.dim; ++d)
          score +=
              in(0, {row[0], row[1], row[2], d}) * in(1, {row[0], head, j, d});
        double weight = std::exp(score / std::sqrt(double(s.dim)) +
                                 (s.mask ? in(3, {0, 0, row[2], j}) : 0));
        sum += weight;
        for (int64_t d = 0; d < s.dim; ++d)
          at({row[0], row[1], row[2], d}) +=
              weight * in(2, {row[0], head, j, d});
      }
      for (int64_t d = 0; d < s.dim; ++d)
        at({row[0], row[1], row[2], d}) /= sum;
    });
  }

  const ProblemData &data_;
  const Problem &p_;
  std::vector<TensorSpec> specs_;
  TensorSpec out_;
  std::vector<double> result_;
};

/// The target that all tests of this process limit their peers to.
std::string testTarget() {
  const char *name = std::getenv("FUSILLI_TARGET");
  return name && *name ? name : "host";
}

/// Whether oneDNN may have no primitive of this type on the target: it has
/// bf16 from AVX-512 on, and newer versions have it below.
bool mayLackType(ElementType type, const std::string &target) {
  return type == ElementType::BF16 && !targetHas(target, "avx512bw");
}

class OneDnnProblemTest : public testing::TestWithParam<const char *> {};

TEST_P(OneDnnProblemTest, EveryVariantAgreesWithLoops) {
  std::vector<Peer> peers = availablePeers(testTarget());
  if (peers.empty())
    GTEST_SKIP() << "built without oneDNN";
  std::string error;
  std::optional<Problem> problem = parseProblem(GetParam(), error);
  ASSERT_TRUE(problem) << error;
  ProblemData data = makeData(*problem, 5);
  PeerPlan plan = peers[0].prepare(data, 1);
  if (!plan.unsupported.empty() && mayLackType(problem->type, testTarget()))
    GTEST_SKIP() << "on this CPU " << plan.unsupported;
  ASSERT_EQ(plan.unsupported, "");
  ASSERT_FALSE(plan.variants.empty());
  std::vector<double> expected = Loops(data).run();
  double tolerance = problem->type == ElementType::BF16 ? 0.03 : 1e-4;
  for (const PeerVariant &variant : plan.variants) {
    ASSERT_TRUE(variant.call()) << variant.label;
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(
          loadElement(problem->type, variant.output, static_cast<int64_t>(i)),
          expected[i], tolerance * (1 + std::abs(expected[i])))
          << variant.label << " element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Problems, OneDnnProblemTest,
    testing::Values(
        "matmul 17x33x21 f32", "matmul 17x33x21 f32 bias gelu",
        "matmul 64x64x64 bf16", "batch_matmul 3x17x18x19 f32 bias relu",
        "conv n2c16h9w7 k16r3s3 pad1 stride1 f32 nhwc bias relu",
        "conv n1c3h9w7 k5r3s2 pad1 stride2 f32 nchw",
        "conv n1c16h12w12 k16r3s3 pad2 dil2 f32 nhwc",
        "pointwise 31x17 f32 add,mul,sub,relu", "reduce 31x17 f32 sum axis1",
        "reduce 5x6x7x8 f32 sum axis0,2,3", "reduce 31x17 f32 sum axis0 views",
        "matmul 17x33x21 f32 const", "matmul 17x33x21 f32 ta tb",
        "matmul 17x33x21 f32 views bias",
        "batch_matmul 3x17x18x19 f32 tb views",
        "conv n1c16h9w9 k16r3s3 pad1 f32 nhwc const",
        "conv n2c16h9w9 k16r3s3 pad1 f32 nhwc views",
        "conv n1c16h9w9 k32r3s3 pad1 g16 f32 nhwc",
        "conv n1c8h9w9 k16r3s3 g2 f32 nchw const",
        "conv n1c8w70 k16s3 stride2 f32 nchw bias",
        "conv n2c3d4h6w6 k8t2r3s3 stride2,3,3 f32 nchw",
        "conv_dgrad n1c16h9w8 k16r3s3 pad1 stride2 f32 nhwc",
        "conv_dgrad n1c16h9w8 k16r3s3 pad1 f32 nchw const",
        "conv_wgrad n2c16h9w8 k16r3s3 pad1 f32 nhwc",
        "conv_wgrad n2c8h9w8 k8r3s3 g2 stride2 f32 nchw",
        "sdpa b2hq4hk4s19d16 f32", "sdpa b1hq2hk2s19d16 f32 causal",
        "sdpa b1hq4hk2s19d16 f32 mask", "layernorm 9x37 f32 axis1",
        "layernorm 9x37 f32 axis0", "layernorm 3x4x37 f32 axis1,2",
        "softmax 9x37 f32 axis1", "softmax 9x37 f32 axis0",
        "batchnorm n2c16h5w4 f32 nhwc", "batchnorm n2c16h5w4 f32 nchw"));

TEST(OneDnnTest, SaysWhatItCannot) {
  std::vector<Peer> peers = availablePeers(testTarget());
  if (peers.empty())
    GTEST_SKIP() << "built without oneDNN";
  std::string error;
  for (const char *line :
       {"pointwise 8 f32 tan", "reduce 8 f32 amax axis0", "matmul 8x8x8 f64",
        "rmsnorm 8x8 f32 axis1", "softmax 4x5x6 f32 axis1,2",
        "batchnorm n1c8h4w4 f32 nhwc views"}) {
    ProblemData data = makeData(*parseProblem(line, error), 1);
    EXPECT_NE(peers[0].prepare(data, 1).unsupported, "") << line;
  }
}

} // namespace
} // namespace fusilli::bench
