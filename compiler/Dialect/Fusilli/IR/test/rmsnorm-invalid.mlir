// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of rmsnorm; those of all normalizations are
// tested with layernorm.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%x: tensor<4x8xf32>, %e: tensor<1xi32>) {
  // expected-error@+1 {{has a tensor of integers, expected floating-point types}}
  %0 = fusilli.rmsnorm %x epsilon(%e) : (tensor<4x8xf32>, tensor<1xi32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %s: tensor<4x8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{scale has shape [4, 8], expected [1, 8]}}
  %0 = fusilli.rmsnorm %x scale(%s) epsilon(%e) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  return
}
