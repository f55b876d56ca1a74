// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A gradient with stride is one for each remainder that an output reads, and a
// custom op that puts them together.
// RUN: %fusilli-opt %s --fusilli-split-gradients --split-input-file | FileCheck %s

// Of a filter of one tap with stride 2, every other position is read.
// CHECK-LABEL: func.func private @conv_dgrad.phases.0(
// CHECK-SAME: %{{.*}}: tensor<1x4x3xf32>) -> tensor<1x4x5xf32>
// CHECK: linalg.index 2
// CHECK: arith.select
// CHECK-LABEL: func.func @main
// CHECK: %[[P:.*]] = fusilli.conv_dgrad %{{.*}}, %{{.*}} padding = [0] stride = [2] dilation = [1] {node = "g", phase = array<i64: 0>} : {{.*}} -> tensor<1x4x3xf32>
// CHECK: fusilli.custom @conv_dgrad.phases.0(%[[P]]) {node = "g"} : (tensor<1x4x3xf32>) -> tensor<1x4x5xf32>
func.func @main(%dy: tensor<1x6x3xf32>, %w: tensor<6x4x1xf32>) -> tensor<1x4x5xf32> {
  %0 = fusilli.conv_dgrad %dy, %w padding = [0] stride = [2] dilation = [1] {node = "g"} : (tensor<1x6x3xf32>, tensor<6x4x1xf32>) -> tensor<1x4x5xf32>
  return %0 : tensor<1x4x5xf32>
}

// -----

// Parts lie in memory as the whole does.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-4: fusilli.conv_dgrad {{.*}} -> tensor<1x4x3x3xf16, #fusilli.layout<strides = [36, 1, 12, 4]>>
// CHECK: fusilli.custom @conv_dgrad.phases.0
// CHECK-NOT: fusilli.conv_dgrad
func.func @main(%dy: tensor<1x6x3x3xf16>, %w: tensor<6x4x3x3xf16>) -> tensor<1x4x5x6xf16, #fusilli.layout<strides = [120, 1, 24, 4]>> {
  %0 = fusilli.conv_dgrad %dy, %w padding = [1, 1] stride = [2, 2] dilation = [1, 1] : (tensor<1x6x3x3xf16>, tensor<6x4x3x3xf16>) -> tensor<1x4x5x6xf16, #fusilli.layout<strides = [120, 1, 24, 4]>>
  return %0 : tensor<1x4x5x6xf16, #fusilli.layout<strides = [120, 1, 24, 4]>>
}

// -----

// Without stride, and with too many remainders, nothing changes.
// CHECK-LABEL: func.func @main
// CHECK-NOT: phase
// CHECK: return
func.func @main(%dy: tensor<1x6x3x3xf32>, %w: tensor<6x4x1x1xf32>, %e: tensor<1x6x1x1xf32>, %v: tensor<6x4x8x8xf32>) -> (tensor<1x4x3x3xf32>, tensor<1x4x8x8xf32>) {
  %0 = fusilli.conv_dgrad %dy, %w padding = [0, 0] stride = [1, 1] dilation = [1, 1] : (tensor<1x6x3x3xf32>, tensor<6x4x1x1xf32>) -> tensor<1x4x3x3xf32>
  %1 = fusilli.conv_dgrad %e, %v padding = [0, 0] stride = [8, 8] dilation = [1, 1] : (tensor<1x6x1x1xf32>, tensor<6x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  return %0, %1 : tensor<1x4x3x3xf32>, tensor<1x4x8x8xf32>
}
