// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants print and parse.
// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @constant
func.func @constant() -> tensor<1xf32> {
  // CHECK: fusilli.constant dense<5.000000e-01> : tensor<1xf32>
  %0 = fusilli.constant dense<0.5> : tensor<1xf32>
  return %0 : tensor<1xf32>
}
