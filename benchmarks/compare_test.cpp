// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rule of a loss at its borders, lines that only one side has, several
// reports of a side, and files that are no reports.

#include "benchmarks/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace fusilli::bench {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json entry(const std::string &line, double time, json spread = nullptr,
           json fraction = nullptr) {
  return {{"problem", line},       {"target", "host"},
          {"threads", 1},          {"time_us", time},
          {"time_spread", spread}, {"roofline_fraction", fraction}};
}

json report(std::vector<json> problems, const std::string &cpu = "A") {
  return {{"schema", 1}, {"machine", {{"cpu", cpu}}}, {"problems", problems}};
}

ReportedRun runOf(const std::vector<json> &reports) {
  std::vector<std::string> names(reports.size(), "r.json");
  std::string error;
  std::optional<ReportedRun> run = linesOf(reports, names, error);
  EXPECT_TRUE(run) << error;
  return run.value_or(ReportedRun{});
}

Comparison compared(const json &before, const json &now) {
  return compareRuns(runOf({before}), runOf({now}));
}

Verdict verdictOf(const json &before, const json &now) {
  Comparison comparison = compared(report({before}), report({now}));
  EXPECT_EQ(comparison.lines.size(), 1u);
  return comparison.lines.at(0).verdict;
}

TEST(CompareTest, FivePercentAreAllowed) {
  EXPECT_EQ(verdictOf(entry("a", 100), entry("a", 104.9)), Verdict::Kept);
  EXPECT_EQ(verdictOf(entry("a", 100), entry("a", 105.1)), Verdict::Lost);
  EXPECT_EQ(verdictOf(entry("a", 100), entry("a", 94.9)), Verdict::Gained);
}

TEST(CompareTest, NoiseIsTheSumOfTheSpreads) {
  EXPECT_EQ(verdictOf(entry("a", 100, 0.02), entry("a", 107.9, 0.01)),
            Verdict::Kept);
  EXPECT_EQ(verdictOf(entry("a", 100, 0.02), entry("a", 108.1, 0.01)),
            Verdict::Lost);
  // A report without spreads is as noisy as the other one.
  EXPECT_EQ(verdictOf(entry("a", 100), entry("a", 106.9, 0.01)), Verdict::Kept);
  EXPECT_EQ(verdictOf(entry("a", 100), entry("a", 107.1, 0.01)), Verdict::Lost);
}

TEST(CompareTest, ALossShowsInTimeAndFraction) {
  // Half the clock: half the speed, the same fraction.
  EXPECT_EQ(verdictOf(entry("a", 100, 0, 0.9), entry("a", 200, 0, 0.9)),
            Verdict::Kept);
  // A peak that is now measured higher.
  EXPECT_EQ(verdictOf(entry("a", 100, 0, 0.9), entry("a", 100, 0, 0.6)),
            Verdict::Kept);
  EXPECT_EQ(verdictOf(entry("a", 100, 0, 0.9), entry("a", 120, 0, 0.8)),
            Verdict::Lost);
}

TEST(CompareTest, SeveralReportsGiveMediansAndTheirSpread) {
  ReportedRun before =
      runOf({report({entry("a", 90, 0.01)}), report({entry("a", 110, 0.01)}),
             report({entry("a", 100, 0.01)})});
  ASSERT_EQ(before.lines.size(), 1u);
  EXPECT_EQ(before.lines[0].timeUs, 100);
  EXPECT_DOUBLE_EQ(*before.lines[0].spread, 0.1);
  EXPECT_EQ(before.cpus.size(), 1u);
}

TEST(CompareTest, LinesOfOneSideAreNamed) {
  json failed = entry("c", 1);
  failed["time_us"] = nullptr;
  failed["error"] = "no such op";
  Comparison comparison =
      compared(report({entry("a", 100), entry("b", 100), entry("c", 100)}),
               report({entry("a", 100), failed, entry("d", 5)}, "B"));
  EXPECT_FALSE(comparison.passes());
  EXPECT_EQ(comparison.compared(), 1u);
  std::ostringstream out;
  printComparison(comparison, out);
  EXPECT_THAT(out.str(), HasSubstr("different CPUs"));
  EXPECT_THAT(out.str(), HasSubstr("missing"));
  EXPECT_THAT(out.str(), HasSubstr("100.00 us -> no such op"));
  EXPECT_THAT(out.str(), HasSubstr("- -> 5.00 us"));
  EXPECT_THAT(out.str(),
              HasSubstr("comparison FAILS: 1 kept 1 FAILED 1 missing 1 new"));
}

TEST(CompareTest, MissingAndOtherwiseUnmeasuredLinesPass) {
  json failed = entry("b", 1);
  failed["time_us"] = nullptr;
  EXPECT_TRUE(compared(report({entry("a", 100)}), report({})).passes());
  EXPECT_EQ(verdictOf(failed, entry("b", 100)), Verdict::Unmeasured);
}

TEST(CompareTest, TargetAndThreadsArePartOfALine) {
  json two = entry("a", 50);
  two["threads"] = 2;
  Comparison comparison = compared(report({entry("a", 100)}), report({two}));
  ASSERT_EQ(comparison.lines.size(), 2u);
  EXPECT_EQ(comparison.compared(), 0u);
}

TEST(CompareTest, OtherFilesAreRefusedByName) {
  std::string error;
  EXPECT_FALSE(readReports({"/nonexistent.json"}, error));
  EXPECT_THAT(error, HasSubstr("/nonexistent.json"));
  std::string path = testing::TempDir() + "compare_test.json";
  for (const char *text : {"", "[]", "{\"schema\":2}", "{\"schema\":1}",
                           "{\"schema\":1,\"problems\":[{\"problem\":3}]}"}) {
    std::ofstream(path) << text;
    EXPECT_FALSE(readReports({path}, error)) << text;
    EXPECT_THAT(error, HasSubstr("compare_test.json' is no report")) << text;
  }
  std::remove(path.c_str());
}

} // namespace
} // namespace fusilli::bench
