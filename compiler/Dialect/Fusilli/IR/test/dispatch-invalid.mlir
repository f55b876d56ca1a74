// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of dispatch.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{names no function: @nothing}}
  %0 = fusilli.dispatch @nothing(%a) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{names a function that is no kernel: @f}}
  %0 = fusilli.dispatch @f(%a) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>) {
  // expected-error@+1 {{has other types than kernel @kernel}}
  %0 = fusilli.dispatch @kernel(%a) : (tensor<4xf32>) -> tensor<8xf32>
  return
}
func.func private @kernel(tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel}
