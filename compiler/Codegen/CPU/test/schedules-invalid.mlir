// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedules that are missing, of no known strategy, or do not fit.
// RUN: %fusilli-opt %s --split-input-file --verify-diagnostics --fusilli-convert-to-linalg --fusilli-emit-kernels=target=x86-64-v4

// expected-error@below {{has no schedule of a known strategy}}
// expected-error@below {{no code for kernel none}}
func.func private @none(%x: tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel} {
  %0 = fusilli.pointwise NEG %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@below {{has no schedule of a known strategy}}
// expected-error@below {{no code for kernel unknown}}
func.func private @unknown(%x: tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<winograd>} {
  %0 = fusilli.pointwise NEG %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@below {{strategy rows does not fit: has no reduction}}
// expected-error@below {{no code for kernel unfit}}
func.func private @unfit(%x: tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<rows, workgroup = [1]>} {
  %0 = fusilli.pointwise NEG %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@below {{strategy attention does not fit: the kernel is no quotient of a product and a sum}}
// expected-error@below {{no code for kernel no_attention}}
func.func private @no_attention(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<attention, workgroup = [1, 16], tile = [8, 32], cache = [16, 32, 32], lanes = 16>} {
  %0 = fusilli.pointwise NEG %x : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

// expected-error@below {{strategy attention does not fit: the schedule is not one of its own}}
// expected-error@below {{no code for kernel edited}}
func.func private @edited(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<attention, workgroup = [1, 16], tile = [8, 32], cache = [15, 32, 32], lanes = 16>} {
  %0 = fusilli.sdpa %x, %x, %x scale = 1.0 : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}
