// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of fusilli-verify-graph.
// RUN: fusilli-opt %s --fusilli-verify-graph --verify-diagnostics --split-input-file

// expected-error@+1 {{has no function @main}}
module {
}

// -----

module {
  func.func @main() {
    return
  }
  // expected-error@+1 {{beside @main, expected only @main}}
  func.func @other() {
    return
  }
}

// -----

// expected-error@+1 {{has no body of one block}}
func.func private @main()

// -----

// expected-error@+1 {{parameter 0 is no tensor of static shape: 'f32'}}
func.func @main(%x: f32) {
  return
}

// -----

// expected-error@+1 {{parameter 0 is no tensor of static shape: 'tensor<?xf32>'}}
func.func @main(%x: tensor<?xf32> {fusilli.name = "x"}) {
  return
}

// -----

// expected-error@+1 {{parameter 0 has no string attribute 'fusilli.name'}}
func.func @main(%x: tensor<4xf32>) {
  return
}

// -----

// expected-error@+1 {{two tensors are named "x"}}
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "x"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{parameters are not sorted by name: 'x' before "a"}}
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}, %a: tensor<4xf32> {fusilli.name = "a"}) {
  return
}

// -----

// expected-error@+1 {{result 0 has broadcast strides: 'tensor<4xf32, #fusilli.layout<strides = [0]>>'}}
func.func @main(%x: tensor<4xf32, #fusilli.layout<strides = [0]>> {fusilli.name = "x"}) -> (tensor<4xf32, #fusilli.layout<strides = [0]>> {fusilli.name = "y"}) {
  return %x : tensor<4xf32, #fusilli.layout<strides = [0]>>
}

// -----

func.func @main() {
  // expected-error@+1 {{is not an op of a graph}}
  %c = arith.constant 1.0 : f32
  return
}

// -----

// expected-error@+1 {{parameter 0 has element type 'i17', which no tensor of a graph has}}
func.func @main(%x: tensor<4xi17> {fusilli.name = "x"}) {
  return
}

// -----

// expected-error@+1 {{parameter 0 has extent 0; empty tensors are not implemented}}
func.func @main(%x: tensor<4x0xf32> {fusilli.name = "x"}) {
  return
}

// -----

// expected-error@+1 {{parameter 0 is too large}}
func.func @main(%x: tensor<4294967296x4294967296xf32> {fusilli.name = "x"}) {
  return
}

// -----

func.func @main(%x: tensor<4294967296x1xf32> {fusilli.name = "x"}, %y: tensor<1x4294967296xf32> {fusilli.name = "y"}) {
  // expected-error@+1 {{result is too large}}
  %0 = fusilli.pointwise ADD %x, %y : (tensor<4294967296x1xf32>, tensor<1x4294967296xf32>) -> tensor<4294967296x4294967296xf32>
  return
}

// -----

// Beyond 64 bits.
// expected-error@+1 {{parameter 0 is too large}}
func.func @main(%x: tensor<2x4xf32, #fusilli.layout<strides = [9223372036854775807, 1]>> {fusilli.name = "x"}) {
  return
}

// -----

// expected-error@+1 {{parameter 0 is too large}}
func.func @main(%x: tensor<2x4xf32, #fusilli.layout<strides = [4611686018427387904, 1]>> {fusilli.name = "x"}) {
  return
}

// -----

func.func @main(%x: tensor<4x3xf32> {fusilli.name = "x"}) {
  // expected-error@+1 {{result has strides [2, 1], with which elements overlap}}
  %0 = fusilli.pointwise ABS %x : (tensor<4x3xf32>) -> tensor<4x3xf32, #fusilli.layout<strides = [2, 1]>>
  return
}

// -----

// expected-error@+1 {{parameter 0 has rank 65, at most 64 are allowed}}
func.func @main(%a: tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32> {fusilli.name = "a"}) {
  return
}

// -----

func.func @main() {
  // expected-error@+1 {{has no value of the form dense<...>}}
  %c = fusilli.constant dense_resource<blob> : tensor<4xf32>
  return
}

