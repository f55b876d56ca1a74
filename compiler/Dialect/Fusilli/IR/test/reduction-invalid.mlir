// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of reduction.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{result has rank 1, expected 2 as x}}
  %0 = fusilli.reduction ADD %a : (tensor<4x8xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{result has extent 2 in dimension 1, expected 1 or 8}}
  %0 = fusilli.reduction ADD %a : (tensor<4x8xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{reduces no dimension}}
  %0 = fusilli.reduction ADD %a : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{AVG of 'f32' to 'i32', expected floating-point types}}
  %0 = fusilli.reduction AVG %a : (tensor<4x8xf32>) -> tensor<4x1xi32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{is not defined for i1 results}}
  %0 = fusilli.reduction MAX %a : (tensor<4x8xf32>) -> tensor<4x1xi1>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{result has broadcast strides [0, 0]}}
  %0 = fusilli.reduction MAX %a : (tensor<4x8xf32>) -> tensor<4x1xf32, #fusilli.layout<strides = [0, 0]>>
  return
}
