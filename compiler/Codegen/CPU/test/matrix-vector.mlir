// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v4 --fusilli-emit-kernels=target=x86-64-v4 | FileCheck %s
// RUN: fusilli-opt %s --split-input-file --fusilli-convert-to-linalg --fusilli-select-schedules=target=x86-64-v3 --fusilli-emit-kernels=target=x86-64-v3 | FileCheck %s --check-prefix=V3

// Rows of the matrix along k: eight of them at once, 256 terms in one
// accumulator, the lanes of all eight added together.
// CHECK-LABEL: func.func private @column(
// CHECK-SAME: #fusilli.schedule<"matrix-vector", workgroup = [64], tile = [8], lanes = 16>
// CHECK: %{{.*}}:8 = scf.for
// CHECK-COUNT-8: vector.fma %{{.*}} : vector<16xf32>
// CHECK-NOT: vector.fma
// CHECK-COUNT-8: arith.addf
// CHECK: vector.shuffle
// V3-LABEL: func.func private @column(
// V3-SAME: tile = [8], lanes = 8, unroll = 2
// V3-COUNT-16: vector.fma %{{.*}} : vector<8xf32>
// V3-NOT: vector.fma
func.func private @column(%a: tensor<4096x8192xf32>, %b: tensor<8192x1xf32>) -> tensor<4096x1xf32> attributes {fusilli.kernel} {
  %0 = fusilli.matmul %a, %b : (tensor<4096x8192xf32>, tensor<8192x1xf32>) -> tensor<4096x1xf32>
  return %0 : tensor<4096x1xf32>
}
