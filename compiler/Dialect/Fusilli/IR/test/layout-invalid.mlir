// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message of the verifier of layout.
// RUN: fusilli-opt %s --verify-diagnostics --split-input-file

// expected-error@+1 {{layout has 1 strides, the tensor has rank 2}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [1]>>)

// -----

// expected-error@+1 {{strides [-3, 1] are negative}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [-3, 1]>>)

// -----

// expected-error@+1 {{a contiguous tensor carries no layout}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [3, 1]>>)

// -----

// expected-error@+1 {{a tensor with a layout has a static shape, not [-9223372036854775808, 2]}}
func.func private @f(tensor<?x2xf32, #fusilli.layout<strides = [2, 1]>>)

// -----

// expected-error@+1 {{dynamic dimension 2 of a tensor of rank 2}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [3, 1], dynamic = [2]>>)

// -----

// expected-error@+1 {{dynamic dimension -1 of a tensor of rank 2}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [3, 1], dynamic = [-1]>>)

// -----

// expected-error@+1 {{dynamic dimensions [1, 0] are not ascending}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [3, 1], dynamic = [1, 0]>>)

// -----

// expected-error@+1 {{dynamic dimensions [1, 1] are not ascending}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [3, 1], dynamic = [1, 1]>>)

// -----

// expected-error@+1 {{dynamic dimension 0 has the representative extent 1}}
func.func private @f(tensor<1x3xf32, #fusilli.layout<strides = [3, 1], dynamic = [0]>>)

// -----

// expected-error@+1 {{a tensor with dynamic dimensions has broadcast strides [0, 1]}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [0, 1], dynamic = [1]>>)

// -----

// expected-error@+1 {{do not store a tensor}}
func.func private @f(tensor<2x3xf32, #fusilli.layout<strides = [4, 1], dynamic = [0]>>)
