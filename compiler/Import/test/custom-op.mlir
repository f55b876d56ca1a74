// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function of a custom op stands before @main, its placeholders filled in.
// RUN: fusilli-compile %S/Inputs/custom-op.json --emit=mlir | FileCheck %s

// CHECK: func.func private @custom.twice(%[[X:.*]]: tensor<4x3xf16>) -> tensor<4x3xf16> {
// CHECK:   %[[Y:.*]] = arith.addf %[[X]], %[[X]] : tensor<4x3xf16>
// CHECK:   return %[[Y]]
// CHECK: func.func @main
// CHECK:   fusilli.custom @custom.twice(%{{.*}}) {node = "twice"} : (tensor<4x3xf16>) -> tensor<4x3xf16>
