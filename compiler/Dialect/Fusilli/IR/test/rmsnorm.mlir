// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Root-mean-square normalizations print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @rmsnorm
func.func @rmsnorm(%x: tensor<4x8xf16>, %s: tensor<1x8xf32>, %e: tensor<1xf32>) {
  // CHECK: fusilli.rmsnorm %{{.*}} epsilon(%{{.*}}) : (tensor<4x8xf16>, tensor<1xf32>) -> tensor<4x8xf16>
  %0 = fusilli.rmsnorm %x epsilon(%e) : (tensor<4x8xf16>, tensor<1xf32>) -> tensor<4x8xf16>
  // CHECK: fusilli.rmsnorm %{{.*}} scale(%{{.*}}) epsilon(%{{.*}}) {node = "n"}
  %1 = fusilli.rmsnorm %x scale(%s) epsilon(%e) {node = "n"} : (tensor<4x8xf16>, tensor<1x8xf32>, tensor<1xf32>) -> tensor<4x8xf16>
  return
}
