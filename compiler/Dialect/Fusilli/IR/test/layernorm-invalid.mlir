// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of layernorm.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%x: tensor<4x8xi32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{has a tensor of integers, expected floating-point types}}
  %0 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xi32>, tensor<1xf32>) -> tensor<4x8xi32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{x has rank 1, expected at least 2}}
  %0 = fusilli.layernorm %x epsilon(%e) : (tensor<8xf32>, tensor<1xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %e: tensor<2xf32>) {
  // expected-error@+1 {{epsilon has 2 elements, expected 1}}
  %0 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<2xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{the result has shape [8, 4], expected [4, 8]}}
  %0 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<8x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{result has broadcast strides [1, 0]}}
  %0 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32, #fusilli.layout<strides = [1, 0]>>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %s: tensor<4x1xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{scale has shape [4, 1], expected [1, 8]}}
  %0 = fusilli.layernorm %x scale(%s) epsilon(%e) : (tensor<4x8xf32>, tensor<4x1xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{bias has shape [8], expected [1, 8]}}
  %0 = fusilli.layernorm %x bias(%b) epsilon(%e) : (tensor<4x8xf32>, tensor<8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{has 1 statistics as results, expected none or 2}}
  %0:2 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>)
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{a statistic has shape [4], expected [4, 1]}}
  %0:3 = fusilli.layernorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}
