// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A transposed operand is a layout.
// RUN: fusilli-compile %S/Inputs/matmul.json --emit=mlir | FileCheck %s

// CHECK: fusilli.matmul %{{.*}}, %{{.*}} {node = "mm"} : (tensor<2x4x8xf32>, tensor<1x8x3xf32, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32>
