// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention as a DAG of generics: product, scale and mask, largest, weights,
// their sum, product, quotient.
// RUN: %fusilli-opt %s --fusilli-convert-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[K:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 2, d3, d4)>
// CHECK-DAG: #[[V:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 4, d4, d3)>
// CHECK-LABEL: func.func private @causal
func.func private @causal(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x1x7x6xf32>) -> tensor<1x4x5x6xf32> attributes {fusilli.kernel} {
  // CHECK: linalg.generic {{.*}}#[[K]]
  // CHECK: arith.mulf
  // CHECK: arith.addf
  // CHECK: linalg.generic
  // CHECK: arith.mulf %{{.*}}, %{{.*}} : f32
  // CHECK: %[[ROW:.*]] = linalg.index 2
  // CHECK: %[[KEY:.*]] = linalg.index 3
  // CHECK: arith.cmpi ugt, %[[KEY]], %[[ROW]]
  // CHECK: arith.select
  // CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]
  // CHECK: arith.maximumf
  // CHECK: linalg.generic
  // CHECK: arith.subf
  // CHECK: math.exp
  // CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]
  // CHECK: arith.addf
  // CHECK: linalg.generic {{.*}}#[[V]]
  // CHECK: linalg.generic
  // CHECK: arith.divf
  %0 = fusilli.sdpa %q, %k, %v causal scale = 5.000000e-01 : (tensor<1x4x5x8xf32>, tensor<1x2x7x8xf32>, tensor<1x1x7x6xf32>) -> tensor<1x4x5x6xf32>
  return %0 : tensor<1x4x5x6xf32>
}

// -----

// A mask is added, a Boolean one (i8 in memory) keeps; weights become bf16 for
// a V of bf16.
// CHECK-LABEL: func.func private @added
func.func private @added(%q: tensor<1x2x5x8xbf16>, %m: tensor<1x1x1x5xf16>) -> tensor<1x2x5x8xbf16> attributes {fusilli.kernel} {
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: arith.addf
  // CHECK: math.exp
  // CHECK: arith.truncf %{{.*}} : f32 to bf16
  %0 = fusilli.sdpa %q, %q, %q mask %m scale = 1.0 : (tensor<1x2x5x8xbf16>, tensor<1x2x5x8xbf16>, tensor<1x2x5x8xbf16>, tensor<1x1x1x5xf16>) -> tensor<1x2x5x8xbf16>
  return %0 : tensor<1x2x5x8xbf16>
}

// -----

// CHECK-LABEL: func.func private @keeps
func.func private @keeps(%q: tensor<1x2x5x8xf32>, %m: tensor<1x1x5x5xi1>) -> tensor<1x2x5x8xf32> attributes {fusilli.kernel} {
  // CHECK: arith.cmpi ne, %{{.*}}, %{{.*}} : i8
  // CHECK: arith.select
  %0 = fusilli.sdpa %q, %q, %q mask %m scale = 1.0 : (tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x1x5x5xi1>) -> tensor<1x2x5x8xf32>
  return %0 : tensor<1x2x5x8xf32>
}
