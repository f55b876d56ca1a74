// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lists by spatial dimension; the result's dims are the graph's.
// RUN: fusilli-compile %S/Inputs/conv-dgrad.json --emit=mlir | FileCheck %s

// CHECK: fusilli.conv_dgrad %{{.*}}, %{{.*}} padding = [1, 0] stride = [2, 1] dilation = [1, 2] {node = "grad"} : (tensor<1x6x3x1xf16>, tensor<6x4x3x3xf16>) -> tensor<1x4x5x5xf16>
