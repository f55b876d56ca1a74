// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Normalizations: empty slots, statistics in training, momentum left out.
// RUN: fusilli-compile %S/Inputs/rmsnorm.json --emit=mlir | FileCheck %s --check-prefix=RMS
// RUN: fusilli-compile %S/Inputs/layernorm.json --emit=mlir | FileCheck %s --check-prefix=LAYER
// RUN: fusilli-compile %S/Inputs/batchnorm.json --emit=mlir | FileCheck %s --check-prefix=BATCH

// RMS: fusilli.rmsnorm %{{.*}} scale(%{{.*}}) epsilon(%{{.*}}) {node = "norm"} : (tensor<4x8x2xf32>, tensor<1x8x2xf32>, tensor<1xf32>) -> tensor<4x8x2xf32>
// LAYER: fusilli.layernorm %{{.*}} bias(%{{.*}}) epsilon(%{{.*}}) {node = "norm"} : (tensor<4x8xf32>, tensor<1x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>)
// BATCH: fusilli.batchnorm %{{.*}} mean(%{{.*}}) variance(%{{.*}}) epsilon(%{{.*}}) {node = "norm"} : (tensor<4x8x2xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>) -> tensor<4x8x2xf32>
