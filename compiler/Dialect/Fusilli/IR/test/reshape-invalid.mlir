// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of reshape.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{is no other view of the same buffer: 'tensor<4x8xf32>' to 'tensor<16x4xf32>'}}
  %0 = fusilli.reshape %a : tensor<4x8xf32> -> tensor<16x4xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>) {
  // expected-error@+1 {{is no other view of the same buffer}}
  %0 = fusilli.reshape %a : tensor<4xf32> -> tensor<4x1xi32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{is no other view of the same buffer}}
  %0 = fusilli.reshape %a : tensor<4x8xf32> -> tensor<4x1x8xf32, #fusilli.layout<strides = [1, 1, 8]>>
  return
}
