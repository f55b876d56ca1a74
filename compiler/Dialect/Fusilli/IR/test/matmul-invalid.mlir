// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of matmul.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%b: tensor<8xf32>) {
  // expected-error@+1 {{a has rank 1, expected at least 2}}
  %0 = fusilli.matmul %b, %b : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>, %b: tensor<8xf32>) {
  // expected-error@+1 {{b has rank 1, expected 2 as a}}
  %0 = fusilli.matmul %a, %b : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{a has 8 columns, b has 4 rows}}
  %0 = fusilli.matmul %a, %a : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{batch extents of dimension 0 are neither equal nor 1: 2 and 4}}
  %0 = fusilli.matmul %d, %e : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<4x3x3xf32>
  return
}

// -----

func.func @f(%c: tensor<4x1xf32>, %f: tensor<4x4xf32>) {
  // expected-error@+1 {{result has shape [4, 4], expected [4, 1]}}
  %0 = fusilli.matmul %f, %c : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @f(%f: tensor<4x4xf32>) {
  // expected-error@+1 {{is not defined for i1 results}}
  %0 = fusilli.matmul %f, %f : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xi1>
  return
}

// -----

func.func @f(%f: tensor<4x4xf32>) {
  // expected-error@+1 {{result has broadcast strides [0, 1]}}
  %0 = fusilli.matmul %f, %f : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32, #fusilli.layout<strides = [0, 1]>>
  return
}