{-#
  dialect_resources: {
    builtin: {
      blob: "0x0400000001000000020000000300000004000000"
    }
  }
#-}

// -----

func.func @main(%x: tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>> {fusilli.name = "x"}) -> (tensor<16x4xf32> {fusilli.name = "y"}) {
  // expected-error@+1 {{dim 0 of tensor 'y' is not dynamic, but has the extent of dim 0 of tensor 'x', which is}}
  %0 = fusilli.pointwise ABS %x : (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>) -> tensor<16x4xf32>
  return %0 : tensor<16x4xf32>
}

// -----

func.func @main(%x: tensor<16x4xf32> {fusilli.name = "x"}) -> (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>> {fusilli.name = "y"}) {
  // expected-error@+1 {{dim 0 of tensor 'x' is not dynamic, but has the extent of dim 0 of result 0 of node 'a', which is}}
  %0 = fusilli.pointwise ABS %x {node = "a"} : (tensor<16x4xf32>) -> tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
  %1 = fusilli.pointwise ABS %0 {node = "b"} : (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>) -> tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
  return %1 : tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
}

// -----

func.func @main(%x: tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>> {fusilli.name = "x"}, %z: tensor<16x4xf32> {fusilli.name = "z"}) -> (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>> {fusilli.name = "y"}) {
  // expected-error@+1 {{dim 0 of tensor 'z' is not dynamic, but has the extent of dim 0 of tensor 'x', which is}}
  %0 = fusilli.pointwise ADD %x, %z : (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>, tensor<16x4xf32>) -> tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
  return %0 : tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
}

// -----

func.func @main(%w: tensor<16x4xf32> {fusilli.name = "w"}, %x: tensor<8x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>> {fusilli.name = "x"}) -> (tensor<8x4xf32> {fusilli.name = "y"}) {
  // expected-error@+1 {{dim 0 of tensor 'w' is not dynamic, but has the extent of dim 1 of tensor 'x', which is}}
  %0 = fusilli.matmul %x, %w : (tensor<8x16xf32, #fusilli.layout<strides = [16, 1], dynamic = [1]>>, tensor<16x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @main(%w: tensor<4x3x3xf32> {fusilli.name = "w"}, %x: tensor<2x3x8xf32, #fusilli.layout<strides = [24, 8, 1], dynamic = [2]>> {fusilli.name = "x"}) -> (tensor<2x4x6xf32, #fusilli.layout<strides = [24, 6, 1], dynamic = [2]>> {fusilli.name = "y"}) {
  // expected-error@+1 {{dim 2 of tensor 'x' cannot be dynamic: the op needs its extent at compile time}}
  %0 = fusilli.conv_fprop %x, %w padding = [0] stride = [1] dilation = [1] : (tensor<2x3x8xf32, #fusilli.layout<strides = [24, 8, 1], dynamic = [2]>>, tensor<4x3x3xf32>) -> tensor<2x4x6xf32, #fusilli.layout<strides = [24, 6, 1], dynamic = [2]>>
  return %0 : tensor<2x4x6xf32, #fusilli.layout<strides = [24, 6, 1], dynamic = [2]>>
}

// -----

func.func @main(%x: tensor<1x4xf32> {fusilli.name = "x"}) -> (tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>> {fusilli.name = "y"}) {
  // expected-error@+1 {{dim 0 of tensor 'y' is dynamic, but no operand has its extent}}
  %0 = fusilli.pointwise ABS %x : (tensor<1x4xf32>) -> tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
  return %0 : tensor<16x4xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>
}

// -----

// expected-error@+1 {{parameter 0 is constant and has dynamic dims}}
func.func @main(%x: tensor<4xf32, #fusilli.layout<strides = [1], dynamic = [0]>> {fusilli.constant, fusilli.name = "x"}) -> (tensor<4xf32, #fusilli.layout<strides = [1], dynamic = [0]>> {fusilli.name = "y"}) {
  %0 = fusilli.pointwise RELU_FWD %x {node = "relu"} : (tensor<4xf32, #fusilli.layout<strides = [1], dynamic = [0]>>) -> tensor<4xf32, #fusilli.layout<strides = [1], dynamic = [0]>>
  return %0 : tensor<4xf32, #fusilli.layout<strides = [1], dynamic = [0]>>
}
