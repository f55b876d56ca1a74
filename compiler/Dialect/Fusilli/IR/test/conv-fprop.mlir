// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @conv
func.func @conv(%x: tensor<1x4x5x5xf32>, %w: tensor<6x2x3x3xf32>) -> tensor<1x6x3x3xf32> {
  // CHECK: fusilli.conv_fprop %{{.*}}, %{{.*}} padding = [1, 1] stride = [2, 2] dilation = [1, 1] {node = "conv"}
  %0 = fusilli.conv_fprop %x, %w padding = [1, 1] stride = [2, 2] dilation = [1, 1] {node = "conv"} : (tensor<1x4x5x5xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x3x3xf32>
  return %0 : tensor<1x6x3x3xf32>
}
