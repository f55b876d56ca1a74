// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors, ErrorOr, the macros and the log.

#include <fusilli/support/logging.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

namespace fusilli {
namespace {

TEST(ErrorCodeTest, PrintsItsText) {
  const std::vector<std::pair<ErrorCode, std::string>> expected = {
      {ErrorCode::OK, "OK"},
      {ErrorCode::NotImplemented, "NOT_IMPLEMENTED"},
      {ErrorCode::NotValidated, "NOT_VALIDATED"},
      {ErrorCode::NotCompiled, "NOT_COMPILED"},
      {ErrorCode::AttributeNotSet, "ATTRIBUTE_NOT_SET"},
      {ErrorCode::InternalError, "INTERNAL_ERROR"},
      {ErrorCode::InvalidAttribute, "INVALID_ATTRIBUTE"},
      {ErrorCode::InvalidArgument, "INVALID_ARGUMENT"},
      {ErrorCode::VariantPackError, "VARIANT_PACK_ERROR"},
      {ErrorCode::CompileFailure, "COMPILE_FAILURE"},
      {ErrorCode::RuntimeFailure, "RUNTIME_FAILURE"},
      {ErrorCode::FileSystemFailure, "FILE_SYSTEM_FAILURE"},
      {static_cast<ErrorCode>(77), "UNKNOWN_ERROR_CODE"}};
  for (size_t i = 0; i < expected.size(); ++i) {
    std::ostringstream os;
    os << expected[i].first;
    EXPECT_EQ(os.str(), expected[i].second);
    if (i + 1 < expected.size()) {
      EXPECT_EQ(static_cast<size_t>(expected[i].first), i);
      EXPECT_EQ(kErrorCodeToStr.at(expected[i].first), expected[i].second);
    }
  }
}

TEST(ErrorObjectTest, HoldsCodeAndText) {
  ErrorObject success = ok();
  EXPECT_TRUE(success.isOk());
  EXPECT_TRUE(isOk(success));
  EXPECT_FALSE(isError(success));
  EXPECT_EQ(success.getMessage(), "");
  ErrorObject failure = error(ErrorCode::InvalidArgument, "bad");
  EXPECT_TRUE(failure == ErrorCode::InvalidArgument);
  EXPECT_TRUE(failure != ErrorCode::OK);
  EXPECT_EQ(failure.getCode(), ErrorCode::InvalidArgument);
  std::ostringstream os;
  os << failure;
  EXPECT_EQ(os.str(), "INVALID_ARGUMENT: bad");
}

TEST(ErrorOrTest, HoldsAValue) {
  ErrorOr<std::string> value = "text";
  ASSERT_TRUE(isOk(value));
  EXPECT_EQ(*value, "text");
  EXPECT_EQ(value->size(), 4u);
  const auto &constant = value;
  EXPECT_EQ(*constant, "text");
  EXPECT_EQ(constant->size(), 4u);
  ErrorObject outcome = value;
  EXPECT_TRUE(isOk(outcome));
}

TEST(ErrorOrTest, HoldsAnError) {
  ErrorOr<int> failure = error(ErrorCode::RuntimeFailure, "broken");
  EXPECT_TRUE(isError(failure));
  EXPECT_EQ(ErrorObject(failure), ErrorCode::RuntimeFailure);
  std::ostringstream os;
  os << failure;
  EXPECT_EQ(os.str(), "RUNTIME_FAILURE: broken");
}

TEST(ErrorOrTest, ConvertsBetweenTypes) {
  ErrorOr<const char *> literal = ok("text");
  ErrorOr<std::string> text = std::move(literal);
  EXPECT_EQ(*text, "text");
  ErrorOr<const char *> failed = error(ErrorCode::InternalError, "no");
  ErrorOr<std::string> carried = std::move(failed);
  EXPECT_EQ(ErrorObject(carried), ErrorCode::InternalError);
  int lvalue = 3;
  auto copy = ok(lvalue);
  static_assert(std::is_same_v<decltype(copy), ErrorOr<int>>);
  static_assert(std::is_same_v<decltype(ok("x")), ErrorOr<const char *>>);
  EXPECT_EQ(*copy, 3);
}

TEST(ErrorOrTest, MovesButDoesNotCopyOrAssign) {
  using T = ErrorOr<std::unique_ptr<int>>;
  static_assert(std::is_move_constructible_v<T>);
  static_assert(!std::is_copy_constructible_v<T>);
  static_assert(!std::is_copy_assignable_v<T>);
  static_assert(!std::is_move_assignable_v<T>);
  static_assert(
      !std::is_assignable_v<ErrorOr<std::string> &, ErrorOr<const char *>>);
  T value = std::make_unique<int>(5);
  T moved = std::move(value);
  EXPECT_EQ(**moved, 5);
}

TEST(ErrorOrDeathTest, UsingAMissingValueAborts) {
  ErrorOr<int> failure = error(ErrorCode::RuntimeFailure, "broken");
  EXPECT_DEATH((void)*failure, "RUNTIME_FAILURE: broken");
  ErrorOr<std::string> other = error(ErrorCode::RuntimeFailure, "broken");
  EXPECT_DEATH((void)other->size(), "RUNTIME_FAILURE: broken");
}

ErrorObject failIf(bool condition) {
  FUSILLI_RETURN_ERROR_IF(condition, ErrorCode::InvalidAttribute, "failed");
  return ok();
}
ErrorOr<int> valueIf(bool condition) {
  FUSILLI_RETURN_ERROR_IF(!condition, ErrorCode::InvalidArgument,
                          std::string("no ") + "value");
  return 7;
}
ErrorObject check(bool condition) {
  FUSILLI_CHECK_ERROR(failIf(condition));
  FUSILLI_CHECK_ERROR(valueIf(!condition));
  return ok();
}
ErrorOr<std::string> assign(bool first, bool second) {
  FUSILLI_ASSIGN_OR_RETURN(int a, valueIf(first));
  int b = 0;
  FUSILLI_ASSIGN_OR_RETURN(b, valueIf(second));
  FUSILLI_ASSIGN_OR_RETURN(auto c, valueIf(second));
  return std::to_string(a + b + c);
}

TEST(MacroTest, ReturnsTheError) {
  EXPECT_EQ(failIf(true), ErrorCode::InvalidAttribute);
  EXPECT_EQ(failIf(true).getMessage(), "failed");
  EXPECT_TRUE(isOk(failIf(false)));
  EXPECT_EQ(check(true), ErrorCode::InvalidAttribute);
  EXPECT_TRUE(isOk(check(false)));
  EXPECT_EQ(ErrorObject(valueIf(false)).getMessage(), "no value");
}

TEST(MacroTest, AssignsTheValueOrReturnsTheError) {
  EXPECT_EQ(*assign(true, true), "21");
  EXPECT_EQ(ErrorObject(assign(false, true)), ErrorCode::InvalidArgument);
  EXPECT_EQ(ErrorObject(assign(true, false)), ErrorCode::InvalidArgument);
}

TEST(MacroTest, EvaluatesOnce) {
  int calls = 0;
  auto count = [&]() -> ErrorOr<int> { return ++calls; };
  auto run = [&]() -> ErrorObject {
    FUSILLI_CHECK_ERROR(count());
    FUSILLI_ASSIGN_OR_RETURN(int value, count());
    return value == 2 ? ok() : error(ErrorCode::InternalError, "twice");
  };
  EXPECT_TRUE(isOk(run()));
  EXPECT_EQ(calls, 2);
}

TEST(LogTest, StreamerForwardsOnlyWhileEnabled) {
  std::ostringstream os;
  ConditionalStreamer streamer(os);
  bool saved = isLoggingEnabled();
  isLoggingEnabled() = false;
  streamer << "hidden" << std::endl;
  EXPECT_EQ(os.str(), "");
  isLoggingEnabled() = true;
  streamer << "shown " << 3 << std::endl;
  isLoggingEnabled() = saved;
  EXPECT_EQ(os.str(), "shown 3\n");
}

// The modes of the log are chosen once per process: each gets its own.
int logInChild(const char *info, const char *file, std::string &flag) {
  setEnv("FUSILLI_LOG_INFO", info);
  file ? setEnv("FUSILLI_LOG_FILE", file) : unsetEnv("FUSILLI_LOG_FILE");
  bool before = isLoggingEnabled();
  getLogger();
  flag =
      std::string(before ? "on" : "off") + (isLoggingEnabled() ? "on" : "off");
  FUSILLI_LOG("a" << 1);
  FUSILLI_LOG_ENDL("b");
  FUSILLI_LOG_LABEL_ENDL("c");
  FUSILLI_LOG_LABEL_RED("d");
  return 0;
}

void runLogChild(const char *info, const char *file, const char *flags) {
  EXPECT_EXIT(
      {
        std::string flag;
        logInChild(info, file, flag);
        std::fprintf(stderr, "flags=%s.", flag.c_str());
        std::fflush(stdout);
        std::exit(flag == flags ? 0 : 1);
      },
      testing::ExitedWithCode(0), "flags=");
}

TEST(LogDeathTest, SwitchFollowsTheEnvironment) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  runLogChild("1", "stderr", "onon");
  runLogChild("0", "stderr", "offoff");
  runLogChild("", "stderr", "offoff");
  runLogChild("yes", nullptr, "onoff");
}

TEST(LogDeathTest, WritesLabelsAndColours) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / "fusilli_log_test.txt";
  std::filesystem::remove(path);
  runLogChild("1", path.c_str(), "onon");
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_EQ(content.str(), "a1b\n[FUSILLI] c\n" FUSILLI_COLOR_RED
                           "[FUSILLI] d" FUSILLI_COLOR_RESET);
  std::filesystem::remove(path);
}

} // namespace
} // namespace fusilli
