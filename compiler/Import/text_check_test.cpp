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
  return findTextDefect(text).value_or("");
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
      {"\n\n  %0 = arith.addi", "program:3:8: 'arith.addi'"},
      {"func.call @f()", "'func.call'"},
      {"call @f()", "'call'"},
      {"{a = affine_map<() -> ()>}", "'affine_map'"},
      {"{a = dense_resource<b>}", "'dense_resource'"},
      {"{a = sparse<0, 1>}", "'sparse'"},
      {"{a = distinct[0]<unit>}", "'distinct'"},
      {"} loc(unknown)", "closes nothing"},
      {"{} loc(unknown)", "'loc'"},
      {"i65536", "'i65536'"},
      {"ui8", "'ui8'"},
      {"#map = affine_map<() -> ()>", "'#map'"},
      {"#fusilli.other<1>", "'#fusilli.other'"},
      {"!llvm.ptr", "'!'"},
      {"^bb0:", "'^'"},
      {"%0#1", "'#1'"},
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
