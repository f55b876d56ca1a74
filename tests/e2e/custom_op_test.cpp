// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Custom ops whose text is linalg, tensor, arith and math on tensors: values
// against loops written here, placeholders, neighbours in the graph, and every
// way in which a text is refused.

#include "tests/e2e/shapes.h"

#include <cmath>
#include <functional>

namespace fusilli::e2e {
namespace {

using Values = std::vector<double>;

/// Logical values of an input of a case, row-major.
Values valuesOf(const Case &c, const std::string &name) {
  const reference::Tensor &tensor = c.inputs.at(name);
  Values out;
  for (int64_t k = 0; k < tensor.spec().volume(); ++k)
    out.push_back(tensor.value(k));
  return out;
}

const std::string kScale = R"(
func.func private @{FUNC_NAME}(%x: {IN0_TYPE}) -> {OUT0_TYPE} {
  %c = arith.constant dense<2.0> : {IN0_TYPE}
  %0 = arith.mulf %x, %c : {IN0_TYPE}
  return %0 : {OUT0_TYPE}
}
)";

TEST(CustomOpTest, ElementwiseInEveryTypeAndLayout) {
  for (DataType type : kFloatTypes)
    for (bool channelsLast : {false, true}) {
      const Dims dims = {2, 5, 3, 7};
      Case c("custom scale " + toString(type) + (channelsLast ? " cl" : ""));
      const auto x = c.input("x", type, dims,
                             channelsLast ? channelsLastStrides(dims)
                                          : rowMajorStrides(dims),
                             Data::Integers);
      const auto y = c.customOp(kScale, {x}, {{type, dims}})[0];
      c.output(y, "y", channelsLast ? rowMajorStrides(dims) : Dims());
      Values expected = valuesOf(c, "x");
      for (double &v : expected)
        v *= 2.0;
      EXPECT_TRUE(c.runAgainst({{"y", expected}}));
    }
}

TEST(CustomOpTest, ExtentsAndElementTypesAreFilledIn) {
  const std::string text = R"(
    func.func private @{FUNC_NAME}(%x: tensor<{IN0_DIM0}x{IN0_DIM1}x{IN0_DTYPE}>)
        -> tensor<{OUT0_DIM0}x{OUT0_DTYPE}> {
      %zero = arith.constant 0 : {OUT0_DTYPE}
      %e = tensor.empty() : {OUT0_TYPE}
      %f = linalg.fill ins(%zero : {OUT0_DTYPE}) outs(%e : {OUT0_TYPE}) -> {OUT0_TYPE}
      %0 = linalg.reduce ins(%x : {IN0_TYPE}) outs(%f : {OUT0_TYPE}) dimensions = [1]
        (%in: {IN0_DTYPE}, %acc: {OUT0_DTYPE}) {
          %s = arith.addi %in, %acc : {OUT0_DTYPE}
          linalg.yield %s : {OUT0_DTYPE}
        }
      return %0 : {OUT0_TYPE}
    })";
  Case c("custom row sums si32");
  const auto x = c.input("x", DataType::Int32, {6, 11});
  c.output(c.customOp(text, {x}, {{DataType::Int32, {6}}})[0], "y");
  const Values in = valuesOf(c, "x");
  Values expected(6, 0.0);
  for (size_t k = 0; k < in.size(); ++k)
    expected[k / 11] += in[k];
  EXPECT_TRUE(c.runAgainst({{"y", expected}}));
}

/// Softmax over rows, then a matmul: reductions whose results are used again.
TEST(CustomOpTest, SeveralStages) {
  const std::string text = R"(
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func private @{FUNC_NAME}(%x: tensor<9x33xf32>, %w: tensor<33x5xf32>) -> (tensor<9x33xf32>, tensor<9x5xf32>) {
  %ninf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<9xf32>
  %e2 = tensor.empty() : tensor<9x33xf32>
  %e3 = tensor.empty() : tensor<9x5xf32>
  %f = linalg.fill ins(%ninf : f32) outs(%e : tensor<9xf32>) -> tensor<9xf32>
  %m = linalg.reduce { arith.maximumf } ins(%x : tensor<9x33xf32>) outs(%f : tensor<9xf32>) dimensions = [1]
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<9x33xf32>, tensor<9xf32>) outs(%e2 : tensor<9x33xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %q = math.exp %d : f32
    linalg.yield %q : f32
  } -> tensor<9x33xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<9xf32>) -> tensor<9xf32>
  %s = linalg.reduce { arith.addf } ins(%p : tensor<9x33xf32>) outs(%z : tensor<9xf32>) dimensions = [1]
  %t = tensor.empty() : tensor<9x33xf32>
  %sb = linalg.broadcast ins(%s : tensor<9xf32>) outs(%t : tensor<9x33xf32>) dimensions = [1]
  %r = arith.divf %p, %sb : tensor<9x33xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<9x5xf32>) -> tensor<9x5xf32>
  %y = linalg.matmul ins(%r, %w : tensor<9x33xf32>, tensor<33x5xf32>) outs(%z3 : tensor<9x5xf32>) -> tensor<9x5xf32>
  return %r, %y : tensor<9x33xf32>, tensor<9x5xf32>
}
)";
  Case c("custom softmax matmul");
  const auto x = c.input("x", DataType::Float, {9, 33}, Data::Normal);
  const auto w = c.input("w", DataType::Float, {33, 5}, Data::Positive);
  const auto out = c.customOp(
      text, {x, w}, {{DataType::Float, {9, 33}}, {DataType::Float, {9, 5}}});
  c.output(out[0], "r");
  c.output(out[1], "y");
  const Values xv = valuesOf(c, "x"), wv = valuesOf(c, "w");
  Values r(xv.size()), y(45, 0.0);
  for (size_t i = 0; i < 9; ++i) {
    double most = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < 33; ++j)
      most = std::max(most, xv[i * 33 + j]);
    for (size_t j = 0; j < 33; ++j)
      sum += r[i * 33 + j] = std::exp(xv[i * 33 + j] - most);
    for (size_t j = 0; j < 33; ++j) {
      r[i * 33 + j] /= sum;
      for (size_t n = 0; n < 5; ++n)
        y[i * 5 + n] += r[i * 33 + j] * wv[j * 5 + n];
    }
  }
  // Some 40 roundings of positive numbers.
  EXPECT_TRUE(c.runAgainst({{"r", r}, {"y", y}}, 40 * 0x1p-24));
}

