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
#include <cmath>
#include <cstdlib>
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

double convAt(const ProblemData &data, const std::vector<TensorSpec> &specs,
              int64_t n, int64_t k, int64_t p, int64_t q) {
  const ConvShape &conv = data.problem.conv;
  double sum = 0;
  for (int64_t c = 0; c < conv.c; ++c)
    for (int64_t r = 0; r < conv.r; ++r)
      for (int64_t s = 0; s < conv.s; ++s) {
        int64_t h = p * conv.stride + r * conv.dilation - conv.pad;
        int64_t w = q * conv.stride + s * conv.dilation - conv.pad;
        if (h < 0 || h >= conv.h || w < 0 || w >= conv.w)
          continue;
        const auto &xs = specs[0].strides, &ws = specs[1].strides;
        sum += loadElement(data.problem.type, data.inputs[0].data(),
                           n * xs[0] + c * xs[1] + h * xs[2] + w * xs[3]) *
               loadElement(data.problem.type, data.inputs[1].data(),
                           k * ws[0] + c * ws[1] + r * ws[2] + s * ws[3]);
      }
  return sum;
}

std::vector<double> expectedOf(const ProblemData &data) {
  const Problem &p = data.problem;
  std::vector<TensorSpec> specs = inputSpecs(p);
  std::vector<double> out(static_cast<size_t>(p.outputElements()));
  auto in = [&](size_t i, int64_t at) {
    return loadElement(p.type, data.inputs[i].data(), at);
  };
  auto bias = [&](int64_t at) { return p.bias ? in(2, at) : 0.0; };
  size_t at = 0;
  if (p.kind == ProblemKind::Conv) {
    TensorSpec y = outputSpec(p);
    for (int64_t n = 0; n < y.dims[0]; ++n)
      for (int64_t k = 0; k < y.dims[1]; ++k)
        for (int64_t h = 0; h < y.dims[2]; ++h)
          for (int64_t w = 0; w < y.dims[3]; ++w) {
            int64_t to = n * y.strides[0] + k * y.strides[1] +
                         h * y.strides[2] + w * y.strides[3];
            out[static_cast<size_t>(to)] = activate(
                p.activation, convAt(data, specs, n, k, h, w) + bias(k));
          }
  } else if (p.kind == ProblemKind::Reduce) {
    for (int64_t i = 0; i < p.inputElements(); ++i)
      out[static_cast<size_t>(i / p.dims[1])] += in(0, i);
  } else if (p.kind == ProblemKind::Pointwise) {
    for (double &value : out) {
      auto i = static_cast<int64_t>(at++);
      value = std::max((in(0, i) + in(1, i)) * in(2, i) - in(3, i), 0.0);
    }
  } else {
    for (int64_t b = 0; b < p.batch; ++b)
      for (int64_t m = 0; m < p.m; ++m)
        for (int64_t n = 0; n < p.n; ++n) {
          double sum = bias(n);
          for (int64_t k = 0; k < p.k; ++k)
            sum +=
                in(0, (b * p.m + m) * p.k + k) * in(1, (b * p.k + k) * p.n + n);
          out[at++] = activate(p.activation, sum);
        }
  }
  return out;
}

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
  std::vector<double> expected = expectedOf(data);
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
    testing::Values("matmul 17x33x21 f32", "matmul 17x33x21 f32 bias gelu",
                    "matmul 64x64x64 bf16",
                    "batch_matmul 3x17x18x19 f32 bias relu",
                    "conv n2c16h9w7 k16r3s3 pad1 stride1 f32 nhwc bias relu",
                    "conv n1c3h9w7 k5r3s2 pad1 stride2 f32 nchw",
                    "conv n1c16h12w12 k16r3s3 pad2 dil2 f32 nhwc",
                    "pointwise 31x17 f32 add,mul,sub,relu",
                    "reduce 31x17 f32 sum axis1"));

TEST(OneDnnTest, SaysWhatItCannot) {
  std::vector<Peer> peers = availablePeers(testTarget());
  if (peers.empty())
    GTEST_SKIP() << "built without oneDNN";
  std::string error;
  for (const char *line :
       {"pointwise 8 f32 tan", "reduce 8 f32 amax axis0", "matmul 8x8x8 f64"}) {
    ProblemData data = makeData(*parseProblem(line, error), 1);
    EXPECT_NE(peers[0].prepare(data, 1).unsupported, "") << line;
  }
}

} // namespace
} // namespace fusilli::bench
