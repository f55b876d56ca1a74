// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of conv-fprop.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%a: tensor<4x8xf32>) {
  // expected-error@+1 {{x has rank 2, expected 3, 4 or 5}}
  %0 = fusilli.conv_fprop %a, %a padding = [0] stride = [1] dilation = [1] : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<4x8xf32>, %d: tensor<2x3x3xf32>) {
  // expected-error@+1 {{w has rank 2, expected 3 as x}}
  %0 = fusilli.conv_fprop %d, %a padding = [0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{padding has 2 values, expected 1}}
  %0 = fusilli.conv_fprop %d, %e padding = [0, 0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{stride has value 0, expected at least 1}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [0] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %g: tensor<3x2x3xf32>) {
  // expected-error@+1 {{x has 3 channels, not a multiple of the 2 channels of a filter}}
  %0 = fusilli.conv_fprop %d, %g padding = [0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<3x2x3xf32>) -> tensor<2x3x1xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %h: tensor<4x1x3xf32>) {
  // expected-error@+1 {{w has 4 filters, not a multiple of the 3 groups}}
  %0 = fusilli.conv_fprop %d, %h padding = [0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x1x3xf32>) -> tensor<2x4x1xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{the filter is larger than the padded x in spatial dimension 0}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [1] dilation = [2] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{result has shape [2, 4, 3], expected [2, 4, 1]}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x3xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{is not defined for i1 results}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xi1>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{result has broadcast strides [0, 1, 1]}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xf32, #fusilli.layout<strides = [0, 1, 1]>>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x0x3xf32>) {
  // expected-error@+1 {{w has extent 0, expected at least 1}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x0x3xf32>) -> tensor<2x4x1xf32>
  return
}

// -----

func.func @f(%d: tensor<2x0x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{x has extent 0, expected at least 1}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [1] dilation = [1] : (tensor<2x0x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xf32>
  return
}

// -----

// Beyond 64 bits.
func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{the filter is larger than the padded x in spatial dimension 0}}
  %0 = fusilli.conv_fprop %d, %e padding = [9223372036854775807] stride = [1] dilation = [1] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xf32>
  return
}

// -----

func.func @f(%d: tensor<2x3x3xf32>, %e: tensor<4x3x3xf32>) {
  // expected-error@+1 {{the filter is larger than the padded x in spatial dimension 0}}
  %0 = fusilli.conv_fprop %d, %e padding = [0] stride = [1] dilation = [9223372036854775807] : (tensor<2x3x3xf32>, tensor<4x3x3xf32>) -> tensor<2x4x1xf32>
  return
}
