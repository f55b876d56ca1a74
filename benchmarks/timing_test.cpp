// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Medians and the order of turns, against a clock that the test moves.

#include "benchmarks/timing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace fusilli::bench {
namespace {

TEST(MedianTest, MiddleOrMeanOfTheMiddleTwo) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({7}), 7);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(SpreadTest, HalfOfTheRangeWithoutTheExtremes) {
  EXPECT_FALSE(spreadOf({}));
  EXPECT_FALSE(spreadOf({3}));
  EXPECT_DOUBLE_EQ(*spreadOf({90, 110}), 0.1);
  EXPECT_DOUBLE_EQ(*spreadOf({100, 95, 300, 105, 10}), 0.05);
}

class AlternationTest : public testing::Test {
protected:
  AlternationTest() {
    options_.clock = [this] { return time_; };
    options_.settle = [this] { order_ += '|'; };
    options_.blocks = 3;
    options_.minSamples = 2;
    options_.maxSamples = 2;
  }

  Contestant takes(char name, double ns) {
    return {[this, name, ns] {
      order_ += name;
      time_ += ns;
      return true;
    }};
  }

  double time_ = 0;
  std::string order_;
  TimingOptions options_;
};

TEST_F(AlternationTest, TurnsAlternateAndStartWithAnUntimedCall) {
  options_.afterRound = [this] { order_ += '.'; };
  auto timings =
      measureAlternating({takes('a', 50e3), takes('b', 80e3)}, options_);
  // One warm-up and one planning call each, then three rounds.
  EXPECT_EQ(order_, "|aa|bb|aaa|bbb.|aaa|bbb.|aaa|bbb.");
  EXPECT_EQ(timings[0].medianNs, 50e3);
  EXPECT_EQ(timings[1].medianNs, 80e3);
  EXPECT_EQ(timings[0].samples, 6);
  EXPECT_EQ(timings[0].spread, 0);
}

TEST_F(AlternationTest, MedianIgnoresOneSlowBlockAndMinKeepsTheBest) {
  int call = 0;
  Contestant noisy{[&] {
    // Calls 0, 1 plan; then blocks of one untimed and two timed calls.
    int block = (call++ - 2) / 3;
    time_ += block == 1 ? 900e3 : block == 2 ? 90e3 : 100e3;
    return true;
  }};
  auto timings = measureAlternating({noisy}, options_);
  EXPECT_EQ(timings[0].medianNs, 100e3);
  EXPECT_EQ(timings[0].minNs, 90e3);
}

TEST_F(AlternationTest, ShortCallsAreTimedInBatches) {
  options_.sampleNs = 1000;
  auto timings = measureAlternating({takes('a', 10)}, options_);
  EXPECT_DOUBLE_EQ(timings[0].medianNs, 10);
  size_t calls = static_cast<size_t>(std::ranges::count(order_, 'a'));
  EXPECT_GE(calls, 3u * 2u * 100u);
}

TEST_F(AlternationTest, AFailedContestantDoesNotStopTheOthers) {
  int left = 3;
  Contestant failing{[&] {
    time_ += 50e3;
    return left-- > 0;
  }};
  auto timings = measureAlternating(
      {failing, takes('b', 50e3), {[] { return false; }}}, options_);
  EXPECT_EQ(timings[0].samples, 0);
  EXPECT_EQ(timings[1].samples, 6);
  EXPECT_EQ(timings[2].samples, 0);
}

} // namespace
} // namespace fusilli::bench
