// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A constant second operand is packed once, by a kernel of its own; one that
// some calls give and others do not is not.
// RUN: fusilli-opt %s --split-input-file --fusilli-fuse-dispatches --fusilli-erase-main --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_0(
// CHECK-SAME: fusilli.prepack = [{bytes = 64000 : i64, kernel = @kernel_0.pack1, operand = 1 : i64}]
// CHECK-SAME: packing = [none, prepared]
// CHECK: func.func private @kernel_0.pack1(%{{.*}}: memref<16000xf32>, %{{.*}}: memref<16000xf32>
// CHECK-SAME: fusilli.kernel
// CHECK-SAME: fusilli.strategy = "pack"
func.func @main(%w: tensor<250x64xf32> {fusilli.constant, fusilli.name = "w"}, %x: tensor<96x250xf32> {fusilli.name = "x"})
    -> (tensor<96x64xf32> {fusilli.name = "y"}) {
  %y = fusilli.matmul %x, %w : (tensor<96x250xf32>, tensor<250x64xf32>) -> tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}

// -----

// The epilogue reads it too.
// CHECK-LABEL: func.func private @kernel_0(
// CHECK-NOT: fusilli.prepack
// CHECK-SAME: packing = [none, in_kernel]
func.func @main(%w: tensor<192x192xf32> {fusilli.constant, fusilli.name = "w"}, %x: tensor<192x192xf32> {fusilli.name = "x"})
    -> (tensor<192x192xf32> {fusilli.name = "y"}) {
  %p = fusilli.matmul %x, %w : (tensor<192x192xf32>, tensor<192x192xf32>) -> tensor<192x192xf32>
  %y = fusilli.pointwise ADD %p, %w : (tensor<192x192xf32>, tensor<192x192xf32>) -> tensor<192x192xf32>
  return %y : tensor<192x192xf32>
}

// -----

// A result whose rows are contiguous: the operands change places, and the
// constant one is read in place.
// CHECK-LABEL: func.func private @kernel_0(
// CHECK-SAME: packing = [none, in_kernel]
func.func @main(%w: tensor<96x64x1x1xf32> {fusilli.constant, fusilli.name = "w"}, %x: tensor<1x64x20x20xf32> {fusilli.name = "x"})
    -> (tensor<1x96x20x20xf32> {fusilli.name = "y"}) {
  %y = fusilli.conv_fprop %x, %w padding = [0, 0] stride = [1, 1] dilation = [1, 1] : (tensor<1x64x20x20xf32>, tensor<96x64x1x1xf32>) -> tensor<1x96x20x20xf32>
  return %y : tensor<1x96x20x20xf32>
}

// -----

// Patches: a matmul with rows that are no constant stride apart.
// CHECK-LABEL: func.func private @kernel_0(
// CHECK-SAME: #fusilli.schedule<matmul
// CHECK-SAME: packing = [in_kernel, in_kernel]
func.func @main(%w: tensor<64x3x4x4xf32, #fusilli.layout<strides = [48, 1, 12, 3]>> {fusilli.name = "w"}, %x: tensor<2x3x32x32xf32, #fusilli.layout<strides = [3072, 1, 96, 3]>> {fusilli.name = "x"})
    -> (tensor<2x64x8x8xf32, #fusilli.layout<strides = [4096, 1, 512, 64]>> {fusilli.name = "y"}) {
  %y = fusilli.conv_fprop %x, %w padding = [0, 0] stride = [4, 4] dilation = [1, 1] : (tensor<2x3x32x32xf32, #fusilli.layout<strides = [3072, 1, 96, 3]>>, tensor<64x3x4x4xf32, #fusilli.layout<strides = [48, 1, 12, 3]>>) -> tensor<2x64x8x8xf32, #fusilli.layout<strides = [4096, 1, 512, 64]>>
  return %y : tensor<2x64x8x8xf32, #fusilli.layout<strides = [4096, 1, 512, 64]>>
}
