// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of custom-op.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @main(%x: tensor<4xf32>) {
  // expected-error@+1 {{names no function: @missing}}
  %0 = fusilli.custom @missing(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel}
func.func @main(%x: tensor<4xf32>) {
  // expected-error@+1 {{names a kernel: @k}}
  %0 = fusilli.custom @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @f(tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error@+1 {{has 1 inputs, but @f has 2}}
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @f(tensor<4xf32>) -> tensor<5xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error@+1 {{result 0 of @f has type 'tensor<5xf32>', expected 'tensor<4xf32>'}}
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @f(tensor<4xf16>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error@+1 {{input 0 of @f has type 'tensor<4xf16>', expected 'tensor<4xf32>'}}
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @f(tensor<4xf32>)
func.func @main(%x: tensor<4xf32>) {
  // expected-error@+1 {{has no results}}
  fusilli.custom @f(%x) : (tensor<4xf32>) -> ()
  return
}

// -----

func.func private @f(tensor<4xf32>) -> tensor<4x3xf32>
func.func @main(%x: tensor<4xf32>) {
  // expected-error@+1 {{result 0 has broadcast strides [0, 1]}}
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4x3xf32, #fusilli.layout<strides = [0, 1]>>
  return
}
