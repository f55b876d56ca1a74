// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dynamic dims are part of a tensor's layout, contiguous or not.
// RUN: fusilli-compile %S/Inputs/dynamic.json --emit=mlir | FileCheck %s

// CHECK: func.func @main(%[[X:.*]]: tensor<4x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>> {fusilli.name = "x"}) -> (tensor<4x8xf32, #fusilli.layout<strides = [8, 1], dynamic = [0]>> {fusilli.name = "y"})
