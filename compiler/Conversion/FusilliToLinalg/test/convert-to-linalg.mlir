// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: %fusilli-opt %s --split-input-file --fusilli-convert-to-linalg | FileCheck %s

// Dims stay logical, layouts stay on the arguments; the stored type is converted
// once.
// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func private @transposed(
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf16, #fusilli.layout<strides = [1, 4]>>, %[[Y:.*]]: tensor<4x8xf16>) -> tensor<4x8xf16>
// CHECK: %[[S:.*]] = linalg.generic {indexing_maps = [#[[ID]], #[[ID]], #[[ID]]]
// CHECK-SAME: ins(%[[X]], %[[Y]] : tensor<4x8xf16, #fusilli.layout<strides = [1, 4]>>, tensor<4x8xf16>) outs(%{{.*}} : tensor<4x8xf32>)
// CHECK: arith.extf
// CHECK: arith.addf %{{.*}} : f32
// CHECK: linalg.generic {{.*}} ins(%[[S]] : tensor<4x8xf32>) outs(%{{.*}} : tensor<4x8xf16>)
// CHECK: arith.truncf
func.func private @transposed(%x: tensor<4x8xf16, #fusilli.layout<strides = [1, 4]>>, %y: tensor<4x8xf16>) -> tensor<4x8xf16> attributes {fusilli.kernel} {
  %0 = fusilli.pointwise ADD %x, %y : (tensor<4x8xf16, #fusilli.layout<strides = [1, 4]>>, tensor<4x8xf16>) -> tensor<4x8xf16>
  return %0 : tensor<4x8xf16>
}

// -----

// Broadcast dims are read at 0; Boolean is a byte in memory and i1 inside.
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (0, d1)>
// CHECK-LABEL: func.func private @compare(
// CHECK-SAME: tensor<1x8xf32>) -> tensor<4x8xi8>
// CHECK: #[[ROW]]
// CHECK: arith.cmpf
// CHECK: arith.extui %{{.*}} : i1 to i8
func.func private @compare(%x: tensor<4x8xf32>, %r: tensor<1x8xf32>) -> tensor<4x8xi1> attributes {fusilli.kernel} {
  %0 = fusilli.pointwise CMP_GT %x, %r : (tensor<4x8xf32>, tensor<1x8xf32>) -> tensor<4x8xi1>
  return %0 : tensor<4x8xi1>
}

// -----

// CHECK-LABEL: func.func private @matmul(
// CHECK: linalg.fill
// CHECK: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<4x3xbf16>, tensor<3x5xbf16, #fusilli.layout<strides = [1, 3]>>) outs(%{{.*}} : tensor<4x5xf32>)
func.func private @matmul(%a: tensor<4x3xbf16>, %b: tensor<3x5xbf16, #fusilli.layout<strides = [1, 3]>>) -> tensor<4x5xbf16> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<4x3xbf16>, tensor<3x5xbf16, #fusilli.layout<strides = [1, 3]>>) -> tensor<4x5xbf16>
  return %0 : tensor<4x5xbf16>
}

// -----

// A channel is group * channels of a group + its number there; padding is
// explicit.
// CHECK-DAG: affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1 * 2 + d5, d3 + d6, d4 + d7)>
// CHECK-DAG: affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d1 * 3 + d2, d5, d6, d7)>
// CHECK-LABEL: func.func private @grouped(
// CHECK: tensor.pad %{{.*}} low[0, 0, 1, 1] high[0, 0, 1, 1]
// CHECK: tensor.collapse_shape %{{.*}} : tensor<2x2x3x5x5xf32> into tensor<2x6x5x5xf32>
func.func private @grouped(%x: tensor<2x4x5x5xf32>, %w: tensor<6x2x3x3xf32>) -> tensor<2x6x5x5xf32> attributes {fusilli.kernel} {
  %0 = fusilli.conv_fprop %x, %w padding = [1, 1] stride = [1, 1] dilation = [1, 1] : (tensor<2x4x5x5xf32>, tensor<6x2x3x3xf32>) -> tensor<2x6x5x5xf32>
  return %0 : tensor<2x6x5x5xf32>
}

// -----

// CHECK-LABEL: func.func private @mean(
// CHECK: linalg.fill
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.divf
func.func private @mean(%x: tensor<4x8xf32>) -> tensor<4x1xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction AVG %x : (tensor<4x8xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

// What is not a kernel stays.
// CHECK-LABEL: func.func @main(
// CHECK: fusilli.pointwise RELU_FWD
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = fusilli.pointwise RELU_FWD %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The count of an average over a dynamic dim is its extent at run time, times
// the static ones.
// CHECK-LABEL: func.func private @average(
// CHECK: arith.addf
// CHECK: %[[FOUR:.*]] = arith.constant 4 : index
// CHECK: %[[N:.*]] = fusilli.extent 16
// CHECK: %[[COUNT:.*]] = arith.muli %[[FOUR]], %[[N]] : index
// CHECK: %[[I:.*]] = arith.index_cast %[[COUNT]] : index to i64
// CHECK: %[[F:.*]] = arith.sitofp %[[I]] : i64 to f32
// CHECK: arith.divf %{{.*}}, %[[F]] : f32
func.func private @average(%x: tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>) -> tensor<1x1xf32> attributes {fusilli.kernel} {
  %0 = fusilli.reduction AVG %x : (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}