TEST(CustomOpTest, ArgmaxAndBooleans) {
  const std::string text = R"(
func.func private @{FUNC_NAME}(%x: tensor<5x17xf32>) -> (tensor<5xi32>, tensor<5xi1>) {
  %ninf = arith.constant 0xFF800000 : f32
  %none = arith.constant -1 : i32
  %e = tensor.empty() : tensor<5xf32>
  %ei = tensor.empty() : tensor<5xi32>
  %eb = tensor.empty() : tensor<5xi1>
  %f = linalg.fill ins(%ninf : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %fi = linalg.fill ins(%none : i32) outs(%ei : tensor<5xi32>) -> tensor<5xi32>
  %0:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0)>],
                         iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<5x17xf32>) outs(%f, %fi : tensor<5xf32>, tensor<5xi32>) {
  ^bb0(%in: f32, %best: f32, %at: i32):
    %i = linalg.index 1 : index
    %n = arith.index_cast %i : index to i32
    %more = arith.cmpf ogt, %in, %best : f32
    %b = arith.select %more, %in, %best : f32
    %p = arith.select %more, %n, %at : i32
    linalg.yield %b, %p : f32, i32
  } -> (tensor<5xf32>, tensor<5xi32>)
  %1 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%0#1 : tensor<5xi32>) outs(%eb : tensor<5xi1>) {
  ^bb0(%in: i32, %o: i1):
    %two = arith.constant 8 : i32
    %big = arith.cmpi sge, %in, %two : i32
    linalg.yield %big : i1
  } -> tensor<5xi1>
  return %0#1, %1 : tensor<5xi32>, tensor<5xi1>
}
)";
  Case c("custom argmax");
  const auto x = c.input("x", DataType::Float, {5, 17});
  const auto out =
      c.customOp(text, {x}, {{DataType::Int32, {5}}, {DataType::Boolean, {5}}});
  c.output(out[0], "at");
  c.output(out[1], "big");
  const Values xv = valuesOf(c, "x");
  Values at(5), big(5);
  for (size_t i = 0; i < 5; ++i) {
    size_t best = 0;
    for (size_t j = 1; j < 17; ++j)
      if (xv[i * 17 + j] > xv[i * 17 + best])
        best = j;
    at[i] = static_cast<double>(best);
    big[i] = best >= 8 ? 1.0 : 0.0;
  }
  EXPECT_TRUE(c.runAgainst({{"at", at}, {"big", big}}));
}

TEST(CustomOpTest, ParametersAndOneValueTwiceAreReturned) {
  const std::string text = R"(
func.func private @{FUNC_NAME}(%x: tensor<4x3xf32>, %y: tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>) {
  %0 = arith.addf %x, %y : tensor<4x3xf32>
  return %0, %x, %0 : tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>
}
)";
  Case c("custom returns");
  const Dims dims = {4, 3};
  const auto x =
      c.input("x", DataType::Float, dims, Dims{1, 4}, Data::Integers);
  const auto out = c.customOp(text, {x, x},
                              {{DataType::Float, dims},
                               {DataType::Float, dims},
                               {DataType::Float, dims}});
  c.output(out[0], "a");
  c.output(out[1], "b");
  c.output(out[2], "c", Dims{1, 4});
  const Values xv = valuesOf(c, "x");
  Values sum = xv;
  for (double &v : sum)
    v += v;
  EXPECT_TRUE(c.runAgainst({{"a", sum}, {"b", xv}, {"c", sum}}));
}

