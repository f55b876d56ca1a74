// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler as a whole: the host program it writes, what it does with
// damaged input, and several threads at once.
#include "compiler/Driver/Compiler.h"

#include "artifact/reader.h"
#include "artifact/vm_abi.h"
#include "compiler/Driver/ArtifactBuilder.h"
#include "compiler/Driver/CompileThread.h"
#include "compiler/Pipelines/Pipelines.h"
#include "graph/graph_def.h"
#include "graph/graph_def_generated.h"

#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pthread.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <thread>

namespace fusilli::compiler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

CompileResult compileText(const std::string &text, bool rowGroups = false) {
  CompileOptions options;
  options.rowGroups = rowGroups;
  options.target = "x86-64-v3";
  options.verifyEach = true;
  return compileToArtifact(
      {reinterpret_cast<const uint8_t *>(text.data()), text.size()},
      SourceKind::Text, options);
}

/// The artifact of a program that compiles; the reader verifies all of it.
artifact::Reader open(const CompileResult &result) {
  EXPECT_EQ(result.code, CompileCode::OK) << result.diagnostics;
  auto reader = artifact::Reader::open(result.bytes, /*copy=*/true);
  EXPECT_TRUE(reader.isOk());
  return std::move(*reader);
}

std::vector<uint32_t> getInPlaceInputs(const artifact::Reader &reader,
                                       const std::string &output) {
  for (const fbs::Arg *arg : *reader.artifact().args())
    if (arg->name()->str() == output) {
      if (!arg->inplace_inputs())
        return {};
      return {arg->inplace_inputs()->begin(), arg->inplace_inputs()->end()};
    }
  ADD_FAILURE() << "no output " << output;
  return {};
}

/// Opcodes of the host program.
std::vector<uint32_t> getOpcodes(const artifact::Reader &reader) {
  std::vector<uint32_t> opcodes;
  std::span<const uint32_t> words = reader.program();
  for (size_t i = 0; i < words.size();
       i += words[i] == FUSILLI_VM_DISPATCH ? 8 : 1)
    opcodes.push_back(words[i]);
  return opcodes;
}

const std::string kVec = "tensor<64xf32>";

std::string arg(const std::string &name, const std::string &type = kVec) {
  return type + " {fusilli.name = \"" + name + "\"}";
}

TEST(HostProgram, ElementwiseUpdateWorksInPlace) {
  auto reader =
      open(compileText("func.func @main(%g: " + arg("g") + ", %w: " + arg("w") +
                       ") -> (" + arg("w_new") + R"() {
    %lr = fusilli.constant dense<0.1> : tensor<1xf32>
    %0 = fusilli.pointwise MUL %g, %lr : (tensor<64xf32>, tensor<1xf32>) -> tensor<64xf32>
    %1 = fusilli.pointwise SUB %w, %0 : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
    return %1 : tensor<64xf32>
  })"));
  EXPECT_THAT(getInPlaceInputs(reader, "w_new"), ElementsAre(1u, 2u));
  EXPECT_THAT(getOpcodes(reader),
              ElementsAre(FUSILLI_VM_DISPATCH, FUSILLI_VM_RETURN));
}

TEST(HostProgram, NotInPlaceWhenALaterKernelReadsTheInput) {
  auto reader =
      open(compileText("func.func @main(%w: " + arg("w") + ") -> (" +
                       arg("s", "tensor<1xf32>") + ", " + arg("y") + R"() {
    %0 = fusilli.pointwise EXP %w : (tensor<64xf32>) -> tensor<64xf32>
    %1 = fusilli.reduction ADD %w : (tensor<64xf32>) -> tensor<1xf32>
    return %1, %0 : tensor<1xf32>, tensor<64xf32>
  })"));
  EXPECT_THAT(getInPlaceInputs(reader, "y"), IsEmpty());
}

TEST(HostProgram, InPlaceAfterAnEarlierPhaseHasReadTheInput) {
  auto reader = open(compileText("func.func @main(%w: " + arg("w") + ") -> (" +
                                 arg("y") + R"() {
    %0 = fusilli.reduction ADD %w : (tensor<64xf32>) -> tensor<1xf32>
    %1 = fusilli.pointwise DIV %w, %0 : (tensor<64xf32>, tensor<1xf32>) -> tensor<64xf32>
    return %1 : tensor<64xf32>
  })"));
  EXPECT_THAT(getInPlaceInputs(reader, "y"), ElementsAre(1u));
  EXPECT_THAT(getOpcodes(reader),
              ElementsAre(FUSILLI_VM_DISPATCH, FUSILLI_VM_BARRIER,
                          FUSILLI_VM_DISPATCH, FUSILLI_VM_RETURN));
  EXPECT_EQ(reader.artifact().workspace_size(), 64u);
}

