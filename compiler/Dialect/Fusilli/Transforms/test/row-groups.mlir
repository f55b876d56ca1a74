// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of kind rows.
// RUN: %fusilli-opt %s --split-input-file --fusilli-import --fusilli-fuse=row-groups=1 --fusilli-verify-dispatches | FileCheck %s

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

// Reduced dimensions that are not the last ones make no rows.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: fusilli.dispatch
// CHECK-NOT: fusilli.dispatch
// CHECK-NOT: fusilli.kind = "rows"
func.func @main(%x: tensor<64x128xf32> {fusilli.name = "x"}) -> (tensor<64x128xf32> {fusilli.name = "y"}) {
  %m = fusilli.reduction MAX %x : (tensor<64x128xf32>) -> tensor<1x128xf32>
  %s = fusilli.pointwise SUB %x, %m : (tensor<64x128xf32>, tensor<1x128xf32>) -> tensor<64x128xf32>
  return %s : tensor<64x128xf32>
}
