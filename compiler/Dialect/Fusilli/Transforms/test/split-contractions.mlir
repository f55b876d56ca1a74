// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products with long sums and few results are two kernels.
// RUN: %fusilli-opt %s --split-input-file --fusilli-import --fusilli-fuse=target=x86-64-v3 --fusilli-verify-dispatches | FileCheck %s

// Both operands as they are; what follows is computed with the second sum.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[A:.*]]: tensor<1x4096xf32>{{.*}}, %[[B:.*]]: tensor<4096x4096xf32>
// CHECK: %[[P:.*]] = fusilli.dispatch @kernel_0(%[[A]], %[[B]]) : {{.*}} -> tensor<32x1x4096xf32>
// CHECK-NEXT: %[[Y:.*]] = fusilli.dispatch @kernel_1(%[[P]]) : {{.*}} -> tensor<1x4096xf32>
// CHECK-NEXT: return %[[Y]]
// CHECK: func.func private @kernel_0(%{{.*}}: tensor<32x1x128xf32, #fusilli.layout<strides = [128, 4096, 1]>>, %{{.*}}: tensor<32x128x4096xf32>) -> tensor<32x1x4096xf32>
// CHECK-NEXT: fusilli.matmul
// CHECK: func.func private @kernel_1(%{{.*}}: tensor<32x4096xf32>) -> tensor<1x4096xf32>
// CHECK-NEXT: fusilli.reduction ADD
// CHECK-NEXT: fusilli.pointwise RELU_FWD
func.func @main(%a: tensor<1x4096xf32> {fusilli.name = "a"}, %b: tensor<4096x4096xf32> {fusilli.name = "b"}) -> (tensor<1x4096xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %b : (tensor<1x4096xf32>, tensor<4096x4096xf32>) -> tensor<1x4096xf32>
  %1 = fusilli.pointwise RELU_FWD %0 : (tensor<1x4096xf32>) -> tensor<1x4096xf32>
  return %1 : tensor<1x4096xf32>
}

// -----

// A dim of the first operand moves in front of its rows, by strides alone.
// CHECK-LABEL: func.func @main
// CHECK: func.func private @kernel_0(%{{.*}}: tensor<100x64x10000xf16, #fusilli.layout<strides = [10000, 1000000, 1]>>, %{{.*}}: tensor<100x10000x48xf16>) -> tensor<100x64x48xf32>
// CHECK: func.func private @kernel_1(%{{.*}}: tensor<100x64x48xf32>) -> tensor<1x64x48xf16>
func.func @main(%a: tensor<64x1000000xf16> {fusilli.name = "a"}, %b: tensor<1000000x48xf16> {fusilli.name = "b"}) -> (tensor<64x48xf16> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %b : (tensor<64x1000000xf16>, tensor<1000000x48xf16>) -> tensor<64x48xf16>
  return %0 : tensor<64x48xf16>
}

// -----

// One column: its parts are the last dim of the second kernel's input.
// CHECK-LABEL: func.func @main
// CHECK: func.func private @kernel_0({{.*}}) -> tensor<32x16x1xf32>
// CHECK: func.func private @kernel_1(%{{.*}}: tensor<16x32xf32, #fusilli.layout<strides = [1, 16]>>) -> tensor<16x1xf32>
func.func @main(%a: tensor<16x1048576xf32> {fusilli.name = "a"}, %b: tensor<1048576x1xf32> {fusilli.name = "b"}) -> (tensor<16x1xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %b : (tensor<16x1048576xf32>, tensor<1048576x1xf32>) -> tensor<16x1xf32>
  return %0 : tensor<16x1xf32>
}

// -----

// Square products, short sums, many rows along k stay whole.
// CHECK-LABEL: func.func @main
// CHECK-NOT: fusilli.reduction
func.func @main(%a: tensor<512x4096xf32> {fusilli.name = "a"}, %b: tensor<4096x512xf32> {fusilli.name = "b"}, %c: tensor<4096x1xf32> {fusilli.name = "c"}, %d: tensor<4096x4096xf32> {fusilli.name = "d"}) -> (tensor<512x512xf32> {fusilli.name = "u"}, tensor<4096x1xf32> {fusilli.name = "v"}) {
  %0 = fusilli.matmul %a, %b : (tensor<512x4096xf32>, tensor<4096x512xf32>) -> tensor<512x512xf32>
  %1 = fusilli.matmul %d, %c : (tensor<4096x4096xf32>, tensor<4096x1xf32>) -> tensor<4096x1xf32>
  return %0, %1 : tensor<512x512xf32>, tensor<4096x1xf32>
}

// -----

// 1000003 is prime: parts of whole vectors, and what is behind them.
// CHECK-LABEL: func.func private @matmul.rest.0(
// CHECK: tensor.extract_slice %{{.*}}[0, 999744] [64, 259] [1, 1]
// CHECK: tensor.extract_slice %{{.*}}[999744, 0] [259, 48] [1, 1]
// CHECK: func.func @main
// CHECK-COUNT-4: fusilli.dispatch
// CHECK: func.func private @kernel_0(%{{.*}}: tensor<123x64x8128xf32, #fusilli.layout<strides = [8128, 1000003, 1]>>, %{{.*}}: tensor<123x8128x48xf32>) -> tensor<123x64x48xf32>
// CHECK: fusilli.custom @matmul.rest.0
func.func @main(%a: tensor<64x1000003xf32> {fusilli.name = "a"}, %b: tensor<1000003x48xf32> {fusilli.name = "b"}) -> (tensor<64x48xf32> {fusilli.name = "y"}) {
  %0 = fusilli.matmul %a, %b : (tensor<64x1000003xf32>, tensor<1000003x48xf32>) -> tensor<64x48xf32>
  return %0 : tensor<64x48xf32>
}