TEST(HostProgram, NotInPlaceInAnotherLayoutSizeOrBroadcast) {
  auto reader = open(compileText(
      "func.func @main(%b: " + arg("b", "tensor<1x8xf32>") +
      ", %h: " + arg("h", "tensor<8x8xf16>") + ", %t: " +
      arg("t", "tensor<8x8xf32, #fusilli.layout<strides = [1, 8]>>") +
      ") -> (" + arg("y", "tensor<8x8xf32>") + R"() {
    %0 = fusilli.pointwise ADD %t, %h : (tensor<8x8xf32, #fusilli.layout<strides = [1, 8]>>, tensor<8x8xf16>) -> tensor<8x8xf32>
    %1 = fusilli.pointwise ADD %0, %b : (tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
    return %1 : tensor<8x8xf32>
  })"));
  EXPECT_THAT(getInPlaceInputs(reader, "y"), IsEmpty());
}

TEST(HostProgram, NotInPlaceWhenAnotherResultNeedsTheInput) {
  // y may be stored before x is read for z.
  auto reader =
      open(compileText("func.func @main(%a: " + arg("a") + ", %x: " + arg("x") +
                       ") -> (" + arg("y") + ", " + arg("z") + R"() {
    %0 = fusilli.pointwise ADD %a, %x : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
    %1 = fusilli.pointwise MUL %0, %x : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
    return %0, %1 : tensor<64xf32>, tensor<64xf32>
  })"));
  EXPECT_THAT(getInPlaceInputs(reader, "y"), ElementsAre(2u));
  EXPECT_THAT(getInPlaceInputs(reader, "z"), ElementsAre(2u, 3u));
}

TEST(HostProgram, UpdateByRowsWorksInPlaceWhereOnlyTheResultNeedsTheInput) {
  auto reader =
      open(compileText("func.func @main(%g: " + arg("g") + ", %w: " + arg("w") +
                           ") -> (" + arg("y") + R"() {
    %0 = fusilli.reduction NORM2 %g : (tensor<64xf32>) -> tensor<1xf32>
    %1 = fusilli.pointwise DIV %g, %0 : (tensor<64xf32>, tensor<1xf32>) -> tensor<64xf32>
    %2 = fusilli.pointwise SUB %w, %1 : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
    return %2 : tensor<64xf32>
  })",
                       /*rowGroups=*/true));
  EXPECT_EQ(reader.artifact().entries()->size(), 1u);
  EXPECT_THAT(getInPlaceInputs(reader, "y"), ElementsAre(2u));
}

TEST(HostProgram, GraphWithoutNodes) {
  auto reader = open(compileText("func.func @main(%x: " + arg("x") + R"() {
    return
  })"));
  EXPECT_THAT(getOpcodes(reader), ElementsAre(FUSILLI_VM_RETURN));
  EXPECT_EQ(reader.artifact().args()->size(), 1u);
}

