// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pointwise ops print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @pointwise
func.func @pointwise(%a: tensor<4x8xf32>, %b: tensor<8xf16>, %c: tensor<4x1xi1>) -> tensor<4x8xf32> {
  // CHECK: fusilli.pointwise RELU_FWD %{{.*}} {node = "relu"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = fusilli.pointwise RELU_FWD %a {node = "relu"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: fusilli.pointwise ELU_FWD %{{.*}} {elu_alpha = 5.000000e-01 : f32}
  %1 = fusilli.pointwise ELU_FWD %0 {elu_alpha = 0.5 : f32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: fusilli.pointwise ADD %{{.*}}, %{{.*}} : (tensor<4x8xf32>, tensor<8xf16>) -> tensor<4x8xf32>
  %2 = fusilli.pointwise ADD %1, %b : (tensor<4x8xf32>, tensor<8xf16>) -> tensor<4x8xf32>
  // CHECK: fusilli.pointwise BINARY_SELECT
  %3 = fusilli.pointwise BINARY_SELECT %c, %1, %2 : (tensor<4x1xi1>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}
