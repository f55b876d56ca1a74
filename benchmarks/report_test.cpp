// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JSON has every key of schema 1, nulls where nothing applies, and the
// fractions and exit codes that it defines.

#include "benchmarks/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace fusilli::bench {
namespace {

using testing::HasSubstr;

ProblemResult resultOf(const std::string &line, double medianNs) {
  ProblemResult result;
  std::string error;
  std::optional<Problem> problem = parseProblem(line, error);
  EXPECT_TRUE(problem) << error;
  result.problem = problem.value_or(Problem{});
  result.target = "host";
  result.timing = {medianNs, medianNs * 0.9, 10};
  result.peaks = {.f32 = 100,
                  .bf16Dot = 200,
                  .bf16Amx = {},
                  .i8Dot = 400,
                  .copy = 20,
                  .read = 15};
  result.coldMs = 5;
  result.cachedMs = 0.5;
  result.firstUs = 12;
  result.kernels = 1;
  result.maxError = 1e-6;
  result.errorBound = 1e-5;
  return result;
}

TEST(ReportTest, HasEveryKeyOfTheSchema) {
  Report report;
  report.machine.features = {"avx2"};
  report.machine.peaks.f32 = 100;
  report.problems.push_back(resultOf("matmul 100x100x100 f32", 40e3));
  report.problems[0].peers["onednn"] = {"", {80e3, 70e3, 5}, "plain"};
  nlohmann::ordered_json json = toJson(report);
  EXPECT_EQ(json["schema"], 1);
  for (const char *key :
       {"cpu", "features", "threads", "f32_gflops", "bf16_dot_gflops",
        "bf16_amx_gflops", "i8_dot_gops", "copy_gbps", "read_gbps"})
    EXPECT_TRUE(json["machine"].contains(key)) << key;
  EXPECT_TRUE(json["machine"]["bf16_amx_gflops"].is_null());
  const auto &problem = json["problems"][0];
  for (const char *key :
       {"problem", "target", "threads", "compile_cold_ms", "compile_cached_ms",
        "first_us", "time_us", "time_spread", "gflops", "gbps", "peak_fraction",
        "bandwidth_fraction", "roofline_fraction", "read_fraction", "kernels",
        "peers", "max_error", "error_bound"})
    EXPECT_TRUE(problem.contains(key)) << key;
  EXPECT_EQ(problem["problem"], "matmul 100x100x100 f32");
  EXPECT_EQ(problem["time_us"], 40);
  EXPECT_EQ(problem["gflops"], 50);
  EXPECT_EQ(problem["peak_fraction"], 0.5);
  EXPECT_EQ(problem["gbps"], 3);
  EXPECT_EQ(problem["bandwidth_fraction"], 0.15);
  EXPECT_EQ(problem["roofline_fraction"], 0.5);
  EXPECT_EQ(problem["peers"]["onednn"]["ratio"], 2);
  EXPECT_EQ(problem["peers"]["onednn"]["time_us"], 80);
  EXPECT_FALSE(json.contains("overhead"));
}

TEST(ReportTest, NullWhereNothingApplies) {
  Report report;
  report.problems.push_back(resultOf("pointwise 1000 f32 add", 1e3));
  report.problems[0].peers["onednn"].unsupported = "no such type";
  auto problem = toJson(report)["problems"][0];
  EXPECT_TRUE(problem["gflops"].is_null());
  EXPECT_TRUE(problem["peak_fraction"].is_null());
  EXPECT_EQ(problem["roofline_fraction"], problem["bandwidth_fraction"]);
  EXPECT_EQ(problem["peers"]["onednn"],
            (nlohmann::ordered_json{{"unsupported", "no such type"}}));
}

TEST(ReportTest, PeakFollowsTheType) {
  auto peakOf = [](const char *type) {
    ProblemResult result =
        resultOf(std::string("matmul 100x100x100 ") + type, 40e3);
    return fractionsOf(result, 40e3).peak;
  };
  EXPECT_EQ(peakOf("f32"), 0.5);
  EXPECT_EQ(peakOf("f16"), 0.5);
  EXPECT_EQ(peakOf("bf16"), 0.25);
  EXPECT_EQ(peakOf("i8"), 0.125);
  EXPECT_FALSE(peakOf("i32"));
}

TEST(ReportTest, ReadCountsWhereHardlyAnythingIsWritten) {
  ProblemResult sum = resultOf("reduce 1000x1000 f32 sum axis1", 400e3);
  EXPECT_NEAR(*fractionsOf(sum, 400e3).read, 10 / 15.0, 0.01);
  ProblemResult add = resultOf("pointwise 1000 f32 add", 1e3);
  EXPECT_FALSE(fractionsOf(add, 1e3).read);
}

TEST(ReportTest, ExitCodes) {
  Report report;
  EXPECT_EQ(exitCodeOf(report), 0);
  report.problems.push_back(resultOf("pointwise 10 f32 add", 1e3));
  EXPECT_EQ(exitCodeOf(report), 0);
  report.problems.push_back(resultOf("pointwise 10 f32 mul", 1e3));
  report.problems[1].failure = "compile failed";
  EXPECT_EQ(exitCodeOf(report), 3);
  report.problems[0].maxError = 2e-5;
  EXPECT_EQ(exitCodeOf(report), 1);
  report.problems[0].maxError = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(exitCodeOf(report), 1);
}

TEST(ReportTest, FailuresAreInTheJsonAndTheTable) {
  Report report;
  ProblemResult failed;
  failed.problem = resultOf("pointwise 10 f32 add", 1).problem;
  failed.failure = "COMPILE_FAILURE: no compiler";
  report.problems.push_back(failed);
  auto problem = toJson(report)["problems"][0];
  EXPECT_TRUE(problem["time_us"].is_null());
  EXPECT_TRUE(problem["gbps"].is_null());
  EXPECT_EQ(problem["error"], "COMPILE_FAILURE: no compiler");
  std::ostringstream table;
  printTable(report, table);
  EXPECT_THAT(table.str(), HasSubstr("failed: COMPILE_FAILURE"));
}

TEST(ReportTest, KernelsAreListedAndExplained) {
  Report report;
  report.problems.push_back(resultOf("pointwise 10 f32 add", 1e3));
  report.problems[0].kernelList = {{.name = "kernel_0",
                                    .strategy = "pointwise",
                                    .schedule = "tile 8",
                                    .nodes = {"add"},
                                    .workgroups = 4,
                                    .flops = 10,
                                    .bytes = 120,
                                    .localMemory = 64,
                                    .timeUs = 2.5},
                                   {.name = "kernel_1",
                                    .strategy = "general",
                                    .schedule = "",
                                    .nodes = {},
                                    .workgroups = {},
                                    .isPrepared = true,
                                    .timeUs = {}}};
  report.problems[0].explanation = "graph 'bench'\n";
  auto kernels = toJson(report)["problems"][0]["kernel_list"];
  EXPECT_EQ(kernels[0]["schedule"], "tile 8");
  EXPECT_EQ(kernels[0]["workgroups"], 4);
  EXPECT_EQ(kernels[0]["nodes"][0], "add");
  EXPECT_TRUE(kernels[1]["schedule"].is_null());
  EXPECT_TRUE(kernels[1]["workgroups"].is_null());
  EXPECT_EQ(kernels[0]["time_us"], 2.5);
  EXPECT_EQ(kernels[0]["prepared"], false);
  EXPECT_EQ(kernels[1]["prepared"], true);
  EXPECT_TRUE(kernels[1]["time_us"].is_null());
  std::ostringstream text;
  printExplanation(report, text);
  EXPECT_EQ(text.str(), "pointwise 10 f32 add  [host]\ngraph 'bench'\n");
}

TEST(ReportTest, OverheadKeys) {
  Report report;
  report.overhead = OverheadResult{.nullNs = 200,
                                   .oneElementNs = 300,
                                   .boundNs = {},
                                   .dynamicNs = 320,
                                   .dynamicBoundNs = 250,
                                   .parallel64kUs = 10,
                                   .openmp64kUs = 11,
                                   .callNs = 1};
  auto overhead = toJson(report)["overhead"];
  EXPECT_EQ(overhead["null_ns"], 200);
  EXPECT_EQ(overhead["one_element_ns"], 300);
  EXPECT_TRUE(overhead["bound_ns"].is_null());
  EXPECT_EQ(overhead["dynamic_ns"], 320);
  EXPECT_EQ(overhead["dynamic_bound_ns"], 250);
  EXPECT_EQ(overhead["parallel_64k_us"], 10);
  EXPECT_EQ(overhead["openmp_64k_us"], 11);
  EXPECT_EQ(overhead["call_ns"], 1);
}

TEST(ReportTest, ScalingKeys) {
  Report report;
  EXPECT_FALSE(toJson(report).contains("scaling"));
  report.scaling = {{"chain", 10, 5.5}, {"mixed", 1000, 1250}};
  auto scaling = toJson(report)["scaling"];
  ASSERT_EQ(scaling.size(), 2u);
  EXPECT_EQ(scaling[1]["graph"], "mixed");
  EXPECT_EQ(scaling[1]["nodes"], 1000);
  EXPECT_EQ(scaling[1]["compile_cold_ms"], 1250);
  std::ostringstream table;
  printTable(report, table);
  EXPECT_THAT(table.str(), HasSubstr("mixed graph of 1000 nodes: 1250.0 ms "
                                     "cold, 1250 us a node"));
}

TEST(ReportTest, SharingKeys) {
  Report report;
  EXPECT_FALSE(toJson(report).contains("sharing"));
  report.sharing =
      SharingResult{.cpus = 2,
                    .callers = 8,
                    .throughputRatios = {{"pointwise 1 f32 add", 0.875}},
                    .idleCoreFraction = 0.001};
  auto sharing = toJson(report)["sharing"];
  EXPECT_EQ(sharing["cpus"], 2);
  EXPECT_EQ(sharing["callers"], 8);
  EXPECT_EQ(sharing["oversubscribed"][0]["problem"], "pointwise 1 f32 add");
  EXPECT_EQ(sharing["oversubscribed"][0]["throughput_ratio"], 0.875);
  EXPECT_EQ(sharing["idle_core_fraction"], 0.001);
  std::ostringstream table;
  printTable(report, table);
  EXPECT_THAT(table.str(), HasSubstr("idle 0.100 % of a core"));
  EXPECT_THAT(table.str(), HasSubstr("0.88 (pointwise 1 f32 add)"));
}

} // namespace
} // namespace fusilli::bench