TEST(CustomOpTest, BetweenBuiltInOps) {
  Case c("custom between");
  const Dims dims = {8, 13};
  const auto x = c.input("x", DataType::Half, dims, Data::Integers);
  const auto w = c.input("w", DataType::Half, {13, 4}, Data::Integers);
  const auto r =
      c.pointwise(PointwiseAttr::Mode::RELU_FWD, {x}, DataType::Half);
  const auto s = c.customOp(kScale, {r}, {{DataType::Half, dims}})[0];
  c.output(c.matmul(s, w, DataType::Half), "y");
  const Values xv = valuesOf(c, "x"), wv = valuesOf(c, "w");
  Values y(32, 0.0);
  for (size_t i = 0; i < 8; ++i)
    for (size_t j = 0; j < 4; ++j)
      for (size_t k = 0; k < 13; ++k)
        y[i * 4 + j] += 2.0 * std::max(xv[i * 13 + k], 0.0) * wv[k * 4 + j];
  EXPECT_TRUE(c.runAgainst({{"y", y}}));
}

//===----------------------------------------------------------------------===//
// What is refused
//===----------------------------------------------------------------------===//

ErrorObject compile(const std::string &text) {
  Case c("custom refused");
  const auto x = c.input("x", DataType::Float, {4, 3});
  c.output(c.customOp(text, {x}, {{DataType::Float, {4, 3}}})[0], "y");
  FUSILLI_CHECK_ERROR(c.graph.validate());
  return ErrorObject(c.graph.compileToArtifact(Backend::CPU, /*remove=*/true));
}

void expectRefused(const std::string &text, ErrorCode code,
                   const std::vector<std::string> &parts) {
  const ErrorObject error = compile(text);
  EXPECT_EQ(error.getCode(), code) << text;
  for (const std::string &part : parts)
    EXPECT_NE(error.getMessage().find(part), std::string::npos)
        << "expected '" << part << "' in: " << error.getMessage();
}

TEST(CustomOpTest, TorchIsNotImplemented) {
  expectRefused("func.func private @{FUNC_NAME}(%x: !torch.vtensor<[4,3],f32>) "
                "-> !torch.vtensor<[4,3],f32> {\n  return %x\n}",
                ErrorCode::NotImplemented,
                {"node 'custom'", "text:1:31", "torch"});
  expectRefused("func.func private @{FUNC_NAME}(%x: {IN0_TYPE}) -> {OUT0_TYPE} "
                "{\n  %0 = torch.aten.neg %x : {IN0_TYPE} -> {OUT0_TYPE}\n"
                "  return %0 : {OUT0_TYPE}\n}",
                ErrorCode::NotImplemented,
                {"node 'custom'", "text:2:8", "torch.aten.neg"});
}

TEST(CustomOpTest, TextThatIsNoFunctionOfTheNode) {
  const ErrorCode code = ErrorCode::InvalidArgument;
  expectRefused("func.func private @other(%x: {IN0_TYPE}) -> {OUT0_TYPE} { "
                "return %x : {OUT0_TYPE} }",
                code, {"node 'custom'", "no function @custom"});
  expectRefused("func.func private @{FUNC_NAME}(%x: {IN0_TYPE}) -> {IN0_TYPE} {"
                "\n  return %y : {IN0_TYPE}\n}",
                code, {"node 'custom'", "text:2:10"});
  expectRefused("func.func private @{FUNC_NAME}(%x: {IN7_TYPE})", code,
                {"node 'custom'", "text:1:"});
  expectRefused(
      "func.func private @{FUNC_NAME}(%x: {IN0_TYPE}) -> tensor<3xf32>"
      " {\n  %0 = tensor.empty() : tensor<3xf32>\n"
      "  return %0 : tensor<3xf32>\n}",
      code,
      {"node 'custom'", "text:1:", "result 0", "tensor<3xf32>",
       "expected tensor<4x3xf32>"});
  expectRefused("func.func private @{FUNC_NAME}() -> {IN0_TYPE} {\n"
                "  %0 = tensor.empty() : {IN0_TYPE}\n  return %0 : {IN0_TYPE}}",
                code, {"0 parameters, expected 1"});
  expectRefused("func.func private @{FUNC_NAME}(%x: memref<4xf32>)", code,
                {"node 'custom'", "text:1:", "'memref'"});
}

TEST(CustomOpTest, OpsThatAreNotImplemented) {
  const ErrorCode code = ErrorCode::CompileFailure;
  expectRefused(
      R"(func.func private @{FUNC_NAME}(%x: {IN0_TYPE}) -> {IN0_TYPE} {
  %l = arith.constant 0 : index
  %h = arith.constant 3 : index
  %s = arith.constant 1 : index
  %0 = scf.for %i = %l to %h step %s iter_args(%a = %x) -> ({IN0_TYPE}) {
    scf.yield %a : {IN0_TYPE}
  }
  return %0 : {IN0_TYPE}
})",
      code, {"node 'custom'", "text:5:8", "scf.for"});
  expectRefused(
      R"(func.func private @{FUNC_NAME}(%x: {IN0_TYPE}) -> {IN0_TYPE} {
  %0 = tensor.cast %x : {IN0_TYPE} to tensor<?x3xf32>
  %1 = tensor.cast %0 : tensor<?x3xf32> to {IN0_TYPE}
  return %1 : {IN0_TYPE}
})",
      code, {"node 'custom'", "text:2:8", "dynamic shape"});
}

} // namespace
} // namespace fusilli::e2e
