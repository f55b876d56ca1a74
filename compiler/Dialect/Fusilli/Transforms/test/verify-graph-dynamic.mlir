// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dynamic dims that fusilli-verify-graph accepts: beside broadcast extents of 1,
// reduced, as rows, batch and contracted dims of a product, as the batch of a
// convolution.
// RUN: fusilli-opt %s --fusilli-verify-graph

func.func @main(%b: tensor<1x4xf32> {fusilli.name = "b"},
                %i: tensor<16x3x8xf32, #fusilli.layout<strides = [24, 8, 1], dynamic = [0]>> {fusilli.name = "i"},
                %t: tensor<4x16xf32, #fusilli.layout<strides = [1, 4], dynamic = [1]>> {fusilli.name = "t"},
                %w: tensor<4x3x3xf32> {fusilli.name = "w"},
                %x: tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>> {fusilli.name = "x"})
    -> (tensor<16x4x6xf32, #fusilli.layout<strides = [24, 6, 1], dynamic = [0]>> {fusilli.name = "c"},
        tensor<16x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [0, 1]>> {fusilli.name = "g"},
        tensor<4x4xf32> {fusilli.name = "p"},
        tensor<1x4xf32> {fusilli.name = "s"}) {
  %0 = fusilli.pointwise ADD %x, %b : (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>, tensor<1x4xf32>) -> tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
  %1 = fusilli.pointwise IDENTITY %0 : (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>) -> tensor<16x4xf32, #fusilli.layout<strides = [1, 16], dynamic = [0]>>
  %2 = fusilli.matmul %0, %t : (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>, tensor<4x16xf32, #fusilli.layout<strides = [1, 4], dynamic = [1]>>) -> tensor<16x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [0, 1]>>
  %3 = fusilli.matmul %t, %0 : (tensor<4x16xf32, #fusilli.layout<strides = [1, 4], dynamic = [1]>>, tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>) -> tensor<4x4xf32>
  %4 = fusilli.reduction SUM %1 : (tensor<16x4xf32, #fusilli.layout<strides = [1, 16], dynamic = [0]>>) -> tensor<1x4xf32>
  %5 = fusilli.conv_fprop %i, %w padding = [0] stride = [1] dilation = [1] : (tensor<16x3x8xf32, #fusilli.layout<strides = [24, 8, 1], dynamic = [0]>>, tensor<4x3x3xf32>) -> tensor<16x4x6xf32, #fusilli.layout<strides = [24, 6, 1], dynamic = [0]>>
  return %5, %2, %3, %4 : tensor<16x4x6xf32, #fusilli.layout<strides = [24, 6, 1], dynamic = [0]>>, tensor<16x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [0, 1]>>, tensor<4x4xf32>, tensor<1x4xf32>
}
