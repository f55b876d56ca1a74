// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What depends on constant parameters alone keeps kernels of its own, which the
// host program runs once; what only spreads it over a larger shape does not.
// RUN: %fusilli-opt %s --split-input-file --fusilli-import --fusilli-fuse --fusilli-verify-dispatches | FileCheck %s

// The scaling of the weight is one kernel; bias and relu stay with the matmul.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<16xf32> {fusilli.constant, fusilli.name = "b"}
// CHECK: %[[S:.*]] = fusilli.dispatch @kernel_0(%[[W:.*]], %{{.*}}) : (tensor<8x16xf32>, tensor<16xf32>)
// CHECK: fusilli.dispatch @kernel_1(%{{.*}}, %[[S]], %[[B]])
// CHECK-NOT: fusilli.dispatch
// CHECK: func.func private @kernel_0
// CHECK-SAME: fusilli.nodes = ["scaled", "clipped"]
// CHECK: func.func private @kernel_1
// CHECK-SAME: fusilli.nodes = ["mm", "bias", "act"]
func.func @main(%b: tensor<16xf32> {fusilli.constant, fusilli.name = "b"}, %s: tensor<16xf32> {fusilli.constant, fusilli.name = "s"}, %w: tensor<8x16xf32> {fusilli.constant, fusilli.name = "w"}, %x: tensor<4x8xf32> {fusilli.name = "x"})
    -> (tensor<4x16xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise MUL %w, %s {node = "scaled"} : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  %1 = fusilli.pointwise RELU_FWD %0 {node = "clipped"} : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %2 = fusilli.matmul %x, %1 {node = "mm"} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %3 = fusilli.pointwise ADD %2, %b {node = "bias"} : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %4 = fusilli.pointwise RELU_FWD %3 {node = "act"} : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %4 : tensor<4x16xf32>
}

// -----

// A pointwise producer of one shape would be fused, were it not constant.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
func.func @main(%w: tensor<64xf32> {fusilli.constant, fusilli.name = "w"}, %x: tensor<64xf32> {fusilli.name = "x"})
    -> (tensor<64xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise EXP %w {node = "e"} : (tensor<64xf32>) -> tensor<64xf32>
  %1 = fusilli.pointwise ADD %x, %0 {node = "sum"} : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %1 : tensor<64xf32>
}

// -----

// Without the promise it is fused; so is a broadcast of constants.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
func.func @main(%a: tensor<64x1xf32> {fusilli.constant, fusilli.name = "a"}, %b: tensor<1x32xf32> {fusilli.constant, fusilli.name = "b"}, %x: tensor<64x32xf32> {fusilli.name = "x"})
    -> (tensor<64x32xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise MUL %a, %b {node = "outer"} : (tensor<64x1xf32>, tensor<1x32xf32>) -> tensor<64x32xf32>
  %1 = fusilli.pointwise ADD %x, %0 {node = "sum"} : (tensor<64x32xf32>, tensor<64x32xf32>) -> tensor<64x32xf32>
  return %1 : tensor<64x32xf32>
}
