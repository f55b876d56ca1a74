// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The program as users start it: exit codes, messages, and the JSON of a tiny
// problem.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include <sys/wait.h>

namespace {

using testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string text; ///< standard output and error
};

Outcome run(const std::string &arguments, const std::string &before = "") {
  std::string command = before + " " + std::string(FUSILLI_BENCH_PROGRAM) +
                        " " + arguments + " 2>&1";
  Outcome outcome;
  FILE *pipe = popen(command.c_str(), "r");
  if (!pipe)
    return outcome;
  std::array<char, 4096> part;
  while (size_t size = fread(part.data(), 1, part.size(), pipe))
    outcome.text.append(part.data(), size);
  int status = pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

TEST(FusilliBenchTest, HelpAndVersion) {
  Outcome help = run("--help");
  EXPECT_EQ(help.code, 0);
  for (const char *word :
       {"--problem", "--set", "--threads", "--target", "--peers", "--json",
        "--repeat", "--compare", "--overhead", "--startup", "Exit codes",
        "matmul 1024x1024x1024 f32"})
    EXPECT_THAT(help.text, HasSubstr(word));
  EXPECT_EQ(run("--version").code, 0);
}

TEST(FusilliBenchTest, WrongUsageIsTwo) {
  Outcome nothing = run("");
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.text, HasSubstr("nothing to measure"));
  Outcome line = run("--problem 'matmul 4x4 f32'");
  EXPECT_EQ(line.code, 2);
  EXPECT_THAT(line.text, HasSubstr("'4x4' has 2 extents"));
  Outcome file = run("--set /nonexistent.txt");
  EXPECT_EQ(file.code, 2);
  EXPECT_THAT(file.text, HasSubstr("/nonexistent.txt"));
  Outcome peer = run("--problem 'pointwise 4 f32 add' --peers cublas");
  EXPECT_EQ(peer.code, 2);
  EXPECT_THAT(peer.text, HasSubstr("unknown peer 'cublas'"));
  EXPECT_EQ(run("--problem 'pointwise 4 f32 add' --target z80").code, 2);
  EXPECT_EQ(run("--problem 'pointwise 4 f32 add' --threads 0").code, 2);
  EXPECT_EQ(run("--unknown").code, 2);
}

/// Runs with a compiler that makes an f32 addition of any graph, so that the
/// outcomes do not depend on the real one.
Outcome runFake(const std::string &arguments, const std::string &more = "") {
  return run("--repeat 1 --block-ms 1 --peers none " + arguments,
             "FUSILLI_COMPILER_LIB=" FUSILLI_FAKE_COMPILER " " + more);
}

TEST(FusilliBenchTest, RightResultsAreZeroWrongOnesAreOne) {
  Outcome right = runFake("--problem 'pointwise 64 f32 add'");
  EXPECT_EQ(right.code, 0) << right.text;
  EXPECT_THAT(right.text, HasSubstr("pointwise 64 f32 add"));
  Outcome wrong = runFake("--problem 'pointwise 64 f32 add' "
                          "--problem 'pointwise 64 f32 mul' --json -");
  EXPECT_EQ(wrong.code, 1) << wrong.text;
  nlohmann::json json = nlohmann::json::parse(wrong.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << wrong.text;
  const auto &problems = json["problems"];
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_LE(problems[0]["max_error"], problems[0]["error_bound"]);
  EXPECT_GT(problems[1]["max_error"], problems[1]["error_bound"]);
  EXPECT_EQ(problems[0]["kernels"], 1);
}

TEST(FusilliBenchTest, AProblemThatCannotRunIsThree) {
  Outcome outcome = runFake("--problem 'pointwise 8 f64 add' --json -");
  EXPECT_EQ(outcome.code, 3) << outcome.text;
  nlohmann::json json = nlohmann::json::parse(outcome.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.text;
  EXPECT_TRUE(json["problems"][0]["time_us"].is_null());
  EXPECT_THAT(json["problems"][0]["error"].get<std::string>(),
              HasSubstr("f64"));
  Outcome refused = runFake("--overhead", "FAKE_COMPILER_FAIL=1");
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.text, HasSubstr("told to fail"));
}

TEST(FusilliBenchTest, UnwritableReportIsThree) {
  Outcome outcome = runFake("--problem 'pointwise 8 f32 add' "
                            "--json /nonexistent/report.json");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.text, HasSubstr("/nonexistent/report.json"));
}

