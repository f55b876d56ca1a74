// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lists by spatial dimension; a channels-last result.
// RUN: fusilli-compile %S/Inputs/conv-fprop.json --emit=mlir | FileCheck %s

// CHECK: fusilli.conv_fprop %{{.*}}, %{{.*}} padding = [1, 0] stride = [2, 1] dilation = [1, 2] {node = "conv"} : (tensor<1x4x5x5xf16, #fusilli.layout<strides = [100, 1, 20, 4]>>, tensor<6x4x3x3xf16>) -> tensor<1x6x3x1xf16
