// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reshapes print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @reshape
func.func @reshape(%a: tensor<8xf32>, %b: tensor<2x1x8xf32, #fusilli.layout<strides = [1, 1, 2]>>) {
  // CHECK: fusilli.reshape %{{.*}} : tensor<8xf32> -> tensor<1x8x1xf32>
  %0 = fusilli.reshape %a : tensor<8xf32> -> tensor<1x8x1xf32>
  // CHECK: fusilli.reshape %{{.*}} : tensor<2x1x8xf32, #fusilli.layout<strides = [1, 1, 2]>> -> tensor<2x8xf32, #fusilli.layout<strides = [1, 2]>>
  %1 = fusilli.reshape %b : tensor<2x1x8xf32, #fusilli.layout<strides = [1, 1, 2]>> -> tensor<2x8xf32, #fusilli.layout<strides = [1, 2]>>
  // CHECK: fusilli.reshape %{{.*}} : tensor<8xf32> -> tensor<2x4xf32>
  %2 = fusilli.reshape %a : tensor<8xf32> -> tensor<2x4xf32>
  return
}
