// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Custom ops print and parse; the function has no layouts.
// RUN: %fusilli-opt %s | FileCheck %s

func.func private @scale(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %c = arith.constant dense<2.0> : tensor<4x8xf32>
  %0 = arith.mulf %x, %c : tensor<4x8xf32>
  return %0, %x : tensor<4x8xf32>, tensor<4x8xf32>
}

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>>) -> tensor<4x8xf32> {
  // CHECK: %{{.*}}:2 = fusilli.custom @scale(%{{.*}}) {node = "c"} : (tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>>) -> (tensor<4x8xf32>, tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>>)
  %0:2 = fusilli.custom @scale(%x) {node = "c"} : (tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>>) -> (tensor<4x8xf32>, tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>>)
  return %0#0 : tensor<4x8xf32>
}
