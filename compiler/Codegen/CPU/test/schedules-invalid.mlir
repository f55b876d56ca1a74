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

// -----

// expected-error@below {{strategy matmul does not fit: the second operand is not constant}}
// expected-error@below {{no code for kernel not_constant}}
func.func private @not_constant(%a: tensor<96x100xf32>, %b: tensor<100x256xf32>) -> tensor<96x256xf32> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<matmul, workgroup = [96, 256], tile = [6, 64], cache = [100], lanes = 16, packing = [none, prepared], inner = "multiply-add">} {
  %0 = fusilli.matmul %a, %b : (tensor<96x100xf32>, tensor<100x256xf32>) -> tensor<96x256xf32>
  return %0 : tensor<96x256xf32>
}

// -----

// expected-error@below {{strategy matmul does not fit: rows of tile and workgroup exceed those of the result, or are no whole tiles}}
// expected-error@below {{no code for kernel no_tiles}}
func.func private @no_tiles(%a: tensor<96x100xf32>, %b: tensor<100x256xf32>) -> tensor<96x256xf32> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<matmul, workgroup = [50, 256], tile = [6, 64], cache = [100], lanes = 16, packing = [none, in_kernel], inner = "multiply-add">} {
  %0 = fusilli.matmul %a, %b : (tensor<96x100xf32>, tensor<100x256xf32>) -> tensor<96x256xf32>
  return %0 : tensor<96x256xf32>
}

// -----

// expected-error@below {{strategy matmul does not fit: an operand that is read in place does not lie as the tiles read it}}
// expected-error@below {{no code for kernel not_in_place}}
func.func private @not_in_place(%a: tensor<96x100xbf16>, %b: tensor<100x256xbf16>) -> tensor<96x256xbf16> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<matmul, workgroup = [96, 256], tile = [6, 64], cache = [100], lanes = 16, packing = [in_kernel, none], inner = "multiply-add">} {
  %0 = fusilli.matmul %a, %b : (tensor<96x100xbf16>, tensor<100x256xbf16>) -> tensor<96x256xbf16>
  return %0 : tensor<96x256xbf16>
}

// -----

// expected-error@below {{strategy convolution does not fit: the filter is packed, before the kernel only if it is constant}}
// expected-error@below {{no code for kernel filter}}
func.func private @filter(%x: tensor<1x32x6x6xf32>, %w: tensor<64x32x3x3xf32>) -> tensor<1x64x4x4xf32> attributes {fusilli.kernel, fusilli.schedule = #fusilli.schedule<convolution, workgroup = [6, 64], tile = [6, 64], cache = [288], lanes = 16, packing = [in_kernel, none], inner = "multiply-add">} {
  %0 = fusilli.conv_fprop %x, %w padding = [0, 0] stride = [1, 1] dilation = [1, 1] : (tensor<1x32x6x6xf32>, tensor<64x32x3x3xf32>) -> tensor<1x64x4x4xf32>
  return %0 : tensor<1x64x4x4xf32>
}
