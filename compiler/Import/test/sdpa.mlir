// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The default scale, grouped heads and a mask; what is not implemented names the
// node.
// RUN: fusilli-compile %S/Inputs/sdpa.json --emit=mlir | FileCheck %s
// RUN: not fusilli-compile %S/Inputs/sdpa-dropout.json --emit=mlir 2>&1 | FileCheck %s --check-prefix=DROPOUT

// CHECK: fusilli.sdpa %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} scale = 5.000000e-01 {node = "attention"} : (tensor<1x4x5x4xf16>, tensor<1x2x7x4xf16>, tensor<1x2x7x3xf16>, tensor<1x1x5x7xf16>) -> tensor<1x4x5x3xf16>
// DROPOUT: node 'attention': dropout 0.500000 is not implemented, only 0