TEST(HostProgram, ConstantsLieInPhysicalOrder) {
  auto reader =
      open(compileText("func.func @main(%x: " + arg("x", "tensor<2x2xf32>") +
                       ") -> (" + arg("y", "tensor<2x3xf32>") + R"() {
    %w = fusilli.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32, #fusilli.layout<strides = [1, 2]>>
    %m = fusilli.constant dense<[[true, false, true]]> : tensor<1x3xi1>
    %0 = fusilli.matmul %x, %w : (tensor<2x2xf32>, tensor<2x3xf32, #fusilli.layout<strides = [1, 2]>>) -> tensor<2x3xf32>
    %1 = fusilli.pointwise BINARY_SELECT %m, %0, %0 : (tensor<1x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    return %1 : tensor<2x3xf32>
  })"));
  std::span<const uint8_t> bytes = reader.constants();
  ASSERT_EQ(bytes.size(), 64u + 3u);
  float values[6];
  std::memcpy(values, bytes.data(), sizeof(values));
  EXPECT_THAT(values, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(bytes.subspan(64), ElementsAre(1, 0, 1));
}

TEST(HostProgram, IndependentKernelsNeedNoBarrier) {
  auto reader =
      open(compileText("func.func @main(%a: " + arg("a") +
                       ", %b: " + arg("b", "tensor<32xf32>") + ") -> (" +
                       arg("y") + ", " + arg("z", "tensor<32xf32>") + R"() {
    %0 = fusilli.pointwise ABS %a : (tensor<64xf32>) -> tensor<64xf32>
    %1 = fusilli.pointwise ABS %b : (tensor<32xf32>) -> tensor<32xf32>
    return %0, %1 : tensor<64xf32>, tensor<32xf32>
  })"));
  EXPECT_THAT(
      getOpcodes(reader),
      ElementsAre(FUSILLI_VM_DISPATCH, FUSILLI_VM_DISPATCH, FUSILLI_VM_RETURN));
}

std::vector<uint8_t> makeGraph() {
  auto bytes = graph::graphDefFromJson(R"({
    "name": "g", "io_dtype": "f32", "intermediate_dtype": "f32",
    "inputs": [{"name": "a", "dtype": "f32", "dims": [4, 8]},
               {"name": "b", "dtype": "f32", "dims": [8, 4]},
               {"name": "s", "scalar": {"type": "f32", "value": 2.0}}],
    "nodes": [
      {"op": "matmul", "name": "mm", "inputs": {"A": "a", "B": "b"},
       "outputs": {"C": {"name": "c", "virtual": true}}},
      {"op": "pointwise", "name": "mul", "attrs": {"mode": "MUL"},
       "inputs": {"IN_0": "c", "IN_1": "s"},
       "outputs": {"OUT_0": {"name": "d", "virtual": true}}},
      {"op": "reduction", "name": "sum", "attrs": {"mode": "ADD"},
       "inputs": {"X": "d"},
       "outputs": {"Y": {"name": "y", "dims": [4, 1]}}}]})");
  EXPECT_FALSE(isError(bytes));
  return *bytes;
}

CompileResult compileGraph(const std::vector<uint8_t> &bytes) {
  CompileOptions options;
  options.target = "x86-64-v3";
  return compileToArtifact(bytes, SourceKind::GraphDef, options);
}

TEST(Compiler, TextOfAGraphGivesTheSameArtifact) {
  std::vector<uint8_t> graph = makeGraph();
  CompileResult text = printGraph(graph, CompileOptions());
  ASSERT_EQ(text.code, CompileCode::OK) << text.diagnostics;
  CompileResult again = printGraph(graph, CompileOptions());
  EXPECT_EQ(text.bytes, again.bytes);
  CompileOptions options;
  options.target = "x86-64-v3";
  CompileResult fromText =
      compileToArtifact(text.bytes, SourceKind::Text, options);
  CompileResult fromGraph = compileGraph(graph);
  ASSERT_EQ(fromGraph.code, CompileCode::OK) << fromGraph.diagnostics;
  EXPECT_EQ(fromText.bytes, fromGraph.bytes);
}

TEST(Compiler, AnotherGraphDefVersionIsRefused) {
  std::unique_ptr<fbs::GraphDefT> def = fbs::UnPackGraphDef(makeGraph().data());
  def->version = graph::kGraphDefVersion + 1;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::GraphDef::Pack(builder, def.get()),
                 fbs::GraphDefIdentifier());
  std::vector<uint8_t> graph(builder.GetBufferPointer(),
                             builder.GetBufferPointer() + builder.GetSize());
  CompileResult result = compileGraph(graph);
  EXPECT_EQ(result.code, CompileCode::InvalidArgument);
  EXPECT_THAT(result.diagnostics, HasSubstr("version 2, expected 1"));
}

TEST(Compiler, DamagedGraphsNeverCrash) {
  std::vector<uint8_t> graph = makeGraph();
  EXPECT_EQ(compileGraph({}).code, CompileCode::InvalidArgument);
  for (size_t size = 0; size < graph.size(); size += 7)
    EXPECT_NE(compileGraph({graph.begin(), graph.begin() + size}).code,
              CompileCode::OK);
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<uint8_t> bytes = graph;
    for (unsigned i = 0; i <= random() % 3; ++i)
      bytes[random() % bytes.size()] = uint8_t(random());
    CompileOptions options;
    // The import alone: a mutant may well be a valid, huge graph.
    CompileResult result = printGraph(bytes, options);
    if (result.code != CompileCode::OK)
      EXPECT_FALSE(result.diagnostics.empty());
  }
}

TEST(Compiler, TextIsReadToItsEndOnly) {
  // Cut inside of a name: MLIR's lexer would go on to the zero byte.
  const std::string text = "func.func @main() {\n  return\n}";
  ASSERT_EQ(compileText(text).code, CompileCode::OK);
  const size_t end = text.find("in()");
  CompileResult cut =
      compileToArtifact({reinterpret_cast<const uint8_t *>(text.data()), end},
                        SourceKind::Text, CompileOptions());
  EXPECT_EQ(cut.code, CompileCode::CompileFailure);
  EXPECT_FALSE(cut.diagnostics.empty());
}

TEST(Compiler, RefusedTextNamesThePlace) {
  for (const auto &[text, message] :
       {std::pair<std::string, std::string>{
            "module {\n  func.func @main(%a: memref<4xf32>) {}\n}",
            "program:2:23: 'memref' is not part of program text"},
        {std::string(100000, '['), "nested deeper than 64"},
        {"{-# dialect_resources: {builtin: {a: \"0x0000000001\"}} #-}",
         "'#' is not part of program text"}}) {
    CompileResult result = compileText(text);
    EXPECT_EQ(result.code, CompileCode::CompileFailure);
    EXPECT_THAT(result.diagnostics, HasSubstr(message));
  }
}

