// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops count what they run, the peaks follow the target, and the memory
// loops touch every byte.

#include "benchmarks/peaks/peaks.h"

#include <gtest/gtest.h>

#include <cstring>

namespace fusilli::bench {
namespace {

TEST(PeaksTest, LoopsCountOperationsInProportion) {
  if (!hasFeature("avx2"))
    GTEST_SKIP() << "no AVX2";
  EXPECT_EQ(fmaLoopAvx2(200), 2 * fmaLoopAvx2(100));
  if (hasFeature("avx512f")) {
    EXPECT_EQ(fmaLoopAvx512(100), 100.0 * 16 * 16 * 2);
  }
  if (hasFeature("avx512bf16")) {
    EXPECT_EQ(dotLoopAvx512Bf16(100), 100.0 * 16 * 16 * 4);
  }
  EXPECT_EQ(dotLoopAvx2I8(200), 2 * dotLoopAvx2I8(100));
  if (hasFeature("avx512vnni")) {
    EXPECT_EQ(dotLoopAvx512I8(100), 100.0 * 16 * 64 * 2);
  }
}

TEST(PeaksTest, TargetLimitsTheFeatures) {
  EXPECT_FALSE(targetHas("x86-64-v3", "avx512f"));
  EXPECT_FALSE(targetHas("x86-64-v4", "avx512bf16"));
  EXPECT_EQ(targetHas("host", "avx512f"), hasFeature("avx512f"));
  EXPECT_EQ(targetHas("x86-64-v4-bf16", "avx512bf16"),
            hasFeature("avx512bf16"));
}

TEST(PeaksTest, MeterGivesPlausibleRates) {
  if (!hasFeature("avx2"))
    GTEST_SKIP() << "no AVX2";
  PeakMeter meter("host", 1);
  EXPECT_FALSE(meter.values().f32);
  meter.measureArithmetic();
  PeakValues values = meter.values();
  ASSERT_TRUE(values.f32);
  EXPECT_GT(*values.f32, 1);
  EXPECT_LT(*values.f32, 1000);
  EXPECT_EQ(values.bf16Dot.has_value(), hasFeature("avx512bf16"));
  EXPECT_FALSE(values.copy);
}

TEST(PeaksTest, ReadIsMeasuredOverTheFootprint) {
  if (!hasFeature("avx2"))
    GTEST_SKIP() << "no AVX2";
  PeakMeter meter("host", 1);
  meter.measureMemory(1 << 19);
  PeakValues values = meter.values();
  ASSERT_TRUE(values.read && values.copy);
  EXPECT_GT(*values.read, 0.1);
  EXPECT_LT(*values.read, 2000);
}

TEST(StreamTest, CopiesAndReadsEveryByte) {
  if (!hasFeature("avx2"))
    GTEST_SKIP() << "no AVX2";
  BigBuffer from(8192), to(8192);
  ASSERT_TRUE(from && to);
  for (size_t i = 0; i < from.size(); ++i)
    from.data()[i] = static_cast<char>(i * 7 + i / 256);
  streamCopyAvx2(to.data(), from.data(), from.size());
  EXPECT_EQ(std::memcmp(from.data(), to.data(), from.size()), 0);
  if (hasFeature("avx512f")) {
    BigBuffer third(8192);
    streamCopyAvx512(third.data(), from.data(), from.size());
    EXPECT_EQ(std::memcmp(from.data(), third.data(), from.size()), 0);
  }
  for (size_t i = 0; i < 2048; ++i)
    from.as<float>()[i] = 1;
  // 2048 ones over eight lanes; every number of streams reads each one once.
  for (int streams : {1, 2, 4, 8}) {
    EXPECT_EQ(streamReadAvx2(from.data(), from.size(), streams), 256);
    if (hasFeature("avx512f")) {
      EXPECT_EQ(streamReadAvx512(from.data(), from.size(), streams), 128);
    }
  }
}

} // namespace
} // namespace fusilli::bench
