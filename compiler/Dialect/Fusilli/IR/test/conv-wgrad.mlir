// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gradients of the weights print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @grad
func.func @grad(%dy: tensor<1x6x3x3xf32>, %x: tensor<1x4x5x5xf32>) -> tensor<6x2x3x3xf32> {
  // CHECK: fusilli.conv_wgrad %{{.*}}, %{{.*}} padding = [1, 1] stride = [2, 2] dilation = [1, 1] {node = "grad"}
  %0 = fusilli.conv_wgrad %dy, %x padding = [1, 1] stride = [2, 2] dilation = [1, 1] {node = "grad"} : (tensor<1x6x3x3xf32>, tensor<1x4x5x5xf32>) -> tensor<6x2x3x3xf32>
  return %0 : tensor<6x2x3x3xf32>
}
