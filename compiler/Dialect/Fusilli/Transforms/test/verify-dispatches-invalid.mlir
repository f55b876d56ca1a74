// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of fusilli-verify-dispatches.
// RUN: fusilli-opt %s --fusilli-verify-dispatches --verify-diagnostics --split-input-file

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{is not in a kernel}}
  %0 = fusilli.pointwise ABS %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@+1 {{returns a value that no kernel computes}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{has no attribute 'fusilli.kind'}}
func.func private @k(%x: tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel} {
  return %x : tensor<4xf32>
}

// -----

func.func private @k(%x: tensor<4xf32>) attributes {fusilli.kernel, fusilli.kind = "pointwise"} {
  // expected-error@+1 {{in a kernel}}
  %c = arith.constant 1.0 : f32
  return
}

// -----

// expected-error@+1 {{of kind "pointwise" has 0 contractions, 0 attentions and 1 reductions}}
func.func private @k(%x: tensor<4xf32>) -> tensor<1xf32> attributes {fusilli.kernel, fusilli.kind = "pointwise"} {
  %0 = fusilli.reduction ADD %x : (tensor<4xf32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func private @k(%x: tensor<4x4xf32>) -> tensor<4x4xf32> attributes {fusilli.kernel, fusilli.kind = "contraction"} {
  %0 = fusilli.constant dense<1.0> : tensor<4x4xf32>
  // expected-error@+1 {{has an operand that is neither argument nor pointwise}}
  %1 = fusilli.matmul %x, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// -----

func.func private @k(%x: tensor<4x4xf32>) -> (tensor<4x1xf32>, tensor<1x4xf32>) attributes {fusilli.kernel, fusilli.kind = "reduction"} {
  %0 = fusilli.reduction ADD %x : (tensor<4x4xf32>) -> tensor<4x1xf32>
  // expected-error@+1 {{reduces another shape or other dimensions than the kernel's first}}
  %1 = fusilli.reduction ADD %x : (tensor<4x4xf32>) -> tensor<1x4xf32>
  return %0, %1 : tensor<4x1xf32>, tensor<1x4xf32>
}

// -----

// expected-error@+1 {{has a result of type 'tensor<4x4xf32>', expected shape [4, 1]}}
func.func private @k(%x: tensor<4x4xf32>) -> tensor<4x4xf32> attributes {fusilli.kernel, fusilli.kind = "reduction"} {
  %0 = fusilli.reduction ADD %x : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %1 = fusilli.pointwise SUB %x, %0 : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// -----

// expected-error@+1 {{of kind "attention" has 0 contractions, 2 attentions and 0 reductions}}
func.func private @kernel_0(%q: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> attributes {fusilli.kernel, fusilli.kind = "attention"} {
  %0 = fusilli.sdpa %q, %q, %q scale = 1.0 : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %1 = fusilli.sdpa %0, %0, %0 scale = 1.0 : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}
