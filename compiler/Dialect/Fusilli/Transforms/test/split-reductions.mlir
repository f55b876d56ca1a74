// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Long reductions with few results are two kernels of many workgroups and one.
// RUN: %fusilli-opt %s --split-input-file --fusilli-import --fusilli-fuse=target=x86-64-v3 --fusilli-verify-dispatches | FileCheck %s

// The parts are a view of the parameter: the dispatch reads it as it is.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<1048576x64xf32>
// CHECK: %[[P:.*]] = fusilli.dispatch @kernel_0(%[[X]]) : (tensor<1048576x64xf32>) -> tensor<128x1x64xf32>
// CHECK-NEXT: %[[Y:.*]] = fusilli.dispatch @kernel_1(%[[P]]) : (tensor<128x1x64xf32>) -> tensor<1x64xf32>
// CHECK-NEXT: return %[[Y]]
// CHECK: func.func private @kernel_0(%{{.*}}: tensor<128x8192x64xf32>) -> tensor<128x1x64xf32>
// CHECK-NEXT: fusilli.reduction ADD
// CHECK: func.func private @kernel_1(%{{.*}}: tensor<128x64xf32>) -> tensor<1x64xf32>
func.func @main(%x: tensor<1048576x64xf32> {fusilli.name = "x"}) -> (tensor<1x64xf32> {fusilli.name = "y"}) {
  %0 = fusilli.reduction ADD %x : (tensor<1048576x64xf32>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}

// -----

// Producers move along, partial results of narrow types are f32, and norms
// combine as sums.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK: func.func private @kernel_0(%{{.*}}: tensor<25x40000xf16>) -> tensor<25x1xf32>
// CHECK: fusilli.pointwise EXP %{{.*}} -> tensor<25x40000xf16>
// CHECK-NEXT: fusilli.reduction NORM1 %{{.*}} : (tensor<25x40000xf16>) -> tensor<25x1xf32>
// CHECK: fusilli.reduction ADD %{{.*}} : (tensor<25xf32>) -> tensor<1xf16>
func.func @main(%x: tensor<1000000xf16> {fusilli.name = "x"}) -> (tensor<1xf16> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise EXP %x : (tensor<1000000xf16>) -> tensor<1000000xf16>
  %1 = fusilli.reduction NORM1 %0 : (tensor<1000000xf16>) -> tensor<1xf16>
  return %1 : tensor<1xf16>
}

// -----

// Small reductions, those of many results, and rows stay whole.
// CHECK-LABEL: func.func @main
// CHECK-NOT: fusilli.reshape
// CHECK: func.func private @kernel_0
// CHECK-NOT: tensor<{{[0-9]+x[0-9]+x[0-9]+}}xf32>
func.func @main(%a: tensor<1000x64xf32> {fusilli.name = "a"}, %b: tensor<4096x4096xf32> {fusilli.name = "b"}) -> (tensor<1x64xf32> {fusilli.name = "u"}, tensor<4096x1xf32> {fusilli.name = "v"}, tensor<1x4096xf32> {fusilli.name = "w"}) {
  %0 = fusilli.reduction ADD %a : (tensor<1000x64xf32>) -> tensor<1x64xf32>
  %1 = fusilli.reduction ADD %b : (tensor<4096x4096xf32>) -> tensor<4096x1xf32>
  %2 = fusilli.reduction ADD %b : (tensor<4096x4096xf32>) -> tensor<1x4096xf32>
  return %0, %1, %2 : tensor<1x64xf32>, tensor<4096x1xf32>, tensor<1x4096xf32>
}

// -----

// A symbolic batch stays whole: the parts are of a dim within each sample.
// CHECK-LABEL: func.func @main
// CHECK: fusilli.dispatch @kernel_0(%{{.*}}) : (tensor<64x56x56x64xf32, #fusilli.layout<strides = [200704, 3584, 64, 1], dynamic = [0]>>) -> tensor<1x8x1x1x64xf32>
// CHECK: func.func private @kernel_0(%{{.*}}: tensor<64x8x7x56x64xf32, #fusilli.layout<strides = [200704, 25088, 3584, 64, 1], dynamic = [0]>>) -> tensor<1x8x1x1x64xf32>
// CHECK: func.func private @kernel_1(%{{.*}}: tensor<1x8x1x64xf32>) -> tensor<1x1x1x64xf32>
func.func @main(%x: tensor<64x56x56x64xf32, #fusilli.layout<strides = [200704, 3584, 64, 1], dynamic = [0]>> {fusilli.name = "x"}) -> (tensor<1x1x1x64xf32> {fusilli.name = "y"}) {
  %0 = fusilli.reduction ADD %x : (tensor<64x56x56x64xf32, #fusilli.layout<strides = [200704, 3584, 64, 1], dynamic = [0]>>) -> tensor<1x1x1x64xf32>
  return %0 : tensor<1x1x1x64xf32>
}