TEST(FusilliBenchTest, ComparesWithAnOlderReport) {
  std::string path = testing::TempDir() + "fusilli_bench_compare.json";
  std::string problem = "--problem 'pointwise 64 f32 add' ";
  Outcome first = runFake(problem + "--json " + path);
  ASSERT_EQ(first.code, 0) << first.text;
  Outcome same = run("--compare " + path + " --report " + path);
  EXPECT_EQ(same.code, 0) << same.text;
  EXPECT_THAT(same.text, HasSubstr("comparison passes: 1 kept"));

  std::ifstream in(path);
  nlohmann::json json = nlohmann::json::parse(in, nullptr, false);
  auto &line = json["problems"][0];
  line["time_us"] = line["time_us"].get<double>() * 1e-3;
  line["roofline_fraction"] = line["roofline_fraction"].get<double>() * 1e3;
  line["time_spread"] = 0;
  std::ofstream(path) << json;
  Outcome slower = runFake(problem + "--compare " + path);
  EXPECT_EQ(slower.code, 1) << slower.text;
  EXPECT_THAT(slower.text, HasSubstr("LOST"));

  EXPECT_EQ(runFake("--problem 'pointwise 32 f32 add' --compare " + path).code,
            3);
  EXPECT_EQ(runFake(problem + "--compare /nonexistent.json").code, 3);
  EXPECT_EQ(run("--report " + path).code, 2);
  std::remove(path.c_str());
}

TEST(FusilliBenchTest, Overhead) {
  Outcome outcome = runFake("--overhead --json -");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  nlohmann::json json = nlohmann::json::parse(outcome.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.text;
  EXPECT_GT(json["overhead"]["one_element_ns"], 0.0);
  EXPECT_GT(json["overhead"]["call_ns"], 0.0);
}

#ifdef FUSILLI_BENCH_HAS_COMPILER

TEST(FusilliBenchTest, StartupMeasuresFreshProcesses) {
  Outcome outcome = run("--startup --repeat 1 --json -");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  nlohmann::json json = nlohmann::json::parse(outcome.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.text;
  EXPECT_GT(json["startup"]["cold_ms"], json["startup"]["cached_ms"]);
}

TEST(FusilliBenchTest, WordsChangeTheGraph) {
  Outcome outcome = run("--problem 'matmul 40x48x24 f32 const' "
                        "--problem 'matmul 40x48x24 f32 views' "
                        "--problem 'matmul 40x48x24 f32 dynamic' "
                        "--repeat 1 --block-ms 1 --json -");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  nlohmann::json json = nlohmann::json::parse(outcome.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.text;
  const auto &problems = json["problems"];
  ASSERT_EQ(problems.size(), 3u);
  for (const auto &problem : problems)
    EXPECT_LE(problem["max_error"], problem["error_bound"]);
  // Over a dynamic extent the number of workgroups is not known.
  EXPECT_TRUE(problems[1]["kernel_list"][0]["workgroups"].is_number());
  EXPECT_TRUE(problems[2]["kernel_list"][0]["workgroups"].is_null());
}

TEST(FusilliBenchTest, ExplainsAsTheGraphDoes) {
  Outcome outcome = run("--problem 'pointwise 64 f32 add' --repeat 1 "
                        "--block-ms 1 --peers none --explain");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_THAT(outcome.text, HasSubstr("graph 'bench' for CPU"));
  EXPECT_THAT(outcome.text, HasSubstr("  strategy    pointwise"));
  EXPECT_THAT(outcome.text, HasSubstr("of the roofline"));
}

TEST(FusilliBenchTest, TinyProblemGivesTheJson) {
  std::string path = testing::TempDir() + "fusilli_bench_test.json";
  Outcome outcome =
      run("--problem 'matmul 8x16x4 f32 bias' --problem 'pointwise 64 f32 "
          "add,mul' --repeat 2 --block-ms 1 --json " +
          path);
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_THAT(outcome.text, HasSubstr("matmul 8x16x4 f32 bias"));
  std::ifstream file(path);
  nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["schema"], 1);
  EXPECT_GT(json["machine"]["f32_gflops"], 1.0);
  ASSERT_EQ(json["problems"].size(), 2u);
  const auto &problem = json["problems"][0];
  EXPECT_EQ(problem["problem"], "matmul 8x16x4 f32 bias");
  for (const char *key :
       {"compile_cold_ms", "compile_cached_ms", "first_us", "time_us", "gflops",
        "gbps", "peak_fraction", "bandwidth_fraction", "roofline_fraction"})
    EXPECT_GT(problem[key], 0.0) << key;
  EXPECT_EQ(problem["kernels"], 1);
  ASSERT_EQ(problem["kernel_list"].size(), 1u);
  EXPECT_GE(problem["kernel_list"][0]["workgroups"], 1);
  EXPECT_FALSE(
      problem["kernel_list"][0]["strategy"].get<std::string>().empty());
  EXPECT_THAT(problem["kernel_list"][0]["schedule"].get<std::string>(),
              HasSubstr("#fusilli.schedule<matmul"));
  EXPECT_GT(problem["kernel_list"][0]["time_us"], 0.0);
  EXPECT_LE(problem["max_error"], problem["error_bound"]);
  EXPECT_TRUE(json["problems"][1]["gflops"].is_null());
  std::remove(path.c_str());
}

#endif

} // namespace
