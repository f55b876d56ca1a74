// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmuls print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @matmul
func.func @matmul(%a: tensor<2x4x8xbf16>, %b: tensor<1x8x3xbf16, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32> {
  // CHECK: fusilli.matmul %{{.*}}, %{{.*}} : (tensor<2x4x8xbf16>, tensor<1x8x3xbf16, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32>
  %0 = fusilli.matmul %a, %b : (tensor<2x4x8xbf16>, tensor<1x8x3xbf16, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32>
  return %0 : tensor<2x4x3xf32>
}
