// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of tensors that no cache holds: results go past it where buffers and rows are aligned, and what comes next is read ahead.
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 | FileCheck %s

// The first phase reads the row, the second the next one ahead and writes.
// CHECK-LABEL: func.func private @along(
// CHECK: memref.extract_aligned_pointer_as_index
// CHECK: scf.if
// CHECK: scf.for
// CHECK-NOT: memref.prefetch
// CHECK: scf.for
// CHECK: memref.prefetch %{{.*}}, read, locality<3>, data
// CHECK: vector.store {{.*}}nontemporal = true
// CHECK: llvm.x86.sse.sfence
// CHECK: else
// CHECK: memref.prefetch
// CHECK-NOT: nontemporal
// CHECK: return
func.func private @along(%x: tensor<2048x4096xf32>) -> tensor<2048x4096xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction MAX %x : (tensor<2048x4096xf32>) -> tensor<2048x1xf32>
  %1 = fusilli.pointwise SUB %x, %0 : (tensor<2048x4096xf32>, tensor<2048x1xf32>) -> tensor<2048x4096xf32>
  return %1 : tensor<2048x4096xf32>
}

// -----

// Where rows lie side by side, positions of the same row are read ahead; the buffer of what is kept stays in the cache.
// CHECK-LABEL: func.func private @across(
// CHECK: scf.if
// CHECK: memref.prefetch %{{.*}}, read, locality<3>, data
// CHECK-NOT: nontemporal
// CHECK: vector.store
// CHECK: memref.prefetch
// CHECK: vector.store {{.*}}nontemporal = true
// CHECK-NOT: memref.prefetch
// CHECK: llvm.x86.sse.sfence
func.func private @across(%x: tensor<2048x4096xf32>) -> tensor<2048x4096xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction MAX %x : (tensor<2048x4096xf32>) -> tensor<1x4096xf32>
  %1 = fusilli.pointwise SUB %x, %0 : (tensor<2048x4096xf32>, tensor<1x4096xf32>) -> tensor<2048x4096xf32>
  return %1 : tensor<2048x4096xf32>
}

// -----

// Rows of odd length begin anywhere.
// CHECK-LABEL: func.func private @odd(
// CHECK-NOT: nontemporal
// CHECK: memref.prefetch
// CHECK-NOT: nontemporal
// CHECK: return
func.func private @odd(%x: tensor<2048x4099xf32>) -> tensor<2048x4099xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction MAX %x : (tensor<2048x4099xf32>) -> tensor<2048x1xf32>
  %1 = fusilli.pointwise SUB %x, %0 : (tensor<2048x4099xf32>, tensor<2048x1xf32>) -> tensor<2048x4099xf32>
  return %1 : tensor<2048x4099xf32>
}

// -----

// What a cache holds is written as usual.
// CHECK-LABEL: func.func private @small(
// CHECK-NOT: memref.prefetch
// CHECK-NOT: nontemporal
// CHECK: return
func.func private @small(%x: tensor<256x4096xf32>) -> tensor<256x4096xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction MAX %x : (tensor<256x4096xf32>) -> tensor<256x1xf32>
  %1 = fusilli.pointwise SUB %x, %0 : (tensor<256x4096xf32>, tensor<256x1xf32>) -> tensor<256x4096xf32>
  return %1 : tensor<256x4096xf32>
}

// -----

// Positions that follow each other in memory the hardware fetches.
// CHECK-LABEL: func.func private @near(
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func private @near(%x: tensor<64x56x56x64xf32>) -> tensor<1x56x1x64xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction ADD %x : (tensor<64x56x56x64xf32>) -> tensor<1x56x1x64xf32>
  return %0 : tensor<1x56x1x64xf32>
}
