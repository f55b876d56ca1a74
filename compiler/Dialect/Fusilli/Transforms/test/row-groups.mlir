// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of kind rows.
// RUN: %fusilli-opt %s --split-input-file --fusilli-import --fusilli-fuse --fusilli-verify-dispatches | FileCheck %s

// Softmax is one kernel.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: fusilli.kind = "rows", fusilli.nodes = ["max", "sub", "exp", "sum", "div"]
func.func @main(%x: tensor<64x128xf32> {fusilli.name = "x"}) -> (tensor<64x128xf32> {fusilli.name = "y"}) {
  %m = fusilli.reduction MAX %x {node = "max"} : (tensor<64x128xf32>) -> tensor<64x1xf32>
  %s = fusilli.pointwise SUB %x, %m {node = "sub"} : (tensor<64x128xf32>, tensor<64x1xf32>) -> tensor<64x128xf32>
  %e = fusilli.pointwise EXP %s {node = "exp"} : (tensor<64x128xf32>) -> tensor<64x128xf32>
  %t = fusilli.reduction ADD %e {node = "sum"} : (tensor<64x128xf32>) -> tensor<64x1xf32>
  %y = fusilli.pointwise DIV %e, %t {node = "div"} : (tensor<64x128xf32>, tensor<64x1xf32>) -> tensor<64x128xf32>
  return %y : tensor<64x128xf32>
}

// -----

// Reduced dimensions may lie anywhere in memory.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK: fusilli.kind = "rows"
func.func @main(%x: tensor<64x128xf32> {fusilli.name = "x"}) -> (tensor<64x128xf32> {fusilli.name = "y"}) {
  %m = fusilli.reduction MAX %x : (tensor<64x128xf32>) -> tensor<1x128xf32>
  %s = fusilli.pointwise SUB %x, %m : (tensor<64x128xf32>, tensor<1x128xf32>) -> tensor<64x128xf32>
  return %s : tensor<64x128xf32>
}

// -----

// A channel of a training batch is a row over three dimensions.
// CHECK-LABEL: func.func @main
// CHECK: %[[R:.*]]:3 = fusilli.dispatch @kernel_0(%{{.*}}) : {{.*}} -> (tensor<4x32x6x5xf32>, tensor<32xf32>, tensor<32xf32>)
// CHECK-NOT: fusilli.dispatch
// CHECK: return %[[R]]#2, %[[R]]#1, %[[R]]#0
// CHECK: fusilli.kind = "rows"
func.func @main(%x: tensor<4x32x6x5xf32> {fusilli.name = "x"}) -> (tensor<32xf32> {fusilli.name = "i"}, tensor<32xf32> {fusilli.name = "m"}, tensor<4x32x6x5xf32> {fusilli.name = "y"}) {
  %e = fusilli.constant dense<1.0e-5> : tensor<1xf32>
  %0:3 = fusilli.batchnorm %x epsilon(%e) : (tensor<4x32x6x5xf32>, tensor<1xf32>) -> (tensor<4x32x6x5xf32>, tensor<32xf32>, tensor<32xf32>)
  return %0#2, %0#1, %0#0 : tensor<32xf32>, tensor<32xf32>, tensor<4x32x6x5xf32>
}

// -----

// Rows side by side in memory are taken a cache line at a time: these are too
// few lines of too long rows. The long reduction is taken in two stages.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-3: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK-NOT: fusilli.kind = "rows"
func.func @main(%x: tensor<32768x64xf32> {fusilli.name = "x"}) -> (tensor<32768x64xf32> {fusilli.name = "y"}) {
  %m = fusilli.reduction MAX %x : (tensor<32768x64xf32>) -> tensor<1x64xf32>
  %s = fusilli.pointwise SUB %x, %m : (tensor<32768x64xf32>, tensor<1x64xf32>) -> tensor<32768x64xf32>
  return %s : tensor<32768x64xf32>
}

// -----

// A value larger than all that it comes from is computed again for each
// reduction, and never stored.
// CHECK-LABEL: func.func @main
// CHECK: fusilli.dispatch @{{.*}} : (tensor<20000x1xf32>, tensor<1x20000xf32>) -> tensor<20000x1xf32>
// CHECK: fusilli.dispatch @{{.*}} : (tensor<20000x1xf32>, tensor<1x20000xf32>) -> tensor<1x20000xf32>
// CHECK-NOT: fusilli.dispatch
func.func @main(%x: tensor<20000x1xf32> {fusilli.name = "x"}, %y: tensor<1x20000xf32> {fusilli.name = "y"}) -> (tensor<20000x1xf32> {fusilli.name = "a"}, tensor<1x20000xf32> {fusilli.name = "b"}) {
  %0 = fusilli.pointwise ADD %x, %y : (tensor<20000x1xf32>, tensor<1x20000xf32>) -> tensor<20000x20000xf32>
  %1 = fusilli.pointwise EXP %0 : (tensor<20000x20000xf32>) -> tensor<20000x20000xf32>
  %a = fusilli.reduction SUM %1 : (tensor<20000x20000xf32>) -> tensor<20000x1xf32>
  %b = fusilli.reduction SUM %1 : (tensor<20000x20000xf32>) -> tensor<1x20000xf32>
  return %a, %b : tensor<20000x1xf32>, tensor<1x20000xf32>
}

// -----

// A few long rows are better shared out as reductions and a pointwise kernel.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK-NOT: fusilli.kind = "rows"
func.func @main(%x: tensor<2x32768xf32> {fusilli.name = "x"}) -> (tensor<2x32768xf32> {fusilli.name = "y"}) {
  %m = fusilli.reduction MAX %x : (tensor<2x32768xf32>) -> tensor<2x1xf32>
  %s = fusilli.pointwise SUB %x, %m : (tensor<2x32768xf32>, tensor<2x1xf32>) -> tensor<2x32768xf32>
  return %s : tensor<2x32768xf32>
}

// -----

// Layer normalisation is one kernel.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
func.func @main(%x: tensor<64x128xf32> {fusilli.name = "x"}) -> (tensor<64x128xf32> {fusilli.name = "y"}) {
  %e = fusilli.constant dense<1.0e-5> : tensor<1xf32>
  %0 = fusilli.reduction AVG %x : (tensor<64x128xf32>) -> tensor<64x1xf32>
  %1 = fusilli.pointwise SUB %x, %0 : (tensor<64x128xf32>, tensor<64x1xf32>) -> tensor<64x128xf32>
  %2 = fusilli.pointwise MUL %1, %1 : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
  %3 = fusilli.reduction AVG %2 : (tensor<64x128xf32>) -> tensor<64x1xf32>
  %4 = fusilli.pointwise ADD %3, %e : (tensor<64x1xf32>, tensor<1xf32>) -> tensor<64x1xf32>
  %5 = fusilli.pointwise RSQRT %4 : (tensor<64x1xf32>) -> tensor<64x1xf32>
  %6 = fusilli.pointwise MUL %1, %5 : (tensor<64x128xf32>, tensor<64x1xf32>) -> tensor<64x128xf32>
  return %6 : tensor<64x128xf32>
}
