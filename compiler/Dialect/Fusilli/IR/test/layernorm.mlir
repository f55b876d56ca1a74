// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer normalizations print and parse, with and without optional operands.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @layernorm
func.func @layernorm(%x: tensor<4x8xf32>, %s: tensor<1x8xf32>, %e: tensor<1xf32>) {
  // CHECK: fusilli.layernorm %{{.*}} epsilon(%{{.*}}) : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %0 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  // CHECK: fusilli.layernorm %{{.*}} bias(%{{.*}}) epsilon(%{{.*}}) {node = "n"}
  %1 = fusilli.layernorm %x bias(%s) epsilon(%e) {node = "n"} : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  // CHECK: fusilli.layernorm %{{.*}} scale(%{{.*}}) bias(%{{.*}}) epsilon(%{{.*}}) : {{.*}} -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  %2:3 = fusilli.layernorm %x scale(%s) bias(%s) epsilon(%e) : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  return
}
