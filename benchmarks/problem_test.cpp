// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Problem lines: each kind, the counts derived from it, and each complaint.

#include "benchmarks/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

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
  EXPECT_THAT(problem.conv.filter, ElementsAre(3, 5));
  EXPECT_EQ(problem.conv.out(0), 28);
  EXPECT_EQ(problem.conv.out(1), 13);
  EXPECT_TRUE(problem.conv.channelsLast);
  EXPECT_EQ(problem.flops(), 2.0 * 2 * 32 * 28 * 13 * 64 * 3 * 5);
  EXPECT_FALSE(parsed("conv n1c3h8w8 k4r1s1 f32 nchw").conv.channelsLast);
}

TEST(ProblemTest, ConvOfOtherRanksAndGroups) {
  Problem line = parsed("conv n1c32w110 k48s3 stride2 f32 nchw");
  EXPECT_THAT(line.conv.yDims(), ElementsAre(1, 48, 54));
  Problem patches =
      parsed("conv n4c3d2h14w28 k128t2r14s14 stride2,14,14 bf16 nchw");
  EXPECT_THAT(patches.conv.xDims(), ElementsAre(4, 3, 2, 14, 28));
  EXPECT_THAT(patches.conv.wDims(), ElementsAre(128, 3, 2, 14, 14));
  EXPECT_THAT(patches.conv.yDims(), ElementsAre(4, 128, 1, 1, 2));
  Problem depthwise = parsed("conv n1c96h8w8 k192r3s3 pad1 g96 f32 nhwc");
  EXPECT_EQ(depthwise.conv.groups, 96);
  EXPECT_THAT(depthwise.conv.wDims(), ElementsAre(192, 1, 3, 3));
  EXPECT_EQ(depthwise.flops(), 2.0 * 192 * 8 * 8 * 9);
}

TEST(ProblemTest, GradientsCountAsTheirConvolution) {
  Problem forward = parsed("conv n2c8h9w7 k16r3s3 pad1 stride2 f32 nhwc");
  Problem dgrad = parsed("conv_dgrad n2c8h9w7 k16r3s3 pad1 stride2 f32 nhwc");
  Problem wgrad = parsed("conv_wgrad n2c8h9w7 k16r3s3 pad1 stride2 f32 nhwc");
  EXPECT_EQ(dgrad.flops(), forward.flops());
  EXPECT_EQ(wgrad.flops(), forward.flops());
  EXPECT_EQ(dgrad.outputElements(), 2 * 8 * 9 * 7);
  EXPECT_EQ(wgrad.outputElements(), 16 * 8 * 3 * 3);
  EXPECT_EQ(dgrad.bytes(), forward.bytes());
}

TEST(ProblemTest, WordsThatStandAnywhere) {
  Problem problem = parsed("matmul 8x16x4 f32 ta const bias relu views tb "
                           "dynamic");
  EXPECT_TRUE(problem.transposeA && problem.transposeB);
  EXPECT_TRUE(problem.constant && problem.views && problem.dynamic);
  EXPECT_TRUE(problem.bias);
  EXPECT_EQ(problem.activation, Activation::Relu);
  EXPECT_EQ(problem.line,
            "matmul 8x16x4 f32 ta const bias relu views tb dynamic");
  EXPECT_EQ(problem.representative, 0);
  EXPECT_EQ(parsed("softmax 4x8 f32 axis1 dynamic16").representative, 16);
  // Padding is no traffic.
  EXPECT_EQ(problem.bytes(), parsed("matmul 8x16x4 f32 bias").bytes());
}

TEST(ProblemTest, Sdpa) {
  Problem problem = parsed("sdpa b2hq8hk4s512d64 f32");
  EXPECT_EQ(problem.sdpa.kvHeads, 4);
  EXPECT_EQ(problem.flops(), 4.0 * 2 * 8 * 512 * 512 * 64);
  EXPECT_EQ(problem.bytes(), 4.0 * 2 * 512 * 64 * (8 + 4 + 4 + 8));
  Problem causal = parsed("sdpa b2hq8hk4s512d64 f32 causal");
  EXPECT_EQ(causal.flops(), 4.0 * 2 * 8 * (512 * 513 / 2) * 64);
  EXPECT_EQ(parsed("sdpa b2hq8hk4s512d64 f32 mask").bytes(),
            problem.bytes() + 4.0 * 512 * 512);
}

TEST(ProblemTest, Norms) {
  Problem rows = parsed("layernorm 2048x4096 f32 axis1");
  EXPECT_EQ(rows.bytes(), 4.0 * (2.0 * 2048 * 4096 + 2 * 4096));
  Problem strided = parsed("rmsnorm 2048x4096 f32 axis0");
  EXPECT_EQ(strided.bytes(), 4.0 * (2.0 * 2048 * 4096 + 2048));
  EXPECT_EQ(parsed("softmax 4x5x6 f16 axis0,2").outputElements(), 120);
  Problem batch = parsed("batchnorm n8c64h56w56 f32 nhwc");
  EXPECT_EQ(batch.outputElements(), 8 * 64 * 56 * 56);
  EXPECT_TRUE(batch.conv.channelsLast);
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
  EXPECT_THAT(errorOf("conv n1c1h4w4 k1r1 f32 nhwc"), HasSubstr("bad filter"));
  EXPECT_THAT(errorOf("conv n1c1h4w4 k1s1 f32 nhwc"),
              HasSubstr("another rank than the image"));
  EXPECT_THAT(errorOf("conv n1c6h4w4 k9r1s1 g4 f32 nhwc"),
              HasSubstr("groups do not divide"));
  EXPECT_THAT(errorOf("conv n1c1h4w4 k1r1s1 stride1,2,3 f32 nhwc"),
              HasSubstr("bad stride"));
  EXPECT_THAT(errorOf("conv_dgrad n1c1h4w4 k1r1s1 f32 nhwc bias"),
              HasSubstr("'bias'"));
  EXPECT_THAT(errorOf("conv_wgrad n1c1h4w4 k1r1s1 f32 nhwc const"),
              HasSubstr("'const' does not apply to conv_wgrad"));
  EXPECT_THAT(errorOf("reduce 4x4 f32 sum axis1 ta"), HasSubstr("'ta'"));
  EXPECT_THAT(errorOf("matmul 1x1x1 f32 views views"), HasSubstr("'views'"));
  EXPECT_THAT(errorOf("sdpa b1hq8s512d64 f32"), HasSubstr("bad shape"));
  EXPECT_THAT(errorOf("sdpa b1hq8hk3s512d64 f32"), HasSubstr("do not divide"));
  EXPECT_THAT(errorOf("sdpa b1hq8hk8s512d64 f32 causal mask"),
              HasSubstr("exclude each other"));
  EXPECT_THAT(errorOf("sdpa b1hq8hk8s512d64 i8"), HasSubstr("integer"));
  EXPECT_THAT(errorOf("layernorm 4x5x6 f32 axis1"),
              HasSubstr("the first or the last dims"));
  EXPECT_THAT(errorOf("rmsnorm 4x5 f32 axis0,1"), HasSubstr("not all"));
  EXPECT_THAT(errorOf("batchnorm n1c1h4w4 f32 axis1"), HasSubstr("'axis1'"));
  EXPECT_THAT(errorOf("matmul 2000000000x2000000000x2000000000 f32"),
              HasSubstr("too large"));
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
  size_t files = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(FUSILLI_BENCH_SHAPES)) {
    std::string error;
    EXPECT_TRUE(readProblemSet(entry.path(), error)) << error;
    ++files;
  }
  EXPECT_GE(files, 5u);
}

} // namespace
} // namespace fusilli::bench
