// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 | FileCheck %s
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v3 --fusilli-emit-kernels=target=x86-64-v3 | FileCheck %s --check-prefix=V3
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4-bf16 --fusilli-emit-kernels=target=x86-64-v4-bf16 | FileCheck %s --check-prefix=BF16

// Rows of the matrix along k: a row of each of four parts of the workgroup at
// once, 256 terms in one accumulator, the lanes of all rows added together.
// CHECK-LABEL: func.func private @column(
// CHECK-SAME: #fusilli.schedule<"matrix-vector", workgroup = [64], tile = [4, 1], lanes = 16, unroll = 2, inner = "multiply-add">
// CHECK: %{{.*}}:8 = scf.for
// CHECK: %{{.*}}:8 = scf.for
// CHECK: memref.prefetch
// CHECK-COUNT-8: vector.fma %{{.*}} : vector<16xf32>
// CHECK-NOT: vector.fma
// CHECK: vector.shuffle
// CHECK: return
// V3-LABEL: func.func private @column(
// V3-SAME: tile = [4, 1], lanes = 8, unroll = 2
// V3-COUNT-8: vector.fma %{{.*}} : vector<8xf32>
// V3-NOT: vector.fma
// V3: return
func.func private @column(%a: tensor<4096x16384xf32>, %b: tensor<16384x1xf32>) -> tensor<4096x1xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<4096x16384xf32>, tensor<16384x1xf32>) -> tensor<4096x1xf32>
  return %0 : tensor<4096x1xf32>
}

// -----

// Lines of k along the row: whole lines of four parts of k are added to sums in
// local memory; the epilogue reads them there.
// CHECK-LABEL: func.func private @row(
// CHECK-SAME: #fusilli.schedule<"matrix-vector", workgroup = [4096], tile = [1, 4], lanes = 16, inner = "multiply-add">
// CHECK-COUNT-4: vector.fma %{{.*}} : vector<16xf32>
// CHECK-NOT: vector.fma
// CHECK: vector.load %view
// CHECK: arith.cmpf
func.func private @row(%a: tensor<16x1x256xf32>, %b: tensor<16x256x4096xf32>) -> tensor<16x1x4096xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<16x1x256xf32>, tensor<16x256x4096xf32>) -> tensor<16x1x4096xf32>
  %1 = fusilli.pointwise RELU_FWD %0 : (tensor<16x1x4096xf32>) -> tensor<16x1x4096xf32>
  return %1 : tensor<16x1x4096xf32>
}

// -----

// Narrow elements are widened where they are read, in more streams.
// CHECK-LABEL: func.func private @narrow(
// CHECK-SAME: #fusilli.schedule<"matrix-vector", workgroup = [64], tile = [8, 1], lanes = 16, unroll = 2, inner = "multiply-add">
// CHECK: arith.shli %{{.*}} : vector<16xi32>
// CHECK: vector.fma %{{.*}} : vector<16xf32>
func.func private @narrow(%a: tensor<4096x4096xbf16>, %b: tensor<4096x1xbf16>) -> tensor<4096x1xbf16> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<4096x4096xbf16>, tensor<4096x1xbf16>) -> tensor<4096x1xbf16>
  return %0 : tensor<4096x1xbf16>
}

// -----

// Pairs along k where the target multiplies them.
// BF16-LABEL: func.func private @pairs(
// BF16-SAME: #fusilli.schedule<"matrix-vector", workgroup = [64], tile = [4, 1], lanes = 16, unroll = 2, inner = "bf16-dot">
// BF16: x86vector.avx512.dot
func.func private @pairs(%a: tensor<4096x4096xbf16>, %b: tensor<4096x1xbf16>) -> tensor<4096x1xbf16> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<4096x4096xbf16>, tensor<4096x1xbf16>) -> tensor<4096x1xbf16>
  return %0 : tensor<4096x1xbf16>
}

// -----

// A few columns share what is read of the matrix; those that do not lie along k
// are copied first.
// CHECK-LABEL: func.func private @columns.copy
// CHECK-LABEL: func.func private @columns(
// CHECK-SAME: tile = [4, 1], lanes = 16, inner = "multiply-add">
// CHECK: func.call @columns.copy
// CHECK-COUNT-12: vector.fma %{{.*}} : vector<16xf32>
// CHECK-NOT: vector.fma
func.func private @columns(%a: tensor<4096x4096xf32>, %b: tensor<4096x3xf32>) -> tensor<4096x3xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<4096x4096xf32>, tensor<4096x3xf32>) -> tensor<4096x3xf32>
  return %0 : tensor<4096x3xf32>
}

// -----

// One row and one column: four parts of k are the streams.
// CHECK-LABEL: func.func private @dot(
// CHECK-SAME: #fusilli.schedule<"matrix-vector", workgroup = [1], tile = [1, 4], lanes = 16, unroll = 2, inner = "multiply-add">
func.func private @dot(%a: tensor<64x1x65536xf32>, %b: tensor<64x65536x1xf32>) -> tensor<64x1x1xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<64x1x65536xf32>, tensor<64x65536x1xf32>) -> tensor<64x1x1xf32>
  return %0 : tensor<64x1x1xf32>
}

// -----

// Little work stays on the calling thread; other products are not taken.
// CHECK-LABEL: func.func private @small(
// CHECK-SAME: #fusilli.schedule<"matrix-vector", {{.*}}inline>
func.func private @small(%a: tensor<1x8xf32>, %b: tensor<8x5xf32>) -> tensor<1x5xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<1x8xf32>, tensor<8x5xf32>) -> tensor<1x5xf32>
  return %0 : tensor<1x5xf32>
}

// -----

// CHECK-LABEL: func.func private @square(
// CHECK-SAME: "matrix-vector: has many rows and columns"
func.func private @square(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}
