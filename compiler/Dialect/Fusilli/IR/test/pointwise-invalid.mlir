// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of pointwise.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{ADD has 1 operands, expected 2}}
  %0 = fusilli.pointwise ADD %a : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%b: tensor<8xf32>, %c: tensor<4x1xf32>) {
  // expected-error@+1 {{operand 1 of shape [4, 1] does not broadcast to the result's shape [8, 8]}}
  %0 = fusilli.pointwise ADD %b, %c : (tensor<8xf32>, tensor<4x1xf32>) -> tensor<8x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{CMP_EQ has a result of 'f32', expected i1}}
  %0 = fusilli.pointwise CMP_EQ %a, %a : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{EXP is not defined for i1 results}}
  %0 = fusilli.pointwise EXP %a : (tensor<4x8xf32>) -> tensor<4x8xi1>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{EXP has a result of 'i32', expected a floating-point type}}
  %0 = fusilli.pointwise EXP %a : (tensor<4x8xf32>) -> tensor<4x8xi32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{BINARY_SELECT has a condition of 'f32', expected i1}}
  %0 = fusilli.pointwise BINARY_SELECT %a, %a, %a : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{result has broadcast strides [0, 1]}}
  %0 = fusilli.pointwise ABS %a : (tensor<4x8xf32>) -> tensor<4x8xf32, #fusilli.layout<strides = [0, 1]>>
  return
}