TEST(Compiler, WrongTargetNamesTheRightOnes) {
  CompileOptions options;
  options.target = "pdp-11";
  CompileResult result =
      compileToArtifact(makeGraph(), SourceKind::GraphDef, options);
  EXPECT_EQ(result.code, CompileCode::InvalidArgument);
  EXPECT_THAT(result.diagnostics, HasSubstr("x86-64-v3"));
}

TEST(Compiler, ThreadsGiveTheSameBytes) {
  std::vector<uint8_t> graph = makeGraph();
  CompileResult expected = compileGraph(graph);
  ASSERT_EQ(expected.code, CompileCode::OK) << expected.diagnostics;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i)
        wrong += compileGraph(graph).bytes != expected.bytes;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

std::string makeChain(int length) {
  std::string text =
      "func.func @main(%x: " + arg("x") + ") -> (" + arg("y") + ") {\n";
  std::string last = "%x";
  for (int i = 0; i < length; ++i) {
    std::string next = "%v" + std::to_string(i);
    text += next + " = fusilli.pointwise ADD " + last +
            ", %x : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>\n";
    last = next;
  }
  return text + "return " + last + " : tensor<64xf32>\n}";
}

TEST(Compiler, LongChainsCompile) {
  auto reader = open(compileText(makeChain(1000)));
  EXPECT_GT(reader.artifact().entries()->size(), 0u);
}

/// Runs `body` on a thread that has next to no stack.
void runWithSmallStack(llvm::function_ref<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 128 << 10), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void *call) -> void * {
                  (*static_cast<llvm::function_ref<void()> *>(call))();
                  return nullptr;
                },
                &body),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(Compiler, TheCallersStackMayBeSmall) {
  for (int length : {256, 2000}) {
    std::string text = makeChain(length);
    CompileResult small;
    runWithSmallStack([&] { small = compileText(text); });
    EXPECT_EQ(small.code, CompileCode::OK) << small.diagnostics;
    EXPECT_EQ(small.bytes, compileText(text).bytes) << length;
  }
}

TEST(CompileThread, HasTheStackAndNoSignals) {
  size_t stack = 0;
  int isBlocked = 0;
  auto error = runOnCompileThread([&] {
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &stack);
    pthread_attr_destroy(&attributes);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    isBlocked = sigismember(&blocked, SIGUSR1);
  });
  EXPECT_EQ(error, std::nullopt);
  EXPECT_GE(stack, kCompileStackBytes);
  EXPECT_EQ(isBlocked, 1);
  sigset_t here;
  pthread_sigmask(SIG_SETMASK, nullptr, &here);
  EXPECT_EQ(sigismember(&here, SIGUSR1), 0);
}

/// What the artifact's builder says of one kernel with these attributes and so
/// many bindings.
std::optional<std::string> readKernel(const std::string &attributes,
                                      size_t bindings = 1) {
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "func.func private @k() attributes {fusilli.kernel, fusilli.nodes = "
      "[\"mm\", \"gelu\"], " +
          attributes + "}",
      &context);
  EXPECT_TRUE(module);
  auto target = resolveTarget("x86-64-v3");
  EXPECT_TRUE(bool(target));
  HostProgram program;
  program.dispatches.push_back({});
  program.dispatches[0].kernel = "k";
  program.dispatches[0].bindings.resize(bindings);
  return ArtifactBuilder(program, **target).readKernels(*module);
}

TEST(ArtifactBuilder, WhatCannotBeLoadedIsRefusedNamingKernelAndNodes) {
  EXPECT_EQ(readKernel("fusilli.local_memory = 1073741824 : i64, "
                       "fusilli.workgroup_count = array<i64: 4294967295, 1>"),
            std::nullopt);
  for (const auto &[attributes, number] :
       {std::pair<std::string, std::string>{
            "fusilli.local_memory = 1073741825 : i64", "1073741888 bytes"},
        {"fusilli.workgroup_count = array<i64: 1, 4294967296>",
         "4294967296 workgroups"}}) {
    std::optional<std::string> error = readKernel(attributes);
    ASSERT_TRUE(error) << attributes;
    for (const std::string &text : {std::string("'k'"), std::string("'mm'"),
                                    std::string("'gelu'"), number})
      EXPECT_THAT(*error, HasSubstr(text));
  }
  EXPECT_EQ(readKernel("fusilli.flops = 1 : i64", 4096), std::nullopt);
  EXPECT_THAT(readKernel("fusilli.flops = 1 : i64", 4097),
              testing::Optional(HasSubstr("4097 inputs and outputs")));
}

} // namespace
} // namespace fusilli::compiler
