// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @reduction
func.func @reduction(%a: tensor<4x8xf32>) -> tensor<4x1xf32> {
  // CHECK: fusilli.reduction MUL_NO_ZEROS %{{.*}} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %0 = fusilli.reduction MUL_NO_ZEROS %a : (tensor<4x8xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}
