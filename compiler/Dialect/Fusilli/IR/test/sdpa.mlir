// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention prints and parses.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @plain
func.func @plain(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x1x7x6xf32>) -> tensor<1x4x5x6xf32> {
  // CHECK: fusilli.sdpa %{{.*}}, %{{.*}}, %{{.*}} scale = 5.000000e-01 {node = "attention"}
  %0 = fusilli.sdpa %q, %k, %v scale = 5.000000e-01 {node = "attention"} : (tensor<1x4x5x8xf32>, tensor<1x2x7x8xf32>, tensor<1x1x7x6xf32>) -> tensor<1x4x5x6xf32>
  return %0 : tensor<1x4x5x6xf32>
}

// CHECK-LABEL: func.func @causal
func.func @causal(%q: tensor<1x2x5x8xf16>) -> tensor<1x2x5x8xf16> {
  // CHECK: fusilli.sdpa %{{.*}}, %{{.*}}, %{{.*}} causal scale = 1.000000e+00 :
  %0 = fusilli.sdpa %q, %q, %q causal scale = 1.0 : (tensor<1x2x5x8xf16>, tensor<1x2x5x8xf16>, tensor<1x2x5x8xf16>) -> tensor<1x2x5x8xf16>
  return %0 : tensor<1x2x5x8xf16>
}

// CHECK-LABEL: func.func @mask
func.func @mask(%q: tensor<1x2x5x8xf32>, %m: tensor<1x1x5x5xi1>) -> tensor<1x2x5x8xf32> {
  // CHECK: fusilli.sdpa %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} scale = 1.000000e+00 :
  %0 = fusilli.sdpa %q, %q, %q mask %m scale = 1.0 : (tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x1x5x5xi1>) -> tensor<1x2x5x8xf32>
  return %0 : tensor<1x2x5x8xf32>
}
