// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout conversion, and the tool as a user runs it: every form of a program,
// inputs and outputs, exit codes and error texts. Uses the fake compiler, which
// adds two f32 tensors.
#include "engine/test/test_engine.h"
#include "graph/graph_def.h"
#include "tools/fusilli-run/tensor_data.h"

#include <cstring>
#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>

namespace fusilli::run {
namespace {

Tensor makeTensor(std::vector<int64_t> dims, std::vector<int64_t> strides,
                  DataType type, uint64_t bytes) {
  return {.name = "t",
          .isOutput = false,
          .type = type,
          .dims = std::move(dims),
          .strides = std::move(strides),
          .physicalDims = {},
          .byteLength = bytes};
}

TEST(TensorDataTest, PermutesBothWays) {
  // Logical [2, 3] stored column by column.
  Tensor tensor = makeTensor({2, 3}, {1, 2}, DataType::Int8, 6);
  npy::Array array{.descr = "|i1", .shape = {2, 3}, .data = {1, 2, 3, 4, 5, 6}};
  ErrorOr<std::vector<uint8_t>> bytes = toPhysical(tensor, array);
  ASSERT_OK(bytes);
  EXPECT_THAT(*bytes, testing::ElementsAre(1, 4, 2, 5, 3, 6));
  ErrorOr<npy::Array> back = toLogical(tensor, *bytes);
  ASSERT_OK(back);
  EXPECT_EQ(back->data, array.data);
  EXPECT_EQ(back->shape, array.shape);
}

TEST(TensorDataTest, BroadcastDimsTakeTheFirstElement) {
  Tensor tensor = makeTensor({2, 3}, {0, 1}, DataType::Int8, 3);
  npy::Array array{.descr = "|i1", .shape = {2, 3}, .data = {1, 2, 3, 4, 5, 6}};
  ErrorOr<std::vector<uint8_t>> bytes = toPhysical(tensor, array);
  ASSERT_OK(bytes);
  EXPECT_THAT(*bytes, testing::ElementsAre(1, 2, 3));
}

TEST(TensorDataTest, ViewsHaveGaps) {
  Tensor tensor = makeTensor({2, 3}, {7, 2}, DataType::Int8, 12);
  npy::Array array{.descr = "|i1", .shape = {2, 3}, .data = {1, 2, 3, 4, 5, 6}};
  ErrorOr<std::vector<uint8_t>> bytes = toPhysical(tensor, array);
  ASSERT_OK(bytes);
  EXPECT_THAT(*bytes, testing::ElementsAre(1, 0, 2, 0, 3, 0, 0, 4, 0, 5, 0, 6));
  ErrorOr<npy::Array> back = toLogical(tensor, *bytes);
  ASSERT_OK(back);
  EXPECT_EQ(back->data, array.data);
}

TEST(TensorDataTest, NamesTypeAndShapeMismatches) {
  Tensor tensor = makeTensor({2}, {1}, DataType::BFloat16, 4);
  npy::Array array{.descr = "<f2", .shape = {2}, .data = {1, 2, 3, 4}};
  EXPECT_CODE(toPhysical(tensor, array), InvalidArgument, "<u2");
  array.descr = "<u2";
  EXPECT_OK(toPhysical(tensor, array));
  array.shape = {1, 2};
  EXPECT_CODE(toPhysical(tensor, array), InvalidArgument, "[1, 2]");
  Tensor nibbles = makeTensor({2}, {1}, DataType::Int4, 1);
  EXPECT_CODE(toPhysical(nibbles, array), NotImplemented, "si4");
}

TEST(TensorDataTest, RandomContentsAreReproducible) {
  for (DataType type : {DataType::Half, DataType::BFloat16, DataType::Float,
                        DataType::Double, DataType::Int8, DataType::Int16,
                        DataType::Int32, DataType::Int64, DataType::Boolean}) {
    Tensor tensor = makeTensor({8}, {1}, type, 64);
    ErrorOr<std::vector<uint8_t>> a = randomContents(tensor, 7);
    ErrorOr<std::vector<uint8_t>> b = randomContents(tensor, 7);
    ErrorOr<std::vector<uint8_t>> c = randomContents(tensor, 8);
    ASSERT_OK(a);
    EXPECT_EQ(*a, *b);
    EXPECT_NE(*a, *c);
  }
}

class FusilliRunTest : public test::EngineTest {
protected:
  void SetUp() override {
    EngineTest::SetUp();
    ASSERT_OK(g_.graph.validate());
    ErrorOr<std::vector<uint8_t>> graphDef = g_.graph.serialize();
    ErrorOr<std::vector<uint8_t>> artifact =
        g_.graph.compileToArtifact(Backend::CPU, true);
    ErrorOr<std::string> text = g_.graph.emitAsm();
    ASSERT_OK(graphDef);
    ASSERT_OK(artifact);
    ASSERT_OK(text);
    ErrorOr<std::string> json = graph::graphDefToJson(*graphDef);
    ASSERT_OK(json);
    auto put = [&](const char *name, const auto &bytes) {
      std::ofstream(base_ / name, std::ios::binary)
          .write(reinterpret_cast<const char *>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    };
    put("add.graph", *graphDef);
    ASSERT_OK(writeArtifactFile(base_ / "add.artifact", *artifact));
    put("add.mlir", *text);
    put("add.json", *json);
    artifact->resize(artifact->size() - 1);
    ASSERT_OK(writeArtifactFile(base_ / "short.artifact", *artifact));
    put("empty", std::string());
    put("binary", std::string("\x01\0\x02", 3));
    putArray("a.npy", {1, 2, 3, 4}, {4});
    putArray("b.npy", {10, 20, 30, 40}, {4});
    putArray("wrong.npy", {1, 2, 3, 4}, {2, 2});
  }
  void putArray(const char *name, const std::vector<float> &data,
                std::vector<int64_t> shape) {
    npy::Array array{.descr = "<f4", .shape = std::move(shape), .data = {}};
    array.data.resize(data.size() * sizeof(float));
    std::memcpy(array.data.data(), data.data(), array.data.size());
    ASSERT_OK(npy::write(base_ / name, array));
  }
  // Runs the tool in the test's folder; gives its exit code and output.
  int run(const std::string &arguments, std::string &output) {
    std::string command = "cd '" + base_.string() + "' && '" FUSILLI_RUN "' " +
                          arguments + " 2>&1";
    FILE *pipe = popen(command.c_str(), "r");
    char buffer[4096];
    output.clear();
    while (size_t count = fread(buffer, 1, sizeof(buffer), pipe))
      output.append(buffer, count);
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void expect(int code, const std::string &arguments, const std::string &text) {
    std::string output;
    EXPECT_EQ(run(arguments, output), code) << output;
    EXPECT_THAT(output, testing::HasSubstr(text)) << arguments;
  }

  test::AddGraph g_;
};

TEST_F(FusilliRunTest, RunsEveryFormOfAProgram) {
  for (const char *program :
       {"add.artifact", "add.graph", "add.json", "add.mlir"}) {
    std::string output;
    EXPECT_EQ(run(std::string(program) +
                      " --input a=a.npy --input b=b.npy --output y=y.npy",
                  output),
              0)
        << output;
    ErrorOr<npy::Array> array = npy::read(base_ / "y.npy");
    ASSERT_OK(array);
    std::vector<float> values(4);
    ASSERT_EQ(array->data.size(), 16u);
    std::memcpy(values.data(), array->data.data(), 16);
    EXPECT_THAT(values, testing::ElementsAre(11, 22, 33, 44));
    std::filesystem::remove(base_ / "y.npy");
  }
}

TEST_F(FusilliRunTest, PrintsInfoHelpAndVersion) {
  expect(0, "--info add.artifact", "input  a: f32 [4] strides [1]");
  expect(0, "--info add.artifact", "output y: f32 [4]");
  expect(0, "--info add.artifact", "kernel sum");
  expect(0, "--help", "--input");
  expect(0, "--version", "fusilli-run");
  expect(0, "add.artifact --random --repeat 5 --threads 1", "median");
}

TEST_F(FusilliRunTest, WrongCommandLinesExitWith2) {
  expect(2, "", "program");
  expect(2, "add.artifact --no-such-option", "no-such-option");
  expect(2, "add.artifact --threads many", "threads");
}

TEST_F(FusilliRunTest, ArtifactsThatOthersCanWriteNeedPermission) {
  for (const char *file : {"add.artifact", "add.graph"})
    ASSERT_EQ(chmod((base_ / file).c_str(), 0664), 0);
  expect(1, "add.artifact --random", "mode 0664");
  expect(1, "add.artifact --info", "--allow-shared-writable");
  expect(0, "add.artifact --random --allow-shared-writable", "");
  {
    test::ScopedEnv env("FUSILLI_ALLOW_SHARED_WRITABLE", "1");
    expect(0, "add.artifact --random", "");
  }
  expect(0, "add.graph --random", ""); // data, not code
  expect(0, "--help", "--allow-shared-writable");
}

TEST_F(FusilliRunTest, EnvironmentAsksForATrace) {
  test::ScopedEnv env("FUSILLI_TRACE", base_ / "trace.json");
  expect(0, "add.graph --random --repeat 3", "median");
  std::ifstream file(base_ / "trace.json");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const char *part :
       {"\"traceEvents\":[", "\"cat\":\"compile\"", "\"cat\":\"load\"",
        "\"cat\":\"execute\"", "\"cat\":\"dispatch\""})
    EXPECT_THAT(text, testing::HasSubstr(part));
}

TEST_F(FusilliRunTest, WrongFilesExitWith1AndSayWhatIsWrong) {
  expect(1, "no-such-file", "File does not exist");
  expect(1, "empty", "empty");
  expect(1, "binary", "neither");
  expect(1, "short.artifact --info", "short.artifact");
  expect(1, "add.artifact", "input 'a'");
  expect(1, "add.artifact --input a=a.npy", "input 'b'");
  expect(1, "add.artifact --input c=a.npy", "it has 'a', 'b'");
  expect(1, "add.artifact --input a", "NAME=FILE");
  expect(1, "add.artifact --input a=a.npy --input a=a.npy", "twice");
  expect(1, "add.artifact --random --output a=y.npy", "no output 'a'");
  expect(1, "add.artifact --random --input a=wrong.npy", "[2, 2]");
  expect(1, "add.artifact --random --input a=none.npy", "none.npy");
  expect(1, "add.artifact --random --input a=add.graph", "magic");
  expect(1, "add.artifact --random --output y=no/such/y.npy", "no/such/y.npy");
  expect(1, "add.graph --target pdp-11 --random", "pdp-11");
}

} // namespace
} // namespace fusilli::run
