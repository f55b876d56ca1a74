// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The schedule of attention at the borders of its range.
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 | FileCheck %s
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v3 | FileCheck %s --check-prefix=V3
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4-bf16 --fusilli-emit-kernels=target=x86-64-v4-bf16 | FileCheck %s --check-prefix=BF16

// All keys and values of a head stay packed.
// CHECK-LABEL: func.func private @kept(
// CHECK-SAME: #fusilli.schedule<attention, workgroup = [1, 64], tile = [8, 32], cache = [64, 512, 2048], lanes = 16, packing = [in_kernel, in_kernel], inner = "multiply-add">
// V3-LABEL: func.func private @kept(
// V3-SAME: #fusilli.schedule<attention, workgroup = [1, 48], tile = [6, 16], cache = [48, 512, 2048], lanes = 8, packing = [in_kernel, in_kernel], inner = "multiply-add">
// BF16-LABEL: func.func private @kept(
// BF16-SAME: inner = "multiply-add"
func.func private @kept(%q: tensor<1x8x2048x64xf32>) -> tensor<1x8x2048x64xf32> attributes {fusilli.kernel} {
  %0 = fusilli.sdpa %q, %q, %q causal scale = 0.125 : (tensor<1x8x2048x64xf32>, tensor<1x8x2048x64xf32>, tensor<1x8x2048x64xf32>) -> tensor<1x8x2048x64xf32>
  return %0 : tensor<1x8x2048x64xf32>
}

// -----

// Too many keys: packed a block at a time, for several row blocks of heads that
// share them.
// CHECK-LABEL: func.func private @streamed(
// CHECK-SAME: #fusilli.schedule<attention, workgroup = [4, 64], tile = [8, 32], cache = [64, 512, 512],
func.func private @streamed(%q: tensor<1x8x512x64xf32>, %k: tensor<1x2x65536x64xf32>) -> tensor<1x8x512x64xf32> attributes {fusilli.kernel} {
  %0 = fusilli.sdpa %q, %k, %k scale = 0.125 : (tensor<1x8x512x64xf32>, tensor<1x2x65536x64xf32>, tensor<1x2x65536x64xf32>) -> tensor<1x8x512x64xf32>
  return %0 : tensor<1x8x512x64xf32>
}

// -----

// Few rows and keys make small blocks.
// CHECK-LABEL: func.func private @small(
// CHECK-SAME: #fusilli.schedule<attention, workgroup = [1, 16], tile = [8, 32], cache = [16, 32, 32], {{.*}}inline
func.func private @small(%q: tensor<1x1x5x8xf32>, %m: tensor<1x1x5x5xi1>) -> tensor<1x1x5x8xf32> attributes {fusilli.kernel} {
  %0 = fusilli.sdpa %q, %q, %q mask %m scale = 0.125 : (tensor<1x1x5x8xf32>, tensor<1x1x5x8xf32>, tensor<1x1x5x8xf32>, tensor<1x1x5x5xi1>) -> tensor<1x1x5x8xf32>
  return %0 : tensor<1x1x5x8xf32>
}

// -----

// Dot products where all operands are bf16 and the target has them.
// CHECK-LABEL: func.func private @dot(
// CHECK-SAME: inner = "multiply-add"
// BF16: x86vector.avx512.dot
// BF16-LABEL: func.func private @dot(
// BF16-SAME: fusilli.schedule = #fusilli.schedule<attention, {{.*}}inner = "bf16-dot">
func.func private @dot(%q: tensor<1x8x512x64xbf16>) -> tensor<1x8x512x64xf32> attributes {fusilli.kernel} {
  %0 = fusilli.sdpa %q, %q, %q scale = 0.125 : (tensor<1x8x512x64xbf16>, tensor<1x8x512x64xbf16>, tensor<1x8x512x64xbf16>) -> tensor<1x8x512x64xf32>
  return %0 : tensor<1x8x512x64xf32>
}

// -----

// A head dim whose blocks fit no cache.
// CHECK-LABEL: func.func private @wide(
// CHECK-SAME: attention: has head dims that fit no cache
func.func private @wide(%q: tensor<1x1x4x100000xf32>) -> tensor<1x1x4x100000xf32> attributes {fusilli.kernel} {
  %0 = fusilli.sdpa %q, %q, %q scale = 0.125 : (tensor<1x1x4x100000xf32>, tensor<1x1x4x100000xf32>, tensor<1x1x4x100000xf32>) -> tensor<1x1x4x100000xf32>
  return %0 : tensor<1x1x4x100000xf32>
}

// -----

// Any number of queries and keys: blocks of keys, for four row blocks.
// CHECK-LABEL: func.func private @symbolic(
// CHECK-SAME: #fusilli.schedule<attention, workgroup = [1, 256], tile = [8, 32], cache = [64, 512, 512],
!s = tensor<1x8x512x64xf32, #fusilli.layout<strides = [262144, 32768, 64, 1], dynamic = [2]>>
func.func private @symbolic(%q: !s) -> !s attributes {fusilli.kernel} {
  %0 = fusilli.sdpa %q, %q, %q scale = 0.125 : (!s, !s, !s) -> !s
  return %0 : !s
}

// -----

// What follows is evaluated where the quotient is stored.
// CHECK-LABEL: func.func private @followed(
// CHECK-SAME: #fusilli.schedule<attention,
// BF16-LABEL: func.func private @followed.store
// BF16: arith.mulf
// BF16: arith.select
// BF16: arith.addf
// BF16: vector.store
func.func private @followed(%q: tensor<1x8x512x64xf32>) -> tensor<1x8x512x64xf32> attributes {fusilli.kernel} {
  %0 = fusilli.sdpa %q, %q, %q scale = 0.125 : (tensor<1x8x512x64xf32>, tensor<1x8x512x64xf32>, tensor<1x8x512x64xf32>) -> tensor<1x8x512x64xf32>
  %1 = fusilli.pointwise ADD %0, %q : (tensor<1x8x512x64xf32>, tensor<1x8x512x64xf32>) -> tensor<1x8x512x64xf32>
  return %1 : tensor<1x8x512x64xf32>
}
