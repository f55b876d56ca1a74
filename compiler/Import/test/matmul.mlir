// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A transposed operand is a layout; a promise of the client an attribute.
// RUN: fusilli-compile %S/Inputs/matmul.json --emit=mlir | FileCheck %s

// CHECK: func.func @main({{.*}} {fusilli.name = "a"}, {{.*}} {fusilli.constant, fusilli.name = "b"})
// CHECK: fusilli.matmul %{{.*}}, %{{.*}} {node = "mm"} : (tensor<2x4x8xf32>, tensor<1x8x3xf32, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32>
