// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What functions of custom ops cannot hold.
// RUN: fusilli-opt %s --fusilli-prepare-custom --verify-diagnostics --split-input-file

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{'scf.for' op is not implemented in custom ops, expected ops of linalg, tensor, arith and math}}
  %0 = scf.for %i = %c0 to %c1 step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
    scf.yield %a : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{has a dynamic shape, which is not implemented}}
  %0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  %1 = tensor.cast %0 : tensor<?xf32> to tensor<4xf32>
  return %1 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{'math.atan' op is not implemented in the body of an op}}
  %0 = math.atan %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant 1 : index
  // expected-error@+1 {{'tensor.extract' op is not implemented in custom ops}}
  %s = tensor.extract %x[%c] : tensor<4xf32>
  %0 = tensor.insert %s into %x[%c] : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@+1 {{has no body of one block}}
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32> {fusilli.name = "x"}) -> (tensor<4xf32> {fusilli.name = "y"}) {
  %0 = fusilli.custom @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
