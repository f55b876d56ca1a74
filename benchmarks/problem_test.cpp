// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Problem lines: each kind, the counts derived from it, and each complaint.

#include "benchmarks/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusilli::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Problem parsed(std::string_view line) {
  std::string error;
  std::optional<Problem> problem = parseProblem(line, error);
  EXPECT_TRUE(problem) << error;
  return problem.value_or(Problem{});
}

std::string errorOf(std::string_view line) {
  std::string error;
  EXPECT_FALSE(parseProblem(line, error)) << line;
  return error;
}

TEST(ProblemTest, MatmulIsMNK) {
  Problem problem = parsed("  matmul  1024x512x256   f32 bias gelu # x");
  EXPECT_EQ(problem.line, "matmul 1024x512x256 f32 bias gelu");
  EXPECT_EQ(problem.kind, ProblemKind::Matmul);
  EXPECT_EQ(problem.m, 1024);
  EXPECT_EQ(problem.n, 512);
  EXPECT_EQ(problem.k, 256);
  EXPECT_TRUE(problem.bias);
  EXPECT_EQ(problem.activation, Activation::Gelu);
  EXPECT_EQ(problem.flops(), 2.0 * 1024 * 512 * 256);
  EXPECT_EQ(problem.bytes(), 4.0 * (1024 * 256 + 256 * 512 + 1024 * 512 + 512));
}

TEST(ProblemTest, BatchMatmulIsBMNK) {
  Problem problem = parsed("batch_matmul 8x512x128x64 bf16");
  EXPECT_EQ(problem.batch, 8);
  EXPECT_EQ(problem.m, 512);
  EXPECT_EQ(problem.n, 128);
  EXPECT_EQ(problem.k, 64);
  EXPECT_EQ(problem.type, ElementType::BF16);
  EXPECT_EQ(problem.bytes(), 2.0 * 8 * (512 * 64 + 64 * 128 + 512 * 128));
  EXPECT_EQ(problem.outputElements(), 8 * 512 * 128);
}

TEST(ProblemTest, Conv) {
  Problem problem =
      parsed("conv n2c64h56w28 k32r3s5 pad1 stride2 f32 nhwc bias relu");
  EXPECT_EQ(problem.conv.n, 2);
  EXPECT_EQ(problem.conv.k, 32);
  EXPECT_EQ(problem.conv.s, 5);
  EXPECT_EQ(problem.conv.outH(), 28);
  EXPECT_EQ(problem.conv.outW(), 13);
  EXPECT_TRUE(problem.conv.channelsLast);
  EXPECT_EQ(problem.flops(), 2.0 * 2 * 32 * 28 * 13 * 64 * 3 * 5);
  EXPECT_FALSE(parsed("conv n1c3h8w8 k4r1s1 f32 nchw").conv.channelsLast);
}

TEST(ProblemTest, PointwiseCountsFullSecondOperands) {
  Problem problem = parsed("pointwise 2048x4096 f32 add,mul,sub,relu");
  EXPECT_EQ(problem.inputCount(), 4);
  EXPECT_EQ(problem.bytes(), 4.0 * 5 * 2048 * 4096);
  EXPECT_STREQ(problem.ops[3]->mode, "RELU_FWD");
  EXPECT_EQ(problem.flops(), 0);
}

TEST(ProblemTest, Reduce) {
  Problem problem = parsed("reduce 2048x4096 f16 sum axis1");
  EXPECT_THAT(problem.axes, ElementsAre(1));
  EXPECT_STREQ(problem.reduce->mode, "ADD");
  EXPECT_EQ(problem.outputElements(), 2048);
  EXPECT_EQ(problem.bytes(), 2.0 * (2048 * 4096 + 2048));
  EXPECT_EQ(parsed("reduce 2x3x4 f32 max axis2,0").outputElements(), 3);
}

TEST(ProblemTest, ErrorsNameTheWordAndTheLine) {
  EXPECT_THAT(errorOf("gemm 1x1x1 f32"), HasSubstr("unknown kind 'gemm'"));
  EXPECT_THAT(errorOf("matmul 16x16 f32"),
              HasSubstr("'16x16' has 2 extents, expected extents MxNxK"));
  EXPECT_THAT(errorOf("matmul 16x0x4 f32"), HasSubstr("bad extent '0'"));
  EXPECT_THAT(errorOf("matmul 16x-1x4 f32"), HasSubstr("bad extent '-1'"));
  EXPECT_THAT(errorOf("matmul 1x1x1"), HasSubstr("missing element type"));
  EXPECT_THAT(errorOf("matmul 1x1x1 f8"), HasSubstr("'f8'"));
  EXPECT_THAT(errorOf("matmul 1x1x1 f32 silu"),
              HasSubstr("unexpected word 'silu', in problem line 'matmul "
                        "1x1x1 f32 silu'"));
  EXPECT_THAT(errorOf("matmul 1x1x1 f32 gelu bias"), HasSubstr("'bias'"));
  EXPECT_THAT(errorOf("conv n1c1h4 k1r1s1 f32 nhwc"), HasSubstr("bad image"));
  EXPECT_THAT(errorOf("conv n1c1h4w4 k1r1s1 f32"), HasSubstr("missing layout"));
  EXPECT_THAT(errorOf("conv n1c1h2w2 k1r3s3 f32 nhwc"),
              HasSubstr("does not fit"));
  EXPECT_THAT(errorOf("conv n1c1h2w2 k1r1s1 padx f32 nhwc"),
              HasSubstr("bad padding 'padx'"));
  EXPECT_THAT(errorOf("pointwise 4x4 f32 add,cosh"), HasSubstr("'cosh'"));
  EXPECT_THAT(errorOf("pointwise 4x4 f32"), HasSubstr("missing list of ops"));
  EXPECT_THAT(errorOf("reduce 4x4 f32 sum axis2"), HasSubstr("bad axis '2'"));
  EXPECT_THAT(errorOf("reduce 4x4 f32 sum axis1,1"), HasSubstr("twice"));
  EXPECT_THAT(errorOf("reduce 4x4 f32 sum 1"), HasSubstr("axis<number>"));
  EXPECT_THAT(errorOf("pointwise 100000x100000x1000 f32 add"),
              HasSubstr("too large"));
}

TEST(ProblemSetTest, SkipsCommentsAndNumbersErrors) {
  std::string error;
  auto set = parseProblemSet("# head\n\nmatmul 1x2x3 f32 # tail\n"
                             "pointwise 4 f32 add\n",
                             "s.txt", error);
  ASSERT_TRUE(set) << error;
  EXPECT_EQ(set->size(), 2u);
  EXPECT_FALSE(parseProblemSet("# a\nmatmul\n", "s.txt", error));
  EXPECT_THAT(error, HasSubstr("s.txt:2: missing extents MxNxK"));
  EXPECT_FALSE(parseProblemSet("# nothing\n", "s.txt", error));
  EXPECT_THAT(error, HasSubstr("no problem"));
  EXPECT_FALSE(readProblemSet("/nonexistent/x.txt", error));
  EXPECT_THAT(error, HasSubstr("/nonexistent/x.txt"));
}

TEST(ProblemSetTest, ShippedFilesParse) {
  for (const char *name :
       {"must_show", "matmul", "conv", "pointwise", "reduce"}) {
    std::string error;
    EXPECT_TRUE(readProblemSet(
        std::string(FUSILLI_BENCH_SHAPES) + "/" + name + ".txt", error))
        << error;
  }
}

} // namespace
} // namespace fusilli::bench
