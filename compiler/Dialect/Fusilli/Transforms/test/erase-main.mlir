// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels stay.
// RUN: %fusilli-opt %s --fusilli-erase-main | FileCheck %s

// CHECK-NOT: @main
// CHECK: func.func private @kernel_0
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.dispatch @kernel_0(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @kernel_0(%x: tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel, fusilli.kind = "pointwise"} {
  %0 = fusilli.pointwise ABS %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
