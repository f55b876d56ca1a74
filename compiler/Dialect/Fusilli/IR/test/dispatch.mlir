// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernel calls print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @dispatch
func.func @dispatch(%a: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: fusilli.dispatch @kernel(%{{.*}}) : (tensor<4xf32>) -> tensor<4xf32>
  %0 = fusilli.dispatch @kernel(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @kernel(%a: tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel} {
  return %a : tensor<4xf32>
}
