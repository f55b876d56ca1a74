// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams, commands, quoting, tools, shared libraries, backends.

#include <fusilli/backend/backend.h>
#include <fusilli/support/dllib.h>
#include <fusilli/support/external_tools.h>
#include <fusilli/support/extras.h>
#include <fusilli/support/memstream.h>
#include <fusilli/support/process.h>
#include <fusilli/support/target_platform.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace fusilli {
namespace {

TEST(MemStreamTest, ReadsBackWhatWasWritten) {
  MemStream stream;
  ASSERT_TRUE(stream.isValid());
  EXPECT_EQ(stream.size(), 0u);
  EXPECT_EQ(stream.str(), "");
  std::fprintf(stream, "%d", 42);
  EXPECT_EQ(stream.size(), 2u);
  EXPECT_EQ(stream.str(), "42");
  std::fputs("!", stream.stream());
  EXPECT_EQ(stream.str(), "42!");
}

TEST(FprintAdapterTest, ReplacesTheString) {
  std::string out = "old";
  {
    FprintAdapter adapter(out);
    ASSERT_TRUE(adapter.isValid());
    std::fputs("new", adapter);
    EXPECT_EQ(out, "old");
  }
  EXPECT_EQ(out, "new");
  {
    FprintAdapter adapter(out);
  }
  EXPECT_EQ(out, "");
}

TEST(ProcessTest, CapturesOutputWhateverTheExitCode) {
  EXPECT_EQ(execCommand("printf 'a\\nb'"), "a\nb");
  EXPECT_EQ(execCommand("echo x; exit 3"), "x\n");
  EXPECT_EQ(execCommand("no_such_command_here 2>/dev/null"), "");
}

TEST(EnvironmentTest, SetsOverwritesUnsets) {
  EXPECT_EQ(setEnv("FUSILLI_TEST_VARIABLE", "a"), 0);
  EXPECT_EQ(setEnv("FUSILLI_TEST_VARIABLE", "b"), 0);
  EXPECT_STREQ(std::getenv("FUSILLI_TEST_VARIABLE"), "b");
  EXPECT_EQ(unsetEnv("FUSILLI_TEST_VARIABLE"), 0);
  EXPECT_EQ(std::getenv("FUSILLI_TEST_VARIABLE"), nullptr);
}

TEST(InterleaveTest, SeparatesWhatIsNotSkipped) {
  const std::vector<int> values = {1, 2, 3, 4};
  std::string text;
  auto each = [&](int v) { text += std::to_string(v); };
  auto comma = [&] { text += ","; };
  interleave(values.begin(), values.end(), each, comma);
  EXPECT_EQ(text, "1,2,3,4");
  text.clear();
  interleave(values.begin(), values.begin(), each, comma);
  EXPECT_EQ(text, "");
  interleave(values.begin(), values.end(), each, comma,
             [](int v) { return v % 2 == 1; });
  EXPECT_EQ(text, "2,4");
}

TEST(QuotingTest, EachSpecialCharacterNeedsQuotes) {
  for (char c : std::string(" \t\"'\\$`(){}[]|&;<>~*?!#"))
    EXPECT_TRUE(needsShellQuoting(std::string("a") + c)) << c;
  for (const char *plain : {"", "abc", "--flag=x/y.z", "a,b:c@d%e^f+g", "a\nb"})
    EXPECT_FALSE(needsShellQuoting(plain)) << plain;
}

TEST(QuotingTest, EscapesForTheShell) {
  EXPECT_EQ(escapeArgument("plain"), "plain");
  EXPECT_EQ(escapeArgument(""), "");
  EXPECT_EQ(escapeArgument("a b"), "'a b'");
  EXPECT_EQ(escapeArgument("it's"), "'it'\\''s'");
  for (const std::string text : {"a b", "it's", "$HOME `ls` \"x\" \\ *"})
    EXPECT_EQ(execCommand("printf %s " + escapeArgument(text)), text);
}

TEST(ExternalToolsTest, EnvironmentWinsUnlessEmpty) {
  setEnv("FUSILLI_EXTERNAL_AMD_SMI", "/somewhere/smi");
  EXPECT_EQ(getAmdSmiPath(), "/somewhere/smi");
  setEnv("FUSILLI_EXTERNAL_AMD_SMI", "");
  EXPECT_EQ(getAmdSmiPath(), "amd-smi");
  unsetEnv("FUSILLI_EXTERNAL_AMD_SMI");
  EXPECT_EQ(getAmdSmiPath(), "amd-smi");
  EXPECT_EQ(getRocmAgentEnumeratorPath(), "rocm_agent_enumerator");
  EXPECT_NE(getIreeCompilePath().find("iree-compile"), std::string::npos);
  EXPECT_FALSE(getIreeCompilerLibPath().empty());
}

TEST(DynamicLibraryTest, LoadsAndCloses) {
  DynamicLibrary lib;
  EXPECT_FALSE(lib.isLoaded());
  EXPECT_EQ(ErrorObject(lib.getSymbol<double (*)(double)>("cos")),
            ErrorCode::InternalError);
  ASSERT_TRUE(isOk(lib.load("libm.so.6")));
  EXPECT_TRUE(lib.isLoaded());
  auto cosine = lib.getSymbol<double (*)(double)>("cos");
  ASSERT_TRUE(isOk(cosine));
  EXPECT_EQ((*cosine)(0.0), 1.0);
  EXPECT_EQ(ErrorObject(lib.getSymbol<void *>("no_such_symbol")),
            ErrorCode::InternalError);
  EXPECT_TRUE(isOk(lib.load("libm.so.6")));
  EXPECT_TRUE(isOk(lib.close()));
  EXPECT_TRUE(isOk(lib.close()));
  EXPECT_FALSE(lib.isLoaded());
}

TEST(DynamicLibraryTest, FailedLoadLeavesNothingLoaded) {
  DynamicLibrary lib;
  ASSERT_TRUE(isOk(lib.load("libm.so.6")));
  ErrorObject outcome = lib.load("/no/such/library.so");
  EXPECT_EQ(outcome, ErrorCode::FileSystemFailure);
  EXPECT_NE(outcome.getMessage().find("/no/such/library.so"),
            std::string::npos);
  EXPECT_FALSE(lib.isLoaded());
}

TEST(DynamicLibraryTest, Moves) {
  DynamicLibrary a;
  ASSERT_TRUE(isOk(a.load("libm.so.6")));
  DynamicLibrary b = std::move(a);
  EXPECT_TRUE(b.isLoaded());
  EXPECT_FALSE(a.isLoaded()); // NOLINT: the state after a move is documented
  DynamicLibrary &alias = b;
  b = std::move(alias);
  EXPECT_TRUE(b.isLoaded());
  a = std::move(b);
  EXPECT_TRUE(a.isLoaded());
}

TEST(BackendTest, PrintsItsName) {
  std::ostringstream os;
  os << Backend::CPU << " " << Backend::AMDGPU << " "
     << static_cast<Backend>(99);
  EXPECT_EQ(os.str(), "CPU AMDGPU UNKNOWN_BACKEND");
  EXPECT_FALSE(kBackendExecuteAsync.at(Backend::CPU));
  EXPECT_TRUE(kBackendExecuteAsync.at(Backend::AMDGPU));
}

TEST(BackendTest, ParsesFlags) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(parseCompilerFlags(nullptr), Words());
  EXPECT_EQ(parseCompilerFlags(" \t\n"), Words());
  EXPECT_EQ(parseCompilerFlags("-a  --b=c\t-d"), (Words{"-a", "--b=c", "-d"}));
  EXPECT_EQ(parseCompilerFlags("\"a b\" c"), (Words{"a b", "c"}));
  EXPECT_EQ(parseCompilerFlags("\"a \\\"b\\\"\""), (Words{"a \"b\""}));
  EXPECT_EQ(parseCompilerFlags("'a b'"), (Words{"'a", "b'"}));
  EXPECT_EQ(parseCompilerFlags("\"\""), (Words{""}));
}

TEST(BackendTest, KnowsGpuProducts) {
  EXPECT_EQ(getGpuSkuFromMarketingName("AMD Instinct MI300X"), "mi300x");
  EXPECT_EQ(getGpuSkuFromMarketingName("amd instinct mi250x / mi250"),
            "mi250x");
  EXPECT_EQ(getGpuSkuFromMarketingName("Radeon RX 7900 XTX"), "rx7900xtx");
  EXPECT_EQ(getGpuSkuFromMarketingName("something else"), "");
}

} // namespace
} // namespace fusilli
