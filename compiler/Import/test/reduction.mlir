// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integers are signless.
// RUN: fusilli-compile %S/Inputs/reduction.json --emit=mlir | FileCheck %s

// CHECK: fusilli.reduction NORM2 %{{.*}} {node = "norm"} : (tensor<4x8xi32>) -> tensor<4x1xi32>
