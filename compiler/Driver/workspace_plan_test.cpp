// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Workspace planning: no two live tensors overlap, dead ones are reused.
#include "compiler/Driver/WorkspacePlan.h"

#include <gtest/gtest.h>

#include <random>

namespace fusilli::compiler {
namespace {

void expectValid(const std::vector<LiveRange> &ranges,
                 const WorkspacePlan &plan) {
  ASSERT_EQ(plan.offsets.size(), ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_EQ(plan.offsets[i] % kWorkspaceAlignment, 0u);
    EXPECT_LE(plan.offsets[i] + ranges[i].size, plan.size);
    for (size_t k = 0; k < i; ++k) {
      bool liveTogether = ranges[i].first <= ranges[k].last &&
                          ranges[k].first <= ranges[i].last;
      bool apart = plan.offsets[i] + ranges[i].size <= plan.offsets[k] ||
                   plan.offsets[k] + ranges[k].size <= plan.offsets[i];
      EXPECT_TRUE(!liveTogether || apart) << i << " and " << k;
    }
  }
}

TEST(WorkspacePlan, EmptyNeedsNothing) {
  EXPECT_EQ(planWorkspace({}).size, 0u);
}

TEST(WorkspacePlan, ChainReusesTwoBuffers) {
  std::vector<LiveRange> ranges;
  for (unsigned i = 0; i < 10; ++i)
    ranges.push_back({1000, i, i + 1});
  WorkspacePlan plan = planWorkspace(ranges);
  expectValid(ranges, plan);
  EXPECT_EQ(plan.size, 2 * 1024u);
}

TEST(WorkspacePlan, SamePhaseIsNotShared) {
  std::vector<LiveRange> ranges = {{64, 0, 0}, {64, 0, 0}};
  WorkspacePlan plan = planWorkspace(ranges);
  expectValid(ranges, plan);
  EXPECT_EQ(plan.size, 128u);
}

TEST(WorkspacePlan, SmallOnesFillGaps) {
  // 0 and 2 leave a hole of 1 while both live; 3 fits into it.
  std::vector<LiveRange> ranges = {
      {512, 0, 9}, {256, 0, 1}, {128, 0, 9}, {256, 2, 9}};
  WorkspacePlan plan = planWorkspace(ranges);
  expectValid(ranges, plan);
  EXPECT_EQ(plan.size, 512u + 256u + 128u);
}

TEST(WorkspacePlan, RandomRangesNeverOverlap) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<LiveRange> ranges(random() % 40);
    for (LiveRange &range : ranges) {
      range.size = 1 + random() % 5000;
      range.first = random() % 20;
      range.last = range.first + random() % 8;
    }
    expectValid(ranges, planWorkspace(ranges));
  }
}

} // namespace
} // namespace fusilli::compiler
