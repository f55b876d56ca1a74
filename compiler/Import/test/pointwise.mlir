// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs and outputs sorted by name, scalars as constants, layouts, parameters.
// RUN: fusilli-compile %S/Inputs/pointwise.json --emit=mlir | FileCheck %s

// CHECK: func.func @main(%[[C:.*]]: tensor<4xbf16> {fusilli.name = "c"}, %[[X:.*]]: tensor<2x3x4xf32, #fusilli.layout<strides = [12, 1, 3]>> {fusilli.name = "x"}) -> (tensor<2x3x4xi1, #fusilli.layout<strides = [12, 1, 3]>> {fusilli.name = "m"}, tensor<2x3x4xf32, #fusilli.layout<strides = [12, 1, 3]>> {fusilli.name = "z"})
// CHECK-NEXT: %[[A:.*]] = fusilli.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK-NEXT: %[[T:.*]] = fusilli.pointwise MUL %[[X]], %[[A]] {node = "scale"}
// CHECK-NEXT: %[[Z:.*]] = fusilli.pointwise ELU_FWD %[[T]] {elu_alpha = 2.500000e-01 : f32, node = "act"}
// CHECK-NEXT: %[[M:.*]] = fusilli.pointwise CMP_LT %[[Z]], %[[C]] {node = "cmp"}
// CHECK-NEXT: return %[[M]], %[[Z]]
