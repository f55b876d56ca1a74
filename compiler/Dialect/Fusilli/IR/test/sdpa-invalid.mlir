// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of sdpa.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{q has rank 3, expected 4}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>, %m: tensor<5x7xf32>) {
  // expected-error@+1 {{mask has rank 2, expected 4}}
  %0 = fusilli.sdpa %q, %k, %v mask %m scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>, tensor<5x7xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xi8>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{k has elements of type 'i8', expected floating-point ones}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xi8>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>, %m: tensor<1x1x5x7xi32>) {
  // expected-error@+1 {{mask has elements of type 'i32', expected floating-point ones}}
  %0 = fusilli.sdpa %q, %k, %v mask %m scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>, tensor<1x1x5x7xi32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{batch extents of q, k and v differ: 2, 1 and 2}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<1x2x7x8xf32>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x4xf32>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{k has head dim 4, q has 8}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x4xf32>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x6x6xf32>) {
  // expected-error@+1 {{v has sequence length 6, k has 7}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x6x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x3x7x8xf32>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{q has 4 heads, not a multiple of the 3 heads of k}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x3x7x8xf32>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x3x7x6xf32>) {
  // expected-error@+1 {{q has 4 heads, not a multiple of the 3 heads of v}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x3x7x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>, %m: tensor<1x1x5x6xf32>) {
  // expected-error@+1 {{mask has extent 6 in dimension 3, expected 1 or 7}}
  %0 = fusilli.sdpa %q, %k, %v mask %m scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>, tensor<1x1x5x6xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>, %m: tensor<1x1x5x7xf32>) {
  // expected-error@+1 {{has a mask and is causal, expected one of them}}
  %0 = fusilli.sdpa %q, %k, %v mask %m causal scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>, tensor<1x1x5x7xf32>) -> tensor<2x4x5x6xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{result has shape [2, 4, 5, 8], expected [2, 4, 5, 6]}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{result has elements of type 'i32', expected floating-point ones}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x6xi32>
  return
}

// -----

func.func @f(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x1x7x6xf32>) {
  // expected-error@+1 {{result has broadcast strides}}
  %0 = fusilli.sdpa %q, %k, %v scale = 1.0 : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x1x7x6xf32>) -> tensor<2x4x5x6xf32, #fusilli.layout<strides = [0, 30, 6, 1]>>
  return
}
