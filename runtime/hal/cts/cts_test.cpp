// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conformance suite itself: what is not there is skipped, what is listed
// as failing must fail, and the lists name tests that exist.
#include "runtime/hal/cts/cts.h"

#include <array>
#include <set>
#include <thread>

namespace fusilli::hal::cts {
namespace {

/// A driver whose library this machine does not have.
class AbsentFactory final : public DriverFactory {
public:
  std::span<const std::string_view> names() const noexcept override {
    static constexpr std::array<std::string_view, 1> names = {"absent"};
    return names;
  }
  StatusOr<Ref<Driver>> create(std::string_view, HostAllocator &) override {
    return unavailableError("the library of the driver is missing");
  }
};

Backend absentBackend() {
  static AbsentFactory &factory = *new AbsentFactory();
  static const bool registered =
      DriverRegistry::defaultRegistry().registerFactory(&factory).isOk();
  EXPECT_TRUE(registered);
  Backend backend;
  backend.name = "absent";
  backend.driver = "absent";
  return backend;
}

class AbsentDeviceTest : public CtsTest {};
TEST_P(AbsentDeviceTest, IsSkipped) { FAIL() << "ran without a device"; }
INSTANTIATE_TEST_SUITE_P(Cts, AbsentDeviceTest,
                         ::testing::Values(absentBackend()),
                         [](const auto &info) { return info.param.name; });

TEST(ConformanceTest, OnlyAnAbsentDeviceIsUnavailable) {
  EXPECT_EQ(openDevice(absentBackend()).code(), StatusCode::Unavailable);
  Backend unknown;
  unknown.driver = "no such driver";
  EXPECT_EQ(openDevice(unknown).code(), StatusCode::NotFound);
}

/// A backend with one gap.
Backend gapBackend() {
  Backend backend;
  for (const Backend &candidate : backends())
    if (candidate.driver == "null")
      backend = candidate;
  backend.name = "with_a_gap";
  backend.expectedFailures = {{"GapTest.Fails", "made to fail"}};
  return backend;
}

class GapTest : public CtsTest {};
TEST_P(GapTest, Fails) {
  std::thread([] { ADD_FAILURE() << "in a thread"; }).join();
  ASSERT_EQ(device_.get(), nullptr) << "in the body";
}
// Evaluated when tests are registered: the backends are all there by then.
INSTANTIATE_TEST_SUITE_P(Cts, GapTest, ::testing::Values(gapBackend()),
                         [](const auto &info) { return info.param.name; });

TEST(ConformanceTest, SurprisePassIsAFailure) {
  EXPECT_NONFATAL_FAILURE(ExpectedFailure().finish("it is slow"), "it is slow");
  ExpectedFailure expected;
  ADD_FAILURE() << "as listed";
  expected.finish("it is slow");
}

TEST(ConformanceTest, ListedTestsExist) {
  std::set<std::string> tests;
  const auto &unit = *::testing::UnitTest::GetInstance();
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    const auto &suite = *unit.GetTestSuite(s);
    std::string name = suite.name();
    name = name.substr(name.find('/') + 1);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      std::string test = suite.GetTestInfo(t)->name();
      tests.insert(name + "." + test.substr(0, test.find('/')));
    }
  }
  ASSERT_TRUE(tests.contains("QueueTest.WaitBeforeSignal"));
  EXPECT_GE(backends().size(), 5u);
  for (const Backend &backend : backends())
    for (const Gap &gap : backend.expectedFailures) {
      EXPECT_TRUE(tests.contains(gap.test)) << backend.name << " " << gap.test;
      EXPECT_FALSE(gap.reason.empty()) << gap.test;
    }
}

} // namespace
} // namespace fusilli::hal::cts
