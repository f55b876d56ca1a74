// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graph::explain: what it says of a program, its forms, its errors.
#include "engine/test/test_engine.h"

#include <nlohmann/json.hpp>

namespace fusilli::test {
namespace {

using nlohmann::json;

class ExplainTest : public EngineTest {
protected:
  void SetUp() override {
    EngineTest::SetUp();
    ASSERT_OK(g_.graph.validate());
  }
  AddGraph g_;
};

TEST_F(ExplainTest, NeedsAProgram) {
  EXPECT_CODE(g_.graph.explain(), NotCompiled, "before explain()");
  Pack pack = makePack(g_, {1, 2, 3, 4}, {5, 6, 7, 8});
  EXPECT_CODE(g_.graph.explain(*handle_, pack, nullptr), NotCompiled,
              "no loaded program");
}

TEST_F(ExplainTest, SaysWhatTheArtifactHolds) {
  ScopedEnv workspace("FAKE_COMPILER_WORKSPACE", "1");
  ASSERT_OK(g_.graph.compile(*handle_, true));
  auto explained = g_.graph.explain();
  ASSERT_OK(explained);
  EXPECT_EQ(explained->graph, "add");
  EXPECT_EQ(explained->backend, "CPU");
  EXPECT_EQ(explained->target, "x86-64-v3");
  EXPECT_EQ(explained->compilerVersion, "fake");
  EXPECT_EQ(explained->workspaceBytes, 16u);
  EXPECT_EQ(explained->constantsBytes, 0u);
  EXPECT_GT(explained->codeBytes, 0u);
  ASSERT_EQ(explained->kernels.size(), 2u);
  const KernelExplanation &kernel = explained->kernels[0];
  EXPECT_EQ(kernel.name, "sum");
  EXPECT_EQ(kernel.strategy, "fake");
  EXPECT_EQ(kernel.schedule, "#fake<tile = 4>");
  EXPECT_EQ(kernel.declined, std::vector<std::string>{"better: not here"});
  EXPECT_EQ(kernel.workgroups[1], 1u);
  EXPECT_FALSE(kernel.isPrepared);
  EXPECT_EQ(kernel.microseconds, 0);
  EXPECT_EQ(explained->getRooflineFraction(kernel), 0);
}

TEST_F(ExplainTest, TimesEachKernel) {
  ASSERT_OK(g_.graph.compile(*handle_, true));
  Pack pack = makePack(g_, {1, 2, 3, 4}, {5, 6, 7, 8});
  ASSERT_OK(g_.graph.getWorkspaceSize());
  auto explained = g_.graph.explain(*handle_, pack, nullptr, 3);
  ASSERT_OK(explained);
  ASSERT_EQ(explained->kernels.size(), 1u);
  EXPECT_GT(explained->kernels[0].microseconds, 0);
  EXPECT_EQ(contents(*handle_, pack.at(g_.out)),
            (std::vector<float>{6, 8, 10, 12}));
  pack.erase(g_.inA);
  EXPECT_CODE(g_.graph.explain(*handle_, pack, nullptr), VariantPackError,
              "'a'");
}

TEST(ExplanationTest, RooflineIsTheNarrowerLimit) {
  Explanation explanation;
  explanation.peaks = {.gflops = 100, .gbps = 10};
  KernelExplanation kernel;
  kernel.flops = 1'000'000; // 10 us at the peak
  kernel.bytes = 10'000;    // 1 us
  EXPECT_EQ(explanation.getRooflineFraction(kernel), 0) << "no time";
  kernel.microseconds = 20;
  EXPECT_DOUBLE_EQ(explanation.getRooflineFraction(kernel), 0.5);
  kernel.bytes = 180'000; // 18 us
  EXPECT_DOUBLE_EQ(explanation.getRooflineFraction(kernel), 0.9);
  explanation.peaks.gbps = 0;
  EXPECT_EQ(explanation.getRooflineFraction(kernel), 0) << "no peak";
}

TEST(ExplanationTest, BothFormsHoldEverything) {
  Explanation explanation;
  explanation.graph = "g \"quoted\" \xff";
  explanation.backend = "CPU";
  explanation.target = "x86-64-v4";
  explanation.constantsBytes = 640;
  explanation.peaks = {.gflops = 100, .gbps = 10};
  KernelExplanation kernel;
  kernel.name = "kernel_0";
  kernel.nodes = {"mm", "bias"};
  kernel.strategy = "general";
  kernel.schedule = "#fusilli.schedule<general>";
  kernel.declined = {"matmul: k is 3", "rows: no reduction"};
  kernel.workgroups = {7, 2, 1};
  kernel.isPrepared = true;
  kernel.scratchBytes = 4096;
  kernel.flops = 1'000'000;
  kernel.microseconds = 20;
  explanation.kernels = {kernel, kernel};
  explanation.kernels[1].hasSymbolicWorkgroups = true;
  explanation.kernels[1].microseconds = 0;
  std::string text = explanation.toText();
  for (const char *part :
       {"x86-64-v4", "640 bytes", "kernel_0: mm, bias", "general",
        "matmul: k is 3", "rows: no reduction", "#fusilli.schedule<general>",
        "7 x 2 x 1 workgroups", "once, constants alone", "scratch of 4096",
        "20.00 us", "50.00 Gflop/s", "0.50 of the roofline",
        "workgroups by the extents"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  json parsed = json::parse(explanation.toJson());
  EXPECT_EQ(parsed["target"], "x86-64-v4");
  EXPECT_EQ(parsed["constants_bytes"], 640);
  EXPECT_EQ(parsed["peaks"]["gflops"], 100);
  ASSERT_EQ(parsed["kernels"].size(), 2u);
  const json &first = parsed["kernels"][0];
  EXPECT_EQ(first["nodes"], (json{"mm", "bias"}));
  EXPECT_EQ(first["declined"].size(), 2u);
  EXPECT_EQ(first["schedule"], "#fusilli.schedule<general>");
  EXPECT_EQ(first["workgroups"], (json{7, 2, 1}));
  EXPECT_EQ(first["prepared"], true);
  EXPECT_EQ(first["scratch_bytes"], 4096);
  EXPECT_EQ(first["microseconds"], 20);
  EXPECT_DOUBLE_EQ(first["roofline"].get<double>(), 0.5);
  EXPECT_TRUE(parsed["kernels"][1]["workgroups"].is_null());
  EXPECT_FALSE(parsed["kernels"][1].contains("roofline"));
}

} // namespace
} // namespace fusilli::test
