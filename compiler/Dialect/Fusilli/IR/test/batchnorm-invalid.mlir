// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of batchnorm; those of all normalizations are
// tested with layernorm.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%x: tensor<2x8x5xf32>, %c: tensor<8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{has one of mean and variance, expected both or none}}
  %0 = fusilli.batchnorm %x variance(%c) epsilon(%e) : (tensor<2x8x5xf32>, tensor<8xf32>, tensor<1xf32>) -> tensor<2x8x5xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x5xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{has 0 statistics as results, expected 2 without mean and variance}}
  %0 = fusilli.batchnorm %x epsilon(%e) : (tensor<2x8x5xf32>, tensor<1xf32>) -> tensor<2x8x5xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x5xf32>, %c: tensor<8xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{has 2 statistics as results, expected none with mean and variance given}}
  %0:3 = fusilli.batchnorm %x mean(%c) variance(%c) epsilon(%e) : (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>) -> (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x8x5xf32>, %c: tensor<8xf32>, %d: tensor<5xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{bias has shape [5], expected [8]}}
  %0 = fusilli.batchnorm %x mean(%c) variance(%c) bias(%d) epsilon(%e) : (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>, tensor<5xf32>, tensor<1xf32>) -> tensor<2x8x5xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x5xf32>, %c: tensor<8xf32>, %d: tensor<5xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{mean has shape [5], expected [8]}}
  %0 = fusilli.batchnorm %x mean(%d) variance(%c) epsilon(%e) : (tensor<2x8x5xf32>, tensor<5xf32>, tensor<8xf32>, tensor<1xf32>) -> tensor<2x8x5xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x5xf32>, %c: tensor<8xf32>, %d: tensor<5xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{variance has shape [5], expected [8]}}
  %0 = fusilli.batchnorm %x mean(%c) variance(%d) epsilon(%e) : (tensor<2x8x5xf32>, tensor<8xf32>, tensor<5xf32>, tensor<1xf32>) -> tensor<2x8x5xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x5xf32>, %d: tensor<5xf32>, %e: tensor<1xf32>) {
  // expected-error@+1 {{scale has shape [5], expected [8]}}
  %0:3 = fusilli.batchnorm %x scale(%d) epsilon(%e) : (tensor<2x8x5xf32>, tensor<5xf32>, tensor<1xf32>) -> (tensor<2x8x5xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}
