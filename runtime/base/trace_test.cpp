// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Traces: what is recorded, what is dropped, what a file looks like.
#include "runtime/base/trace.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

namespace fusilli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TraceTest : public ::testing::Test {
protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() /
             strCat("fusilli-trace-", getpid(), ".json"))
                .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::string content() {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string path_;
};

TEST_F(TraceTest, RecordsSpansOfAllThreads) {
  {
    trace::Span before("test", "before");
  }
  ASSERT_TRUE(trace::start().isOk());
  EXPECT_EQ(trace::start().code(), StatusCode::FailedPrecondition);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i)
        trace::Span span("test", "quote\"d");
    });
  for (auto &thread : threads)
    thread.join();
  ASSERT_TRUE(trace::stop(path_).isOk());
  EXPECT_EQ(trace::stop(path_).code(), StatusCode::FailedPrecondition);
  std::string text = content();
  EXPECT_THAT(text, HasSubstr("\"traceEvents\""));
  EXPECT_THAT(text, HasSubstr("quote\\\"d"));
  EXPECT_THAT(text, Not(HasSubstr("before")));
  size_t count = 0;
  for (size_t at = 0; (at = text.find("\"ph\":\"X\"", at)) != text.npos; ++at)
    ++count;
  EXPECT_EQ(count, 400u);
}

TEST_F(TraceTest, StartsAndStopsWhileThreadsRecord) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (!stop)
        trace::Span span("test", "busy");
    });
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(trace::start(1000).isOk());
    std::this_thread::yield();
    ASSERT_TRUE(trace::stop(path_).isOk());
  }
  stop = true;
  for (auto &thread : threads)
    thread.join();
  EXPECT_THAT(content(), HasSubstr("\"traceEvents\""));
}

TEST_F(TraceTest, TooManySpansAreAnError) {
  Status status = trace::start(trace::kMaxSpans + 1);
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_FALSE(trace::enabled());
}

TEST_F(TraceTest, DropsWhatDoesNotFit) {
  ASSERT_TRUE(trace::start(2).isOk());
  for (int i = 0; i < 5; ++i)
    trace::Span span("test", "x");
  ASSERT_TRUE(trace::stop(path_).isOk());
  EXPECT_THAT(content(), HasSubstr("\"dropped\":3"));
}

TEST_F(TraceTest, UnwritableFileIsAnError) {
  ASSERT_TRUE(trace::start().isOk());
  Status status = trace::stop("/nonexistent/folder/trace.json");
  EXPECT_EQ(status.code(), StatusCode::Unavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent"));
  EXPECT_FALSE(trace::enabled());
}

} // namespace
} // namespace fusilli
