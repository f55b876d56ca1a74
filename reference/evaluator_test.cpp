// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The evaluator as a whole: errors, chains, rounding of intermediates,
// verdicts.

#include "reference/test_graph.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fusilli::reference {
namespace {

using Mode = PointwiseAttr::Mode;
using Values = std::vector<double>;

std::vector<uint8_t> bytesOf(const Tensor &tensor) {
  return {tensor.bytes().begin(), tensor.bytes().end()};
}

TestGraph addGraph(DataType type) {
  TestGraph graph;
  const int a = graph.input("a", type, {4});
  const int b = graph.input("b", type, {4});
  graph.pointwise(Mode::ADD, {a, b}, graph.output("y", type, {4}));
  return graph;
}

Inputs addInputs(DataType type) {
  Inputs inputs;
  inputs.emplace("a", makeTensor("a", type, {4}, {1, 2, 3, 0.1}));
  inputs.emplace("b", makeTensor("b", type, {4}, {4, 5, 6, 0.2}));
  return inputs;
}

ErrorCode codeOf(std::span<const uint8_t> bytes, const Inputs &inputs) {
  return ErrorObject(evaluate(bytes, inputs)).getCode();
}

TEST(EvaluatorTest, RejectsWrongInputs) {
  auto bytes = addGraph(DataType::Float).bytes();
  EXPECT_EQ(codeOf(bytes, addInputs(DataType::Float)), ErrorCode::OK);
  EXPECT_EQ(codeOf(bytes, {}), ErrorCode::InvalidArgument);
  EXPECT_EQ(codeOf(bytes, addInputs(DataType::Half)),
            ErrorCode::InvalidArgument);
}

TEST(EvaluatorTest, RejectsDamagedDefinitions) {
  const auto inputs = addInputs(DataType::Float);
  auto bytes = addGraph(DataType::Float).bytes();
  for (size_t length = 0; length < bytes.size() / 2; length += 3)
    EXPECT_EQ(codeOf(std::span(bytes).first(length), inputs),
              ErrorCode::InvalidArgument);
  // Any byte may be anything: an error or an answer, never a crash.
  for (size_t at = 0; at < bytes.size(); ++at)
    for (uint8_t value : {0x00, 0x01, 0x7f, 0xff}) {
      auto damaged = bytes;
      damaged[at] = value;
      (void)codeOf(damaged, inputs);
    }
  auto older = addGraph(DataType::Float);
  older.bytes();
  older.def.version = 999;
  flatbuffers::FlatBufferBuilder builder;
  fbs::FinishGraphDefBuffer(builder, fbs::GraphDef::Pack(builder, &older.def));
  EXPECT_EQ(codeOf({builder.GetBufferPointer(), builder.GetSize()}, inputs),
            ErrorCode::InvalidArgument);
}

TEST(EvaluatorTest, RejectsProgramsThatMakeNoSense) {
  const auto inputs = addInputs(DataType::Float);
  auto later = addGraph(DataType::Float);
  later.def.nodes[0]->inputs = {0, 2}; // its own output
  EXPECT_EQ(codeOf(later.bytes(), inputs), ErrorCode::InvalidArgument);
  auto outside = addGraph(DataType::Float);
  outside.def.nodes[0]->inputs = {0, 7};
  EXPECT_EQ(codeOf(outside.bytes(), inputs), ErrorCode::InvalidArgument);
  auto few = addGraph(DataType::Float);
  few.def.nodes[0]->inputs = {0};
  EXPECT_EQ(codeOf(few.bytes(), inputs), ErrorCode::InvalidArgument);
  auto shape = addGraph(DataType::Float);
  shape.def.tensors[2]->dims = {5};
  EXPECT_EQ(codeOf(shape.bytes(), inputs), ErrorCode::InvalidArgument);
  auto mode = addGraph(DataType::Float);
  mode.def.nodes[0]->attrs.AsPointwiseAttrs()->mode = 250;
  EXPECT_EQ(codeOf(mode.bytes(), inputs), ErrorCode::InvalidArgument);
  auto op = addGraph(DataType::Float);
  op.def.nodes[0]->attrs.Set(fbs::CustomOpAttrsT());
  EXPECT_EQ(codeOf(op.bytes(), inputs), ErrorCode::NotImplemented);
}

TEST(EvaluatorTest, DynamicDimsHaveTheExtentsOfTheInputs) {
  TestGraph graph;
  const int a = graph.input("a", DataType::Float, {4, 3});
  const int b = graph.input("b", DataType::Float, {4, 3});
  graph.pointwise(Mode::ADD, {a, b},
                  graph.output("y", DataType::Float, {4, 3}));
  for (const auto &tensor : graph.def.tensors)
    tensor->dynamic_dims = {0};
  // Columns first: rows are the innermost dim, whatever their number.
  graph.def.tensors[2]->strides = {1, 4};
  Inputs inputs;
  inputs.emplace("a",
                 makeTensor("a", DataType::Float, {2, 3}, {1, 2, 3, 4, 5, 6}));
  inputs.emplace(
      "b", makeTensor("b", DataType::Float, {2, 3}, {10, 20, 30, 40, 50, 60}));
  auto outputs = evaluate(graph.bytes(), inputs);
  ASSERT_TRUE(isOk(outputs)) << ErrorObject(outputs);
  const Tensor &y = outputs->at("y");
  EXPECT_EQ(y.spec().dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(y.spec().strides, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(y.value(4), 55);
  inputs.insert_or_assign("b",
                          makeTensor("b", DataType::Float, {1, 3}, {1, 2, 3}));
  EXPECT_EQ(codeOf(graph.bytes(), inputs), ErrorCode::InvalidArgument);
  // Static dims stay what they are.
  for (const char *name : {"a", "b"})
    inputs.insert_or_assign(
        name, makeTensor(name, DataType::Float, {2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(codeOf(graph.bytes(), inputs), ErrorCode::InvalidArgument);
}

TEST(EvaluatorTest, VirtualHalfMayBeRoundedOrNot) {
  // (a + b) - a with a + b virtual in f16: 2048 + 1 is 2048 there, but 2049 in
  // f32.
  TestGraph graph;
  const int a = graph.input("a", DataType::Half, {1});
  const int b = graph.input("b", DataType::Half, {1});
  const int s = graph.intermediate("s", DataType::Half, {1});
  graph.pointwise(Mode::ADD, {a, b}, s);
  graph.pointwise(Mode::SUB, {s, a}, graph.output("y", DataType::Half, {1}));
  Inputs inputs;
  inputs.emplace("a", makeTensor("a", DataType::Half, {1}, {2048}));
  inputs.emplace("b", makeTensor("b", DataType::Half, {1}, {1}));
  auto expected = evaluateWithBounds(graph.bytes(), inputs);
  ASSERT_EQ(ErrorObject(expected).getCode(), ErrorCode::OK);
  const Expected &y = expected->at("y");
  const auto accepted = [&](double value) {
    return check(y, bytesOf(makeTensor("y", DataType::Half, {1}, {value})))
        ->passed;
  };
  EXPECT_TRUE(accepted(0.0));
  EXPECT_TRUE(accepted(1.0));
  EXPECT_FALSE(accepted(-1.0));
  EXPECT_FALSE(accepted(2.5));
}

TEST(EvaluatorTest, SamplesFollowBroadcasts) {
  TestGraph graph;
  const int a = graph.input("a", DataType::Float, {6, 4});
  const int b = graph.input("b", DataType::Float, {4});
  const int s = graph.intermediate("s", DataType::Float, {6, 4});
  const int t = graph.intermediate("t", DataType::Float, {4});
  graph.pointwise(Mode::NEG, {b}, t);
  graph.pointwise(Mode::ADD, {a, t}, s);
  graph.pointwise(Mode::EXP, {s}, graph.output("y", DataType::Float, {6, 4}));
  Inputs inputs;
  Values av(24), bv(4);
  for (size_t k = 0; k < 24; ++k)
    av[k] = static_cast<double>(k) / 24.0;
  bv = {0.1, 0.2, 0.3, 0.4};
  inputs.emplace("a", makeTensor("a", DataType::Float, {6, 4}, av));
  inputs.emplace("b", makeTensor("b", DataType::Float, {4}, bv));
  auto all = evaluateWithBounds(graph.bytes(), inputs);
  auto some = evaluateWithBounds(graph.bytes(), inputs, {7});
  ASSERT_EQ(ErrorObject(some).getCode(), ErrorCode::OK);
  const Expected &sampled = some->at("y"), &full = all->at("y");
  ASSERT_EQ(sampled.index.size(), 7u);
  for (size_t k = 0; k < 7; ++k) {
    const auto at = static_cast<size_t>(sampled.index[k]);
    EXPECT_EQ(sampled.values[k], full.values[at]);
    EXPECT_EQ(sampled.bounds[k], full.bounds[at]);
  }
}

TEST(CheckTest, FindsTheWorstElement) {
  const auto inputs = addInputs(DataType::Float);
  auto expected = evaluateWithBounds(addGraph(DataType::Float).bytes(), inputs);
  const Expected &y = expected->at("y");
  const auto verdict = [&](const Values &values) {
    auto result =
        check(y, bytesOf(makeTensor("y", DataType::Float, {4}, values)));
    return std::move(*result);
  };
  EXPECT_TRUE(verdict({5, 7, 9, 0.1f + 0.2f}).passed);
  const CheckResult wrong = verdict({5, 7.0001, 9.5, 0.1f + 0.2f});
  EXPECT_FALSE(wrong.passed);
  EXPECT_EQ(wrong.failed, 2);
  EXPECT_EQ(wrong.worst, 2);
  EXPECT_NEAR(wrong.error, 0.5, 1e-12);
  EXPECT_NE(wrong.toString().find("y f32 4"), std::string::npos);
  EXPECT_FALSE(verdict({5, 7, 9, std::nan("")}).passed);
  EXPECT_EQ(ErrorObject(check(y, std::vector<uint8_t>(3))).getCode(),
            ErrorCode::InvalidArgument);
}

} // namespace
} // namespace fusilli::reference
