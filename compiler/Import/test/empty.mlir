// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A graph without nodes: its inputs stay parameters.
// RUN: fusilli-compile %S/Inputs/empty.json --emit=mlir | FileCheck %s
// RUN: fusilli-compile %S/Inputs/empty.json --stats | FileCheck %s --check-prefix=STATS

// CHECK: func.func @main(%{{.*}}: tensor<4xf32> {fusilli.name = "x"}) {
// CHECK-NEXT: return
// STATS: "dispatch-count":0,"kernels":0
