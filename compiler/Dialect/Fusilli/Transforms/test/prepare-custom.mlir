// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions of custom ops in normal form, cut where a tensor is stored.
// RUN: %fusilli-opt %s --fusilli-prepare-custom --split-input-file | FileCheck %s

// Element-wise ops on tensors and constants: one part, no scalar operands.
// CHECK-LABEL: func.func private @custom_0(
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}} : tensor<4x8xf32>)
// CHECK: arith.constant 2.000000e+00 : f32
// CHECK: arith.mulf
// CHECK-LABEL: func.func @main
// CHECK: fusilli.custom @custom_0(%{{.*}}) {node = "c"}
func.func private @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c = arith.constant dense<2.0> : tensor<4x8xf32>
  %0 = arith.mulf %x, %c : tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
func.func @main(%x: tensor<4x8xf32> {fusilli.name = "x"}) -> (tensor<4x8xf32> {fusilli.name = "y"}) {
  %0 = fusilli.custom @f(%x) {node = "c"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// A reduction that is read again is stored; the start of an accumulation is a
// fill of its part.
// CHECK-LABEL: func.func private @custom_0.0(
// CHECK: linalg.fill
// CHECK: linalg.generic
// CHECK: arith.maximumf
// CHECK-LABEL: func.func private @custom_0.1(
// CHECK-SAME: tensor<4x8xf32>, %{{.*}}: tensor<4xf32>) -> tensor<4x8xf32>
// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = fusilli.custom @custom_0.0(%{{.*}}) {node = "c"} : (tensor<4x8xf32>) -> tensor<4xf32>
// CHECK: fusilli.custom @custom_0.1(%{{.*}}, %[[M]]) {node = "c"}
func.func private @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %ninf = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%ninf : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %m = linalg.reduce { arith.maximumf } ins(%x : tensor<4x8xf32>) outs(%f : tensor<4xf32>) dimensions = [1]
  %t = tensor.empty() : tensor<4x8xf32>
  %b = linalg.broadcast ins(%m : tensor<4xf32>) outs(%t : tensor<4x8xf32>) dimensions = [1]
  %0 = arith.subf %x, %b : tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
func.func @main(%x: tensor<4x8xf32> {fusilli.name = "x"}) -> (tensor<4x8xf32> {fusilli.name = "y"}) {
  %0 = fusilli.custom @f(%x) {node = "c"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Independent results are taken apart, dependent ones stay together; bf16 is
// computed in f32; a parameter that is returned is copied.
// CHECK-LABEL: func.func private @custom_0.0(
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.addf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to bf16
// CHECK-LABEL: func.func private @custom_0.1(
// CHECK-SAME: -> (tensor<4xi32>, tensor<4xi32>)
// CHECK: linalg.yield %{{.*}}, %{{.*}} : i32, i32
// CHECK-LABEL: func.func @main
// CHECK: fusilli.pointwise IDENTITY
func.func private @f(%x: tensor<4xbf16>, %n: tensor<4x8xi32>) -> (tensor<4xbf16>, tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>) {
  %0 = arith.addf %x, %x : tensor<4xbf16>
  %c = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4xi32>
  %f = linalg.fill ins(%c : i32) outs(%e : tensor<4xi32>) -> tensor<4xi32>
  %1:2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
                         iterator_types = ["parallel", "reduction"]}
      ins(%n : tensor<4x8xi32>) outs(%f, %f : tensor<4xi32>, tensor<4xi32>) {
  ^bb0(%in: i32, %a: i32, %b: i32):
    %s = arith.addi %in, %b : i32
    linalg.yield %s, %a : i32, i32
  } -> (tensor<4xi32>, tensor<4xi32>)
  return %0, %1#0, %1#1, %x : tensor<4xbf16>, tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>
}
func.func @main(%n: tensor<4x8xi32> {fusilli.name = "n"}, %x: tensor<4xbf16> {fusilli.name = "x"})
    -> (tensor<4xbf16> {fusilli.name = "a"}, tensor<4xi32> {fusilli.name = "b"}, tensor<4xi32> {fusilli.name = "c"}, tensor<4xbf16> {fusilli.name = "d"}) {
  %0:4 = fusilli.custom @f(%x, %n) : (tensor<4xbf16>, tensor<4x8xi32>) -> (tensor<4xbf16>, tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>)
  return %0#0, %0#1, %0#2, %0#3 : tensor<4xbf16>, tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>
}
