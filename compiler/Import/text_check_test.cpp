// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The check of program text: what graphs look like passes, what MLIR's parser
// must not see does not, at the limits and beside them.
#include "compiler/Import/TextCheck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusilli::compiler {
namespace {

using testing::HasSubstr;

/// The defect's text; empty if there is none.
std::string check(const std::string &text) {
  return findTextDefect(text).value_or(TextDefect{}).message;
}

TEST(TextCheck, GraphsPass) {
  const char *kTexts[] = {
      "", "module {\n}\n",
      R"(// A comment: memref<4xf32> "is not (read
module {
  func.func @main(%arg0: tensor<2x3xf32> {fusilli.name = "a b\"("},
                  %w: tensor<3x2xf32, #fusilli.layout<strides = [1, 3]>> {fusilli.name = "\E2\82\AC"})
      -> (tensor<2x2xf32> {fusilli.name = "y"}) attributes {note = "x"} {
    %0 = fusilli.matmul %arg0, %w {node = "mm"} : (tensor<2x3xf32>, tensor<3x2xf32, #fusilli.layout<strides = [1, 3]>>) -> tensor<2x2xf32>
    %c = fusilli.constant dense<-1.500000e+00> : tensor<1xf32>
    %n = fusilli.constant dense<[0x7FC00000, 1.0, -2.5E-3]> : tensor<3xf32>
    %b = fusilli.constant dense<[[true, false]]> : tensor<1x2xi1>
    %h = fusilli.constant dense<"0x00010203"> : tensor<4xi8>
    %1 = fusilli.pointwise ELU_FWD %0 {elu_alpha = 5.000000e-01 : f32} : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %2 = fusilli.conv_fprop %x, %k padding = [1, 1] stride = [1, 1] dilation = [1, 1] : (tensor<1x64x8x8xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x64x8x8xbf16>
    %3 = fusilli.rmsnorm %x scale(%s) epsilon(%c) : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
    %4 = fusilli.batchnorm %x mean(%m) variance(%v) scale(%s) bias(%b) epsilon(%c) : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
    %5 = fusilli.sdpa %q, %k, %v mask %z causal scale = 1.250000e-01 : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x2x3x4xf32>
    return %1 : tensor<2x2xf32>
  }
})",
      "func.func private @\"quoted (name\"(tensor<0xf32>, tensor<0x4xi64>)",
      "func.func @tensor_of_4 x i1(tensor<4 x 8 x i1>, tensor<?x?xf16>)"};
  for (const char *text : kTexts)
    EXPECT_EQ(check(text), "") << text;
}

TEST(TextCheck, WhatGraphsDoNotNeedIsRefused) {
  const std::pair<const char *, const char *> kTexts[] = {
      {"func.func @f(%a: memref<4xf32>)", "program:1:18: 'memref'"},
      {"tensor<4xvector<4xf32>>", "'vector'"},
      {"tensor<4xcomplex<f32>>", "'complex'"},
      {"tensor<0x4xcomplex<f32>>", "'complex'"},
      {"\n\n  %0 = index.add", "program:3:8: 'index.add'"},
      {"cf.br", "'cf.br'"},
      {"func.call @f()", "'func.call'"},
      {"call @f()", "'call'"},
      {"{a = affine_set<() : ()>}", "'affine_set'"},
      {"{a = dense_resource<b>}", "'dense_resource'"},
      {"{a = sparse<0, 1>}", "'sparse'"},
      {"{a = distinct[0]<unit>}", "'distinct'"},
      {"} loc(unknown)", "closes nothing"},
      {"{} loc(unknown)", "'loc'"},
      {"i65536", "'i65536'"},
      {"ui8", "'ui8'"},
      {"#other.map = affine_map<() -> ()>", "'#other.map'"},
      {"#fusilli.other<1>", "'#fusilli.other'"},
      {"!llvm.ptr", "'!llvm.ptr'"},
      {"^exit:", "'^exit'"},
      {"{-# a #-}", "'#'"},
      {"\"fusilli.matmul\"(%a, %b)", "generic form"},
      {"\"fusilli.matmul\" // comment\n (%a, %b)", "generic form"},
      {"\"open\n\"", "not closed on its line"},
      {"\"open", "not closed on its line"},
      {"\"open\\", "not closed on its line"},
      {"a / b", "'a'"},
      {"/ b", "'/'"},
      {"\x01", "not ASCII"},
      {"\xC3\xA9", "not ASCII"},
      {"(]", "program:1:2: bracket ']' closes nothing"},
      {"([{<", "bracket '<' is not closed"},
      {"=>", "bracket '>' closes nothing"}};
  for (const auto &[text, message] : kTexts)
    EXPECT_THAT(check(text), HasSubstr(message)) << text;
  EXPECT_THAT(check(std::string("module\0", 7)), HasSubstr("not ASCII"));
}

TEST(TextCheck, FunctionsOfCustomOpsPass) {
  EXPECT_EQ(check(R"(#map = affine_map<(d0, d1) -> (d0 * 2 + d1, -d0)>
#map1 = affine_map<(d0, d1)[s0] -> (d0 mod 2, d1 floordiv 3 - 1)>
func.func private @f(%a: tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xi1>) {
  %c = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %0:2 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "reduction"]} ins(%a : tensor<4x8xf32>) outs(%f, %g : tensor<4xf32>, tensor<4xi1>) {
  ^bb0(%x: f32, %y: f32, %z: i1):
    %m = arith.maximumf %x, %y fastmath<nnan> : f32
    %b = arith.cmpf olt, %x, %y : f32
    linalg.yield %m, %b : f32, i1
  } -> (tensor<4xf32>, tensor<4xi1>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xi1>
})"),
            "");
}

TEST(TextCheck, TorchIsToldApart) {
  for (const char *text :
       {"\n %0 = torch.aten.neg %a", "\n   !torch.vtensor<[4],f32>"}) {
    std::optional<TextDefect> defect = findTextDefect(text, "text");
    ASSERT_TRUE(defect) << text;
    EXPECT_TRUE(defect->isTorch);
    EXPECT_THAT(defect->message, HasSubstr("text:2:"));
    EXPECT_THAT(defect->message, HasSubstr("torch"));
  }
  std::optional<TextDefect> other = findTextDefect("!llvm.ptr");
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->isTorch);
}

TEST(TextCheck, AffineMapsHaveALimit) {
  auto map = [](size_t terms) {
    std::string text = "affine_map<(d0) -> (d0";
    for (size_t i = 0; i < terms; ++i)
      text += " + d0";
    return text + ")>";
  };
  EXPECT_EQ(check(map(100) + " " + map(100)), "");
  EXPECT_THAT(check(map(kMaxMapTokens)), HasSubstr("affine map of more than"));
  EXPECT_THAT(
      check("affine_map<(d0) -> (" + std::string(1 << 20, '-') + "d0)>"),
      HasSubstr("affine map of more than"));
}

TEST(TextCheck, DepthHasALimit) {
  auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(check(nested(kMaxTextDepth) + nested(kMaxTextDepth)), "");
  EXPECT_THAT(check(nested(kMaxTextDepth + 1)),
              HasSubstr("program:1:65: brackets are nested deeper than 64"));
  EXPECT_THAT(check(std::string(1 << 20, '{')), HasSubstr("deeper than"));
}

TEST(TextCheck, NumbersHaveALimit) {
  EXPECT_EQ(check(std::string(kMaxNumberLength, '7')), "");
  EXPECT_THAT(check(std::string(kMaxNumberLength + 1, '7')),
              HasSubstr("number of 65 characters, at most 64"));
  EXPECT_THAT(check("0x" + std::string(kMaxNumberLength, 'F')),
              HasSubstr("at most 64"));
  EXPECT_THAT(check("1." + std::string(kMaxNumberLength, '0')),
              HasSubstr("at most 64"));
}

TEST(TextCheck, SizeHasALimit) {
  std::string text(kMaxTextBytes, ' ');
  EXPECT_EQ(check(text), "");
  EXPECT_THAT(check(text + " "),
              HasSubstr("program of 67108865 bytes, at most 67108864"));
}

} // namespace
} // namespace fusilli::compiler
