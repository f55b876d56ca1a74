// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalizations of both phases print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @batchnorm
func.func @batchnorm(%x: tensor<2x8x5xf32>, %c: tensor<8xf32>, %e: tensor<1xf32>) {
  // CHECK: fusilli.batchnorm %{{.*}} mean(%{{.*}}) variance(%{{.*}}) scale(%{{.*}}) epsilon(%{{.*}}) {node = "n"}
  %0 = fusilli.batchnorm %x mean(%c) variance(%c) scale(%c) epsilon(%e) {node = "n"} : (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>) -> tensor<2x8x5xf32>
  // CHECK: fusilli.batchnorm %{{.*}} scale(%{{.*}}) bias(%{{.*}}) epsilon(%{{.*}}) : {{.*}} -> (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>)
  %1:3 = fusilli.batchnorm %x scale(%c) bias(%c) epsilon(%e) : (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>) -> (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}
