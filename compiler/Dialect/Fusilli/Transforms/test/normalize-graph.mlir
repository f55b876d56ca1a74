// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What computes nothing goes; every result gets an op.
// RUN: %fusilli-opt %s --split-input-file --fusilli-normalize-graph | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[Y:.*]] = fusilli.pointwise ABS %{{.*}} : (tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>>) -> tensor<4x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>> {fusilli.name = "x"}) -> (tensor<4x8xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise IDENTITY %x : (tensor<4x8xf32, #fusilli.layout<strides = [1, 4]>>) -> tensor<4x8xf32>
  %1 = fusilli.pointwise ABS %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = fusilli.pointwise EXP %1 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// A conversion is no renaming.
// CHECK-LABEL: func.func @main
// CHECK: IDENTITY
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise IDENTITY %x : (tensor<4xf32>) -> tensor<4xf16>
  %1 = fusilli.pointwise ABS %0 : (tensor<4xf16>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK: %[[C:.*]] = fusilli.constant
// CHECK: %[[Y:.*]] = fusilli.pointwise IDENTITY %[[C]]
// CHECK: return %[[Y]]
func.func @main() -> (tensor<1xf32> {fusilli.name = "y"}) {
  %c = fusilli.constant dense<2.0> : tensor<1xf32>
  return %c : tensor<1xf32>
}
