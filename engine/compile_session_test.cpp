// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compile classes for clients that drive the compiler themselves.
#include "engine/test/test_engine.h"

namespace fusilli::test {
namespace {

class CompileSessionTest : public EngineTest {
protected:
  CacheFile file(const char *name, const std::string &content = "") {
    ErrorOr<CacheFile> result = CacheFile::create("session", name, true);
    EXPECT_OK(result);
    EXPECT_OK(result->write(content));
    return std::move(*result);
  }
  std::string program() {
    AddGraph g;
    EXPECT_OK(g.graph.validate());
    ErrorOr<std::string> text = g.graph.emitAsm();
    EXPECT_OK(text);
    return *text;
  }
};

TEST_F(CompileSessionTest, CommandListsItsArgumentsInOrder) {
  CacheFile input = file("in", program()), output = file("out"),
            statistics = file("stats"), line = file("line");
  CompileCommand command =
      CompileCommand::build(Backend::CPU, input, output, statistics);
  const std::vector<std::string> &args = command.getArgs();
  ASSERT_GE(args.size(), 8u);
  EXPECT_THAT(args[0], testing::HasSubstr("iree-compile"));
  EXPECT_EQ(args[1], input.path.string());
  EXPECT_THAT(args, testing::Contains("--iree-hal-target-backends=llvm-cpu"));
  EXPECT_THAT(args, testing::Contains("--iree-llvmcpu-target-cpu=host"));
  EXPECT_EQ(args[args.size() - 2], "-o");
  EXPECT_EQ(args.back(), output.path.string());
  ASSERT_OK(command.writeTo(line));
  EXPECT_EQ(*line.read(), command.toString());
  EXPECT_THAT(command.toString(), testing::EndsWith("\n"));
  ASSERT_OK(command.execute());
  EXPECT_FALSE(output.read()->empty());
  EXPECT_FALSE(statistics.read()->empty());
  ASSERT_OK(input.write("invalid mlir"));
  EXPECT_CODE(command.execute(), CompileFailure, "");
}

TEST_F(CompileSessionTest, SessionCompilesFilesAndKeepsFlags) {
  CacheFile input = file("in", program()), output = file("out"),
            statistics = file("stats");
  ErrorOr<CompileSession> session =
      CompileSession::build(Backend::CPU, input, output, statistics);
  ASSERT_OK(session);
  size_t before = session->getArgs().size();
  EXPECT_OK(session->addFlag("--iree-opt-level=O3"));
  EXPECT_EQ(session->getArgs().size(), before + 1);
  EXPECT_CODE(session->addFlag("--nonsense"), CompileFailure, "--nonsense");
  ASSERT_OK(session->execute());
  EXPECT_FALSE(output.read()->empty());
  EXPECT_FALSE(statistics.read()->empty());
  EXPECT_THAT(session->toString(), testing::HasSubstr("--iree-opt-level=O3"));
  ASSERT_OK(input.write(""));
  EXPECT_CODE(session->execute(), CompileFailure, "empty");
}

TEST_F(CompileSessionTest, ContextIsOneForTheProcess) {
  ErrorOr<CompileContext *> a = CompileContext::create();
  ErrorOr<CompileContext *> b = CompileContext::create();
  ASSERT_OK(a);
  ASSERT_OK(b);
  EXPECT_EQ(*a, *b);
  EXPECT_GT((*a)->getAPIVersion(), 0);
  EXPECT_EQ((*a)->getAPIVersion() >> 16, 1);
  EXPECT_FALSE((*a)->getRevision().empty());
  EXPECT_CODE((*a)->load("/no/such/library.so"), FileSystemFailure, "");
  ScopedEnv env("FUSILLI_COMPILER_LIB", "/no/such/library.so");
  EXPECT_CODE(CompileContext::create(), CompileFailure, "/no/such");
}

TEST_F(CompileSessionTest, EnvironmentChoosesTheCommandLine) {
  unsetEnv("FUSILLI_COMPILE_BACKEND_USE_CLI");
  EXPECT_FALSE(checkCompileBackendEnv());
  for (auto [value, expected] :
       {std::pair("0", false), {"1", true}, {"", true}, {"00", true}}) {
    ScopedEnv env("FUSILLI_COMPILE_BACKEND_USE_CLI", value);
    EXPECT_EQ(checkCompileBackendEnv(), expected) << value;
  }
}

} // namespace
} // namespace fusilli::test
