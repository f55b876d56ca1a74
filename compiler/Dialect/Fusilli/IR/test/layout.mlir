// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout encodings print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @layouts
// CHECK-SAME: tensor<2x64x56x56xf32, #fusilli.layout<strides = [200704, 1, 3584, 64]>>
// CHECK-SAME: tensor<8x2x64xf32, #fusilli.layout<strides = [0, 0, 1]>>
func.func @layouts(%a: tensor<2x64x56x56xf32, #fusilli.layout<strides = [200704, 1, 3584, 64]>>,
                   %b: tensor<8x2x64xf32, #fusilli.layout<strides = [0, 0, 1]>>) {
  return
}

// Gaps, overlap, any stride of an extent of 1.
// CHECK-LABEL: func.func @views
// CHECK-SAME: tensor<2x8x128x64xf32, #fusilli.layout<strides = [196608, 64, 1536, 1]>>
// CHECK-SAME: tensor<4x3xf32, #fusilli.layout<strides = [1, 1]>>
// CHECK-SAME: tensor<1x64xf32, #fusilli.layout<strides = [777, 1]>>
func.func @views(%a: tensor<2x8x128x64xf32, #fusilli.layout<strides = [196608, 64, 1536, 1]>>,
                 %b: tensor<4x3xf32, #fusilli.layout<strides = [1, 1]>>,
                 %c: tensor<1x64xf32, #fusilli.layout<strides = [777, 1]>>) {
  return
}

// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: tensor<16x64xf32, #fusilli.layout<strides = [64, 1], dynamic = [0]>>
// CHECK-SAME: tensor<4x16x8xf32, #fusilli.layout<strides = [128, 1, 16], dynamic = [0, 1]>>
func.func @dynamic(%a: tensor<16x64xf32, #fusilli.layout<strides = [64, 1], dynamic = [0]>>,
                   %b: tensor<4x16x8xf32, #fusilli.layout<strides = [128, 1, 16], dynamic = [0, 1]>>) {
  return
}
