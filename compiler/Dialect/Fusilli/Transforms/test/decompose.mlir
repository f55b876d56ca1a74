// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Normalizations become primitive ops: f32 in between, the last op gives the
// type of the result.
// RUN: %fusilli-opt %s --fusilli-decompose --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[E:.*]]: tensor<1xf32> {{.*}}, %[[S:.*]]: tensor<1x8xf16> {{.*}}, %[[X:.*]]: tensor<4x8xf16>
// CHECK-NEXT: %[[SQ:.*]] = fusilli.pointwise MUL %[[X]], %[[X]] {node = "n"} : {{.*}} -> tensor<4x8xf32>
// CHECK-NEXT: %[[MS:.*]] = fusilli.reduction AVG %[[SQ]] {node = "n"} : (tensor<4x8xf32>) -> tensor<4x1xf32>
// CHECK-NEXT: %[[A:.*]] = fusilli.pointwise ADD %[[MS]], %[[E]]
// CHECK-NEXT: %[[R:.*]] = fusilli.pointwise RSQRT %[[A]] {{.*}} -> tensor<4x1xf32>
// CHECK-NEXT: %[[N:.*]] = fusilli.pointwise MUL %[[X]], %[[R]] {{.*}} -> tensor<4x8xf32>
// CHECK-NEXT: %[[Y:.*]] = fusilli.pointwise MUL %[[N]], %[[S]] {{.*}} -> tensor<4x8xf16>
// CHECK-NEXT: return %[[Y]]
func.func @main(%e: tensor<1xf32> {fusilli.name = "e"}, %s: tensor<1x8xf16> {fusilli.name = "s"}, %x: tensor<4x8xf16> {fusilli.name = "x"}) -> (tensor<4x8xf16> {fusilli.name = "y"}) {
  %0 = fusilli.rmsnorm %x scale(%s) epsilon(%e) {node = "n"} : (tensor<4x8xf16>, tensor<1x8xf16>, tensor<1xf32>) -> tensor<4x8xf16>
  return %0 : tensor<4x8xf16>
}

// -----

// The mean of the differences corrects mean and variance.
// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = fusilli.reduction AVG %[[X:.*]] : (tensor<4x8xf32>) -> tensor<4x1xf32>
// CHECK-NEXT: %[[D:.*]] = fusilli.pointwise SUB %[[X]], %[[M]]
// CHECK-NEXT: %[[R:.*]] = fusilli.reduction AVG %[[D]]
// CHECK-NEXT: %[[SQ:.*]] = fusilli.pointwise MUL %[[D]], %[[D]]
// CHECK-NEXT: %[[V:.*]] = fusilli.reduction AVG %[[SQ]]
// CHECK-NEXT: %[[RR:.*]] = fusilli.pointwise MUL %[[R]], %[[R]]
// CHECK-DAG: %[[MEAN:.*]] = fusilli.pointwise ADD %[[M]], %[[R]]
// CHECK-DAG: %[[DIFF:.*]] = fusilli.pointwise SUB %[[D]], %[[R]]
// CHECK-DAG: %[[VAR:.*]] = fusilli.pointwise SUB %[[V]], %[[RR]]
// CHECK: %[[I:.*]] = fusilli.pointwise RSQRT
// CHECK: %[[Y:.*]] = fusilli.pointwise MUL %[[DIFF]], %[[I]]
// CHECK: %[[COPY:.*]] = fusilli.pointwise IDENTITY %[[MEAN]]
// CHECK-NOT: IDENTITY %[[I]]
// CHECK: return %[[COPY]], %[[Y]]
func.func @main(%e: tensor<1xf32> {fusilli.name = "e"}, %x: tensor<4x8xf32> {fusilli.name = "x"}) -> (tensor<4x1xf32> {fusilli.name = "m"}, tensor<4x8xf32> {fusilli.name = "y"}) {
  %0:3 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
  return %0#1, %0#0 : tensor<4x1xf32>, tensor<4x8xf32>
}

// -----

// Channels: dimension 1, in f64 for f64, with reshapes around.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[C:.*]]: tensor<3xf64>
// CHECK: %[[S:.*]] = fusilli.reshape %[[C]] : tensor<3xf64> -> tensor<1x3x1xf64>
// CHECK: %[[M:.*]] = fusilli.reduction AVG {{.*}} -> tensor<1x3x1xf64>
// CHECK: fusilli.pointwise MUL %{{.*}}, %[[S]]
// CHECK: %[[COPY:.*]] = fusilli.pointwise IDENTITY {{.*}} -> tensor<1x3x1xf64>
// CHECK-NEXT: %[[MEAN:.*]] = fusilli.reshape %[[COPY]] : tensor<1x3x1xf64> -> tensor<3xf64>
// CHECK: return %[[MEAN]]
func.func @main(%c: tensor<3xf64> {fusilli.name = "c"}, %e: tensor<1xf32> {fusilli.name = "e"}, %x: tensor<4x3x8xf64> {fusilli.name = "x"}) -> (tensor<3xf64> {fusilli.name = "m"}, tensor<4x3x8xf64> {fusilli.name = "y"}) {
  %0:3 = fusilli.batchnorm %x scale(%c) epsilon(%e) : (tensor<4x3x8xf64>, tensor<3xf64>, tensor<1xf32>) -> (tensor<4x3x8xf64>, tensor<3xf64>, tensor<3xf64>)
  return %0#1, %0#0 : tensor<3xf64>, tensor<4x3x8xf64>
}

// -----

// One element in a sample: no reduction.
// CHECK-LABEL: func.func @main
// CHECK-NOT: fusilli.reduction
// CHECK: return
func.func @main(%e: tensor<1xf32> {fusilli.name = "e"}, %x: tensor<4x1xf32> {fusilli.name = "x"}) -> (tensor<4x1xf32> {fusilli.name = "y"}) {
  %0 = fusilli.layernorm %x epsilon(%e) : (tensor<4x1xf32>, tensor<1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

// What has the extent of a dynamic dim is dynamic.
// CHECK-LABEL: func.func @main
// CHECK: fusilli.pointwise MUL {{.*}} -> tensor<16x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>>
// CHECK: fusilli.reduction AVG {{.*}} -> tensor<16x1xf32, #fusilli.layout<strides = [1, 1], dynamic = [0]>>
func.func @main(%e: tensor<1xf32> {fusilli.name = "e"}, %x: tensor<16x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>> {fusilli.name = "x"}) -> (tensor<16x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>> {fusilli.name = "y"}) {
  %0 = fusilli.rmsnorm %x epsilon(%e) {node = "n"} : (tensor<16x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>>, tensor<1xf32>) -> tensor<16x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>>
  return %0 : tensor<16x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>>
}
