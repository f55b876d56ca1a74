// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of conv-dgrad.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

func.func @f(%a: tensor<4x8xf32>, %b: tensor<4x8xf32>) {
  // expected-error@+1 {{result has rank 2, expected 3, 4 or 5}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x8xf32>) {
  // expected-error@+1 {{w has rank 2, expected 3 as result}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x4x1xf32>, tensor<4x8xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{dy has rank 2, expected 3 as result}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x4xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{padding has 2 values, expected 1}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0, 0] stride = [1] dilation = [1] : (tensor<2x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{stride has value 0, expected at least 1}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [0] dilation = [1] : (tensor<2x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x0x3xf32>) {
  // expected-error@+1 {{w has extent 0, expected at least 1}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x4x1xf32>, tensor<4x0x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x3x1xf32>, %b: tensor<3x2x3xf32>) {
  // expected-error@+1 {{result has 3 channels, not a multiple of the 2 channels of a filter}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x3x1xf32>, tensor<3x2x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x1x3xf32>) {
  // expected-error@+1 {{w has 4 filters, not a multiple of the 3 groups}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x4x1xf32>, tensor<4x1x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{the filter is larger than the padded result in spatial dimension 0}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [2] : (tensor<2x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x3xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{dy has shape [2, 4, 3], expected [2, 4, 1]}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x4x3xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{is not defined for i1 results}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xi1>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{result has broadcast strides}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [1] dilation = [1] : (tensor<2x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32, #fusilli.layout<strides = [0, 3, 1]>>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{has phase 2 of stride 2}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [2] dilation = [1] {phase = array<i64: 2>} : (tensor<2x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{has lists that are not of 1 spatial dimensions}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [2] dilation = [1] {phase = array<i64: 0, 1>} : (tensor<2x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<3x4x1xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{has images or channels that do not fit}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [2] dilation = [1] {phase = array<i64: 1>} : (tensor<3x4x1xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4xf32>, %b: tensor<4x3x3xf32>) {
  // expected-error@+1 {{has operands of other ranks than the result}}
  %0 = fusilli.conv_dgrad %a, %b padding = [0] stride = [2] dilation = [1] {phase = array<i64: 1>} : (tensor<2x4xf32>, tensor<4x3x3xf32>) -> tensor<2x3x3xf32>
  return
}
